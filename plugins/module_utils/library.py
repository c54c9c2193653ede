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
does not agree with its checksums is compiled anew from the sources, and sources that do not agree
with their digest are asked for again: the file is a cache, and no answer depends on it. The
checksums guard against damage; the owner guards against people.

Standard library only, and nothing else of the collection: this file is sent with every task.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import marshal
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from types import CodeType, ModuleType
from typing import Any, Callable, Optional

#: Layout.default().root and its ``program``: this file cannot import layout.
ROOT = "/var/lib/slipway"
PROGRAM = ROOT + "/program"
#: The package whose modules come from here, and what stands before it in a zip's member names.
PACKAGE = "ansible_collections.slipway.engine.plugins"

#: How many versions of the sources are kept; several controllers may use a host.
_KEPT = 4
_HEAD = 4 + 8 + 32

_Entry = tuple[bool, int, int, int, int, int]


def digest(sources: Mapping[str, bytes]) -> str:
    """The identity of sources, given by path below plugins/, as 64 hex digits."""
    whole = hashlib.sha256()
    for path, source in sorted(sources.items()):
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


class Library:
    """Finds and loads the modules below PACKAGE. One that has no code file compiles as it imports.

    Owns the descriptor of the code file, so that a file which is replaced meanwhile does no harm.
    """

    def __init__(self, sources_digest: str, directory: str) -> None:
        self.digest = sources_digest
        self.directory = directory
        #: Where modules say they come from; ``get_data`` takes paths below it.
        self.archive = f"{directory}/{sources_digest}.zip"
        self._index: dict[str, _Entry] = {}
        self._code = -1
        self._base = 0
        self._sources: Optional[dict[str, bytes]] = None
        self._packed = b""

    def open_code(self) -> bool:
        """Take the compiled code of this Python; False when there is none that is whole."""
        fd = _open(self.directory, os.path.basename(self._code_path()))
        if fd < 0:
            return False
        head = os.read(fd, _HEAD)
        length = int.from_bytes(head[4:12], "big")
        if head[:4] == importlib.util.MAGIC_NUMBER and length < os.fstat(fd).st_size:
            index = os.pread(fd, length, _HEAD)
            if hashlib.sha256(index).digest() == head[12:]:
                self._index = marshal.loads(index)
                self._code, self._base = fd, _HEAD + length
                return True
        os.close(fd)
        return False

    def open_sources(self, path: str = "") -> bool:
        """Read the sources that lie beside, or those just sent as ``path``; False when they are not
        what the digest says.
        """
        fd = (
            os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if path
            else _open(self.directory, os.path.basename(self.archive))
        )
        if fd < 0:
            return False
        with os.fdopen(fd, "rb") as file:
            packed = file.read()
        try:
            with zipfile.ZipFile(io.BytesIO(packed)) as members:
                sources = {name: members.read(name) for name in members.namelist()}
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            return False
        if digest(sources) != self.digest:
            return False
        self._sources, self._packed = sources, packed
        if not self._index:
            self._index = {
                _module(member): (
                    member.endswith("/__init__.py"), zlib.crc32(source), len(source), 0, 0, 0
                )
                for member, source in sources.items()
            }  # fmt: skip
        return True

    def keep(self, write: Callable[[str, bytes], None]) -> None:
        """Compile everything, and write it with the sources for the next task, durably; older ones
        go. Nothing happens when the code came from such a file.
        """
        if self._code >= 0 or not _trusted(self.directory) or not self._read_sources():
            return
        if not os.path.exists(self.archive) or self._packed != _content(self.archive):
            write(self.archive, self._packed)
        write(self._code_path(), self._compiled())
        self._forget_old()

    def _compiled(self) -> bytes:
        blobs: list[bytes] = []
        index: dict[str, _Entry] = {}
        offset = 0
        for name, (package, checksum, size, *dummy) in self._index.items():
            data = marshal.dumps(self._compile(name))
            index[name] = (package, checksum, size, offset, len(data), zlib.crc32(data))
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

    def _code_path(self) -> str:
        return f"{self.directory}/{self.digest}.{sys.implementation.cache_tag}.code"

    # What follows is what importlib asks of finders and loaders.

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        entry = self._index.get(name)
        if entry is None:
            return None
        loader: Any = self  # typing wants the abstract class, whose import is for nothing else.
        origin = f"{self.archive}/{self._member(name)}"
        spec = importlib.machinery.ModuleSpec(name, loader, origin=origin, is_package=entry[0])
        spec.has_location = True
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """The module object is Python's own."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, name: str) -> CodeType:
        offset, length, checksum = self._index[name][3:]
        if self._code >= 0:
            data = os.pread(self._code, length, self._base + offset)
            if len(data) == length and zlib.crc32(data) == checksum:
                code = marshal.loads(data)
                if isinstance(code, CodeType):
                    return code
        return self._compile(name)

    def get_source(self, name: str) -> str:
        """For tracebacks."""
        return self._source(self._member(name)).decode()

    def get_data(self, path: str) -> bytes:
        """A file of the sources, by its path below ``archive``."""
        return self._source(os.path.relpath(path, self.archive))

    def checksum(self, path: str) -> tuple[int, int]:
        """CRC-32 and size in bytes of a source, by its path below ``archive``."""
        entry = self._index[_module(os.path.relpath(path, self.archive))]
        return entry[1], entry[2]

    def _compile(self, name: str) -> CodeType:
        member = self._member(name)
        code = compile(self._source(member), f"{self.archive}/{member}", "exec", dont_inherit=True)
        if not isinstance(code, CodeType):
            raise AssertionError("exec compiles to code")
        return code

    def _member(self, name: str) -> str:
        stem = name[len(PACKAGE) + 1 :].replace(".", "/")
        return f"{stem}/__init__.py" if self._index[name][0] else f"{stem}.py"

    def _read_sources(self) -> bool:
        return self._sources is not None or self.open_sources()

    def _source(self, member: str) -> bytes:
        if not self._read_sources() or self._sources is None:
            raise ImportError(f"{self.archive} is damaged; remove it and run the task again")
        try:
            return self._sources[member]
        except KeyError as exc:
            raise FileNotFoundError(f"{self.archive} holds no {member}") from exc


def find(sources_digest: str, sent: str = "", directory: str = PROGRAM) -> Optional[Library]:
    """The library with these sources: kept on the host, or made from a zip that was just sent.
    None when it is neither here nor sent, or what was sent is something else.
    """
    library = Library(sources_digest, directory)
    if library.open_code() or library.open_sources() or (sent and library.open_sources(sent)):
        return library
    return None


def active() -> Optional[Library]:
    """The library this process runs from, if it does."""
    return next((found for found in sys.meta_path if isinstance(found, Library)), None)


def keep(write: Callable[[str, bytes], None]) -> None:
    """Let the next task find the library that this one was sent."""
    library = active()
    if library is not None:
        library.keep(write)


def _open(directory: str, name: str) -> int:
    """A descriptor of a file that nobody but root can have written; -1 when it is not there or not
    such a one.
    """
    if not _trusted(directory):
        return -1
    try:
        fd = os.open(os.path.join(directory, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode) or not _owned(about):
        os.close(fd)
        return -1
    return fd


def _trusted(directory: str) -> bool:
    """Whether nobody but root can write to a directory and to the one it lies in."""
    try:
        return all(
            stat.S_ISDIR(about.st_mode) and _owned(about)
            for about in (os.lstat(directory), os.lstat(os.path.dirname(directory)))
        )
    except OSError:
        return False


def _owned(about: os.stat_result) -> bool:
    return about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _module(member: str) -> str:
    stem = member[: -len(".py")]
    if stem.endswith("/__init__"):
        stem = stem[: -len("/__init__")]
    return f"{PACKAGE}.{stem.replace('/', '.')}"


def _is_ours(name: str, ending: str) -> bool:
    return name.endswith(ending) and len(name.partition(".")[0]) == 64
