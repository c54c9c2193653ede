# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers on a real host: what the kernel, the init and the network say of them."""

from __future__ import annotations

import re
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


#: Files with the limits of the container web, by the controller that has them where control groups
#: are v1, with what is in them; "" is the directory of v2.
LIMITS = {
    2: {
        "": {
            "memory.max": "67108864",
            "memory.swap.max": "0",
            "cpu.max": "50000 100000",
            "pids.max": "77",
        }
    },
    1: {
        "memory": {
            "memory.limit_in_bytes": "67108864",
            "memory.memsw.limit_in_bytes": "67108864",
        },
        "cpu,cpuacct": {"cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "100000"},
        "pids": {"pids.max": "77"},
    },
}


def group(scenario: Scenario, name: str, controller: str = "") -> str:
    """The control group of a container's process, as the kernel has it."""
    pid = scenario.inspect(name)["State"]["Pid"]
    return scenario.guest.tell(f"sed -n 's/^[0-9]*:{controller}://p' /proc/{pid}/cgroup")


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
    version = 2 if host.guest.tell("stat -f -c %T /sys/fs/cgroup") == "cgroup2fs" else 1
    for controller, limits in LIMITS[version].items():
        path = f"/sys/fs/cgroup/{controller}{group(host, 'web', controller)}"
        for file, limit in limits.items():
            assert host.guest.tell(f"sudo cat {path}/{file}") == limit, file


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
    # Debian 11 has no name server.
    served = "for pid in $(pgrep -o conmon) $(pgrep aardvark); do cat /proc/$pid/cgroup; done"
    beside = host.guest.tell(served)
    groups = {line.rpartition(":")[2] for line in beside.splitlines() if line.startswith("0::")}
    assert groups == {"/system.slice/slipway-monitors.scope"}
    assert host.guest.tell("ls -d /sys/fs/cgroup/slipway 2>/dev/null || echo none") == "none"
    assert host.guest.tell("systemctl --failed --no-legend --plain") == ""


def test_the_journal_has_its_logs(host: Scenario, kind: Kind) -> None:
    if kind.init != "systemd":
        pytest.skip("it has another init")
    found = host.guest.tell("sudo journalctl --no-pager -o cat CONTAINER_NAME=told")
    assert "to the journal" in found.splitlines()


def test_the_security_module_confines(host: Scenario, kind: Kind) -> None:
    pid = host.inspect("web")["State"]["Pid"]
    context = host.guest.tell(f"sudo cat /proc/{pid}/attr/current").rstrip("\0")
    if "selinux" not in kind.append:
        assert context == "slipway-container (enforce)"
        return
    assert host.guest.tell("cat /sys/fs/selinux/enforce") == "1"
    process = re.fullmatch(r"system_u:system_r:container_t:(s0:c\d+,c\d+)", context)
    assert process, context
    file = host.guest.tell(f"sudo stat -c %C /proc/{pid}/root/srv/index.html")
    assert file == f"system_u:object_r:container_file_t:{process[1]}"


def test_without_pipelining_it_is_the_same(host: Scenario, tasks: list[declared.Task]) -> None:
    host.unchanged(tasks, pipelining=False)
