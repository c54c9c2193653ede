# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system calls Python 3.9 lacks, under C's own names, and what /proc says about processes and
mounts.

Only this file uses ctypes, and imports it on the first call that needs it (1 to 2 ms, and a Python
built without it still observes): ``boot_id``, ``process_start_time`` and ``mountinfo`` do without.
Every failure is an OSError with errno and, where there is one, the path.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable
from typing import Any, Optional, Union

from ..base.frozen import dataclass
from ..base.regex import regex

Path = Union[str, bytes, "os.PathLike[str]"]

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

# mount_setattr(2), linux/mount.h
MOUNT_ATTR_RDONLY = 1

# open_tree(2) and move_mount(2), linux/mount.h
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 4

# openat2(2), linux/openat2.h
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

# mount(2), linux/mount.h
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_SYNCHRONOUS = 16
MS_REMOUNT = 32
MS_DIRSYNC = 128
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24

# umount2(2)
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

# namespaces(7), linux/sched.h
CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000

# prctl(2), linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36

# renameat2(2), linux/fs.h
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2

# inotify(7), linux/inotify.h
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_ONLYDIR = 0x01000000

#: Calls from number 424 on are the same on every architecture. renameat2 is older, and musl has no
#: wrapper for it, so its number is looked up by machine.
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_OPENAT2 = 437
_MOUNT_SETATTR = 442
_RENAMEAT2 = {
    "x86_64": 316,
    "aarch64": 276,
    "riscv64": 276,
    "ppc64le": 357,
    "s390x": 347,
    "armv7l": 382,
}
#: No C library has wrappers for ioprio_set(2) and ioprio_get(2).
_IOPRIO = {
    "x86_64": (251, 252),
    "aarch64": (30, 31),
    "riscv64": (30, 31),
    "ppc64le": (273, 274),
    "s390x": (282, 283),
    "armv7l": (314, 315),
}
_IOPRIO_WHO_PROCESS = 1


@functools.cache
def _libc() -> tuple[Any, Any]:
    """ctypes and the C library this interpreter runs on, loaded once. The only import of ctypes."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    # Without this, arguments beyond an int's range would be cut off.
    library.syscall.restype = ctypes.c_long
    return ctypes, library


def _check(result: int, path: Optional[Path] = None) -> int:
    """The one error funnel: -1 becomes the OSError subclass that fits errno."""
    if result == -1:
        number = _libc()[0].get_errno()
        if path is None:
            raise OSError(number, os.strerror(number))
        raise OSError(number, os.strerror(number), os.fsdecode(path))
    return result


def _bytes(text: Optional[Path]) -> Optional[bytes]:
    if text is None:
        return None
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return data


@functools.cache
def _openat2() -> Callable[[int, bytes, int, int, int], int]:
    """openat2 with its structure made once: unpacking a layer calls it for every directory."""
    ctypes, library = _libc()
    how = ctypes.c_uint64 * 3
    syscall, pointer, size = library.syscall, ctypes.byref, ctypes.c_size_t(24)
    number, c_int, c_char_p = ctypes.c_long(_OPENAT2), ctypes.c_int, ctypes.c_char_p

    def call(dirfd: int, path: bytes, flags: int, mode: int, resolve: int) -> int:
        result: int = syscall(
            number, c_int(dirfd), c_char_p(path), pointer(how(flags, mode, resolve)), size
        )
        return result

    return call


def openat2(dirfd: int, path: Path, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """Open ``path`` below ``dirfd`` with RESOLVE_* rules. Returns a descriptor that is closed on
    exec.

    EAGAIN means that a rename raced with ``..`` and the kernel would not vouch for the result: try
    again. ``mode`` must be 0 unless the flags create a file (openat2(2) refuses it, unlike
    open(2)).
    """
    name = _bytes(path)
    if name is None:
        raise AssertionError("a name is given")
    return _check(_openat2()(dirfd, name, flags | os.O_CLOEXEC, mode, resolve), path)


def mount(
    source: Optional[Path],
    target: Path,
    fstype: Optional[str] = None,
    flags: int = 0,
    data: Optional[Path] = None,
) -> None:
    """mount(2). ``data`` is the filesystem's option string, at most a page less one byte."""
    ctypes, library = _libc()
    _check(
        library.mount(
            _bytes(source), _bytes(target), _bytes(fstype), ctypes.c_ulong(flags), _bytes(data)
        ),
        target,
    )


def mount_setattr(path: Path, attr_set: int, flags: int = 0) -> None:
    """Set attributes of a mount, with AT_RECURSIVE of all mounts below it too, and leave its others
    as they are. From Linux 5.12; ENOSYS before.
    """
    ctypes, library = _libc()
    attributes = (ctypes.c_uint64 * 4)(attr_set, 0, 0, 0)
    result = library.syscall(
        ctypes.c_long(_MOUNT_SETATTR),
        ctypes.c_int(AT_FDCWD),
        ctypes.c_char_p(_bytes(path)),
        ctypes.c_uint(flags),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, path)


def open_tree(path: Path) -> int:
    """A descriptor of a new mount of what lies at ``path``, which is nowhere yet: the one kind that
    can be mounted in another mount namespace. It ends with the descriptor.
    """
    ctypes, library = _libc()
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    result = library.syscall(
        ctypes.c_long(_OPEN_TREE),
        ctypes.c_int(AT_FDCWD),
        ctypes.c_char_p(_bytes(path)),
        ctypes.c_uint(flags),
    )
    return _check(result, path)


def move_mount(fd: int, target: Path) -> None:
    """Mount what open_tree() returned."""
    ctypes, library = _libc()
    result = library.syscall(
        ctypes.c_long(_MOVE_MOUNT),
        ctypes.c_int(fd),
        ctypes.c_char_p(b""),
        ctypes.c_int(AT_FDCWD),
        ctypes.c_char_p(_bytes(target)),
        ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH),
    )
    _check(result, target)


def umount2(target: Path, flags: int = 0) -> None:
    """umount2(2) with MNT_* and UMOUNT_NOFOLLOW."""
    _check(_libc()[1].umount2(_bytes(target), flags), target)


def unshare(flags: int) -> None:
    """Move this thread into new namespaces (CLONE_NEW*)."""
    _check(_libc()[1].unshare(flags))


def setns(fd: int, nstype: int = 0) -> None:
    """Move this thread into the namespace ``fd`` stands for; ``nstype`` of 0 takes any kind."""
    _check(_libc()[1].setns(fd, nstype))


def prctl(option: int, value: int) -> None:
    """prctl(2) with an option that takes one number (PR_SET_*)."""
    ctypes, library = _libc()
    zero = ctypes.c_ulong(0)
    _check(library.prctl(option, ctypes.c_ulong(value), zero, zero, zero))


def ioprio_set(ioprio: int) -> None:
    """Give this thread an I/O scheduling class and priority; 0 is none, so that nice decides."""
    _ioprio(0, ioprio)


def ioprio_get() -> int:
    """The I/O scheduling class and priority of this thread."""
    return _ioprio(1)


def _ioprio(which: int, *value: int) -> int:
    numbers = _IOPRIO.get(os.uname().machine)
    if numbers is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    ctypes, library = _libc()
    words = (ctypes.c_int(one) for one in (_IOPRIO_WHO_PROCESS, 0, *value))
    return _check(library.syscall(ctypes.c_long(numbers[which]), *words))


def renameat2(olddirfd: int, old: Path, newdirfd: int, new: Path, flags: int = 0) -> None:
    """rename(2) with RENAME_NOREPLACE (EEXIST when ``new`` is there) or RENAME_EXCHANGE (both must
    be).
    """
    ctypes, library = _libc()
    number = _RENAMEAT2.get(os.uname().machine)
    if number is None:
        result = library.renameat2(olddirfd, _bytes(old), newdirfd, _bytes(new), flags)
    else:
        result = library.syscall(
            ctypes.c_long(number),
            ctypes.c_int(olddirfd),
            ctypes.c_char_p(_bytes(old)),
            ctypes.c_int(newdirfd),
            ctypes.c_char_p(_bytes(new)),
            ctypes.c_uint(flags),
        )
    _check(result, new)


def syncfs(fd: int) -> None:
    """Write out everything of the filesystem that holds ``fd``: one call for a whole unpacked
    layer.
    """
    _check(_libc()[1].syncfs(fd))


def linkat_fd(fd: int, newdirfd: int, newname: Path) -> None:
    """Give the very file that ``fd`` stands for another name (AT_EMPTY_PATH needs
    CAP_DAC_READ_SEARCH).
    """
    _check(_libc()[1].linkat(fd, b"", newdirfd, _bytes(newname), AT_EMPTY_PATH), newname)


def boot_id() -> str:
    """The identifier of this boot: presence in /run is no proof that something still runs."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def process_start_time(pid: int) -> Optional[int]:
    """When a process started, in clock ticks since boot; None when there is no such process.

    A pid with its start time and the boot id identifies a process forever. Field 22 of proc(5)'s
    stat, counted behind the last ``)``, since a command's name may hold any byte but NUL.
    """
    try:
        with open(f"/proc/{int(pid)}/stat", "rb") as file:
            return start_time_in(file.read())
    except (FileNotFoundError, ProcessLookupError):
        return None


def inotify_init1(flags: int) -> int:
    """A descriptor that reports changes; it is the caller's to close."""
    return _check(_libc()[1].inotify_init1(flags))


def inotify_add_watch(fd: int, path: Path, mask: int) -> int:
    return _check(_libc()[1].inotify_add_watch(fd, _bytes(path), mask), path)


def start_time_in(line: bytes) -> Optional[int]:
    """The same of what is in such a file; None when that is cut off. Pure."""
    fields = line[line.rfind(b")") + 1 :].split()
    # The first field here is number 3 (state), so number 22 stands at index 19.
    return int(fields[19]) if len(fields) > 19 else None


@dataclass(frozen=True)
class Mount:
    """One line of proc(5)'s mountinfo. ``options`` are the mount's own, ``super_options`` the
    filesystem's; a ``shared`` one spreads what is mounted below it.
    """

    parent: int
    root: str
    target: str
    fstype: str
    source: str
    options: str
    super_options: str
    shared: bool = False


_ESCAPE = regex(rb"\\([0-7]{3})")


def _unescape(field: bytes) -> str:
    if b"\\" in field:
        field = _ESCAPE.sub(lambda match: bytes([int(match.group(1), 8) & 0xFF]), field)
    return os.fsdecode(field)


def mountinfo(pid: Union[int, str] = "self") -> list[Mount]:
    """The mounts that a process sees, oldest first; the last one with a given target is on top."""
    with open(f"/proc/{pid}/mountinfo", "rb") as file:
        return mounts_in(file.read())


def mounts_in(table: bytes) -> list[Mount]:
    """The same of such a table. Pure. Names in it are anybody's: the kernel escapes blanks,
    newlines and backslashes of theirs, and nothing else, so lines end with newlines only.
    """
    mounts = []
    for line in table.split(b"\n")[:-1]:
        # Optional fields, of any number, stand between the options and a single hyphen.
        left, dummy, right = line.partition(b" - ")
        fields, (fstype, source, super_options) = left.split(b" "), right.split(b" ", 2)
        mounts.append(
            Mount(
                parent=int(fields[1]),
                root=_unescape(fields[3]),
                target=_unescape(fields[4]),
                fstype=_unescape(fstype),
                source=_unescape(source),
                options=_unescape(fields[5]),
                super_options=_unescape(super_options),
                shared=any(field.startswith(b"shared:") for field in fields[6:]),
            )
        )
    return mounts
