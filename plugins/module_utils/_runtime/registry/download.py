# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A partial download of a blob: a file that survives a kill and is resumed.

The file is the record: its length says how far the download came, and its bytes are hashed before
they are counted on, so nothing else has to be kept. It is locked with flock on the file itself.
Whoever waited for the lock may find that the holder has meanwhile published the file under another
name; then the name is opened again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional

from ..base import files
from ..base.errors import Error, LockTimeout
from ..spec.oci import Descriptor

#: Below this a new request costs as much as the bytes.
RESUME_FROM = 1 << 20

_LOCK_POLL_S = 0.05
_READ_BYTES = 1 << 20


class Part:
    """A part of a blob in the file ``path``, locked and hashed as it grows. Used in a ``with``
    block.
    """

    def __init__(
        self,
        path: Path,
        descriptor: Descriptor,
        what: str,
        deadline_s: float = 300.0,
        count: Optional[Callable[[int], None]] = None,
    ):
        self._path = path
        self._count = count
        self._descriptor = descriptor
        self._what = what
        self._deadline_s = deadline_s
        self._fd = -1
        self.size = 0
        #: Whether the bytes of an earlier download are at its start.
        self.resumed = False
        self._new_hash()

    def __enter__(self) -> Part:
        self._lock()
        try:
            self._take_up()
        except BaseException:
            os.close(self._fd)
            raise
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        # A file of the blob's size that was found wrong, or never judged, must not look finished.
        if value is not None and self.complete():
            self.restart()
        os.close(self._fd)

    def complete(self) -> bool:
        """Whether it has as many bytes as the blob."""
        return self.size == self._descriptor.size

    def write(self, data: bytes) -> None:
        files.write_all(self._fd, data)
        self._hash.update(data)
        self.size += len(data)
        if self._count is not None:
            self._count(self.size)

    def restart(self) -> None:
        """Drop every byte."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.size = 0
        self.resumed = False
        self._new_hash()

    def verified(self) -> bool:
        """Whether size and digest are the blob's; if so its bytes are on the disk."""
        found = f"{self._hash.name}:{self._hash.hexdigest()}"
        if not self.complete() or found != self._descriptor.digest:
            return False
        files.fsync(self._fd)
        return True

    def verify(self) -> None:
        """Raise Error when the content is not the blob's; leaving the block empties the file."""
        if not self.verified():
            found = f"{self._hash.name}:{self._hash.hexdigest()}"
            raise Error(
                f"{self._what}: the content received has the digest {found}",
                hint="the registry, or a proxy in front of it, is damaged or hostile",
            )

    def _new_hash(self) -> None:
        self._hash = hashlib.new(self._descriptor.digest.partition(":")[0])

    def _lock(self) -> None:
        deadline = time.monotonic() + self._deadline_s
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            fd = os.open(self._path, flags, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(fd), os.stat(self._path)):
                    self._fd = fd
                    return
            except FileNotFoundError:
                pass
            except BlockingIOError as exc:
                if time.monotonic() >= deadline:
                    os.close(fd)
                    raise LockTimeout(
                        f"{self._what}: another process has been downloading it for more than "
                        f"{self._deadline_s:g} seconds",
                        hint="wait for that process to finish, or terminate it",
                    ) from exc
                time.sleep(_LOCK_POLL_S)
            os.close(fd)

    def _take_up(self) -> None:
        """Hash what is there and continue after it, or drop it when there is little or too much."""
        present = os.fstat(self._fd).st_size
        if present > self._descriptor.size or present < min(RESUME_FROM, self._descriptor.size):
            self.restart()
            return
        while data := os.read(self._fd, _READ_BYTES):
            self._hash.update(data)
            self.size += len(data)
        self.resumed = self.size > 0
