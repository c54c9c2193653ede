# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many inputs for a parser, each with a limit of processor time, all with one of memory.

They are fed in a child, so one that hangs, or that ends the process, is known by its number.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import resource
import select
import shutil
import signal
import struct
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from .parser import Parser

#: What one input may take of a processor, in seconds, and of the clock where nothing is computed.
PROCESSOR_S, CLOCK_S = 5.0, 60.0
#: What the process may have in memory after any input, Python and the collection included. Bytes.
MEMORY = 200 << 20
_USUAL = 64 << 20
#: More than that cannot even be asked for.
_ADDRESSES = 2 << 30
#: So many inputs come to a child: what one leaves behind does not pile up.
_AT_ONCE = 5000
_MOST_FAULTS = 20


@dataclass
class Outcome:
    """What became of the inputs of a parser: how many there were, how many of them it took."""

    parser: str
    tried: int = 0
    taken: int = 0
    faults: dict[str, tuple[int, str]] = field(default_factory=dict)
    memory_bytes: int = 0
    took_s: float = 0.0


class Hang(BaseException):
    """One input took longer than any may."""


def place() -> Path:
    """A new directory in memory, where there is one."""
    memory = "/dev/shm"
    there = os.access(memory, os.W_OK)
    return Path(tempfile.mkdtemp(prefix="slipway-fuzz-", dir=memory if there else None))


def feed_all(parser: Parser, first: int, count: int, until: Optional[float] = None) -> Outcome:
    """Feed the inputs of the numbers from ``first`` on. Stops at a time of the monotonic clock."""
    found = Outcome(parser.name)
    began = time.monotonic()
    number, end = first, first + count
    while number < end and len(found.faults) < _MOST_FAULTS:
        if until is not None and time.monotonic() > until:
            break
        number = _in_child(parser, number, min(end, number + _AT_ONCE), found)
    found.took_s = time.monotonic() - began
    return found


def _in_child(parser: Parser, number: int, end: int, found: Outcome) -> int:
    """Feed some in a child. Returns the number after the last that was fed."""
    shared = mmap.mmap(-1, 32)
    here = place()
    theirs, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(theirs)
        status = 1
        try:
            status = _child(parser, number, end, here, shared, ours)
        finally:
            os._exit(status)
    os.close(ours)
    said = b""
    seen, since = -1, time.monotonic()
    with os.fdopen(theirs, "rb") as pipe:
        while True:
            if select.select([pipe], [], [], 1.0)[0]:
                part = os.read(pipe.fileno(), 1 << 16)
                if not part:
                    break
                said += part
            at = struct.unpack_from("=q", shared)[0]
            if at != seen:
                seen, since = at, time.monotonic()
            elif time.monotonic() - since > CLOCK_S:
                os.kill(pid, signal.SIGKILL)
                said = said or b"it hung, and no signal ended it"
    status = os.waitpid(pid, 0)[1]
    shutil.rmtree(here, ignore_errors=True)
    at, taken, memory = struct.unpack_from("=qqq", shared)
    found.taken += taken
    found.memory_bytes = max(found.memory_bytes, memory)
    if status == 0:
        found.tried += end - number
        return end
    words = said.decode("utf-8", "replace").strip() or f"the process ended with status {status}"
    found.faults.setdefault(_kind(words), (at, words))
    found.tried += at + 1 - number
    return int(at) + 1


def _kind(words: str) -> str:
    """What makes two faults the same: the last places in the code, and the kind of error."""
    lines = words.splitlines()
    places = [line.strip() for line in lines if line.lstrip().startswith("File ")]
    return " ".join([*places[-1:], lines[-1][:60].partition(":")[0]])


def _child(parser: Parser, number: int, end: int, here: Path, shared: mmap.mmap, pipe: int) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    signal.signal(signal.SIGPROF, _hang)
    taken = 0
    # Whoever forks may be larger than Python and the collection, as pytest is after many tests.
    limit = MEMORY + max(0, _in_memory() - _USUAL)
    try:
        corpus = parser.corpus(here)
        for at in range(number, end):
            struct.pack_into("=qq", shared, 0, at, taken)
            data = parser.made(at, corpus)
            with _limited():
                taken += parser.take(data, here)
            memory = _in_memory()
            struct.pack_into("=qq", shared, 8, taken, memory)
            if memory > limit:
                raise MemoryError(f"{memory} bytes are in memory, more than {limit}")
    except BaseException:
        os.write(pipe, traceback.format_exc(limit=-12).encode("utf-8", "backslashreplace")[-8000:])
        return 1
    return 0


def _in_memory() -> int:
    """How many bytes this process had in memory when it had most of them."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _hang(number: int, frame: Any) -> None:
    raise Hang(f"it took more than {PROCESSOR_S:.0f} s of a processor")
