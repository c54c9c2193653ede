# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers on a real host: what the kernel, the init and the network say of them."""

from __future__ import annotations

import urllib.request

import pytest
from support.containers import until

from lab import declared
from lab.guest import TIMEOUT_S
from lab.making import Kind
from lab.scenario import Scenario


def page(scenario: Scenario) -> str:
    """What the web server on the guest answers from outside of it."""
    port = scenario.guest.forward(declared.PORT)

    def fetched() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    return str(until(fetched, TIMEOUT_S))


def group(scenario: Scenario, name: str) -> str:
    """The control group of a container's process, as the kernel has it (v2)."""
    pid = scenario.inspect(name)["State"]["Pid"]
    return scenario.guest.tell(f"sed -n 's/^0:://p' /proc/{pid}/cgroup")


def test_ports_names_and_programs(host: Scenario) -> None:
    assert page(host) == "it runs\n"
    names = "wget -q -O - http://web/ && nslookup db 127.0.0.1 >/dev/null 2>&1; ip -4 addr"
    said = host.slipway(f"exec db sh -c '{names}'")
    assert "it runs" in said and "10.89.5." in said
    assert host.slipway("exec side wget -q -O - http://127.0.0.1/") == "it runs"
    assert host.slipway("logs told") == "to the journal"
    stats = host.slipway("stats --no-stream --format '{{.Name}} {{.MemUsage}}'")
    assert {line.split()[0] for line in stats.splitlines()} == {
        "web", "db", "side", "told", "once",
    }  # fmt: skip
    assert "64MiB" in stats


def test_health(host: Scenario) -> None:
    until(lambda: host.inspect("web")["State"]["Health"]["Status"] == "healthy", TIMEOUT_S)


def test_limits_are_the_kernels(host: Scenario) -> None:
    if host.guest.tell("stat -f -c %T /sys/fs/cgroup") != "cgroup2fs":
        pytest.skip("control groups have other files there")
    path = f"/sys/fs/cgroup{group(host, 'web')}"
    files = ("memory.max", "memory.swap.max", "cpu.max", "pids.max")
    found = host.guest.tell(f"sudo sh -c 'cd {path} && cat {' '.join(files)}'").splitlines()
    assert found == [str(64 << 20), "0", "50000 100000", "77"]


def test_systemd_shows_one_scope_a_container(host: Scenario, kind: Kind) -> None:
    if kind.init != "systemd":
        pytest.skip("it has another init")
    shown = "systemctl list-units --no-legend --plain --type=scope 'slipway-*'"
    units = {line.split()[0] for line in host.guest.tell(shown).splitlines()}
    for name in ("web", "db", "side", "told", "once"):
        unit = f"slipway-{host.inspect(name)['Id']}.scope"
        units.remove(unit)
        assert "active (running)" in host.guest.tell(f"systemctl status --no-pager {unit}")
        assert unit in host.guest.tell(f"systemd-cgls --no-pager -u {unit} | cat")
    assert units == {"slipway-monitors.scope"}
    beside = host.guest.tell("cat /proc/$(pgrep -o conmon)/cgroup /proc/$(pgrep aardvark)/cgroup")
    groups = {line.rpartition(":")[2] for line in beside.splitlines() if line.startswith("0::")}
    assert groups == {"/system.slice/slipway-monitors.scope"}
    assert host.guest.tell("ls -d /sys/fs/cgroup/slipway 2>/dev/null || echo none") == "none"
    assert host.guest.tell("systemctl --failed --no-legend --plain") == ""


def test_the_journal_has_its_logs(host: Scenario, kind: Kind) -> None:
    if kind.init != "systemd":
        pytest.skip("it has another init")
    found = host.guest.tell("sudo journalctl --no-pager -o cat CONTAINER_NAME=told")
    assert "to the journal" in found.splitlines()


def test_apparmor_confines(host: Scenario) -> None:
    pid = host.inspect("web")["State"]["Pid"]
    assert host.guest.tell(f"sudo cat /proc/{pid}/attr/current") == "slipway-container (enforce)"


def test_without_pipelining_it_is_the_same(host: Scenario, tasks: list[declared.Task]) -> None:
    host.unchanged(tasks, pipelining=False)
