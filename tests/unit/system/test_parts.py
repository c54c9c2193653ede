# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known to be wrong with releases of the programs, and the version this is."""

from __future__ import annotations

import re

import pytest
from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import version
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import parts

_RACES = ["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"]
_BLOCKED = "CVE-2024-8418"
_LOOP = "CVE-2026-35406"


@pytest.mark.parametrize(
    ("name", "release", "advisories"),
    [
        # What slipway prevents is no reason to look: of crun that is all.
        ("crun", "1.8.1", []),
        ("crun", "1.26.1", []),
        ("runc", "1.1.5+ds1", _RACES),
        ("runc", "1.2.8", []),
        ("runc", "1.3.2", _RACES),
        ("runc", "1.3.3", []),
        ("runc", "1.4.3", []),
        ("runc", "", []),
        ("conmon", "2.1.6", []),
        ("aardvark-dns", "1.4.0", []),
        ("aardvark-dns", "1.12.0", [_BLOCKED]),
        ("aardvark-dns", "1.12.1", [_BLOCKED]),
        ("aardvark-dns", "1.12.2", []),
        ("aardvark-dns", "1.16.0", [_LOOP]),
        ("aardvark-dns", "1.17.0", [_LOOP]),
        ("aardvark-dns", "1.17.1", []),
        ("aardvark-dns", "2.1.0", []),
    ],
)
def test_known_flaws(name: str, release: str, advisories: list[str]) -> None:
    line = parts.advice([parts.Part(name, f"/usr/bin/{name}", release)])
    assert re.findall(r"CVE-[0-9-]+", line) == advisories
    assert bool(line) == bool(advisories)


def test_all_flaws_are_one_line() -> None:
    found = [parts.Part("runc", "", "1.1.5"), parts.Part("aardvark-dns", "", "1.12.0")]
    line = parts.advice(found)
    assert "runc 1.1.5" in line and "aardvark-dns 1.12.0" in line and "\n" not in line


def test_the_version_is_that_of_the_collection() -> None:
    galaxy = CHECKOUT / "galaxy.yml"
    found = re.search(r"^version: (.*)$", galaxy.read_text(), re.MULTILINE)
    assert found is not None and found.group(1) == version.VERSION
