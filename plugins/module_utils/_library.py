# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running from the compiled copy of the collection that the host keeps; _keeping.py makes it.

Sent with every task, so it is small, and imports nothing else of the collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import marshal
import os
import stat
import sys
import zipfile
import zlib
from types import CodeType
from typing import Any, Callable, Optional

#: Layout.default().program, which cannot be imported here.
PROGRAM = "/var/lib/slipway/program"
#: The package whose modules come from here; its name is not part of the paths in the zip.
PACKAGE = "ansible_collections.slipway.engine.plugins"
#: What stands before the index.
HEAD = 4 + 8 + 32


class Library:
    """Finds and loads the modules below PACKAGE. Owns the descriptor of the code file, so that one
    that is replaced meanwhile does no harm.
    """

    def __init__(self, digest: str, directory: str) -> None:
        self.digest, self.directory = digest, directory
        #: Where modules say they come from.
        self.archive = f"{directory}/{digest}.zip"
        self.code = f"{directory}/{digest}.{sys.implementation.cache_tag}.code"
        #: Whether what was sent may be kept; not in check mode.
        self.keeps = True
        self.index: dict[str, tuple[bool, int, int, int, int, int]] = {}
        self._fd = -1

    def open(self) -> bool:
        """Take the code that is kept for this Python; False when there is none that is whole."""
        fd = open_trusted(self.code)
        if fd < 0:
            return False
        head = os.read(fd, HEAD)
        length = int.from_bytes(head[4:12], "big")
        if head[:4] == importlib.util.MAGIC_NUMBER and length < os.fstat(fd).st_size:
            index = os.pread(fd, length, HEAD)
            if hashlib.sha256(index).digest() == head[12:]:
                self.index, self._fd = marshal.loads(index), fd
                self._base = HEAD + length
                return True
        os.close(fd)
        return False

    def keep(self, write: Callable[[str, bytes], None]) -> None:
        """What came from the host is there already."""

    def find_spec(self, name: str, *rest: Any) -> Optional[importlib.machinery.ModuleSpec]:
        entry = self.index.get(name)
        if entry is None:
            return None
        loader: Any = self  # typing wants the abstract class, whose import is for nothing else.
        origin = f"{self.archive}/{self._member(name)}"
        spec = importlib.machinery.ModuleSpec(name, loader, origin=origin, is_package=entry[0])
        spec.has_location = True
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """The module object is Python's own."""

    def exec_module(self, module: Any) -> None:
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, name: str) -> CodeType:
        offset, length, checksum = self.index[name][3:]
        data = os.pread(self._fd, length, self._base + offset)
        # What is damaged is compiled again.
        if len(data) == length and zlib.crc32(data) == checksum:
            found: CodeType = marshal.loads(data)
            return found
        return self.compile(name)

    def compile(self, name: str) -> CodeType:
        member = self._member(name)
        source, path = self.source(member), f"{self.archive}/{member}"
        if zlib.crc32(source) != self.index[name][1]:
            raise ImportError(f"{self.archive} is damaged; remove it and run the task again")
        made: CodeType = compile(source, path, "exec", dont_inherit=True)
        return made

    def source(self, member: str) -> bytes:
        """A file of the sources, by its path in the zip."""
        with os.fdopen(open_trusted(self.archive), "rb") as file, zipfile.ZipFile(file) as packed:
            return packed.read(member)

    def get_source(self, name: str) -> str:
        return self.source(self._member(name)).decode()

    def get_data(self, path: str) -> bytes:
        return self.source(os.path.relpath(path, self.archive))

    def checksum(self, name: str) -> tuple[int, int]:
        """CRC-32 and size in bytes of a module's source."""
        return self.index[name][1:3]

    def _member(self, name: str) -> str:
        stem = name[len(PACKAGE) + 1 :].replace(".", "/")
        return f"{stem}/__init__.py" if self.index[name][0] else f"{stem}.py"


def find(digest: str, sent: str = "", directory: str = PROGRAM) -> Optional[Library]:
    """The library of these sources: kept on the host, or the zip that was just sent. None when it
    is neither, or what was sent is something else.
    """
    kept = Library(digest, directory)
    if kept.open():
        return kept
    if not sent:
        return None
    # What makes a library comes in the zip itself.
    place: dict[str, Any] = {"__name__": f"{PACKAGE}.module_utils._keeping"}
    try:
        with zipfile.ZipFile(sent) as packed:
            source = packed.read("module_utils/_keeping.py")
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
    exec(compile(source, sent, "exec", dont_inherit=True), place)
    made: Optional[Library] = place["receive"](digest, sent, directory)
    return made


def keep(write: Callable[[str, bytes], None]) -> None:
    """Let the next task find the library that this process was sent, if it runs from one. A disk
    that is full or read-only is no reason to fail a task that did its work.
    """
    for found in sys.meta_path:
        if isinstance(found, Library):
            with contextlib.suppress(OSError):
                found.keep(write)


def open_trusted(path: str) -> int:
    """A descriptor of a file that nobody but root can have written; -1 when it is not there or not
    such a one.
    """
    if not trusted(os.path.dirname(path)):
        return -1
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode) or not _owned(about):
        os.close(fd)
        return -1
    return fd


def trusted(directory: str) -> bool:
    """Whether nobody but root can write to a directory and to the one it is in."""
    try:
        found = (os.lstat(directory), os.lstat(os.path.dirname(directory)))
    except OSError:
        return False
    return all(stat.S_ISDIR(about.st_mode) and _owned(about) for about in found)


def _owned(about: os.stat_result) -> bool:
    return about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
