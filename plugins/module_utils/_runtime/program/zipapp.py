# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The on-host program ``slipway``: built as one zip application from the running sources.

conmon's exit hook, the boot unit and people need an entry point that outlives a task. It is
``program/<digest>.pyz``, and ``program/current`` is a symbolic link to the one in use, flipped by
rename. The digest covers everything the archive is a function of: the sources, and the interpreter
that is in its first line. So a program that is current is recognised without being read, and an
upgrade of the collection or of Python makes a new one.

The sources may be in a checkout, in the zip Ansible sends a module in, in the program itself, or on
the controller (Mitogen); all are read through the loader this very module came from. Beside them
all modules are stored as compiled code, in one piece (``start``): the hook runs at every exit of a
container and has no cache directory to compile into. Another version of Python takes the sources.
"""

from __future__ import annotations

import _imp
import contextlib
import functools
import hashlib
import importlib
import importlib.util
import io
import marshal
import os
import re
import sys
import zipimport
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import CodeType
from typing import TYPE_CHECKING, Any, Callable, Optional

from ..base import files
from ..base.errors import Error
from ..base.layout import Layout
from .start import HEADER, MEMBER, PACKAGE

if TYPE_CHECKING:
    import zipfile
from ..base.regex import regex

#: The package that modules are named below. zipimport of Python 3.9 tells a module its package only
#: when it has run.
_RUNTIME = __name__.rsplit(".", 2)[0]

#: The module whose imports the program consists of, by path below _runtime/, and its __main__.
_MAIN = "cli/main"
_START = "program/start"

#: The module that says what the program consists of. It is made wherever sources are packed, so
#: that no task has to walk the imports; sources that nobody packed have none.
CONTENTS = "program/contents"

_IMPORT = regex(r"^ *from (\.+)([\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)

#: Where people find the program.
LAUNCHER = Path("/usr/local/bin/slipway")

#: The size of the record that an archive ends with.
_END_BYTES = 22

#: Programs that are kept: one that runs still reads its modules from the archive before the last.
_KEPT = 3

#: 1980-01-01, the oldest time a zip can hold: the archive is the same bytes whenever it is built.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def program(layout: Layout) -> Path:
    """Where the program in use is reached."""
    return layout.program / "current"


def installed(layout: Layout) -> bool:
    """Whether the program in use is the one these sources make. Reads two directory entries."""
    name = f"{digest()}.pyz"
    try:
        return os.readlink(program(layout)) == name and is_whole(layout.program / name)
    except FileNotFoundError:
        return False


def is_whole(path: Path) -> bool:
    """Whether a program is there and has its end, the record that an archive without a comment ends
    with (APPNOTE.TXT, 4.3.16).
    """
    try:
        with open(path, "rb") as file:
            file.seek(-_END_BYTES, os.SEEK_END)
            return file.read(4) == b"PK\x05\x06"
    except OSError:
        return False


def install(layout: Layout, launcher: Path = LAUNCHER) -> None:
    """Put the program there and make it the one in use. Doing it again changes nothing.

    ``launcher`` becomes a link to it when that name is free; a program of somebody else's is left
    alone. Where it is the usual one, the shell learns to complete it.
    """
    if launcher == LAUNCHER:
        from . import bash_completion  # Only whoever installs writes it.

        bash_completion.install()
    target = layout.program / f"{digest()}.pyz"
    if not is_whole(target):
        files.write_atomic(target, build(), mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        if os.readlink(program(layout)) == target.name:
            _launch(layout, launcher)
            return
    _link(program(layout), target.name)
    files.fsync_dir(layout.program)
    _launch(layout, launcher)
    _forget_old(layout, target.name)


def _launch(layout: Layout, launcher: Path) -> None:
    wanted = str(program(layout))
    if not os.path.lexists(launcher) or (
        launcher.is_symlink()
        and os.readlink(launcher).endswith("/program/current")
        and os.readlink(launcher) != wanted
    ):
        with contextlib.suppress(FileNotFoundError):
            _link(launcher, wanted)


def launches(layout: Layout, launcher: Path = LAUNCHER) -> bool:
    """Whether ``launcher`` is a link to the program of this layout."""
    return launcher.is_symlink() and os.readlink(launcher) == str(program(layout))


def _link(path: Path, target: str) -> None:
    """Make or replace a symbolic link in one step."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    os.symlink(target, beside)
    os.rename(beside, path)


def _forget_old(layout: Layout, current: str) -> None:
    others = [p for p in layout.program.glob("*.pyz") if p.name != current]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[_KEPT - 1 :]:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


@functools.lru_cache(maxsize=1)
def digest() -> str:
    """The identity of the program these sources make, as 64 hex digits.

    From a zip it is computed over the checksums in the zip's directory, which costs a thirtieth of
    reading the modules. The checksums guard against mixing versions; nobody is kept out by them.
    """
    whole = hashlib.sha256(f"{_shebang()}\n{sys.implementation.cache_tag}\n".encode())
    names = modules()
    for name, (checksum, size) in zip(names, _checksums(names)):
        whole.update(f"{name} {checksum:08x} {size}\n".encode())
    return whole.hexdigest()


@functools.lru_cache(maxsize=1)
def modules() -> tuple[str, ...]:
    """What the program consists of, by path below _runtime/: ``cli/main`` and all it reaches."""
    try:
        contents = importlib.import_module(f"{_RUNTIME}.{CONTENTS.replace('/', '.')}")
    except ModuleNotFoundError:
        return reached(_source)
    found: tuple[str, ...] = contents.MODULES
    return found


def contents(source: Callable[[str], Optional[bytes]]) -> bytes:
    """The source of the module CONTENTS for these sources."""
    return f"MODULES = {reached(source)!r}\n".encode()


def reached(source: Callable[[str], Optional[bytes]]) -> tuple[str, ...]:
    """The modules that ``cli/main`` reaches by imports, wherever in a file they stand, sorted.

    ``source`` returns what a file holds, given its path below _runtime/ without ``.py``, and None
    where there is no such file.
    """
    texts: dict[str, Optional[bytes]] = {}
    pending = [_MAIN]
    while pending:
        name = pending.pop()
        if name in texts:
            continue
        texts[name] = text = source(name)
        if text is not None:
            pending += _imported(name.split("/")[:-1], text.decode())
    if texts[_MAIN] is None:
        raise Error(f"the sources lack part of the program: {_MAIN}.py")
    return tuple(sorted(name for name, text in texts.items() if text is not None))


def _imported(package: Sequence[str], text: str) -> Iterator[str]:
    """What the relative imports of a file may mean: a module, or a name in one."""
    for dots, module, names in _IMPORT.findall(text):
        base = [*package[: len(package) + 1 - len(dots)], *filter(None, module.split("."))]
        if base:
            yield "/".join(base)
        for name in names.partition("#")[0].strip("()").split(","):
            if name.strip():
                yield "/".join([*base, name.split()[0]])


def _checksums(names: Sequence[str]) -> list[tuple[int, int]]:
    """CRC-32 and size in bytes of every module's source."""
    loader = _loader()
    if isinstance(loader, zipimport.zipimporter):
        # zipfile costs some milliseconds to import; a task has it already, having come in a zip.
        import zipfile

        with zipfile.ZipFile(loader.archive) as packed:
            try:
                found = [packed.getinfo(_path(name, loader.archive)) for name in names]
            except KeyError as exc:
                raise Error(f"{loader.archive} lacks part of the program: {exc}") from exc
        return [(info.CRC, info.file_size) for info in found]
    known: Optional[Callable[[str], tuple[int, int]]] = getattr(loader, "checksum", None)
    if known is not None:
        # The library that a host keeps has them in its index.
        return [known(f"{_RUNTIME}.{name.replace('/', '.')}") for name in names]
    return [(zlib.crc32(data), len(data)) for data in map(_read, names)]


def _loader() -> object:
    return globals()["__loader__"]


def _path(name: str, archive: str = "") -> str:
    """The file of a module: as the loader counts, or as a member of a zip."""
    runtime = os.path.dirname(os.path.dirname(__file__))
    path = os.path.join(runtime, *f"{name}.py".split("/"))
    return os.path.relpath(path, archive) if archive else path


def _read(name: str) -> bytes:
    # Every loader that reads files has get_data (PEP 302), but typing knows no common class.
    loader: Any = _loader()
    if not hasattr(loader, "get_data"):
        return _read_imported(loader, f"{_RUNTIME}.{name.replace('/', '.')}")
    data = loader.get_data(_path(name))
    if not isinstance(data, bytes):
        raise AssertionError("a loader gives bytes")
    return data


def _read_imported(loader: Any, module: str) -> bytes:
    """The source of a module, of a loader that has no files and knows the source of what it has
    imported: Mitogen's, which fetches each module from the controller. Raises FileNotFoundError.
    """
    if not hasattr(loader, "get_source"):
        raise Error(
            f"the program slipway cannot be made: {type(loader).__name__}, which loaded this task,"
            " does not give the sources it is made of",
            hint="run the task with a strategy of Ansible's own, such as strategy: linear",
        )
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name != module:
            raise
        raise FileNotFoundError(module) from exc
    text = loader.get_source(module)
    if text is None:
        raise FileNotFoundError(module)
    return str(text).encode()


def _source(name: str) -> Optional[bytes]:
    try:
        return _read(name)
    except OSError:
        return None


def _shebang() -> str:
    # -I keeps the caller's environment and directory from choosing what root runs.
    return f"#!{sys.executable or '/usr/bin/python3'} -I"


def build() -> bytes:
    """The program: the same bytes for the same sources and interpreter."""
    import zipfile

    names = modules()
    sources = {f"{PACKAGE}/{name}.py": _read(name) for name in names}
    there = {f"{PACKAGE}/{name}.py": code for name in names if (code := _code_there(name))}
    sources[f"{PACKAGE}/{CONTENTS}.py"] = f"MODULES = {names!r}\n".encode()
    packages = {parent for name in sources for parent in list(PurePosixPath(name).parents)[:-1]}
    # What a folder is for is told to those who read the sources.
    sources |= {f"{name}/__init__.py": b"" for name in packages}
    start = _read(_START)
    first = f"{_shebang()}\n".encode()
    buffer = io.BytesIO()
    buffer.write(first)
    with zipfile.ZipFile(buffer, "a") as packed:
        _add(packed, MEMBER, _code(sources, there))
        if buffer.tell() != len(first) + HEADER + packed.getinfo(MEMBER).file_size:
            raise AssertionError("the compiled code is where it is looked for")
        _add(packed, "__main__.pyc", _compiled("__main__.py", start))
        for path, source in sorted({**sources, "__main__.py": start}.items()):
            _add(packed, path, source, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _add(packed: zipfile.ZipFile, name: str, data: bytes, how: Optional[int] = None) -> None:
    import zipfile

    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr = 0o600 << 16
    packed.writestr(info, data, how)


def _code_there(name: str) -> Optional[CodeType]:
    """The code of a module that its loader has compiled already: the library that a host keeps, or
    that came with this task.
    """
    loader: Any = _loader()
    if not (hasattr(loader, "checksum") and hasattr(loader, "get_code")):
        return None
    found: CodeType = loader.get_code(f"{_RUNTIME}.{name.replace('/', '.')}")
    return found


def _code(sources: Mapping[str, bytes], there: Mapping[str, CodeType]) -> bytes:
    """The member that ``start`` describes, of sources and of what is compiled of them already."""
    index, code = {}, b""
    for path, source in sorted(sources.items()):
        stem = path[: -len(".py")]
        name = stem[: -len("/__init__")] if stem.endswith("/__init__") else stem
        made = _marshalled(path, there.get(path) or _compile(path, source))
        about = (len(code), len(made), zlib.crc32(source), len(source))
        index[name.replace("/", ".")] = (name != stem, *about)
        code += made
    table = marshal.dumps(index)
    return importlib.util.MAGIC_NUMBER + len(table).to_bytes(8, "big") + table + code


def _compile(path: str, source: bytes) -> CodeType:
    code: CodeType = compile(source, path, "exec", dont_inherit=True, optimize=0)
    return code


def _marshalled(path: str, code: CodeType) -> bytes:
    copied = marshal.loads(marshal.dumps(code))
    # As importlib does with compiled code that lies elsewhere now.
    _imp._fix_co_filename(copied, path)  # type: ignore[attr-defined]
    # Written once more, so that what else refers to a constant just now does not show in the bytes.
    return marshal.dumps(marshal.loads(marshal.dumps(copied)))


def _compiled(path: str, source: bytes) -> bytes:
    """A .pyc that is never compared with its source (PEP 552, unchecked): the zip is replaced
    whole.
    """
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
    return head + importlib.util.source_hash(source) + _marshalled(path, _compile(path, source))
