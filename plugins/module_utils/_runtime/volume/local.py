# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver ``local``: what a volume's options mean, and the mount they ask for.

The options are those of Docker's driver of that name: ``type``, ``device`` and ``o`` are what
mount(8) is told with -t, the device and -o. The kernel does the mount directly, so no helper such
as mount.nfs is needed: an NFS server's name is resolved here, as Docker does, since the kernel
takes addresses only.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional

from ..base.errors import Error
from ..base.frozen import dataclass
from ..kernel import linux
from ..spec.secrets import without_passwords
from ..spec.volume import Volume

OPTIONS = ("type", "device", "o")

#: Words of mount(8) that are flags of mount(2): which one, and whether the word sets it.
_FLAGS: Mapping[str, tuple[int, bool]] = {
    "defaults": (0, True),
    "ro": (linux.MS_RDONLY, True),
    "rw": (linux.MS_RDONLY, False),
    "suid": (linux.MS_NOSUID, False),
    "nosuid": (linux.MS_NOSUID, True),
    "dev": (linux.MS_NODEV, False),
    "nodev": (linux.MS_NODEV, True),
    "exec": (linux.MS_NOEXEC, False),
    "noexec": (linux.MS_NOEXEC, True),
    "sync": (linux.MS_SYNCHRONOUS, True),
    "async": (linux.MS_SYNCHRONOUS, False),
    "dirsync": (linux.MS_DIRSYNC, True),
    "atime": (linux.MS_NOATIME, False),
    "noatime": (linux.MS_NOATIME, True),
    "diratime": (linux.MS_NODIRATIME, False),
    "nodiratime": (linux.MS_NODIRATIME, True),
    "relatime": (linux.MS_RELATIME, True),
    "norelatime": (linux.MS_RELATIME, False),
    "strictatime": (linux.MS_STRICTATIME, True),
    "nostrictatime": (linux.MS_STRICTATIME, False),
    "bind": (linux.MS_BIND, True),
    "rbind": (linux.MS_BIND | linux.MS_REC, True),
}

#: What a volume's place among the host's mounts is; mount(2) changes it in a call of its own.
_PROPAGATIONS: Mapping[str, int] = {
    "private": linux.MS_PRIVATE,
    "rprivate": linux.MS_PRIVATE | linux.MS_REC,
    "shared": linux.MS_SHARED,
    "rshared": linux.MS_SHARED | linux.MS_REC,
    "slave": linux.MS_SLAVE,
    "rslave": linux.MS_SLAVE | linux.MS_REC,
}

#: Filesystems over the network whose server the kernel wants as an address.
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3"})


@dataclass(frozen=True)
class Mount:
    """One call of mount(2), and the one that sets its propagation (0 for none)."""

    device: str
    type: str
    flags: int = 0
    data: tuple[str, ...] = ()
    propagation: int = 0


def check(name: str, options: Mapping[str, str]) -> None:
    """Raise Error, naming the volume, for options the driver does not have or that make no
    sense.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise Error(
            f"volume {name}: unknown option {unknown[0][:60]!r} of the driver local",
            hint=f"known options: {', '.join(OPTIONS)}",
        )
    if not options:
        return
    missing = [option for option in ("type", "device") if not options.get(option)]
    if missing:
        raise Error(
            f"volume {name}: driver_options requires {' and '.join(missing)}",
            hint="for a directory of the host use type: none, o: bind, device: /its/path",
        )
    for option, value in options.items():
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
            raise Error(f"volume {name}: {option} has a control character in it")
    wanted = parse(options)
    if wanted.flags & linux.MS_BIND and not wanted.device.startswith("/"):
        raise Error(
            f"volume {name}: device {wanted.device[:200]!r} is not an absolute path",
            hint="o: bind mounts a directory of the host",
        )


def parse(options: Mapping[str, str]) -> Mount:
    """The mount that type, device and o ask for. Pure."""
    flags, propagation, data = 0, 0, []
    for word in filter(None, (part.strip() for part in options.get("o", "").split(","))):
        if word in _PROPAGATIONS:
            propagation = _PROPAGATIONS[word]
        elif word in _FLAGS:
            bits, on = _FLAGS[word]
            flags = flags | bits if on else flags & ~bits
        else:
            data.append(word)
    return Mount(options["device"], options["type"], flags, tuple(data), propagation)


def is_mounted(directory: Path) -> bool:
    """Whether something is mounted at a volume's directory."""
    real = os.path.join(os.path.realpath(directory.parent), directory.name)
    return any(entry.target == real for entry in linux.mountinfo())


def mount(volume: Volume, directory: Path) -> None:
    """Mount at ``directory`` what a volume's options name, unless it is there already.

    The caller holds the volume's lock. Raises Error naming volume and options.
    """
    if not volume.driver_options or is_mounted(directory):
        return
    wanted = parse(volume.driver_options)
    data = ",".join(_resolved(volume, wanted))
    try:
        linux.mount(wanted.device, directory, wanted.type, wanted.flags, data or None)
        try:
            if wanted.flags & linux.MS_BIND and wanted.flags & ~(linux.MS_BIND | linux.MS_REC):
                # The kernel takes only where from and to when it binds; the rest in a second call.
                linux.mount(None, directory, None, wanted.flags | linux.MS_REMOUNT)
            if wanted.propagation:
                linux.mount(None, directory, None, wanted.propagation)
        except OSError:
            linux.umount2(directory, linux.MNT_DETACH)
            raise
    except OSError as exc:
        raise _explain(volume, exc) from exc


def unmount(volume: Volume, directory: Path) -> None:
    """Take away what is mounted for a volume; nothing is a success. The caller holds its lock."""
    if volume.driver_options:
        detach(volume.name, directory)


def detach(name: str, directory: Path) -> None:
    """The same, whatever the options of a volume are."""
    while is_mounted(directory):
        try:
            linux.umount2(directory, linux.UMOUNT_NOFOLLOW)
        except OSError as exc:
            if exc.errno == errno.EBUSY:
                linux.umount2(directory, linux.UMOUNT_NOFOLLOW | linux.MNT_DETACH)
            elif exc.errno != errno.EINVAL:
                raise Error(f"volume {name} cannot be unmounted: {exc.strerror}") from exc


def _resolved(volume: Volume, wanted: Mount) -> Iterator[str]:
    """The words for the filesystem, with the address of a server in the place of its name."""
    named = False
    for word in wanted.data:
        key, dummy, value = word.partition("=")
        if wanted.type in _NETWORK and key == "addr" and value:
            named = True
            yield f"addr={_address(volume, value)}"
        else:
            yield word
    server = wanted.device.partition(":/")[0].strip("[]")
    if wanted.type.startswith("nfs") and server and not named:
        # mount.nfs(8) takes it from the device; the kernel does not.
        yield f"addr={_address(volume, server)}"


def _address(volume: Volume, name: str) -> str:
    import socket  # 3 ms, and the hook at every container's end comes by here.

    try:
        return str(socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)[0][4][0])
    except OSError as exc:
        raise Error(
            f"volume {volume.name}: the server {name} cannot be resolved: {exc.strerror}"
        ) from exc


def _explain(volume: Volume, exc: OSError) -> Error:
    options = without_passwords(volume.driver_options)
    told = ", ".join(f"{key}: {options[key]}" for key in OPTIONS if key in options)
    hint: Optional[str] = None
    if exc.errno == errno.ENODEV:
        hint = f"this kernel has no filesystem {options['type']}, or its module is not loaded"
    elif exc.errno == errno.ENOENT:
        hint = "the device must exist; it is not created"
    elif exc.errno == errno.EINVAL:
        hint = "see the last lines of dmesg for the rejected option"
    return Error(f"volume {volume.name} cannot be mounted ({told}): {exc.strerror}", hint=hint)
