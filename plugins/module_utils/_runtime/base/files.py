# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records on disk: atomic writes, publishing by rename, locks, and removal that never crosses a
mount.

The rules are those of the package records: write beside, fsync, rename, fsync the parent; what is
half made is in tmp and garbage by definition; a lock is a flock on a file that is never unlinked,
its descriptor is closed on exec so that no child can keep it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional, Union

from . import strict_json
from .errors import Error, LockTimeout
from .layout import Layout

SCHEMA_VERSION = 1

#: What to do about a damaged meta.json.
_META = (
    f'make its content {{"version": {SCHEMA_VERSION}}}, unless a newer version wrote the records'
)

#: How often a busy lock is tried again; short beside what holders do, long beside a system call.
_LOCK_POLL_S = 0.02


def prepare(layout: Layout) -> None:
    """Make the directories of an installation, and refuse one whose records a newer version wrote.

    Idempotent and cheap on a prepared host: it reads one file, and looks whether the directories
    are there. Those are 0700 whatever the umask (CVE-2021-41091: layers hold setuid programs no
    user may reach).
    """
    version = check(layout)
    missing = [d for d in layout.durable_directories() if not os.path.isdir(d)]
    for directory in missing:
        make_private(directory)
    if version is None:
        make_private(layout.root)
        make_private(layout.etc)
        if not (layout.images / "oci-layout").exists():
            write_atomic(layout.images / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        if not layout.index.exists():
            write_atomic(layout.index, b'{"schemaVersion":2,"manifests":[]}')
        write_json(layout.meta, {"version": SCHEMA_VERSION})
    elif os.stat(layout.root).st_mode & 0o077:
        os.chmod(layout.root, 0o700)
    if not layout.run_containers.is_dir():
        make_private(layout.run)
        make_private(layout.run_containers)
    sweep(layout)


def check(layout: Layout) -> Optional[int]:
    """The version of the records, None on a host without any. Only reads; raises Error for one that
    this program does not know, and for something else in the place of a directory.
    """
    version: Optional[int] = None
    try:
        version = read_json(layout.meta)["version"]
    except FileNotFoundError:
        pass
    except (TypeError, KeyError) as exc:
        raise Error(
            f"{layout.meta} is damaged: it does not state a schema version", hint=_META
        ) from exc
    except Error as exc:
        raise Error(exc.message, hint=_META) from exc
    if version is not None and version != SCHEMA_VERSION:
        raise Error(
            f"{layout.meta} has schema version {version}; this version of slipway "
            f"knows only {SCHEMA_VERSION}",
            hint="use the version of slipway.engine that wrote it, or a newer one",
        )
    for directory in layout.durable_directories():
        if not os.path.isdir(directory) and os.path.lexists(directory):
            raise Error(f"{directory} is not a directory", hint="move it away")
    return version


def sweep(layout: Layout) -> None:
    """Remove what killed processes left half made, or half removed; their pids are in the names.

    A pid that another process got since only delays it. Six directories are listed, the first four
    empty on a host where nothing was killed.
    """
    for directory in (layout.tmp, layout.trash, layout.run_builds, layout.run_progress):
        _sweep(directory, "")
    for directory in (layout.root, layout.run):
        sweep_beside(directory)


def sweep_beside(directory: Path) -> None:
    """Remove what killed writers left beside the files of a directory (write_atomic)."""
    _sweep(directory, ".")


def sweep_of(path: Path) -> None:
    """The same for one file, in a directory that is not ours alone."""
    _sweep(path.parent, f".{path.name}-")


def _sweep(directory: Path, prefix: str) -> None:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in names:
        pid = name.rsplit("-", 2)[-2:-1] if name.startswith(prefix) else []
        if pid and pid[0].isdecimal() and not os.path.exists(f"/proc/{pid[0]}"):
            remove_tree(directory / name)


def make_private(directory: Path) -> None:
    """A directory only root may enter, with its parents; an existing one is narrowed to that."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)


def fsync_dir(path: Path) -> None:
    """Make renames inside a directory durable: fsync of the file alone does not keep its name."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fsync(fd)
    finally:
        os.close(fd)


def fsync(fd: int) -> None:
    """fsync(2), whose error names the file."""
    try:
        os.fsync(fd)
    except OSError as exc:
        raise _named(exc, fd) from None


def write_all(fd: int, data: Union[bytes, memoryview]) -> None:
    """Write all of it. An error names the file, such as the one that had no more room."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError as exc:
        raise _named(exc, fd) from None


def _named(exc: OSError, fd: int) -> OSError:
    with contextlib.suppress(OSError):
        exc.filename = os.readlink(f"/proc/self/fd/{fd}")
    return exc


def write_atomic(path: Path, data: bytes, mode: int = 0o600, durable: bool = True) -> None:
    """Replace a file's content as a whole, or leave the old one: no reader and no power cut sees
    half.
    """
    try:
        with replacing(path, mode, durable) as fd:
            write_all(fd, data)
    except OSError as exc:
        exc.filename = str(path)
        raise


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o600, durable: bool = True) -> Iterator[int]:
    """A descriptor of a new file, which takes the place of ``path`` when the block has ended; where
    that fails, the old file stays, and nothing beside it. Raises OSError.
    """
    # A name has at most 255 bytes, and a letter up to four.
    temporary = path.with_name(f".{path.name[:50]}-{os.getpid()}-{os.urandom(6).hex()}")
    fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            yield fd
            os.fchmod(fd, mode)
            if durable:
                fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        fsync_dir(path.parent)


def read_json(path: Path) -> Any:
    """The value of a JSON file. Raises FileNotFoundError, and Error naming the file when it is
    damaged.
    """
    return parsed(path, path.read_bytes())


def parsed(path: Path, data: bytes) -> Any:
    """The value of a JSON file that was read. Raises Error naming the file when it is damaged."""
    try:
        return strict_json.loads(data)
    except ValueError as exc:
        raise Error(
            f"{path} is not valid JSON: {exc}",
            hint="restore it, or remove the object it belongs to",
        ) from exc


def write_json(path: Path, value: Any, durable: bool = True) -> None:
    """Publish a JSON record, readable with cat, keys in order."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        data = text.encode()
    except UnicodeEncodeError as exc:
        wrong = text[exc.start : exc.end][:20]
        raise Error(f"{path} cannot be written: {wrong!a} in it is not Unicode") from exc
    write_atomic(path, data, durable=durable)


def publish(staging: Path, target: Path) -> bool:
    """Rename a finished directory to its final name and make the name durable.

    Returns False, and leaves ``staging`` alone, when the target is there already: two makers of the
    same content both succeed. rename(2) replaces only an empty directory, and published ones never
    are.
    """
    try:
        os.rename(staging, target)
    except OSError as exc:
        if exc.errno in (errno.EEXIST, errno.ENOTEMPTY):
            return False
        raise
    fsync_dir(target.parent)
    return True


@contextlib.contextmanager
def scratch(layout: Layout, prefix: str) -> Iterator[Path]:
    """A new private directory below tmp, on the same filesystem as what is published, removed at
    the end.
    """
    path = layout.tmp / f"{prefix}-{os.getpid()}-{os.urandom(6).hex()}"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        remove_tree(path)


@contextlib.contextmanager
def lock(path: Path, shared: bool = False, deadline_s: float = 300.0) -> Iterator[int]:
    """Hold a flock on ``path`` for the block; at most ``deadline_s`` seconds of waiting. Yields the
    descriptor that holds it.

    The holder's pid is in the file for the message only; the lock itself is the kernel's, so it
    ends with its holder however that dies. LockTimeout names the holder and what it runs.
    """
    try:
        # Its pid is written there, and nowhere that a link leads to.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(path, flags, 0o600)
    except OSError as exc:
        if exc.errno != errno.ELOOP:
            raise
        raise Error(f"{path} is a link, and has to be a file", hint="remove it") from exc
    try:
        wanted = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                fcntl.flock(fd, wanted)
                break
            except BlockingIOError as exc:
                if time.monotonic() >= deadline:
                    raise LockTimeout(
                        f"{path.name} has been locked by {_holder(fd)} for {deadline_s:g} seconds",
                        hint="wait for that process to finish, or terminate it",
                    ) from exc
                time.sleep(_LOCK_POLL_S)
        if not shared:
            # For the message only, so a full disk does not keep anybody from making room.
            with contextlib.suppress(OSError):
                os.truncate(fd, 0)
                os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield fd
    finally:
        os.close(fd)


def _holder(fd: int) -> str:
    pid = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
    try:
        argv = Path(f"/proc/{int(pid)}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return f"process {pid or '?'}"
    return f"process {pid} ({b' '.join(argv).decode('utf-8', 'replace').strip()[:200]})"


def discard(layout: Layout, path: Path) -> None:
    """Take an object out of sight in one rename, then remove it: no reader meets half of it."""
    grave = layout.trash / f"{path.name[:100]}-{os.getpid()}-{os.urandom(6).hex()}"
    try:
        os.rename(path, grave)
    except FileNotFoundError:
        return
    fsync_dir(path.parent)
    remove_tree(grave)


def mounts(path: Path) -> Iterator[str]:
    """Where something is mounted at a path or below it, bind mounts too (proc(5), mountinfo)."""
    with open("/proc/self/mountinfo", "rb") as table:
        yield from mounted_in(table.read(), path)


def mounted_in(table: bytes, path: Path) -> Iterator[str]:
    """The same of such a table. Pure. A name in it may hold any byte but a newline."""
    below = f"{path}/"
    for line in os.fsdecode(table).split("\n")[:-1]:
        target = line.split(" ", 5)[4].replace("\\040", " ")
        if target == str(path) or target.startswith(below):
            yield target


def remove_tree(path: Path) -> None:
    """Remove a directory and what is below it, never what is mounted there.

    A stale bind mount of somebody's data inside a tree we remove would lose that data. So each
    directory is entered by descriptor and its device compared with the root's; a bind mount from
    the same device shows itself by EBUSY on rmdir, and before that by the kernel's mount table,
    which is read first. A tree that is gone already is a success.
    """
    for target in mounts(path):
        raise Error(f"{target} is still mounted, so {path} was not removed", hint="unmount it")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        os.unlink(path)
        return
    try:
        _empty(fd, os.fstat(fd).st_dev)
    finally:
        os.close(fd)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(path)


def _empty(fd: int, device: int) -> None:
    for name in os.listdir(fd):
        try:
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(found.st_mode):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=fd)
            continue
        child = os.open(
            name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd
        )
        try:
            if os.fstat(child).st_dev != device:
                raise Error(f"another filesystem is mounted at {name!r} in the tree to be removed")
            _empty(child, device)
        finally:
            os.close(child)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(name, dir_fd=fd)
