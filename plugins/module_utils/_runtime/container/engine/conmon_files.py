# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What conmon leaves on disk for a container: how it exited, and what it wrote.

To tell whether a container is running, or to show its logs, nothing of what starts one is needed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Optional

from ...base import clock, files
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...kernel import linux, processes

_STREAMS = (b"stdout", b"stderr")

#: How much of a line that does not end is held. Bytes.
_LINE_LIMIT = 1 << 20


@dataclass(frozen=True)
class Exit:
    """How a container ended: its exit status (128 + signal), and when, RFC 3339 in UTC."""

    code: int
    oom_killed: bool
    finished_at: str


def exit_directory(layout: Layout, container_id: str, generation: int) -> Path:
    """Where conmon writes the exit of one start of a container."""
    return layout.run_container(container_id) / f"exit.{generation}"


def read_exit(layout: Layout, container_id: str, generation: int) -> Optional[Exit]:
    """What conmon wrote down about the end of one start; None when it has not."""
    exits = exit_directory(layout, container_id, generation)
    try:
        with open(exits / "exit", "rb") as file:
            code = int(file.read(16))
            finished_ns = os.fstat(file.fileno()).st_mtime_ns
    except (FileNotFoundError, ValueError):
        return None
    return Exit(code & 0xFF, (exits / "oom").exists(), clock.text(finished_ns))


@dataclass(frozen=True)
class LogEntry:
    """One line a container wrote: when it was begun (RFC 3339), to which stream, and its bytes.

    The newline is there, unless the line has not ended or was too long to be held whole.
    """

    time: str
    stream: str
    data: bytes


def parse_log(records: Iterable[bytes]) -> Iterator[LogEntry]:
    """The lines in a log of k8s-file format (an open file is an iterable of records), oldest first.
    Pure.

    conmon writes ``TIME STREAM F|P BYTES``: P is a piece without its newline, which goes on with
    the next piece of the same stream. A record of another form is passed over. Memory is bounded.
    """
    begun: dict[str, tuple[str, bytearray]] = {}
    for record in records:
        fields = record.rstrip(b"\n").split(b" ", 3)
        if len(fields) < 4 or fields[2] not in (b"F", b"P") or fields[1] not in _STREAMS:
            continue
        stream = fields[1].decode("ascii")
        time_text, line = begun.pop(stream, (fields[0].decode("ascii", "replace"), bytearray()))
        line += fields[3]
        if fields[2] == b"F":
            yield LogEntry(time_text, stream, bytes(line) + b"\n")
        elif len(line) >= _LINE_LIMIT:
            yield LogEntry(time_text, stream, bytes(line))
        else:
            begun[stream] = (time_text, line)
    for stream, (time_text, line) in begun.items():
        yield LogEntry(time_text, stream, bytes(line))


#: What conmon runs when a container has ended, before the program: nothing else if somebody who
#: works is attending to the end, and records it. The program takes Python's start. Field 22 of
#: proc(5)'s stat is the start time; what precedes the last parenthesis is a name, and is cut off.
_UNLESS_ATTENDED = """works() { [ "$1" != Z ] && shift 19 && [ "$1" = "$start" ]; }
read -r pid start <"$0" && read -r stat <"/proc/$pid/stat" && works ${stat##*)} && exit
exec "$@\""""


def unless_attended(layout: Layout, container_id: str, command: Sequence[str]) -> list[str]:
    """A command for the end of a container, unless that is attended to. The path of the file that
    says so is its name.
    """
    return ["/bin/sh", "-c", _UNLESS_ATTENDED, str(_attending(layout, container_id)), *command]


@contextlib.contextmanager
def attending(layout: Layout, container_id: str) -> Iterator[None]:
    """Attend to the end of a container for the block: who does so records it there. If this process
    is killed, the container's exit hook runs as usual.
    """
    path = _attending(layout, container_id)
    # In place: one that is killed before the write leaves an empty file, which names nobody.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
    except FileNotFoundError:
        # Somebody removed the run; then the hook and this process both record the end.
        yield
        return
    try:
        start = linux.process_start_time(os.getpid())
        files.write_all(fd, f"{os.getpid()} {start}\n".encode())
    finally:
        os.close(fd)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _attending(layout: Layout, container_id: str) -> Path:
    return layout.run_container(container_id) / "attended"


def someone_attends(layout: Layout, container_id: str) -> bool:
    """Whether a process that lives attends to the end of a container."""
    try:
        pid, start = map(int, _attending(layout, container_id).read_text("ascii").split())
    except (OSError, ValueError):
        return False
    return processes.alive(pid, start)


def lives(layout: Layout, container_id: str) -> bool:
    """Whether there is a process with the recorded pid of a monitor."""
    try:
        pid = (layout.run_container(container_id) / "conmon.pid").read_text("ascii").strip()
    except (OSError, ValueError):
        return False
    return pid.isdecimal() and os.path.exists(f"/proc/{pid}")


def alive(layout: Layout, container_id: str) -> bool:
    """Whether a container's monitor still runs."""
    return monitor(layout, container_id) > 0


def monitor(layout: Layout, container_id: str) -> int:
    """The pid of a container's monitor, 0 when there is none. Its arguments tell it from a later
    process.
    """
    pid, arguments = _monitor(layout, container_id)
    return pid if b"--cid" in arguments and container_id.encode() in arguments else 0


def attended(layout: Layout, container_id: str) -> bool:
    """Whether a container's monitor, or the exit hook that takes its place, still runs."""
    return container_id.encode() in _monitor(layout, container_id)[1]


def _monitor(layout: Layout, container_id: str) -> tuple[int, list[bytes]]:
    """The recorded pid of a monitor, and the arguments of the process that has it now."""
    try:
        pid = int((layout.run_container(container_id) / "conmon.pid").read_text("ascii"))
        return pid, Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0, []
