# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's probe asks nft, and what it makes of the answers of others than today's."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support import CHECKOUT

#: nft 0.9.8 refuses a map whose values are an address and a port, and a translation to a port
#: without a match of one transport protocol before it.
OLDER = r"""
import re, sys
asked = sys.stdin.read().replace("\\\n", " ")
for rule in re.split(r"[;\n]", asked):
    if re.search(r"type [^:]*: \S+ \. ", rule):
        sys.exit("/dev/stdin:3:1-9: Error: datatype mismatch")
    if re.search(r"dnat .* : ", rule) and not re.search(r"meta l4proto (tcp|udp) .*dnat", rule):
        sys.exit("/dev/stdin:3:1-9: Error: transport protocol mapping is only valid after ...")
"""
#: A kernel without NAT, as nft 1.0.6 tells it.
LACKING = """
import sys
sys.exit("/dev/stdin:5:11-20: Error: Could not process rule: No such file or directory")
"""


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The probe, with a directory for programs in the place of the host's."""
    spec = importlib.util.spec_from_file_location("probe", CHECKOUT / "roles/host/files/probe.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    monkeypatch.setattr(loaded, "PATH", str(tmp_path))
    return loaded


def _nft(directory: Path, program: str) -> None:
    made = directory / "nft"
    made.write_text(f"#!{sys.executable}\n{program}")
    made.chmod(0o755)


def test_nft_of_debian_11_understands_what_it_is_asked(probe: ModuleType, tmp_path: Path) -> None:
    _nft(tmp_path, OLDER)
    assert probe._nftables() == []


def test_the_remedy_is_for_whoever_refuses(
    probe: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nft(tmp_path, LACKING)
    (problem,) = probe._nftables()
    assert "No such file" in problem["what"] and "run a kernel with nf_tables" in problem["do"]
    _nft(tmp_path, OLDER)
    monkeypatch.setattr(
        probe, "RULESET", "map ports { type inet_service : ipv4_addr . inet_service; }"
    )
    (problem,) = probe._nftables()
    assert "datatype mismatch" in problem["what"] and "install nft" in problem["do"]


def test_without_control_groups_it_says_what_mounts_them_at_each_boot(probe: ModuleType) -> None:
    (problem,) = probe.cgroup_problems("none")
    assert "/etc/fstab" in problem["do"] and "cgroup2 /sys/fs/cgroup cgroup2" in problem["do"]
