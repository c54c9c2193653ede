# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does to a host, and what is left of the containers' network after it."""

from __future__ import annotations

import shlex

import pytest

from lab import declared
from lab.making import Kind
from lab.scenario import Scenario
from lab.test_containers import page

#: Commands that take nothing away, by init.
HARMLESS = {"systemd": ("systemctl daemon-reload", "systemctl restart systemd-networkd")}
#: One that takes away our table of the firewall, by init.
FLUSH = {"systemd": "systemctl restart nftables"}
#: What docs/firewalls.md has an administrator do about a firewall once, and how it is reloaded.
FIREWALLS = {
    "ufw": (
        "sed -i 's/^COMMIT/"
        r"-A ufw-before-forward -m mark --mark 0x2000000\/0x2000000 -j ACCEPT\n"
        r"-A ufw-before-input -m mark --mark 0x2000000\/0x2000000 -j ACCEPT\n&/'"
        " /etc/ufw/before.rules && ufw allow 22/tcp && ufw --force enable",
        "ufw reload",
        "ufw --force disable",
    ),
    "firewalld": (
        "firewall-cmd --permanent --zone=trusted --add-interface="
        "$(ip -o -4 addr | sed -n 's|^[0-9]*: *\\([^ ]*\\) .* 10.89.5.1/24 .*|\\1|p')"
        " && firewall-cmd --reload",
        "firewall-cmd --reload",
        "systemctl stop firewalld",
    ),
}


def test_what_breaks_nothing(host: Scenario, kind: Kind, tasks: list[declared.Task]) -> None:
    for command in HARMLESS.get(kind.init, ()):
        host.guest.tell(f"sudo {command}")
    assert page(host) == "it runs\n"
    host.unchanged(tasks)


def test_the_next_run_repairs(host: Scenario, kind: Kind, tasks: list[declared.Task]) -> None:
    """The firewall, the name server and the watcher are gone, in the middle of a health check."""
    for command in (
        FLUSH.get(kind.init, "nft flush ruleset"),
        "pkill -KILL aardvark-dns",
        # The oldest: its checks are its children. The brackets keep sudo out of what is found.
        "pkill -KILL -o -f 'supervise [w]atch'",
    ):
        host.guest.tell(f"sudo {command}")
    done = host.converge(tasks)
    repaired = {
        line["task"]: str(result["actions"])
        for line in done.record
        for result in line["results"]
        if result["changed"]
    }
    assert repaired.keys() == {"Network", "Container web"}
    assert "the firewall, the name server" in repaired["Network"]
    assert "its watcher" in repaired["Container web"]
    _reached(host)


@pytest.mark.parametrize("name", FIREWALLS)
def test_a_firewall_that_is_reloaded(
    host: Scenario, kind: Kind, tasks: list[declared.Task], name: str
) -> None:
    if kind.init != "systemd" and name == "firewalld":
        pytest.skip("it is a service of systemd there")
    # firewalld fails without /etc/protocols, which guests of before lack.
    install = f"apt-get -qq --yes --no-install-recommends install netbase {name}"
    host.guest.tell(f"sudo env DEBIAN_FRONTEND=noninteractive {install} 2>&1")
    admit, reload, stop = FIREWALLS[name]
    for command in (admit, reload):
        host.guest.tell(f"sudo sh -ec {shlex.quote(command)} 2>&1")
        _reached(host)
    # The network, and the container with the port.
    host.unchanged(tasks[2:4])
    host.guest.tell(f"sudo sh -ec {shlex.quote(stop)}")
    _reached(host)
    host.unchanged(tasks[2:4])


def _reached(host: Scenario) -> None:
    """The port from outside, and its container by its name."""
    assert page(host) == "it runs\n"
    assert host.slipway("exec db wget -q -O - http://web/") == "it runs"
