# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own Python, kept on the host and compiled: a task sends and compiles none of it.

Ansible sends a module with all it imports, and Python compiles all of that, at every task; for this
collection it is three times what a module without imports takes. So its sources go to a host once,
as one zip, and a task sends the module ``library`` alone, with the digest of the sources it wants
to run.

Below the host's ``program`` directory lie ``<digest>.zip``, the sources as they were sent, and
``<digest>.<cache_tag>.code``, what one version of Python made of them:

    4 bytes     importlib.util.MAGIC_NUMBER of the Python that compiled
    8 bytes     length of the index, big-endian
    32 bytes    SHA-256 of the index
    the index   marshal of {module: (is a package, CRC-32 of the source, its size in bytes,
                offset from the index's end, length, CRC-32 of the code)}
    the code    of one module after the other, by marshal

A file is used only when root owns it and its directories and nobody else can write to them. What
does not match its checksums is compiled again, or requested again: the file is a cache, and no
answer depends on it. The checksums guard against damage; the owner guards against people.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import marshal
import os
import zipfile
import zlib
from collections.abc import Mapping
from types import CodeType
from typing import Callable, Optional

# By its whole name: this file is also run out of the zip that was sent, where it lies alone.
from ansible_collections.slipway.engine.plugins.module_utils._library import (
    PACKAGE,
    Library,
    open_trusted,
    trusted,
)

#: The list of what the program consists of (program/zipapp.py), by its path below plugins/. It is
#: made of the other sources when they are packed, so it is not part of their identity.
CONTENTS = "module_utils/_runtime/program/contents.py"

#: How many versions of the sources are kept; several controllers may use a host.
_KEPT = 4


def digest(sources: Mapping[str, bytes]) -> str:
    """The identity of sources, given by path below plugins/, as 64 hex digits."""
    whole = hashlib.sha256()
    for path, source in sorted(sources.items()):
        if path != CONTENTS:
            whole.update(f"{path}\0{len(source)}\0".encode())
            whole.update(source)
    return whole.hexdigest()


def pack(sources: Mapping[str, bytes]) -> bytes:
    """The zip that goes to a host."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, source in sorted(sources.items()):
            packed.writestr(zipfile.ZipInfo(path), source, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def receive(expected: str, sent: str, directory: str) -> Optional[Library]:
    """The library in a zip that was sent; None when it is not the one that was announced."""
    try:
        with open(sent, "rb") as file:
            packed = file.read()
        with zipfile.ZipFile(io.BytesIO(packed)) as members:
            sources = {name: members.read(name) for name in members.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        return None
    if digest(sources) != expected:
        return None
    return Sent(expected, directory, sources, packed)


class Sent(Library):
    """A library in memory, which compiles what is imported, until it is kept."""

    def __init__(
        self, sources_digest: str, directory: str, sources: Mapping[str, bytes], packed: bytes
    ) -> None:
        super().__init__(sources_digest, directory)
        self._sources, self._packed = sources, packed
        #: What was compiled until now: the program is made of it, and then it is kept.
        self._made: dict[str, CodeType] = {}
        for member, source in sources.items():
            package = member.endswith("/__init__.py")
            about = (package, zlib.crc32(source), len(source), 0, 0, 0)
            self.index[_module(member)] = about

    def get_code(self, name: str) -> CodeType:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self.compile(name)
        return found

    def source(self, member: str) -> bytes:
        try:
            return self._sources[member]
        except KeyError as exc:
            raise FileNotFoundError(f"{self.archive} does not contain {member}") from exc

    def keep(self, write: Callable[[str, bytes], None]) -> None:
        """Compile everything, and write it with the sources for the next task, durably; the oldest
        libraries go.
        """
        if not self.keeps or not trusted(self.directory):
            return
        if self._packed != _content(self.archive):
            write(self.archive, self._packed)
        write(self.code, self._compiled())
        self._forget_old()

    def _compiled(self) -> bytes:
        blobs: list[bytes] = []
        index: dict[str, tuple[bool, int, int, int, int, int]] = {}
        offset = 0
        for name, entry in self.index.items():
            data = marshal.dumps(self.get_code(name))
            index[name] = (*entry[:3], offset, len(data), zlib.crc32(data))
            offset += len(data)
            blobs.append(data)
        table = marshal.dumps(index)
        head = importlib.util.MAGIC_NUMBER + len(table).to_bytes(8, "big")
        return b"".join([head, hashlib.sha256(table).digest(), table, *blobs])

    def _forget_old(self) -> None:
        with os.scandir(self.directory) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        others = sorted(
            (about.st_mtime, name[:64])
            for name, about in found
            if _is_ours(name, ".zip") and name[:64] != self.digest
        )
        kept = {name for dummy, name in others[1 - _KEPT :]} | {self.digest}
        for name, dummy in found:
            if name[:64] not in kept and (_is_ours(name, ".zip") or _is_ours(name, ".code")):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self.directory, name))


def _content(path: str) -> bytes:
    """What a file holds that nobody else can have written, b"" when it is not there."""
    fd = open_trusted(path)
    if fd < 0:
        return b""
    with os.fdopen(fd, "rb") as file:
        return file.read()


def _module(member: str) -> str:
    stem = member[: -len(".py")]
    if stem.endswith("/__init__"):
        stem = stem[: -len("/__init__")]
    return f"{PACKAGE}.{stem.replace('/', '.')}"


def _is_ours(name: str, ending: str) -> bool:
    return name.endswith(ending) and len(name.partition(".")[0]) == 64
