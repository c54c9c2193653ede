# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs that look into a container, copy files in and out, and make images of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import LIST, STRING, SWITCH, Arguments, Flag, Verb, formatted
from ..terminal.output import say

#: How often ``stats`` looks, and how far its two samples are apart at least, in seconds.
_STATS_S = 1.0


def _cp(host: Host, arguments: Arguments) -> int:
    from ...container.files import cp
    from ...records import container_record
    from ..terminal import progress

    source, target = arguments.operands
    inside, outside = _place(source), _place(target)
    if inside and outside:
        raise Error("copying between containers is not supported")
    if not inside and not outside:
        raise Error("must specify at least one container source")
    archive, follow = arguments.archive, arguments.follow_link
    container, path = inside or outside or ("", "")
    container_id = container_record.identify(host.layout, container)
    if inside and target == "-":
        if sys.stdout.isatty():
            raise Error(
                "refusing to write an archive to a terminal", hint="redirect standard output"
            )
        with progress.shown(host, arguments.quiet):
            cp.get_archive(host, container_id, path, sys.stdout.buffer, follow)
        return 0
    with progress.shown(host, arguments.quiet):
        if inside:
            done = cp.get(host, container_id, path, target, archive=archive, follow=follow)
        elif source == "-":
            done = cp.put_archive(host, container_id, sys.stdin.buffer, path)
        else:
            done = cp.put(host, container_id, source, path, archive=archive, follow=follow)
    if not arguments.quiet and source != "-":
        from ...text.table import size

        shown = f"{source} to {target}"
        sys.stderr.write(f"Successfully copied {size(done.bytes)} {shown}\n")
    return 0


def _place(text: str) -> Optional[tuple[str, str]]:
    """``CONTAINER:PATH`` as its two parts; None for a path of the host, which may hold a colon when
    it begins with a dot or a slash.
    """
    name, colon, path = text.partition(":")
    if not colon or not name or text.startswith((".", "/")):
        return None
    return name, path


def _diff(host: Host, arguments: Arguments) -> int:
    from ...container.status import changed
    from ...records import container_record

    [name] = arguments.operands
    for change in changed.changes(host.layout, container_record.identify(host.layout, name)):
        say(f"{change.kind} {change.path}")
    return 0


def _export(host: Host, arguments: Arguments) -> int:
    from ...records import container_record
    from ...resource import container_export

    [name] = arguments.operands
    container_id = container_record.identify(host.layout, name)
    if arguments.output:
        from ...plan.converge import converge

        params = {"container": name, "path": arguments.output, "force": True}
        converge(host, container_export.RESOURCE, container_export.declare(params))
        return 0
    if sys.stdout.isatty():
        raise Error(
            "refusing to write an archive to a terminal", hint="use the -o flag or redirect"
        )
    container_export.write(host, container_id, sys.stdout.buffer)
    return 0


def _commit(host: Host, arguments: Arguments) -> int:
    from ...plan.converge import converge
    from ...records import container_record
    from ...resource import commit

    container, name = arguments.operands
    params = {
        # An abbreviated ID is one here, and the task has it whole.
        "container": container_record.identify(host.layout, container),
        "name": name,
        "author": arguments.author or None,
        "comment": arguments.message or None,
        "pause": arguments.pause and not arguments.no_pause,
        "changes": arguments.change,
    }
    found = converge(host, commit.RESOURCE, commit.declare(params))[1]
    say(found.id)
    return 0


def _port(host: Host, arguments: Arguments) -> int:
    from ...container.show import inspect
    from ...container.status import liveness
    from ...records import container_record

    name, *wanted = arguments.operands
    found = liveness.current(host.layout, container_record.identify(host.layout, name))
    live = found.publications if found.phase in container_record.LIVE else ()
    ports = inspect.published(live)
    if wanted:
        key = wanted[0] if "/" in wanted[0] else f"{wanted[0]}/tcp"
        if not ports.get(key):
            raise Error(f"no public port {wanted[0][:40]!r} published for {name}")
        for binding in ports[key]:
            say(_address(binding))
        return 0
    for key in sorted(ports, key=_port_order):
        for binding in ports[key]:
            say(f"{key} -> {_address(binding)}")
    return 0


def _port_order(key: str) -> tuple[int, str]:
    number, dummy, protocol = key.partition("/")
    return int(number), protocol


def _address(binding: Mapping[str, str]) -> str:
    address = binding["HostIp"]
    return f"{f'[{address}]' if ':' in address else address}:{binding['HostPort']}"


def _top(host: Host, arguments: Arguments) -> int:
    from ...container.status import top
    from ...records import container_record, notes

    name, *options = arguments.operands
    import shlex

    container_id = container_record.identify(host.layout, name)
    found = top.processes(host.layout, container_id, shlex.join(options) or None)
    notes.note(host.layout, container_id, "top")
    # docker top's columns are wider than those of its lists: twenty, three of them blank.
    rows = [found["Titles"], *found["Processes"]]
    widths = [max(17, *(len(cell) for cell in column)) + 3 for column in zip(*rows)]
    for row in rows:
        say("".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths)), row[-1]]))
    return 0


# --- stats -----------------------------------------------------------------------------------

_HEADINGS = {
    "ID": "CONTAINER ID",
    "Container": "CONTAINER",
    "Name": "NAME",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
    "PIDs": "PIDS",
}
_COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
#: Where a terminal's picture is drawn anew: home, and clear to its end (ECMA-48, CUP and ED).
_HOME = "\x1b[H\x1b[J"


def _stats(host: Host, arguments: Arguments) -> int:
    from ...container.status import usage
    from ...text.table import listing

    before: dict[str, Any] = {}
    for container_id, dummy in _watched(host, arguments):
        before[container_id] = usage.sample(host.layout, container_id)
    while True:
        # The share of the processor is what was used between two looks.
        time.sleep(_STATS_S)
        rows = []
        for container_id, name in _watched(host, arguments):
            sample = usage.sample(host.layout, container_id, before.get(container_id))
            before[container_id] = sample
            rows.append(_stats_row(sample, name, arguments.no_trunc))
        lines = list(listing(rows, _HEADINGS, _COLUMNS, arguments.format))
        if not arguments.no_stream and sys.stdout.isatty():
            sys.stdout.write(_HOME)
        for line in lines:
            say(line)
        sys.stdout.flush()
        if arguments.no_stream:
            return 0


def _watched(host: Host, arguments: Arguments) -> list[tuple[str, str]]:
    """The containers to show, by id, and what the command line calls them."""
    from ...container.status import liveness
    from ...records import container_record

    if arguments.operands:
        return [(container_record.identify(host.layout, name), name) for name in arguments.operands]
    truths = (liveness.truth(host.layout, found) for found in container_record.records(host.layout))
    kept = [one for one in truths if arguments.all or one.phase in container_record.LIVE]
    kept.sort(key=lambda one: one.created, reverse=True)
    return [(one.id, one.id[:12]) for one in kept]


def _stats_row(sample: Mapping[str, Any], called: str, whole: bool) -> dict[str, str]:
    """One line: docker stats' columns and units. What does not run uses nothing."""
    from ...container.status import usage
    from ...text.table import size

    shown = usage.figures(sample)
    identity = str(sample["id"])
    return {
        "ID": identity if whole else identity[:12],
        "Container": called,
        "Name": str(sample["name"]).lstrip("/"),
        "CPUPerc": f"{shown.cpu_percent:.2f}%",
        "MemUsage": f"{_binary(shown.memory_bytes)} / {_binary(shown.memory_limit_bytes)}",
        "MemPerc": f"{shown.memory_percent:.2f}%",
        "NetIO": f"{size(shown.received_bytes)} / {size(shown.sent_bytes)}",
        "BlockIO": f"{size(shown.read_bytes)} / {size(shown.written_bytes)}",
        "PIDs": str(shown.pids),
    }


def _binary(count: float) -> str:
    """Bytes in powers of 1024 with four digits (go-units, BytesSize)."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{float(f'{count:.4g}'):g}{unit}"
        count /= 1024
    raise AssertionError("the last unit takes all")


_CONTAINER = "CONTAINER"
VERBS = {
    "commit": Verb(
        _commit,
        "Create a new image from a container's changes",
        "CONTAINER REPOSITORY[:TAG]",
        (
            Flag("author", "a", STRING, "Author (e.g., 'Jane Doe <jane@example.org>')"),
            Flag("change", "c", LIST, "Apply Dockerfile instruction to the created image"),
            Flag("message", "m", STRING, "Commit message"),
            Flag("pause", "p", SWITCH, "Pause container during commit", default=True),
            Flag("no-pause", "", SWITCH, "Disable pausing container during commit"),
        ),
    ),
    "cp": Verb(
        _cp,
        "Copy files/folders between a container and the local filesystem",
        "CONTAINER:SRC_PATH|SRC_PATH|- CONTAINER:DEST_PATH|DEST_PATH|-",
        (
            Flag("archive", "a", SWITCH, "Archive mode (copy all uid/gid information)"),
            Flag("follow-link", "L", SWITCH, "Always follow symbol link in SRC_PATH"),
            Flag(
                "pause", "", SWITCH, "Has no effect: the container is always frozen", default=True
            ),
            Flag("quiet", "q", SWITCH, "Suppress progress output during copy"),
        ),
    ),
    "diff": Verb(_diff, "Inspect changes to files or directories on a container", _CONTAINER),
    "export": Verb(
        _export,
        "Export a container's filesystem as a tar archive",
        _CONTAINER,
        (Flag("output", "o", STRING, "Write to a file, instead of STDOUT"),),
    ),
    "port": Verb(_port, "List port mappings of a container", "CONTAINER [PRIVATE_PORT[/PROTO]]"),
    "stats": Verb(
        _stats,
        "Display a live stream of container resource usage statistics",
        "[CONTAINER...]",
        (
            Flag("all", "a", SWITCH, "Show all containers (default shows just running)"),
            formatted(),
            Flag("no-stream", "", SWITCH, "Only show the first result"),
            Flag("no-trunc", "", SWITCH, "Do not truncate output"),
        ),
    ),
    "top": Verb(
        _top,
        "Display the running processes of a container",
        "CONTAINER [ps OPTIONS...]",
        stops=True,
    ),
}
