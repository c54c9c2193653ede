# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacked layers: ``layers/<chain id>/``, each one lower directory of overlayfs.

A layer exists only whole: ``diff`` is its content, ``layer.json`` says what it was made from, and
both were on disk before the directory got its name. A chain id names a layer together with all
below it, so images share what they have in common.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Optional

from ...base import files
from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...base.progress import Count, Counted
from ...kernel import linux
from ...spec.oci import Descriptor
from . import blobs

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from ..layer import unpack

_RECORD = "layer.json"
#: Another task may be unpacking the same large layer on a slow disk.
_LOCK_DEADLINE_S = 3600.0


def unpack_layer(
    layout: Layout,
    layer: Descriptor,
    diff_id: str,
    chain_id: str,
    lowers: Sequence[Path],
    count: Optional[Count] = None,
) -> Path:
    """One layer's ``diff`` directory, unpacked on the ones below it (bottom first) if it is not
    there. ``count`` is told how many of the blob's bytes were read by now.

    It is published only when blob and content are what manifest and config say, and on disk.
    """
    if not is_unpacked(layout, chain_id):
        with Stack(layout, lowers) as stack:
            stack.add(layer, diff_id, chain_id, count)
    return layout.layer(chain_id) / "diff"


@dataclass(frozen=True)
class _Staged:
    """A layer that was unpacked, not yet published. ``held`` are its lock and its place in tmp."""

    directory: Path
    target: Path
    held: contextlib.ExitStack


class Stack:
    """The layers of an image on their way in, added from the bottom up. Use it in a ``with`` block:
    at its end they are published.

    While one layer is unpacked, a thread brings those before it to the disk and publishes them, so
    that processor and disk are at work together.
    """

    def __init__(self, layout: Layout, lowers: Sequence[Path] = ()) -> None:
        self._layout = layout
        self._below = list(lowers)
        self._staged: deque[_Staged] = deque()
        self._publisher: Optional[ThreadPoolExecutor] = None
        self._published: list[Future[None]] = []
        self._kept = contextlib.ExitStack()

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        with self._kept:
            if self._publisher is not None:
                self._publisher.shutdown()
            while self._staged:
                self._staged.popleft().held.close()
            if value is None:
                for future in self._published:
                    future.result()

    def add(
        self, layer: Descriptor, diff_id: str, chain_id: str, count: Optional[Count] = None
    ) -> None:
        """Unpack the next layer, unless it is there. Raises Damaged when its blob is; then it may
        be added again.
        """
        target = self._layout.layer(chain_id)
        with contextlib.ExitStack() as held:
            if not is_unpacked(self._layout, chain_id):
                lock = files.lock(
                    self._layout.lock("layer", target.name), deadline_s=_LOCK_DEADLINE_S
                )
                held.enter_context(lock)
            if is_unpacked(self._layout, chain_id):
                self._below.append(target / "diff")
                return
            staging = held.enter_context(files.scratch(self._layout, "layer"))
            self._stage(layer, diff_id, chain_id, staging, count)
            # The directory gets another name under the feet of the layers above, unless held so.
            fd = os.open(staging / "diff", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._kept.callback(os.close, fd)
            self._below.append(Path(f"/proc/self/fd/{fd}"))
            self._staged.append(_Staged(staging, target, held.pop_all()))
        if self._publisher is None:
            from concurrent.futures import ThreadPoolExecutor

            self._publisher = ThreadPoolExecutor(max_workers=1)
        self._published.append(self._publisher.submit(self._publish))

    def _stage(
        self,
        layer: Descriptor,
        diff_id: str,
        chain_id: str,
        staging: Path,
        count: Optional[Count],
    ) -> None:
        diff = staging / "diff"
        diff.mkdir(mode=0o755)
        try:
            done = _unpack(self._layout, layer, diff, self._below, count)
        except blobs.Damaged:
            # Its name lies; without it the next pull fetches it anew.
            blobs.delete(self._layout, layer.digest)
            raise
        if done.diff_id != diff_id:
            raise Error(
                f"the layer {layer.digest} unpacks to {done.diff_id}, but the image config "
                f"says {diff_id}",
                hint="the image is damaged or forged; pull it from a trusted source",
            )
        record = {
            "blob": layer.digest,
            "chain_id": chain_id,
            "diff_id": diff_id,
            "entries": done.entries,
            "size_bytes": done.size_bytes,
        }
        files.write_json(staging / _RECORD, record, durable=False)

    def _publish(self) -> None:
        """Publish what is staged by now, after one sync for all of it."""
        if any(future.done() and future.exception() for future in self._published):
            # The kernel reports a failed write once; the next sync would find nothing wrong.
            return
        count = len(self._staged)
        if count:
            _syncfs(self._layout.layers)
        for dummy in range(count):
            staged = self._staged.popleft()
            with staged.held:
                if staged.target.exists():
                    # Without its record it is what somebody from outside left of a layer.
                    files.discard(self._layout, staged.target)
                files.publish(staged.directory, staged.target)


def _unpack(
    layout: Layout, layer: Descriptor, diff: Path, lowers: Sequence[Path], count: Optional[Count]
) -> unpack.Unpacked:
    # The unpacker takes about 15 ms to import, and most tasks find their layers here.
    from ..layer import compression, stream, unpack

    with contextlib.ExitStack() as stack:
        blob = stack.enter_context(blobs.open_verified(layout, layer))
        source = blob if count is None else Counted(blob, count)
        plain = stack.enter_context(compression.plain(source, layer.media_type))
        ahead = stack.enter_context(stream.Ahead(plain))
        return unpack.unpack(ahead, diff, tuple(reversed(lowers)))


def is_unpacked(layout: Layout, chain_id: str) -> bool:
    """Whether a layer is unpacked in full."""
    return (layout.layer(chain_id) / _RECORD).exists()


def _syncfs(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        linux.syncfs(fd)
    except OSError as exc:
        raise Error(
            f"cannot write layers to disk below {path}: {exc.strerror}",
            hint="check the kernel log for errors of that disk (dmesg)",
        ) from exc
    finally:
        os.close(fd)


def size_bytes(layout: Layout, chain_id: str, otherwise: int) -> int:
    """The bytes of an unpacked layer's files, or ``otherwise`` where they were not counted."""
    try:
        return int(files.read_json(layout.layer(chain_id) / _RECORD)["size_bytes"])
    except (FileNotFoundError, KeyError, TypeError):
        return otherwise


def all_chain_ids(layout: Layout) -> Iterator[str]:
    """The chain IDs of all unpacked layers, sorted."""
    for name in sorted(os.listdir(layout.layers)):
        yield f"sha256:{name}"


def delete(layout: Layout, chain_id: str) -> None:
    """Remove a layer in one rename; the caller knows that nothing uses it."""
    files.discard(layout, layout.layer(chain_id))
