# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak audit: all that containers could leave behind on a host, compared before and after.

A snapshot is a set of lines per kind of resource, so a leak reads as the lines that came on top.
What was there before and is gone after counts too: a test must not take down what it did not make.

Sandboxes that run side by side do not see each other: mounts, links, rules, processes and control
groups of one are in namespaces of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Snapshot = Mapping[str, frozenset[str]]

CGROUP = Path("/sys/fs/cgroup")
#: The programs that stand above a container's processes, by the kernel's name for them.
MONITORS = frozenset({"conmon", "crun", "runc"})
#: One serves all containers of a sandbox, and stands below no monitor.
RESOLVERS = frozenset({"aardvark-dns"})
#: The groups all containers are made in: one of each on a host, which stay.
PARENTS = frozenset({"slipway", "conmon", "slipway.slice"})
#: Exit hooks run after the container's end, so a leak is what is still there after this long.
SETTLE_S = 30.0


def snapshot(root: Path = Path("/var/lib/slipway")) -> Snapshot:
    """What is on the host now, per kind of resource."""
    return {
        "mount": frozenset(_mounts()),
        "network namespace": frozenset(_namespaces()),
        "link": frozenset(_links()),
        "nft": frozenset(_rules()),
        "cgroup": frozenset(_cgroups()),
        "process": frozenset(_processes().values()),
        "lease": frozenset(_below(root / "networks", "*/leases/*")),
        "half-made": frozenset(
            line for name in ("ingest", "tmp", "trash") for line in _below(root / name, "*")
        ),
    }


def compare(before: Snapshot, after: Snapshot) -> list[str]:
    """What differs, one line each: ``leaked link: sv0123456789`` or ``lost link: br-x``."""
    lines: list[str] = []
    for kind, had in before.items():
        lines += [f"leaked {kind}: {item}" for item in sorted(after[kind] - had)]
        lines += [f"lost {kind}: {item}" for item in sorted(had - after[kind])]
    return lines


def settle(
    before: Snapshot, root: Path = Path("/var/lib/slipway"), deadline_s: float = SETTLE_S
) -> list[str]:
    """Compare until nothing differs or the deadline passed; what then still differs."""
    deadline = time.monotonic() + deadline_s
    while True:
        lines = compare(before, snapshot(root))
        if not lines or time.monotonic() >= deadline:
            return lines
        time.sleep(0.05)


def sweep(before: Snapshot) -> None:
    """Undo what leaked as well as it goes, so that one leak does not fail the tests after it."""
    for pid, line in _processes().items():
        if line not in before["process"]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for target in sorted(frozenset(_mounts()) - before["mount"], reverse=True):
        _quiet("umount", "--lazy", target)
    for link in frozenset(_links()) - before["link"]:
        _quiet("ip", "link", "delete", link)
    if frozenset(_rules()) != before["nft"]:
        _quiet("nft", "delete", "table", "inet", "slipway")
    deadline = time.monotonic() + 2
    left = frozenset(_cgroups()) - before["cgroup"]
    while left and time.monotonic() < deadline:
        for group in sorted(left, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(CGROUP / group)
        left = frozenset(_cgroups()) - before["cgroup"]


def _quiet(*argv: str) -> None:
    subprocess.run(argv, capture_output=True, check=False, timeout=30)


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        yield line.split(" ", 5)[4]


def _namespaces() -> Iterator[str]:
    """Network namespaces: bound ones of this mount namespace, and files waiting for one."""
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        fields = line.split(" ")
        if fields[fields.index("-") + 1] == "nsfs":
            yield fields[4]
    yield from _below(Path("/run/slipway/netns"), "*")


def _links() -> Iterator[str]:
    done = subprocess.run(["ip", "-j", "link"], capture_output=True, check=True, timeout=30)
    for link in json.loads(done.stdout or b"[]"):
        yield link["ifname"]


def _rules() -> Iterator[str]:
    """The ruleset without what changes by itself: handles and counters."""
    done = subprocess.run(
        ["nft", "-j", "list", "ruleset"], capture_output=True, check=True, timeout=30
    )
    for entry in json.loads(done.stdout)["nftables"]:
        if "metainfo" not in entry:
            yield json.dumps(_steady(entry), sort_keys=True)


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _steady(item)
            for key, item in value.items()
            if key not in ("handle", "packets", "bytes")
        }
    return [_steady(item) for item in value] if isinstance(value, list) else value


def _cgroups() -> Iterator[str]:
    """Control groups with slipway in their path."""
    for path, dummy, dummy in os.walk(CGROUP):
        group = os.path.relpath(path, CGROUP)
        if "slipway" in group and os.path.basename(path) not in PARENTS:
            yield group


def _processes() -> dict[int, str]:
    """Monitors and what runs below them, what serves all containers, and what runs in our control
    groups.

    A line carries the start time: a pid may come again, a pid with its start time does not.
    """
    table = _table()
    found = {}
    for pid, (parent, start, name) in table.items():
        ours = name in RESOLVERS or is_watcher(pid) or _monitored(table, pid)
        if not ours:
            try:
                ours = "slipway" in Path(f"/proc/{pid}/cgroup").read_text()
            except OSError:
                continue
        if ours:
            found[pid] = f"{name} (pid {pid}, parent {parent}, started at tick {start})"
    return found


def is_watcher(pid: int) -> bool:
    """Whether a process makes health checks: it stands below no monitor, and in their group."""
    try:
        return b"\0supervise\0watch\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _table() -> dict[int, tuple[int, int, str]]:
    """Every process: (parent, start time in ticks, name)."""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                text = Path(f"/proc/{entry}/stat").read_text(errors="replace")
            except OSError:
                continue
            name = text[text.index("(") + 1 : text.rindex(")")]
            fields = text[text.rindex(")") + 2 :].split()
            # A zombie holds nothing; who reaps it is the business of its parent.
            if fields[0] != "Z":
                table[int(entry)] = (int(fields[1]), int(fields[19]), name)
    return table


def _monitored(table: Mapping[int, tuple[int, int, str]], pid: int) -> bool:
    """Whether a conmon, crun or runc is at or above a process."""
    while pid in table:
        parent, dummy, name = table[pid]
        if name in MONITORS:
            return True
        pid = parent
    return False


def _below(directory: Path, pattern: str) -> Iterator[str]:
    for path in directory.glob(pattern):
        yield str(path)


def main(arguments: list[str]) -> int:
    """``audit.py save FILE`` before something; after it ``compare FILE``, or ``sweep FILE``."""
    verb, file = arguments[0], Path(arguments[1])
    if verb == "save":
        file.write_text(json.dumps({kind: sorted(items) for kind, items in snapshot().items()}))
        return 0
    before = {kind: frozenset(items) for kind, items in json.loads(file.read_text()).items()}
    if verb == "sweep":
        sweep(before)
        return 0
    lines = settle(before)
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
