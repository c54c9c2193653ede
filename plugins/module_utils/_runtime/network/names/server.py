# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name server's files and its process, and what was set up the last time.

Its files are below ``dns`` in the run directory, with the pid that it writes there itself. What was
set up is in ``names.json`` beside them.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from ...base import files
from ...base.errors import Error
from ...base.frozen import dataclass, field
from ...base.layout import Layout

_PID = "aardvark.pid"


@dataclass(frozen=True)
class State:
    """What was last set up, in ``names.json`` beside the directory: also when nothing could be."""

    digest: str
    addresses: tuple[str, ...] = field(default=())
    complaints: tuple[str, ...] = field(default=())
    #: Where it was to answer and did not in time: looked at again by whoever looks.
    silent: tuple[str, ...] = field(default=())
    #: Whether this release refuses questions while it reads its files (questions.py).
    refuses: bool = field(default=False)


def directory(layout: Layout) -> Path:
    """Where the server reads what it is to answer."""
    return layout.run / "dns"


def state_file(layout: Layout) -> Path:
    """What was set up; there is none where nothing was."""
    return layout.run / "names.json"


def state(layout: Layout) -> Optional[State]:
    """What was last set up, or None: nothing, or what cannot be read, which is set up anew."""
    try:
        value = files.read_json(state_file(layout))
        lists = (value["addresses"], value["complaints"], value.get("silent", ()))
        addresses, complaints, silent = map(tuple, lists)
        return State(value["digest"], addresses, complaints, silent, value.get("refuses") is True)
    except (FileNotFoundError, Error, KeyError, TypeError):
        return None


def remember(layout: Layout, state: State) -> None:
    """Write down what was set up."""
    value = {
        "digest": state.digest,
        "addresses": list(state.addresses),
        "complaints": list(state.complaints),
        "silent": list(state.silent),
        "refuses": state.refuses,
    }
    files.write_json(state_file(layout), value, durable=False)


def write(layout: Layout, wanted: Mapping[str, str]) -> None:
    """Put the files there by their names, and take others away."""
    place = directory(layout)
    files.make_private(place)
    for name, text in wanted.items():
        files.write_atomic(place / name, text.encode(), durable=False)
    for name in os.listdir(place):
        # Whatever lies here is read as a network, so nothing else may.
        if name not in wanted and name != _PID:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place / name)


def known(layout: Layout) -> frozenset[str]:
    """The addresses its files tell it to listen on."""
    found: set[str] = set()
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(directory(layout)):
            if name != _PID:
                lines = (directory(layout) / name).read_text("utf-8", "replace").splitlines()
                found.update(lines[0].split(" ")[0].split(",") if lines else ())
    return frozenset(found)


def running(layout: Layout) -> int:
    """The server's pid, or 0: the pid it wrote down may long be another process's."""
    try:
        pid = int((directory(layout) / _PID).read_text("ascii"))
    except (OSError, ValueError):
        return 0
    return pid if serves(layout, pid) else 0


def serves(layout: Layout, pid: int) -> bool:
    """Whether a process is a server with our files."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            arguments = file.read().split(b"\0")
        here = os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")
    except OSError:
        return False
    ours = str(directory(layout)).encode() in arguments
    return here and ours and b"aardvark-dns" in arguments[0]


def kill(layout: Layout, pid: int) -> None:
    """End a server with our files, and wait for its end; another process is left alone."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # Opened first and compared again: the pid cannot have gone to another process in between.
        if serves(layout, pid):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(5000)
    finally:
        os.close(fd)
