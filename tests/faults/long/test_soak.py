# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An hour of crash loops, checks and logs that are turned over: nothing grows (R13).

Containers crash at once and after some seconds, and are started again; others write without end to
logs of limited size; one is checked every second. All that time tasks find nothing to do, and the
processes that last, what they hold and the files of the installation do not become more.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from support import audit as leaks
from support.containers import World, until
from support.converging import Task
from support.declaring import acting, isolated, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import server
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

from .. import figures, state, tasks
from ..scene import perform
from .test_cycles import ended, everything, too_many_notes

#: How long, and how often it is looked at. Seconds.
SECONDS, EVERY_S = (3600.0, 5.0) if figures.WHOLE else (20.0, 0.5)
#: The limits of logs, and how far a log goes beyond them until its watcher looks. Bytes.
FILE_BYTES, FILES, BEYOND_BYTES = 1_000_000, 3, 1_500_000
#: By how much memory may differ that a process has. Bytes.
SLACK_BYTES = 1 << 20

#: Some 300 numbered lines of 900 bytes in a second, as many as asked for.
TALK = """
pad=$(head -c 900 /dev/zero | tr '\\0' x); i=0
while [ $i -lt %d ]; do
    n=0; while [ $n -lt 30 ]; do i=$((i+1)); n=$((n+1)); echo "$i $pad"; done; sleep 0.1
done
exit 3
"""
ENDLESS = 1 << 30
ROTATED = {"max-size": str(FILE_BYTES), "max-file": str(FILES)}
#: Containers that run all the time, and those that crash.
LASTING, CRASHING = ("talks", "repeats", "checked"), ("crashes", "limps", "raves")
#: How many log files of each.
LOGS = {"talks": FILES, "raves": FILES, "repeats": 1}


def shell(text: str) -> list[str]:
    return ["sh", "-c", text]


def play() -> list[Task]:
    looping = {"networks": [{"name": "lan"}], "restart_policy": "always"}
    return [
        tasks.network("lan"),
        isolated("crashes", command=["false"], restart_policy="always"),
        task("limps", command=shell("sleep 11; exit 3"), published_ports=["127.0.0.1:8095:80"],
             volumes=["/data"], **looping),
        task("raves", command=shell(TALK % 3600), log_options=ROTATED, **looping),
        isolated("talks", command=shell(TALK % ENDLESS), log_options=ROTATED),
        isolated("repeats", command=shell(TALK % ENDLESS),
                 log_options={"max-size": str(FILE_BYTES)}),
        task("checked", command=["sleep", "100000"], networks=[{"name": "lan"}],
             healthcheck={"test": ["CMD", "true"], "interval": "1s"}),
    ]  # fmt: skip


def gone(world: World) -> list[Task]:
    return [*tasks.gone(*LASTING, *CRASHING)(world), tasks.network("lan", state="absent")]


def no_watcher(world: World) -> None:
    """It ends by itself, soon after what it watched."""
    until(lambda: not (world.layout.run / "watch.fifo").exists())


class Measures:
    """How much there is of each thing, from time to time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.found: dict[str, list[int]] = defaultdict(list)
        self.long_lived = {"the watcher": state.watcher_pid(), "this process": os.getpid()}
        self.long_lived["the name server"] = server.running(world.layout)
        for name in LASTING:
            self.long_lived[f"the monitor of {name}"] = self.current(name).conmon_pid

    def current(self, name: str) -> container_record.Record:
        return self.world.current(container_record.by_name(self.world.layout, name))

    def take(self) -> None:
        for name, pid in self.long_lived.items():
            held = os.listdir(f"/proc/{pid}/fd")
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            self.found[f"descriptors of {name}"].append(len(held))
            self.found[f"bytes of {name}"].append(pages * os.sysconf("SC_PAGESIZE"))
        self.found["files"].append(len(everything(self.world)))
        for kind, lines in leaks.snapshot(self.world.layout.root).items():
            self.found[kind].append(len(lines))
        for name in LOGS:
            self.found[f"log of {name}"].append(sum(self._log_bytes(name)))

    def _log_bytes(self, name: str) -> Iterator[int]:
        place = self.world.layout.container(container_record.by_name(self.world.layout, name))
        for path in place.glob("log*"):
            with contextlib.suppress(FileNotFoundError):
                yield path.stat().st_size

    def grown(self) -> list[str]:
        """What was never in the last quarter as little as at some time in the second."""
        lines = []
        for what, found in self.found.items():
            quarter = len(found) // 4
            most, least = max(found[quarter : 2 * quarter]), min(found[-quarter:])
            slack = SLACK_BYTES if "bytes" in what else 0
            if not what.startswith("log ") and least > most + slack:
                lines.append(f"{what}: at most {most}, and later at least {least}")
        for name, files in LOGS.items():
            most = max(self.found[f"log of {name}"])
            if most > files * FILE_BYTES + BEYOND_BYTES:
                lines.append(f"log of {name}: {most} bytes")
        return lines

    def table(self) -> str:
        """Least and most of each, in the second quarter and in the last."""
        lines = []
        for what, found in self.found.items():
            quarter = len(found) // 4
            first, last = found[quarter : 2 * quarter], found[-quarter:]
            ranges = "  ".join(f"{min(some):>9} .. {max(some):<9}" for some in (first, last))
            lines.append(f"{what:36} {ranges}")
        return "\n".join(lines)


def numbers(world: World, name: str) -> list[int]:
    """The numbers of the lines that are kept of a log."""
    return [int(line.split(" ", 1)[0]) for line in world.log(name).splitlines()]


def test_nothing_grows_in_an_hour(world: World) -> None:
    # What the first of its kind makes stays.
    at_first = leaks.snapshot(world.layout.root)
    for one in [*play(), *gone(world)]:
        perform(world.layout, one)
    no_watcher(world)
    ended(world, at_first)
    before, files = leaks.snapshot(world.layout.root), everything(world)
    for one in play():
        perform(world.layout, one)
    measures = Measures(world)
    processes = {name: measures.current(name).pid for name in LASTING}
    wrong: list[str] = []
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        wrong += [f"a task on {one.params['name']} changes" for one in play()
                  if perform(world.layout, one)]  # fmt: skip
        measures.take()
        time.sleep(EVERY_S)
    wrong += measures.grown()
    wrong += [f"{name} was started again" for name, pid in processes.items()
              if measures.current(name).pid != pid]  # fmt: skip
    crashes = {name: measures.current(name).restart_count for name in CRASHING}
    for name in ("talks", "repeats"):
        perform(world.layout, acting(name, state="stopped"))
    kept = {name: numbers(world, name) for name in ("talks", "repeats")}
    wrong += [f"the log of {name} has a gap" for name, found in kept.items()
              if any(number != found[0] + at for at, number in enumerate(found))]  # fmt: skip
    written = kept["talks"][-1]
    print(f"crashes {crashes}, {written} lines through {FILES} files\n{measures.table()}")
    for one in gone(world):
        perform(world.layout, one)
    wrong += leaks.settle(before, world.layout.root) + state.litter(world.layout)
    no_watcher(world)
    wrong += sorted({*everything(world)} ^ {*files}) + too_many_notes(world)
    figures.note("R13", "soak", 0 if wrong else len(measures.found), len(measures.found))
    assert not wrong, "\n".join(wrong)
    assert crashes["crashes"] >= (30 if figures.WHOLE else 2), crashes
    assert written > FILES * FILE_BYTES // 900, "no log was turned over as often as it has files"
