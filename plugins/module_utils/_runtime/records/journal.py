# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations on containers that may have been interrupted, on disk before their first effect.

A replacement (``swaps/NAME.json``) is written down before the new container is made, and once more
when the old one is given up: that second write, one rename, is the point of no return. Until then
whoever finds the journal without its writer restores the old container; afterwards the new one
stays and the rest of the old is removed. So a replacement that is killed anywhere is completed or
undone by the next task or command, and leaves nothing to clean up by hand.

A container that is frozen for a moment, as while it is committed, has ``frozen`` in its run
directory; without its writer it is unfrozen.

Reading only, but for the functions that write the journal itself; replacement.py acts on it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from ..base import document, files
from ..base.frozen import dataclass, items
from ..base.layout import Layout
from ..kernel import linux, processes


@dataclass(frozen=True)
class Writer:
    """The process that works on something: (pid, start time, boot id)."""

    pid: int
    start: int
    boot_id: str

    @classmethod
    def me(cls) -> Writer:
        pid = os.getpid()
        return cls(pid, linux.process_start_time(pid) or 0, linux.boot_id())

    @property
    def works(self) -> bool:
        return self.boot_id == linux.boot_id() and processes.alive(self.pid, self.start)


@dataclass(frozen=True)
class Swap:
    """The replacement of one container by another of the same name.

    ``ran`` and ``paused`` are what the old one has to be again if it comes back; ``keep_volumes``
    is whether its anonymous volumes outlive it; ``committed`` is that it does not come back.
    ``beside`` is that the old one runs until then, and for at most ``drain_s`` seconds longer while
    clients are connected to it.
    """

    name: str
    old: str
    new: str
    writer: Writer
    ran: bool = False
    paused: bool = False
    keep_volumes: bool = True
    committed: bool = False
    beside: bool = False
    drain_s: float = 0.0


def write_swap(layout: Layout, swap: Swap) -> None:
    """Write the journal of a replacement, before its next effect."""
    files.make_private(layout.swaps)
    files.write_json(_swap(layout, swap.name), document.to_json(swap))
    files.sweep_beside(layout.swaps)


def find_swap(layout: Layout, name: str) -> Optional[Swap]:
    """The replacement of a container by name, under way or cut short; None when there is none."""
    try:
        value = files.read_json(_swap(layout, name))
    except FileNotFoundError:
        return None
    return document.from_json(Swap, value, f"journal of container {name}")


def interrupted(layout: Layout, name: str) -> Optional[Swap]:
    """A replacement that nobody works on any more."""
    found = find_swap(layout, name)
    return None if found is None or found.writer.works else found


def end_swap(layout: Layout, name: str) -> None:
    """Strike a replacement off; one that is not there is a success."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_swap(layout, name))
        files.fsync_dir(layout.swaps)


def swaps(layout: Layout) -> list[str]:
    """The names with a replacement under way or cut short."""
    return _listed(layout.swaps)


def _listed(directory: Path) -> list[str]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(name[:-5] for name in names if name.endswith(".json") and name[0] != ".")


def replaced(layout: Layout) -> frozenset[str]:
    """The ids of the containers on both sides of all replacements; none of them is waste."""
    found = filter(None, (find_swap(layout, name) for name in swaps(layout)))
    return frozenset(container_id for swap in found for container_id in (swap.old, swap.new))


def _swap(layout: Layout, name: str) -> Path:
    return layout.swaps / f"{name}.json"


@contextlib.contextmanager
def freezing(layout: Layout, container_id: str) -> Iterator[Path]:
    """Write down that a container is frozen for the block only; the caller freezes it in there.
    Yields the file that says so.
    """
    path = _frozen(layout, container_id)
    files.write_json(path, dict(items(Writer.me())), durable=False)
    files.sweep_of(path)
    yield path
    # Not when the block fails: whether the container could be thawed is not known then.
    path.unlink(missing_ok=True)


def left_frozen(layout: Layout, container_id: str) -> bool:
    """Whether somebody froze a container for a moment and died before the moment was over."""
    try:
        value = files.read_json(_frozen(layout, container_id))
    except FileNotFoundError:
        return False
    return not document.from_json(Writer, value, "frozen").works


def thawed(layout: Layout, container_id: str) -> None:
    """Delete the journal of a freezing; a missing one is fine."""
    _frozen(layout, container_id).unlink(missing_ok=True)


def _frozen(layout: Layout, container_id: str) -> Path:
    return layout.run_container(container_id) / "frozen"


def pending(layout: Layout) -> bool:
    """Whether anything at all may have been interrupted. Three directories are listed."""
    if swaps(layout) or _listed(layout.creations):
        return True
    try:
        running = os.listdir(layout.run_containers)
    except FileNotFoundError:
        return False
    return any(os.path.exists(layout.run_containers / name / "frozen") for name in running)
