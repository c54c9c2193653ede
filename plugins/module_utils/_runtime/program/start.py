# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs first in the program, as its ``__main__``: imports nothing else of it.

All modules lie compiled in one member of the archive, ``code``, the first one; zipimport opens the
archive and looks into its directory for each module, which is a quarter of what a command takes.
The member is::

    4 bytes  the magic number of the Python that compiled it
    8 bytes  the length of the index
    index    marshalled: {module: (whether it is a package, offset, length, CRC-32 and size of its
             source)}, offsets counted from the end of the index
    code     marshalled, one module after the other

Another version of Python leaves it alone and compiles the sources beside it.
"""

from __future__ import annotations

import importlib
import importlib.util
import marshal
import mmap
import os
import sys
import zipimport
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from typing import Any, Optional

#: The package inside the program.
PACKAGE = "slipway"
#: The member with the code, and the bytes that stand before it in the archive: a local file header
#: (PKWARE's APPNOTE, 4.3.7) with its name.
MEMBER = "code"
HEADER = 30 + len(MEMBER)

Index = Mapping[str, tuple[bool, int, int, int, int]]


class Compiled:
    """Finds and loads the modules. Has the archive mapped: one that is replaced meanwhile does no
    harm, and a child that closes all descriptors goes on importing.
    """

    def __init__(self, archive: str) -> None:
        self.archive = archive
        with open(archive, "rb", buffering=0) as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        begin = self._map.find(b"\n") + 1 + HEADER
        head = self._map[begin : begin + 12]
        self._base = begin + 12 + int.from_bytes(head[4:], "big")
        #: Whether this Python compiled it.
        self.serves = head[:4] == importlib.util.MAGIC_NUMBER
        data = self._map[begin + 12 : self._base] if self.serves else b""
        self._index: Index = marshal.loads(data) if data else {}

    def find_spec(self, name: str, *rest: Any) -> Optional[ModuleSpec]:
        entry = self._index.get(name)
        if entry is None:
            return None
        loader: Any = self  # typing wants the abstract class, whose import is for nothing else.
        spec = ModuleSpec(name, loader, origin=self._path(name), is_package=entry[0])
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The module object is Python's own."""

    def exec_module(self, module: Any) -> None:
        offset, length = self._index[module.__name__][1:3]
        begin = self._base + offset
        code = marshal.loads(self._map[begin : begin + length])
        # It is in memory of our own now; pages that are mapped count as ours, too.
        self._map.madvise(mmap.MADV_DONTNEED)
        exec(code, module.__dict__)

    def get_source(self, name: str) -> Optional[str]:
        return self.get_data(self._path(name)).decode() if name in self._index else None

    def get_data(self, path: str) -> bytes:
        return zipimport.zipimporter(self.archive).get_data(path)

    def checksum(self, name: str) -> tuple[int, int]:
        """CRC-32 and size in bytes of a module's source."""
        return self._index[name][3:]

    def _path(self, name: str) -> str:
        inside = "/__init__.py" if self._index[name][0] else ".py"
        return f"{self.archive}/{name.replace('.', '/')}{inside}"


def run(archive: str) -> int:
    """The command line; its exit status."""
    compiled = Compiled(archive)
    if compiled.serves:
        finder: Any = compiled
        sys.meta_path.insert(0, finder)
        # Nothing else is looked for in the archive.
        sys.path.remove(archive)
    status: int = importlib.import_module(f"{PACKAGE}.cli.main").main()
    return status


if __name__ == "__main__":
    raise SystemExit(run(os.path.dirname(__file__)))
