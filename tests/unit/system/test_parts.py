# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known to be wrong with releases of the OCI runtimes, and the version this is."""

from __future__ import annotations

import re

import pytest
from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import version
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import parts

_OLD = "CVE-2024-21626"
_RACES = "CVE-2025-31133"
_DEV = "CVE-2026-41579"


@pytest.mark.parametrize(
    ("name", "release", "advisories"),
    [
        ("crun", "1.8.1", ["CVE-2026-47766"]),
        ("crun", "1.19", ["CVE-2026-47766", "CVE-2026-30892"]),
        ("crun", "1.26.1", ["CVE-2026-47766", "CVE-2026-30892"]),
        ("crun", "1.27", ["CVE-2026-47766"]),
        ("crun", "1.28", []),
        ("runc", "1.1.5+ds1", [_OLD, _RACES, _DEV]),
        ("runc", "1.1.12", [_RACES, _DEV]),
        ("runc", "1.2.8", [_DEV]),
        ("runc", "1.3.2", [_RACES, _DEV]),
        ("runc", "1.3.3", [_DEV]),
        ("runc", "1.3.6", []),
        ("runc", "1.4.3", [_DEV]),
        ("runc", "1.4.4", []),
        ("runc", "1.5.0", []),
        ("runc", "1.6.1", []),
        ("runc", "", []),
        ("conmon", "2.1.6", []),
    ],
)
def test_known_flaws(name: str, release: str, advisories: list[str]) -> None:
    lines = parts.warnings(parts.Part(name, f"/usr/bin/{name}", release))
    assert [re.findall(r"CVE-[0-9-]+", line)[0] for line in lines] == advisories


def test_the_version_is_that_of_the_collection() -> None:
    galaxy = CHECKOUT / "galaxy.yml"
    found = re.search(r"^version: (.*)$", galaxy.read_text(), re.MULTILINE)
    assert found is not None and found.group(1) == version.VERSION
