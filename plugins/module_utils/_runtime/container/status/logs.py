# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container wrote, read from the log conmon keeps of it in k8s-file format.

A record is ``TIME STREAM F|P BYTES``; P is a piece of a line whose end is still to come.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Optional

from ...base import clock
from ...base.errors import Error, NotFound
from ...base.layout import Layout
from ...plan.plan import Host
from ...records import container_record, foreseen, running
from ...text import filters
from ..engine import conmon_files
from ..engine.conmon_files import LogEntry, parse_log
from . import liveness

#: How often a log that is followed is looked at again, in seconds.
_POLL_S = 0.1
_BLOCK = 1 << 16

#: How many lines an error quotes of a container that ended.
_LAST_LINES = 5


def last_words(layout: Layout, container_id: str) -> str:
    """What a container wrote last, as the end of an error message; "" when there is no log."""
    try:
        found = list(entries(layout, container_id, last=_LAST_LINES))
    except Error:
        return ""
    lines = [entry.data.decode("utf-8", "replace").rstrip() for entry in found[-_LAST_LINES:]]
    return f"; last log lines: {' | '.join(lines)}" if lines else ""


def whole(layout: Layout, container_id: str, since: str, limit: int = 10 << 20) -> str:
    """What a container wrote since a time, both streams as they came; the last ``limit`` bytes of
    it. Of one that keeps no log it is a word about that.
    """
    kept: deque[bytes] = deque()
    size = 0
    try:
        for entry in selected(entries(layout, container_id), clock.seconds(since)):
            kept.append(entry.data)
            size += len(entry.data)
            while size > limit:
                size -= len(kept.popleft())
    except Error as exc:
        return str(exc)
    return b"".join(kept).decode("utf-8", "replace")


def entries(
    layout: Layout, container_id: str, last: Optional[int] = None, follow: bool = False
) -> Iterator[LogEntry]:
    """What a container wrote, oldest first; only the ``last`` lines of it.

    With ``follow`` it goes on until the container has ended and all it wrote was read. Raises
    NotFound when there is no such container.
    """
    container_record.read_record(layout, container_id)
    path = layout.container(container_id) / "log"
    while follow and not path.exists() and goes_on(layout, container_id):
        if _is_elsewhere(layout, container_id):
            break
        time.sleep(_POLL_S)
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(log) for log in _open(path)]
        if not files:
            if _is_elsewhere(layout, container_id):
                yield from _of_journal(layout, container_id, last, follow)
            return
        if last is not None:
            files = _from_last(files, last)
        yield from parse_log(_records(layout, container_id, path, files, stack, follow))


def selected(
    found: Iterable[LogEntry],
    since: Optional[float] = None,
    until: Optional[float] = None,
    streams: Container[str] = ("stdout", "stderr"),
) -> Iterator[LogEntry]:
    """Those entries of these streams that were begun in a time, in seconds since the epoch. Pure.

    ``since`` is in it and ``until`` is not, as with Docker. An entry without a time is.
    """
    for entry in found:
        at = clock.seconds(entry.time) if since is not None or until is not None else None
        if at is not None and until is not None and at >= until:
            # They are in order of time, but for what two streams wrote in the same moment.
            continue
        if entry.stream in streams and (at is None or since is None or at >= since):
            yield entry


def moment(name: str, text: str, now: float) -> float:
    """A time as the options since and until take it, with parts of a second. Raises Error."""
    try:
        return filters.moment(text, now)
    except Error as exc:
        raise Error(f"{name}: {text[:60]!a} is not a time", hint=exc.hint) from exc


def gather(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """The result of container_logs_info: what a container wrote, by the options of the module."""
    last, now = params["tail"], time.time()
    if last is not None and last < 0:
        raise Error("tail: cannot be negative", hint="omit it for all lines")
    since, until = (
        None if params[name] is None else moment(name, params[name], now)
        for name in ("since", "until")
    )
    streams = [name for name in ("stdout", "stderr") if params[name]]
    if foreseen.told_containers(host) and foreseen.recorded(host, params["container"]) is None:
        # One that an earlier task of a check-mode run would make has said nothing yet.
        return {"log": "", "lines": [], "truncated": False}
    container_id = container_record.identify(host.layout, params["container"])
    # The last lines are counted among those that are shown, as with Docker.
    narrowed = since is not None or until is not None or len(streams) < 2
    written = entries(host.layout, container_id, last=None if narrowed else last)
    kept: deque[bytes] = deque(maxlen=last)
    size, truncated = 0, False
    for entry in selected(written, since, until, streams):
        text = entry.data
        if params["timestamps"]:
            text = entry.time.encode() + b" " + text
        if last is not None and len(kept) == last:
            size -= len(kept[0]) if kept else 0
        kept.append(text)
        size += len(text)
        while size > params["limit"] and kept:
            size -= len(kept.popleft())
            truncated = True
    log = b"".join(kept).decode("utf-8", "replace")
    return {"log": log, "lines": log.splitlines(), "truncated": truncated}


def _is_elsewhere(layout: Layout, container_id: str) -> bool:
    """Whether a container's output goes to no file. Raises Error when nobody can read it."""
    driver = container_record.read_spec(layout, container_id).log_driver
    if driver == "none":
        name = container_record.read_record(layout, container_id).name
        raise Error(f"container {name} has no log: its log driver is none")
    return driver == "journald"


def _of_journal(
    layout: Layout, container_id: str, last: Optional[int], follow: bool
) -> Iterator[LogEntry]:
    from . import journald

    cursor = ""
    while True:
        running_on = goes_on(layout, container_id)
        found, cursor = journald.read(container_id, None if cursor else last, cursor)
        yield from found
        if not (follow and running_on):
            return
        time.sleep(_POLL_S)


def _open(path: Path) -> list[BinaryIO]:
    """The files of a log, oldest first. One that is turned over meanwhile is opened once."""
    found: dict[int, BinaryIO] = {}
    for name in _names(path):
        with contextlib.suppress(FileNotFoundError):
            log = open(path.with_name(name), "rb")  # noqa: SIM115  # the caller closes it
            if found.setdefault(os.fstat(log.fileno()).st_ino, log) is not log:
                log.close()
    return list(found.values())


def _names(path: Path) -> list[str]:
    """The names of a log's files, oldest first: log.2, log.1, log."""
    try:
        names = [name for name in os.listdir(path.parent) if re.match(r"\Alog\.[0-9]+\Z", name)]
    except FileNotFoundError:
        return []
    return [*sorted(names, key=lambda name: -int(name[4:])), path.name]


def _from_last(files: list[BinaryIO], last: int) -> list[BinaryIO]:
    """The files that hold the last lines, the first of them at the beginning of those."""
    wanted: list[BinaryIO] = []
    for log in reversed(files):
        wanted.insert(0, log)
        offset, found = _start_of_last(log, last)
        log.seek(offset)
        last -= found
        if offset or last <= 0:
            break
    return wanted


def _records(
    layout: Layout,
    container_id: str,
    path: Path,
    files: list[BinaryIO],
    stack: contextlib.ExitStack,
    follow: bool,
) -> Iterator[bytes]:
    """The records in files, and with ``follow`` as they come, in whichever file that is."""
    *finished, current = files
    for log in finished:
        yield from log
    if not follow:
        yield from current
        return
    rest = b""
    while True:
        # Asked before the log is found at its end: what is written until then is not missed.
        running_on = goes_on(layout, container_id)
        newer = _newer(path, current)
        for line in current:
            rest += line
            if rest.endswith(b"\n"):
                yield rest
                rest = b""
        if newer:
            current = stack.enter_context(newer)
            continue
        if not running_on:
            return
        time.sleep(_POLL_S)


def _newer(path: Path, current: BinaryIO) -> Optional[BinaryIO]:
    """The file after this one, opened, once its monitor writes there and no more here."""
    own = os.fstat(current.fileno()).st_ino
    try:
        if os.stat(path).st_ino == own:
            return None
    except FileNotFoundError:
        # Just being turned over: this one is still written to.
        return None
    files = _open(path)
    inodes = [os.fstat(log.fileno()).st_ino for log in files]
    # One that is not among them any more was dropped; the oldest that is left comes after it.
    index = inodes.index(own) + 1 if own in inodes else 0
    found = files.pop(index) if index < len(files) else None
    for log in files:
        log.close()
    return found


def goes_on(layout: Layout, container_id: str) -> bool:
    """Whether a container may still write: it runs, or waits for its next start.

    One that has just ended is not given up before its monitor is done with it.
    """
    try:
        found = container_record.read_record(layout, container_id)
    except NotFound:
        return False
    if found.phase in container_record.LIVE:
        return liveness.is_running(layout, found) or conmon_files.alive(layout, container_id)
    return running.truth(found).phase == "restarting"


def _start_of_last(log: BinaryIO, count: int) -> tuple[int, int]:
    """Where the last ``count`` lines begin, and how many there are; found from the end, so that a
    long log costs no more.
    """
    position = log.seek(0, 2)
    tail = b""
    found = 0
    while position > 0:
        size = min(_BLOCK, position)
        position -= size
        log.seek(position)
        tail = log.read(size) + tail
        # Without the first record of the block, which may begin before it.
        first = tail.find(b"\n") + 1 if position else 0
        start, found = _before_last(tail, first, count)
        if start is not None:
            return position + start, found
    return 0, found


def _before_last(tail: bytes, first: int, count: int) -> tuple[Optional[int], int]:
    """The offset behind the record that ends the line before the last ``count`` ones, and how many
    lines end behind it; None when they begin earlier.
    """
    end, ended = len(tail), 0
    while end > first:
        start = max(tail.rfind(b"\n", first, end - 1) + 1, first)
        # What was written last is a line, whether or not it has an end.
        if end == len(tail) or tail[start:end].split(b" ", 3)[2:3] in ([b"F"], [b"F\n"]):
            if ended == count:
                return end, ended
            ended += 1
        end = start
    return None, ended
