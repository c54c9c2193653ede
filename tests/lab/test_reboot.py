# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reboot: what comes up, in which order, and how it is then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.containers import until

from lab import declared
from lab.guest import TIMEOUT_S
from lab.scenario import Scenario
from lab.test_containers import page

Found = Mapping[str, Mapping[str, Any]]

#: With those of declared.py there are 20 that come up.
MANY = 15
#: By name, whether it is up after a reboot: what Docker's documentation says of each policy.
UP = {
    "web": True,
    "db": True,
    "side": True,
    "told": True,
    "once": False,
    "down": False,
    # Stopped by hand, which only the daemon's next start undoes.
    "forced": True,
    # It has done what it was to do.
    "ended": False,
    **{f"more{number}": True for number in range(MANY)},
}


def _all(host: Scenario) -> Found:
    return {name: host.inspect(name) for name in UP if not name.startswith("more")}


@pytest.fixture(scope="module")
def rebooted(host: Scenario) -> Iterator[tuple[Found, Scenario]]:
    """The containers as they were before, and the guest after it."""
    common = "slipway run -d --stop-signal KILL"
    host.guest.tell(
        f"sudo sh -ec '{common} --name forced --restart always busybox:1 sleep 100000;"
        f" {common} --name ended --restart on-failure busybox:1 true;"
        f" for n in $(seq 0 {MANY - 1}); do"
        f" {common} --name more$n --restart always --network lab busybox:1 sleep 100000;"
        " done; slipway stop forced' 2>&1"
    )
    before = _all(host)
    host.guest.reboot()
    yield before, host


def test_who_comes_up(rebooted: tuple[Found, Scenario]) -> None:
    before, host = rebooted
    wanted = {name for name, up in UP.items() if up}
    until(lambda: set(host.slipway("ps --format {{.Names}}").split()) == wanted, TIMEOUT_S)
    now = _all(host)
    assert now["once"]["State"]["Status"] == "exited"
    assert now["down"]["State"] == before["down"]["State"], "it never ran"
    assert now["ended"]["State"] == before["ended"]["State"]
    # It is in the other's network.
    assert now["web"]["State"]["StartedAt"] < now["side"]["State"]["StartedAt"]
    told = [f"/proc/{now[name]['State']['Pid']}/ns/net" for name in ("web", "side")]
    spaces = host.guest.tell(f"sudo readlink {' '.join(told)}").splitlines()
    assert spaces[0] == spaces[1]


def test_networks_ports_and_names_are_back(rebooted: tuple[Found, Scenario]) -> None:
    before, host = rebooted
    assert page(host) == "it runs\n"
    now = _all(host)
    for name in ("web", "db", "told"):
        was, is_now = (one[name]["NetworkSettings"]["Networks"]["lab"] for one in (before, now))
        assert was["IPAddress"] == is_now["IPAddress"] != ""
    assert "it runs" in host.slipway("exec db wget -q -O - http://web/")


def test_health_starts_anew(rebooted: tuple[Found, Scenario]) -> None:
    dummy, host = rebooted
    until(lambda: host.inspect("web")["State"]["Health"]["Status"] == "healthy", TIMEOUT_S)
    state = host.inspect("web")["State"]
    # Each of them was made after the start.
    assert all(one["Start"] > state["StartedAt"] for one in state["Health"]["Log"])


def test_the_next_run_starts_only_what_is_down(
    rebooted: tuple[Found, Scenario], tasks: list[declared.Task]
) -> None:
    dummy, host = rebooted
    done = host.run(tasks)
    assert done.status == 0, done.output
    changed = [line["task"] for line in done.record if any(r["changed"] for r in line["results"])]
    assert changed == ["Container once"]
    host.unchanged(tasks)
