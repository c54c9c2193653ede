# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms mounts are written in: ``volumes``, ``mounts``, ``tmpfs``, ``volumes_from``. Pure.

All of them end in the same Mount, so a container does not change when its playbook switches from
one form to another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

from ....base.errors import Error
from ....base.frozen import replace
from ....spec.container import CGROUPS, Mount, is_socket
from ....spec.identifiers import is_name
from ....spec.texts import texts
from .option import bad
from .text import string_map

PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
#: Accepted because playbooks contain them: they only ever meant something on Docker for macOS.
CONSISTENCIES = ("cached", "consistent", "default", "delegated")

_MODES = frozenset(("ro", "rw", "z", "Z", "nocopy", *PROPAGATIONS, *CONSISTENCIES))

# Written out and compiled when a tmpfs asks for them: every task of the module imports this.
_SIZE = r"\A([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(?:i?b)?\Z"
_OCTAL = r"\A[0-7]{1,5}\Z"

#: Which kinds of mounts a suboption of ``mounts`` is for.
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "propagation": ("bind",),
    "create_mountpoint": ("bind",),
    "non_recursive": ("bind",),
    "read_only_non_recursive": ("bind",),
    "read_only_force_recursive": ("bind",),
    "no_copy": ("volume",),
    "labels": ("volume",),
    "volume_driver": ("volume",),
    "volume_options": ("volume",),
    "subpath": ("volume", "image"),
    "tmpfs_size": ("tmpfs",),
    "tmpfs_mode": ("tmpfs",),
    "tmpfs_options": ("tmpfs",),
}

#: What a tmpfs may be mounted with (tmpfs(5)), by what its value is; flags have none.
_TMPFS_NUMBERS = ("uid", "gid", "nr_inodes", "nr_blocks")
_TMPFS_FLAGS = (
    *("exec", "noexec", "suid", "nosuid", "dev", "nodev", "sync", "async", "dirsync", "atime"),
    *("noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime"),
    *("nostrictatime", "swap", "noswap"),
)
#: Flags that every tmpfs has, and those that mean the kernel's own default: neither is news.
_TMPFS_DEFAULTS = frozenset(
    {"noexec", "nosuid", "nodev", "async", "swap", "atime", "diratime", "nostrictatime"}
)


# --- volumes ---------------------------------------------------------------------------------


def of_volumes(texts: Iterable[Any]) -> Iterator[Mount]:
    """``[SOURCE:]TARGET[:MODE,...]``: a source with a slash is a path of the host, without one a
    volume's name.
    """
    for text in texts:
        yield _volume(str(text))


def _volume(text: str) -> Mount:
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise bad("volumes", text, "write [SOURCE:]TARGET[:MODE]")
    modes = parts[2].split(",") if len(parts) == 3 else []
    source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
    if len(parts) == 2 and all(word in _MODES for word in parts[1].split(",")):
        # An anonymous volume with a mode. No target is one of these words: it begins with a slash.
        source, target, modes = "", parts[0], parts[1].split(",")
    target = _target("volumes", text, target, source)
    if not source:
        kind = "anonymous"
    elif source[0] in "/~.":
        kind, source = "bind", os.path.abspath(os.path.expanduser(source))
    else:
        kind = "volume"
        if not is_name(source):
            raise bad("volumes", text, f"{source!r} is neither a volume name nor an absolute path")
    # A directory where a service is to put its socket would keep it from starting.
    mount = Mount(kind, source, target, create_source=not is_socket(source))
    for mode in modes:
        mount = _with_mode(text, mount, mode)
    return mount


def _with_mode(text: str, mount: Mount, mode: str) -> Mount:
    if mode in ("ro", "rw"):
        return replace(mount, read_only=mode == "ro")
    if mode in ("z", "Z"):
        return replace(mount, relabel=mode)
    if mode == "nocopy" and mount.kind != "bind":
        return replace(mount, copy_up=False)
    if mode in PROPAGATIONS and mount.kind == "bind":
        return replace(mount, propagation=mode)
    if mode in CONSISTENCIES:
        return mount
    raise bad("volumes", text, f"{mode!r} is not a mode for a {mount.kind} mount")


def _target(option: str, text: str, target: str, source: str = "") -> str:
    if not target.startswith("/") or any(ord(c) < 0x20 or ord(c) == 0x7F for c in target):
        raise bad(option, text, f"the path in the container must be absolute: {target!r}")
    target = os.path.normpath("/" + target.lstrip("/"))
    if target == "/":
        raise bad(option, text, "the root of the container cannot be a mount point")
    if target == CGROUPS == os.path.normpath(source or "/"):
        # How systemd was told of its control groups: it is taken at its word, and mounted by us.
        return target
    # CVE-2019-16884: a volume over /proc or /sys takes the masks away that protect the host.
    if target in ("/proc", "/sys") or target.startswith(("/proc/", "/sys/")):
        raise bad(option, text, "/proc and /sys of a container cannot be mounted over")
    return target


# --- mounts ----------------------------------------------------------------------------------


def of_mounts(values: Iterable[Mapping[str, Any]]) -> Iterator[Mount]:
    """The dictionaries of ``mounts``: type, source, target, and what there is for each type."""
    for value in values:
        yield _mount({key: item for key, item in value.items() if item is not None})


def _mount(value: Mapping[str, Any]) -> Mount:
    kind, where = value.get("type", "volume"), str(value["target"])
    of_host = str(value.get("source", "")) if kind == "bind" else ""
    target = _target("mounts", where, where, of_host)
    if kind in ("npipe", "cluster"):
        raise bad("mounts", target, f"type {kind} is not supported for Linux containers")
    for suboption, kinds in _OF_KIND.items():
        if value.get(suboption) not in (None, False, "") and kind not in kinds:
            raise bad("mounts", target, f"{suboption} applies only to type {' or '.join(kinds)}")
    source = str(value.get("source", ""))
    if not source and kind in ("bind", "image"):
        raise bad("mounts", target, f"type {kind} needs a source")
    make = {"bind": _bind, "volume": _named, "tmpfs": _tmpfs_mount, "image": _image}[kind]
    return make(value, source, Mount(kind, source, target, bool(value.get("read_only"))))


def _bind(value: Mapping[str, Any], source: str, mount: Mount) -> Mount:
    if source[0] not in "/~." or "\0" in source:
        raise bad("mounts", mount.target, f"the source {source!r} is not an absolute path")
    forced, shallow = value.get("read_only_force_recursive"), value.get("read_only_non_recursive")
    if forced and shallow:
        raise bad(
            "mounts",
            mount.target,
            "read_only_non_recursive and read_only_force_recursive are mutually exclusive",
        )
    for suboption in ("read_only_force_recursive", "read_only_non_recursive"):
        if value.get(suboption) and not mount.read_only:
            raise bad("mounts", mount.target, f"{suboption} needs read_only: true")
    propagation = value.get("propagation", "rprivate")
    if forced and propagation != "rprivate":
        raise bad("mounts", mount.target, "read_only_force_recursive needs propagation rprivate")
    return replace(
        mount,
        source=os.path.abspath(os.path.expanduser(source)),
        propagation=propagation,
        create_source=bool(value.get("create_mountpoint")),
        recursive=not value.get("non_recursive"),
        read_only_recursive="force" if forced else "no" if shallow else "",
    )


def _named(value: Mapping[str, Any], source: str, mount: Mount) -> Mount:
    if source and not is_name(source):
        raise bad("mounts", mount.target, f"{source!r} is not a volume name")
    check_driver("mounts", value.get("volume_driver"))
    options = texts("mounts[].volume_options", value.get("volume_options") or {}, switches=True)
    subpath = _subpath(value, mount.target)
    if subpath and not source:
        raise bad("mounts", mount.target, "an anonymous volume has no subpath")
    return replace(
        mount,
        kind="volume" if source else "anonymous",
        copy_up=not value.get("no_copy"),
        subpath=subpath,
        driver_options=options,
        labels=string_map("mounts[].labels", value.get("labels") or {}),
    )


def _image(value: Mapping[str, Any], source: str, mount: Mount) -> Mount:
    from ....spec.reference import is_id, parse_normalized

    name = source if is_id(source) else parse_normalized(source).canonical
    # An image is never written to, whatever the task says of it.
    subpath = _subpath(value, mount.target)
    return replace(mount, source=name, read_only=True, subpath=subpath)


def _tmpfs_mount(value: Mapping[str, Any], source: str, mount: Mount) -> Mount:
    if source:
        raise bad("mounts", mount.target, "type tmpfs has no source")
    words = []
    if value.get("tmpfs_size"):
        words.append(f"size={value['tmpfs_size']}")
    if value.get("tmpfs_mode"):
        words.append(f"mode={value['tmpfs_mode']}")
    for item in value.get("tmpfs_options") or ():
        pairs = item.items() if isinstance(item, Mapping) else [(item, None)]
        words += [key for key, given in pairs if given is None]
        named = {key: given for key, given in pairs if given is not None}
        words += [f"{key}={given}" for key, given in texts("tmpfs_options", named).items()]
    return _with_words("mounts", mount, words)


def _subpath(value: Mapping[str, Any], target: str) -> str:
    """A path below the top of a volume or image. Docker's rule: relative, and it does not leave."""
    text = str(value.get("subpath") or "")
    if not text:
        return ""
    path = os.path.normpath(text)
    control = any(ord(char) < 0x20 or ord(char) == 0x7F for char in text)
    if text.startswith("/") or path.split("/")[0] == ".." or control:
        raise bad("mounts", target, f"the subpath {text!r} is not a relative path inside the mount")
    return "" if path == "." else path


def check_driver(option: str, driver: Optional[str]) -> None:
    """Raise Error for a driver of volumes other than Docker's own."""
    if driver not in (None, "", "local"):
        raise Error(
            f"{option}: unknown volume driver {driver[:60]!r}", hint="the only driver is local"
        )


# --- tmpfs -----------------------------------------------------------------------------------


def of_tmpfs(texts: Iterable[Any]) -> Iterator[Mount]:
    """``TARGET[:OPTION,...]``, the options being those of mount(8) for a tmpfs."""
    for given in texts:
        text = str(given)
        path, dummy, words = text.partition(":")
        mount = Mount("tmpfs", "", _target("tmpfs", text, path))
        yield _with_words("tmpfs", mount, [word for word in words.split(",") if word])


def _with_words(option: str, mount: Mount, words: Iterable[str]) -> Mount:
    """A tmpfs with its options in one form: of several that say the same the last, sizes in bytes,
    what is so anyway left out.
    """
    found: dict[str, str] = {}
    read_only = mount.read_only
    for word in words:
        key, equals, value = word.partition("=")
        if word in ("ro", "rw"):
            read_only = word == "ro"
        elif word == "defaults":
            pass
        elif not equals and word in _TMPFS_FLAGS:
            found[_subject(word)] = word
        elif equals and value:
            found[key] = f"{key}={_tmpfs_value(option, mount.target, key, value)}"
        else:
            raise bad(option, mount.target, f"{word!r} is not a tmpfs option")
    told = tuple(sorted(word for word in found.values() if word not in _TMPFS_DEFAULTS))
    return replace(mount, read_only=read_only, options=told)


def _subject(flag: str) -> str:
    """What a flag speaks of, so that noexec and exec take each other's place."""
    flag = "sync" if flag == "async" else flag
    return flag[2:] if flag.startswith("no") else flag


def _tmpfs_value(option: str, target: str, key: str, value: str) -> str:
    if key == "size" and re.match(r"\A[0-9]{1,3}%\Z", value, re.ASCII):
        return value
    if key == "size":
        return str(_bytes(option, target, value))
    if key == "mode":
        # YAML 1.2 writes 0o1770, and some quote that.
        value = value[2:] if value.lower().startswith("0o") else value
        if re.match(_OCTAL, value, re.ASCII):
            return value.lstrip("0") or "0"
    if key in _TMPFS_NUMBERS and re.match(r"\A[0-9]+[kmg]?\Z", value, re.ASCII | re.IGNORECASE):
        return value
    if key in ("mpol", "huge") and re.match(r"\A[a-z0-9:,=_-]+\Z", value, re.ASCII):
        return value
    raise bad(option, target, f"{key}={value} is not a tmpfs option")


def _bytes(option: str, target: str, text: str) -> int:
    found = re.match(_SIZE, text.strip(), re.ASCII | re.IGNORECASE)
    if found is None:
        raise bad(option, target, f"{text!r} is not a size such as 64m")
    return int(float(found[1]) * 1024 ** " kmgtp".index(found[2].lower() or " "))


# --- volumes_from ----------------------------------------------------------------------------


def of_containers(texts: Iterable[Any]) -> tuple[str, ...]:
    """``NAME[:ro|rw]`` of containers whose mounts are wanted too, as NAME or NAME:ro."""
    found = {}
    for given in texts:
        name, dummy, mode = str(given).partition(":")
        if not is_name(name) or mode not in ("", "ro", "rw"):
            raise bad("volumes_from", str(given), "write CONTAINER[:ro]")
        found[name] = f"{name}:ro" if mode == "ro" else name
    return tuple(sorted(found.values()))
