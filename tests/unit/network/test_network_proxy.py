# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process serves of the published ports, and whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import proxy
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Publication,
)


@pytest.mark.parametrize(
    ("protocol", "host_ip", "container_ip", "family", "proxied"),
    [
        ("tcp", "::1", "172.18.0.2", 6, True),
        ("udp", "::", "172.18.0.2", 6, True),
        ("tcp", "127.0.0.1", "fd00::2", 4, True),
        ("tcp", "fe80::1%eth0", "fd00::2", 6, True),
        ("sctp", "fe80::1%eth0", "fd00::2", 6, False),
        ("tcp", "::1", "fd00::2", 6, False),
        ("tcp", "127.0.0.1", "172.18.0.2", 4, False),
        ("tcp", "", "172.18.0.2", 4, False),
        ("tcp", "", "fd00::2", 6, False),
    ],
)
def test_what_a_process_serves(
    protocol: str, host_ip: str, container_ip: str, family: int, proxied: bool
) -> None:
    made = Publication("c", protocol, host_ip, 8080, container_ip, 80)
    assert (made.family, made.proxied) == (family, proxied)


@pytest.mark.parametrize(
    ("scope", "client", "local", "admitted"),
    [
        ((), "2001:db8::9", False, True),
        (("local",), "2001:db8::9", False, False),
        (("local",), "2001:db8::9", True, True),
        (("lan",), "fe80::9%eth0", False, True),
        (("lan",), "fd12::9", False, True),
        (("lan",), "2001:db8::9", False, False),
        (("2001:db8::/64", "192.0.2.0/24"), "2001:db8::9", False, True),
        (("2001:db8::/64",), "2001:db8:0:1::9", False, False),
    ],
)
def test_whom_it_serves(
    tmp_path: Path, scope: tuple[str, ...], client: str, local: bool, admitted: bool
) -> None:
    layout = Layout(tmp_path / "root", tmp_path / "run", tmp_path / "etc")
    made = Publication("c", "tcp", "::", 8080, "172.18.0.2", 80, scope)
    assert proxy.admits(layout, made, client, local) is admitted
