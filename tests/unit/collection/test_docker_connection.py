# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks say of a connection to Docker's daemon: no module gets it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.plugin_utils import _docker_connection

MODULES = {path.stem: path.read_text() for path in (CHECKOUT / "plugins/modules").glob("*.py")}


@pytest.mark.parametrize("option", _docker_connection.OPTIONS)
def test_the_modules_with_an_option_of_that_name(option: str) -> None:
    signs = [f'\n            "{option}": {{', f"\n  {option}:\n"]
    # The fragment has it.
    signs += ["\n  - slipway.engine.registry\n"] * (option == "ca_path")
    own = {name for name, text in MODULES.items() if any(sign in text for sign in signs)}
    assert own == _docker_connection.OWN.get(option, frozenset())


@pytest.mark.parametrize(
    ("module", "given", "kept", "ignored"),
    [
        ("container", {"name": "web"}, {"name": "web"}, []),
        ("container", {"docker_url": "tcp://h", "tls": False}, {}, ["docker_host", "tls"]),
        ("container", {"ca_cert": "/ca", "timeout": None}, {}, ["ca_path"]),
        ("image_pull", {"ca_path": "/ca", "debug": True}, {"ca_path": "/ca"}, ["debug"]),
        ("container", {"debug": True}, {"debug": True}, []),
        ("image_import", {"validate_certs": True}, {"validate_certs": True}, []),
        ("image_push", {"validate_certs": True}, {}, ["validate_certs"]),
    ],
)
def test_what_is_left(
    module: str, given: dict[str, Any], kept: dict[str, Any], ignored: list[str]
) -> None:
    assert _docker_connection.without(module, given) == (kept, ignored)


def test_the_page_lists_them() -> None:
    page = (CHECKOUT / "docs/options.md").read_text()
    part = page.partition("## A connection to Docker")[2].partition("\n## ")[0]
    names = {name for pair in _docker_connection.OPTIONS.items() for name in (pair[0], *pair[1])}
    assert set(re.findall(r"`(\w+)`", part)) >= names
