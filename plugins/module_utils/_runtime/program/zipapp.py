# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The on-host program ``slipway``: built as one zip application from the very sources that run now.

conmon's exit hook, the boot unit and people need an entry point that outlives a task. It is
``program/<digest>.pyz``, and ``program/current`` is a symbolic link to the one in use, flipped by
rename. The digest covers everything the archive is a function of: the sources, and the interpreter
that stands in its first line. So a program that is current is recognised without being read, and an
upgrade of the collection or of Python makes a new one.

The sources may lie in a checkout, in the zip Ansible sends a module in, or in the program itself;
all three are read through the loader this very module came from. Each module is stored as compiled
code beside its source: the hook runs at every exit of a container and has no cache directory to
compile into. Another version of Python ignores the compiled half (zipimport compares its magic
number).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import io
import marshal
import os
import sys
import zipimport
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional

from ..base import files
from ..base.errors import Error
from ..base.layout import Layout

if TYPE_CHECKING:
    # Ansible's packer sends every module it finds imported, here too: so the program's come along
    # with whatever installs it, and importing them costs a task nothing.
    from ..cli import main

    _SENT_ALONG = main

#: The package inside the program.
PACKAGE = "slipway"

#: What the program consists of: cli and all it reaches, by path below runtime/. A test compares.
MODULES = (
    "archive",
    "cgroups",
    "cli",
    "cli_archive",
    "cli_attach",
    "cli_complete",
    "cli_container",
    "cli_exec",
    "cli_help",
    "cli_image",
    "cli_inside",
    "cli_look",
    "cli_network",
    "cli_prune",
    "cli_run",
    "cli_supervise",
    "cli_system",
    "cli_volume",
    "completion",
    "console",
    "container/attachment",
    "container/boot",
    "container/bundle/capabilities",
    "container/bundle/config",
    "container/bundle/devices",
    "container/bundle/labels",
    "container/bundle/masks",
    "container/bundle/mounts",
    "container/bundle/namespaces",
    "container/bundle/place",
    "container/bundle/process",
    "container/bundle/resources",
    "container/bundle/seccomp",
    "container/capture",
    "container/catalogue",
    "container/changed",
    "container/confinement",
    "container/conmon",
    "container/consistency",
    "container/creation",
    "container/declare",
    "container/documents",
    "container/execute",
    "container/export",
    "container/fingerprint",
    "container/health",
    "container/host_config",
    "container/incarnation",
    "container/inspect",
    "container/inspect_mounts",
    "container/joining",
    "container/journal",
    "container/journald",
    "container/lifecycle",
    "container/listing",
    "container/liveness",
    "container/logs",
    "container/mounting",
    "container/names",
    "container/oci_runtime",
    "container/offline",
    "container/option/logging",
    "container/option/mount_forms",
    "container/option/mounts",
    "container/option/names",
    "container/option/namespaces",
    "container/option/networks",
    "container/option/option",
    "container/option/ports",
    "container/option/process",
    "container/option/refused",
    "container/option/resources",
    "container/option/security",
    "container/option/supervision",
    "container/option/text",
    "container/provision",
    "container/reading",
    "container/record",
    "container/resource",
    "container/rootfs",
    "container/seccomp",
    "container/selection",
    "container/signals",
    "container/sources",
    "container/spec",
    "container/staging",
    "container/state",
    "container/steps",
    "container/still",
    "container/supervise",
    "container/surroundings",
    "container/swap",
    "container/top",
    "container/traces",
    "container/transfer",
    "container/tree",
    "container/usage",
    "container/user",
    "container/watch",
    "container/watcher",
    "converge",
    "document",
    "errors",
    "files",
    "filters",
    "frozen",
    "image/archive",
    "image/blobs",
    "image/changes",
    "image/compression",
    "image/difference",
    "image/documents",
    "image/exporting",
    "image/importing",
    "image/index",
    "image/intake",
    "image/layers",
    "image/lineage",
    "image/listing",
    "image/loading",
    "image/making",
    "image/manifest",
    "image/members",
    "image/packing",
    "image/platform",
    "image/pulling",
    "image/pulling_all",
    "image/pushing",
    "image/removing",
    "image/searching",
    "image/staging",
    "image/state",
    "image/store",
    "image/stream",
    "image/tagging",
    "image/tar",
    "image/tarheader",
    "image/transfer",
    "image/unpack",
    "image/verifying",
    "layout",
    "linux",
    "names",
    "network/attach",
    "network/beside",
    "network/conntrack",
    "network/declare",
    "network/dns",
    "network/firewall",
    "network/inspect",
    "network/lease",
    "network/link",
    "network/names",
    "network/nameserver",
    "network/netlink",
    "network/plug",
    "network/port",
    "network/probe",
    "network/pruning",
    "network/publish",
    "network/question",
    "network/record",
    "network/resource",
    "network/ruleset",
    "network/sockets",
    "network/spec",
    "network/state",
    "network/steps",
    "network/sysctl",
    "oci",
    "overlay",
    "plan",
    "process",
    "prune",
    "reference",
    "registry/answer",
    "registry/auth",
    "registry/client",
    "registry/credentials",
    "registry/download",
    "registry/failure",
    "registry/fetching",
    "registry/listing",
    "registry/origin",
    "registry/resource",
    "registry/settings",
    "registry/source",
    "registry/transport",
    "run_flags",
    "run_params",
    "safefs",
    "selinux",
    "session",
    "snapshot",
    "system/info",
    "system/listing",
    "system/parts",
    "system/usage",
    "table",
    "template",
    "template_functions",
    "terminal",
    "treecopy",
    "treescan",
    "verbs",
    "version",
    "volume/declare",
    "volume/inspect",
    "volume/local",
    "volume/pruning",
    "volume/resource",
    "volume/spec",
    "volume/store",
    "volume/users",
)

#: Where people find the program.
LAUNCHER = Path("/usr/local/bin/slipway")

#: Programs that are kept: one that runs still reads its modules from the archive before the last.
_KEPT = 3

_ENTRY = f"from {PACKAGE}.cli import main\n\nraise SystemExit(main())\n"

#: 1980-01-01, the oldest time a zip can hold: the archive is the same bytes whenever it is built.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def program(layout: Layout) -> Path:
    """Where the program in use is reached."""
    return layout.program / "current"


def installed(layout: Layout) -> bool:
    """Whether the program in use is the one these sources make. Reads two directory entries."""
    name = f"{digest()}.pyz"
    try:
        return os.readlink(program(layout)) == name and (layout.program / name).is_file()
    except FileNotFoundError:
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
    if not target.is_file():
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
    for name, (checksum, size) in zip(MODULES, _checksums()):
        whole.update(f"{name} {checksum:08x} {size}\n".encode())
    return whole.hexdigest()


def _checksums() -> list[tuple[int, int]]:
    """CRC-32 and size in bytes of every module's source."""
    loader = _loader()
    if isinstance(loader, zipimport.zipimporter):
        # zipfile costs some milliseconds to import; a task has it already, having come in a zip.
        import zipfile

        with zipfile.ZipFile(loader.archive) as packed:
            try:
                found = [packed.getinfo(_path(name, loader.archive)) for name in MODULES]
            except KeyError as exc:
                raise Error(f"{loader.archive} lacks a part of the program: {exc}") from exc
        return [(info.CRC, info.file_size) for info in found]
    known: Optional[Callable[[str], tuple[int, int]]] = getattr(loader, "checksum", None)
    if known is not None:
        # The library that a host keeps has them in its index.
        return [known(f"{__package__}.{name.replace('/', '.')}") for name in MODULES]
    return [(zlib.crc32(data), len(data)) for data in map(_source, MODULES)]


def _loader() -> object:
    return globals()["__loader__"]


def _path(name: str, archive: str = "") -> str:
    """The file of a module, beside this one: as the loader counts, or as a member of a zip."""
    path = os.path.join(os.path.dirname(__file__), *f"{name}.py".split("/"))
    return os.path.relpath(path, archive) if archive else path


def _source(name: str) -> bytes:
    # Every loader that reads files has get_data (PEP 302), but typing knows no common class.
    loader: Any = _loader()
    data = loader.get_data(_path(name))
    if not isinstance(data, bytes):
        raise AssertionError("a loader gives bytes")
    return data


def _shebang() -> str:
    # -I keeps the caller's environment and directory from choosing what root runs.
    return f"#!{sys.executable or '/usr/bin/python3'} -I"


def build() -> bytes:
    """The program: the same bytes for the same sources and interpreter."""
    import zipfile

    packages = {""} | {name.rpartition("/")[0] for name in MODULES}
    sources = {f"{PACKAGE}/{name}.py": _source(name) for name in MODULES}
    sources |= {os.path.join(PACKAGE, name, "__init__.py"): b"" for name in packages}
    sources["__main__.py"] = _ENTRY.encode()
    buffer = io.BytesIO()
    buffer.write(_shebang().encode() + b"\n")
    with zipfile.ZipFile(buffer, "a") as packed:
        for path, source in sorted(sources.items()):
            for member, data in ((path, source), (f"{path}c", _compiled(path, source))):
                info = zipfile.ZipInfo(member, _EPOCH)
                info.external_attr = 0o600 << 16
                packed.writestr(info, data, zipfile.ZIP_DEFLATED if member == path else None)
    return buffer.getvalue()


def _compiled(path: str, source: bytes) -> bytes:
    """A .pyc that is never compared with its source (PEP 552, unchecked): the zip is replaced
    whole.
    """
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    # Written twice, so that what else refers to a constant just now does not show in the bytes.
    code = marshal.loads(marshal.dumps(code))
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
    return head + importlib.util.source_hash(source) + marshal.dumps(code)
