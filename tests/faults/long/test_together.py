# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many processes at once (R5): each carries out tasks of all kinds in an order of its own, on the
same containers, networks, images and volumes, and between them kills what runs in containers and
prunes. At last each declares the same state. None waits for ever, no name, address or port is given
twice, and the host is then as declared, whoever came last.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import re
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from support import audit as leaks
from support.containers import World
from support.converging import Task, check
from support.declaring import acting, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    LockTimeout,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import lease
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
    running,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.container_record import (  # noqa: E501
    Record,
)

from .. import figures, state, tasks
from ..scene import perform

PROCESSES, TASKS = (20, 50) if figures.WHOLE else (6, 8)
CONTAINERS = [f"c{number}" for number in range(10)]
NETWORKS = ["red", "green", "blue"]
IMAGES = [f"i{number}:1" for number in range(5)]
VOLUMES = ["one", "two"]

_OF_THE_SYSTEM = re.compile(r"No such file|File exists|[Nn]ot a directory|not empty|Bad file|busy")

#: How long a task may wait for a lock, and all of them together. Seconds.
LOCK_S, ALL_S = 240.0, 3000.0


def container(name: str, **given: Any) -> Task:
    """A container as it is declared in the end."""
    number = int(name[1:])
    usual: dict[str, Any] = {
        "image": IMAGES[number % len(IMAGES)],
        "networks": [{"name": NETWORKS[number % len(NETWORKS)]}],
        "published_ports": ["127.0.0.1::80"],
        "volumes": [f"{VOLUMES[number % len(VOLUMES)]}:/data"],
        "restart_policy": "always" if number % 2 else "no",
    }
    return task(name, **{**usual, **given})


def declared() -> list[Task]:
    """What every process declares at last."""
    return [
        *(tasks.network(name) for name in NETWORKS),
        *(tasks.tag("busybox:1", name) for name in IMAGES),
        *(tasks.volume(name) for name in VOLUMES),
        *(container(name) for name in CONTAINERS),
    ]


def undone() -> list[Task]:
    return [
        *(acting(name, state="absent", keep_volumes=False) for name in CONTAINERS),
        *(tasks.network(name, state="absent") for name in NETWORKS),
        *(tasks.volume(name, state="absent") for name in VOLUMES),
        *(tasks.untag(name) for name in IMAGES),
    ]


def kill(layout: Layout, chance: random.Random) -> None:
    """End what runs in a container, as a user of the host can; its exit hook comes after that."""
    with contextlib.suppress(NotFound, ProcessLookupError):
        found = container_record.read_record(
            layout, container_record.by_name(layout, chance.choice(CONTAINERS))
        )
        if running.is_running(found):
            os.kill(found.pid, signal.SIGKILL)


def doing(layout: Layout, one: Task) -> Callable[[], Any]:
    return lambda: perform(layout, one, [], LOCK_S)


def at_random(layout: Layout, chance: random.Random) -> Iterator[Callable[[], Any]]:
    """Tasks without end."""

    while True:
        name = chance.choice(CONTAINERS)
        yield chance.choices(
            [
                doing(layout, container(name, env={"A": str(chance.randrange(3))})),
                doing(layout, container(name, networks=[{"name": chance.choice(NETWORKS)}])),
                doing(
                    layout,
                    container(name, volumes=["/data"], published_ports=["127.0.0.1:8100:80"]),
                ),
                doing(
                    layout,
                    acting(name, state=chance.choice(["stopped", "absent"]), keep_volumes=False),
                ),
                doing(layout, tasks.network(chance.choice(NETWORKS), state="absent", force=True)),
                doing(
                    layout,
                    tasks.network(chance.choice(NETWORKS), labels={"a": str(chance.random())}),
                ),
                doing(layout, tasks.volume(chance.choice(VOLUMES), state="absent")),
                doing(layout, tasks.volume(chance.choice(VOLUMES))),
                doing(layout, tasks.untag(chance.choice(IMAGES))),
                doing(layout, tasks.tag("busybox:1", chance.choice(IMAGES))),
                doing(
                    layout, tasks.prune(containers=True, volumes=True, networks=True, images=True)
                ),
                lambda: kill(layout, chance),
            ],
            [8, 6, 4, 6, 1, 2, 2, 2, 2, 4, 1, 6],
        )[0]


@dataclass
class Told:
    """What a process has to say: what went wrong, and how often tasks were refused with which
    error.
    """

    wrong: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def attempt(self, do: Callable[[], Any]) -> None:
        try:
            do()
        except LockTimeout as exc:
            self.wrong.append(f"a lock: {exc}")
        except Error as exc:
            # Others may take away what a task needs, or kill what it has started. An error of the
            # system is one of files that somebody else moved under the feet of a task.
            if _OF_THE_SYSTEM.search(str(exc)):
                self.wrong.append(traceback.format_exc()[-3000:])
            self.refused[str(exc)[:160]] += 1
        except BaseException:
            self.wrong.append(traceback.format_exc()[-1500:])


def work(layout: Layout, number: int, out: Path) -> None:
    told = Told()
    chance = random.Random(number)
    ahead = at_random(layout, chance)
    for dummy in range(TASKS):
        told.attempt(next(ahead))
    for one in declared():
        told.attempt(doing(layout, one))
    out.write_text(json.dumps([told.wrong, told.refused]))


def twice(layout: Layout) -> list[str]:
    """What two containers that run have at once; looked at again, since records are read one after
    the other.
    """
    holders: dict[str, Record] = {}
    found = []
    for record in container_record.records(layout):
        if not running.is_running(record):
            continue
        for what in has(record):
            other = holders.setdefault(what, record)
            if other is not record and all(still(layout, one) for one in (other, record, other)):
                found.append(f"{what} is that of {other.name} and of {record.name}")
    return found


def has(record: Record) -> set[str]:
    addresses = {f"{a.network} {a.ipv4_address}" for a in record.attachments}
    return {*addresses, *(f"port {p.host_port}" for p in record.publications), record.name}


def still(layout: Layout, record: Record) -> bool:
    now = container_record.find_record(layout, record.id)
    return now is not None and has(now) == has(record) and running.is_running(record)


def test_many_processes_at_once(world: World, tmp_path: Path) -> None:
    layout = world.layout
    before, held = leaks.snapshot(layout.root), state.holdings(layout)
    fork = multiprocessing.get_context("fork")
    outs = [tmp_path / str(number) for number in range(PROCESSES)]
    workers = [
        fork.Process(target=work, args=(layout, number, out)) for number, out in enumerate(outs)
    ]
    for worker in workers:
        worker.start()
    wrong: list[str] = []
    deadline = time.monotonic() + ALL_S
    try:
        while any(worker.is_alive() for worker in workers) and time.monotonic() < deadline:
            wrong += twice(layout)
            time.sleep(0.2)
    finally:
        stuck = [number for number, worker in enumerate(workers) if worker.is_alive()]
        for worker in workers:
            worker.kill()
            worker.join()
    assert stuck == [], "these wait for ever"
    refused: Counter[str] = Counter()
    survived = 0
    for out in outs:
        said, errors = json.loads(out.read_text())
        wrong += said
        refused.update(errors)
        survived += TASKS - len(said)
    print(*(f"{count} times: {text}" for text, count in refused.most_common()), sep="\n")
    wrong += [line for one in declared() for line in check(layout, one, {}).actions]
    wrong += [line for one in declared() if perform(layout, one) for line in [f"{one} changes"]]
    wrong += [*state.litter(layout), *state.damaged(layout)]
    wrong += unlike(layout)
    for one in undone():
        perform(layout, one)
    wrong += leaks.settle(before, layout.root)
    wrong += [f"left: {line}" for line in sorted(state.holdings(layout) - held)]
    figures.note("R5", "together", 0 if wrong else survived, PROCESSES * TASKS)
    assert not wrong, "\n  ".join(wrong)


def unlike(layout: Layout) -> list[str]:
    """What is not as the records together have it: names, leases, addresses, ports."""
    records = list(container_record.records(layout))
    wrong = [] if sorted(r.name for r in records) == CONTAINERS else [f"{len(records)} containers"]
    wrong += [f"{r.name} does not run" for r in records if not running.is_running(r)]
    everything = Counter(what for record in records for what in has(record))
    wrong += [f"{count} have {what}" for what, count in everything.items() if count > 1]
    for name in NETWORKS:
        network = network_record.read(layout, name)
        leased = {one.address: one.container_id for one in lease.leases(layout, network.id)}
        wanted = {
            a.ipv4_address.partition("/")[0]: record.id
            for record in records
            for a in record.attachments
            if a.network_id == network.id
        }
        wrong += [] if leased == wanted else [f"leases of {name}: {leased}, not {wanted}"]
    return wrong
