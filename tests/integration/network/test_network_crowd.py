# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty processes that make and remove containers on three networks, all at once.

No address, port or name is given twice, no rule is lost, and nothing is left behind.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, page

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import (
    lease,
    synchronise,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import probe
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import converge
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide,
    declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Endpoint,
    Port,
)

PROCESSES, ROUNDS, TURNS = 20, 4, 8
NETWORKS = ("red", "green", "blue")
BRIEF = "brief"
SERVE = "echo {name} >/tmp/index.html; exec httpd -f -p 80 -h /tmp"


class Claims:
    """What is in use now, as empty files: making one that is there fails."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def take(self, found: container_record.Record) -> None:
        for name in self._of(found):
            os.close(os.open(self.directory / name, os.O_CREAT | os.O_EXCL))

    def leave(self, found: container_record.Record) -> None:
        for name in self._of(found):
            os.unlink(self.directory / name)

    def _of(self, found: container_record.Record) -> list[str]:
        addresses = [
            f"{a.network} {address.partition('/')[0]}"
            for a in found.attachments
            for address in (a.ipv4_address, a.ipv6_address)
        ]
        ports = {f"port {p.protocol} {p.host_port}" for p in found.publications}
        return [f"name {found.name}", *addresses, *ports]


def _work(world: World, number: int, claims: Claims, out: Any) -> None:
    """Make containers, some under a name or a port that others want too; keep the last one."""
    chance = random.Random(number)
    try:
        kept, refused, took = None, 0, []
        for turn in range(ROUNDS):
            last = turn == ROUNDS - 1
            name = f"c{number}" if last else f"any{chance.randrange(40)}"
            port = 0 if last else chance.choice((0, 0, 0, 9000, 9001, 9002))
            networks = [Endpoint(n) for n in chance.sample(NETWORKS, chance.choice((1, 2)))]
            if not last and chance.random() < 0.3:
                networks.append(Endpoint(BRIEF))
            spec = world.spec(
                name,
                SERVE.format(name=name),
                network_mode="",
                networks=tuple(networks),
                ports=(Port(80, "tcp", "", port),),
            )
            started = time.monotonic()
            try:
                made = actions.create(world.host, spec, world.image)
            except Conflict:
                refused += 1
                continue
            try:
                found = actions.start(world.host, made.id)
            except Error as exc:
                # A port that is taken, or the network that comes and goes.
                assert isinstance(exc, Conflict) or Endpoint(BRIEF) in networks, str(exc)
                refused += 1
                actions.remove(world.host, made.id, force=True)
                continue
            took.append(time.monotonic() - started)
            claims.take(found)
            assert found.publications and all(a.ipv6_address for a in found.attachments)
            if last:
                kept = found.id
            else:
                claims.leave(found)
                actions.remove(world.host, found.id, force=True)
        out.put((kept, refused, took, ""))
    except BaseException:
        out.put((None, 0, [], traceback.format_exc()))


def _come_and_go(world: World, stop: Any, out: Any) -> None:
    """Make and remove a network that others join, over and over. Tells how often, or what went
    wrong.
    """
    turns = 0
    try:
        while not stop.is_set() and turns < 2 * TURNS:
            for state in ("present", "absent"):
                turns += _declare(world, state=state)
        _declare(world, state="absent", force=True)
        out.put(turns)
    except BaseException:
        out.put(traceback.format_exc())


def _declare(world: World, **given: Any) -> bool:
    """Whether a task of the network that comes and goes could be carried out."""
    try:
        declared = declare.declare({"name": BRIEF, "enable_ipv6": True, **given})
        converge(world.host, decide.RESOURCE, declared)
    except Conflict:
        return False
    return True


def test_twenty_processes_share_three_networks(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(NETWORKS):
        pools = [{"subnet": f"10.9.{number}.0/26"}, {"subnet": f"fd00:9:{number}::/64"}]
        declared = declare.declare({"name": name, "ipam_config": pools})
        converge(world.host, decide.RESOURCE, declared)
    claims = Claims(tmp_path)
    context = multiprocessing.get_context("fork")
    out: Any = context.Queue()
    started = time.monotonic()
    workers = [
        context.Process(target=_work, args=(world, number, claims, out))
        for number in range(PROCESSES)
    ]
    stop = context.Event()
    turns: Any = context.Queue()
    other = context.Process(target=_come_and_go, args=(world, stop, turns))
    for worker in (other, *workers):
        worker.start()
    answers = [out.get(timeout=110) for dummy in workers]
    for worker in workers:
        worker.join(10)
    took = time.monotonic() - started
    stop.set()
    told = turns.get(timeout=60)
    assert isinstance(told, int) and told > 2, told
    other.join(10)
    assert not probe.exists(network_record.bridge_name(BRIEF, {}))
    failures = [text for *dummy, text in answers if text]
    assert not failures, failures[0]
    kept = [container_id for container_id, *dummy in answers]
    made = sorted(t for dummy, dummy, times, dummy in answers for t in times)
    with capsys.disabled():
        print(
            f"{len(made)} containers in {took:.1f} s, median start {made[len(made) // 2]:.2f} s, "
            f"{sum(count for dummy, count, *dummy in answers)} refused",
            end=" ",
        )
    # Those that stay are all there, each with what the records say, and nothing else is.
    assert sorted(container_record.all_ids(world.layout)) == sorted(kept)
    assert synchronise.standing(world.layout)
    for found in container_record.records(world.layout):
        assert page(found.publications[0].host_port) == f"{found.name}\n"
        for attachment in found.attachments:
            network = network_record.read(world.layout, attachment.network)
            held = lease.held_by(world.layout, network.id, found.id)
            assert len(held) == 2
    holders = {
        one.container_id
        for name in NETWORKS
        for one in lease.leases(world.layout, network_record.network_id(name))
    }
    assert holders == set(kept)
    removing = [
        context.Process(target=_remove, args=(world, kept[number::5])) for number in range(5)
    ]
    for worker in removing:
        worker.start()
    for worker in removing:
        worker.join(60)
        assert worker.exitcode == 0
    assert synchronise.standing(world.layout)
    assert not any(lease.leases(world.layout, network_record.network_id(name)) for name in NETWORKS)


def _remove(world: World, ids: list[str]) -> None:
    for container_id in ids:
        actions.remove(world.host, container_id, force=True)
