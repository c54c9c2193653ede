# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about what is mounted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from ...base.errors import Error
from ...spec.container import ContainerSpec, MemoryFile, Mount
from ...spec.secrets import HIDDEN, without_passwords
from .form import mount_forms
from .form.option import Argument, Option, bad
from .form.text import number, path, plain


def mounts(params: Mapping[str, Any]) -> Optional[tuple[Mount, ...]]:
    """What volumes, mounts and tmpfs say together, by target; None when a task has none of them.

    Raises Error for two mounts at one place.
    """
    if all(params.get(name) is None for name in ("volumes", "mounts", "tmpfs")):
        return None
    found: dict[str, tuple[str, Mount]] = {}
    for option, read in (
        ("volumes", mount_forms.of_volumes),
        ("mounts", mount_forms.of_mounts),
        ("tmpfs", mount_forms.of_tmpfs),
    ):
        for mount in read(params.get(option) or ()):
            other = found.setdefault(mount.target, (option, mount))
            if other[1] is not mount:
                raise _taken(mount.target, other[0], option)
    return tuple(found[target][1] for target in sorted(found))


def _taken(target: str, one: str, other: str) -> Error:
    """That two mounts have one place, in the words of docker_container."""
    where = f"twice in the {one}" if one == other else f"both in the {one} and {other}"
    shown = repr(target)[1:-1]
    return Error(
        f'The mount point "{shown}" appears {where} option',
        docker=f"Duplicate mount point: {shown}",
    )


def check_places(spec: ContainerSpec) -> None:
    """Raise Error where a file in memory is to be where something else is mounted."""
    taken = {mount.target: "volumes" for mount in spec.mounts}
    for option, held in (("secrets", spec.secrets), ("configs", spec.configs)):
        for file in held:
            if taken.setdefault(file.target, option) != option:
                raise _taken(file.target, taken[file.target], option)


def volume_driver(text: str) -> str:
    """Any name is taken, as it matters only where a volume is to be made (``check_made``)."""
    text = plain("volume_driver", text)
    return "" if text == "local" else text


def check_made(spec: ContainerSpec, volumes: Sequence[str]) -> None:
    """Raise Error when volumes are to be made with a driver other than Docker's own."""
    if volumes and spec.volume_driver:
        raise Error(
            f"container {spec.name}: unknown volume driver {spec.volume_driver[:60]!r} for the "
            f"volume at {volumes[0]}",
            hint="the only driver is local",
        )


def show_mount(mount: Mount) -> Union[str, dict[str, Any]]:
    """A mount as ``volumes`` would have it; where that cannot say it all, as ``mounts`` would."""
    volume = mount.kind in ("bind", "volume", "anonymous")
    plain = not (mount.subpath or mount.driver_options or mount.labels or mount.options)
    if volume and plain and mount.recursive and not mount.read_only_recursive:
        return as_volume(mount)
    kind = "volume" if mount.kind == "anonymous" else mount.kind
    shown: dict[str, Any] = {"type": kind, "source": mount.source, "target": mount.target}
    shown |= {"read_only": mount.read_only, "subpath": mount.subpath, "labels": dict(mount.labels)}
    if mount.kind == "bind" and mount.propagation != "rprivate":
        shown["propagation"] = mount.propagation
    shown |= {"non_recursive": not mount.recursive, "no_copy": not mount.copy_up}
    shown |= {"read_only_non_recursive": mount.read_only_recursive == "no"}
    shown |= {"read_only_force_recursive": mount.read_only_recursive == "force"}
    shown |= {
        "tmpfs_options": list(mount.options),
        "volume_options": without_passwords(mount.driver_options),
    }
    return {key: value for key, value in shown.items() if value}


def as_volume(mount: Mount) -> str:
    """A mount in the form of ``volumes``: SOURCE:TARGET:MODES."""
    modes = ["ro"] if mount.read_only else []
    modes += [mount.relabel] if mount.relabel else []
    modes += [] if mount.propagation == "rprivate" else [mount.propagation]
    modes += [] if mount.copy_up else ["nocopy"]
    return ":".join(part for part in (mount.source, mount.target, ",".join(modes)) if part)


def _more(have: Any, given: Any) -> tuple[Mount, ...]:
    targets = {mount.target for mount in given}
    kept = (mount for mount in have if mount.target not in targets)
    return tuple(sorted((*given, *kept), key=lambda mount: str(mount.target)))


#: What stands before a target that is relative.
_PLACES = {"secrets": "/run/secrets/", "configs": "/"}
_FILE_MODES = {"secrets": 0o400, "configs": 0o444}
#: Together they are as large as a record of a container may sensibly become, in bytes.
_LARGEST = 512 << 10


def memory_files(option: str, value: Sequence[Mapping[str, Any]]) -> tuple[MemoryFile, ...]:
    """``secrets`` or ``configs`` of a task, by target. Raises Error, without what a file holds."""
    found: dict[str, MemoryFile] = {}
    for index, one in enumerate(value):
        where = f"{option}[{index}]"
        name = plain(f"{where}.name", one["name"])
        if not name or "/" in name:
            raise bad(f"{where}.name", name, "use a name without slashes")
        target = one.get("target") or name
        absolute = target if target.startswith("/") else _PLACES[option] + target
        target = path(f"{where}.target", absolute)
        content, is_base64 = _content(where, str(one["content"]), bool(one.get("content_is_b64")))
        if len(content) > _LARGEST:
            raise Error(f"{where}: {name} is larger than {_LARGEST >> 10} KiB", hint="use a volume")
        file = MemoryFile(
            target,
            content,
            _permissions(f"{where}.mode", one.get("mode"), _FILE_MODES[option]),
            _owner(f"{where}.uid", one.get("uid")),
            _owner(f"{where}.gid", one.get("gid")),
            is_base64,
        )
        if found.setdefault(target, file) is not file:
            raise _taken(target, option, option)
    return tuple(found[target] for target in sorted(found))


def _content(where: str, given: str, encoded: bool) -> tuple[str, bool]:
    """What a file holds as text, or else as base64, and which of them it is."""
    try:
        data = base64.b64decode(given, validate=True) if encoded else given.encode()
    except UnicodeEncodeError as exc:
        raise Error(
            f"{where}.content is not text", hint="give it as base64, with content_is_b64: true"
        ) from exc
    except binascii.Error as exc:
        raise Error(f"{where}.content is not base64, as content_is_b64 says") from exc
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), True


def _permissions(option: str, value: Any, otherwise: int) -> int:
    """A number as YAML reads 0400, or the same as a text."""
    if value is None or value == "":
        return otherwise
    try:
        mode = value if isinstance(value, int) else int(str(value), 8)
    except ValueError:
        mode = -1
    if isinstance(value, bool) or not 0 <= mode <= 0o777:
        raise bad(option, str(value), "use the permissions in octal, such as '0400'")
    return mode


def _owner(option: str, value: Any) -> int:
    return 0 if value is None else number(option, value, 0, (1 << 32) - 2)


def _show_file(file: MemoryFile) -> dict[str, Any]:
    shown: dict[str, Any] = {"target": file.target, "mode": f"{file.mode:04o}"}
    shown |= {"uid": file.uid, "gid": file.gid}
    return {**shown, "content_is_b64": True} if file.is_base64 else shown


def show_secrets(value: Sequence[MemoryFile]) -> list[dict[str, Any]]:
    return [{**_show_file(file), "content": HIDDEN} for file in value]


def show_configs(value: Sequence[MemoryFile]) -> list[dict[str, Any]]:
    return [{**_show_file(file), "content": file.content} for file in value]


def _more_files(have: Any, given: Any) -> tuple[MemoryFile, ...]:
    targets = {file.target for file in given}
    kept = (file for file in have if file.target not in targets)
    return tuple(sorted((*given, *kept), key=lambda file: str(file.target)))


def _file_arguments(secret: bool) -> tuple[Argument, ...]:
    return (
        Argument("name", required=True),
        Argument("content", required=True, no_log=secret or None),
        Argument("content_is_b64", "bool"),
        Argument("target"),
        Argument("mode", "raw"),
        Argument("uid", "int"),
        Argument("gid", "int"),
    )


_KINDS = ("bind", "cluster", "image", "npipe", "tmpfs", "volume")

_MOUNTS = Argument(
    "mounts",
    "list",
    suboptions=(
        Argument("target", required=True),
        Argument("source"),
        Argument("type", choices=_KINDS, default="volume"),
        Argument("read_only", "bool"),
        Argument("consistency", choices=mount_forms.CONSISTENCIES),
        Argument("propagation", choices=mount_forms.PROPAGATIONS),
        Argument("create_mountpoint", "bool"),
        Argument("non_recursive", "bool"),
        Argument("read_only_non_recursive", "bool"),
        Argument("read_only_force_recursive", "bool"),
        Argument("no_copy", "bool"),
        Argument("labels", "dict"),
        Argument("volume_driver"),
        Argument("volume_options", "dict"),
        Argument("subpath"),
        Argument("tmpfs_size"),
        Argument("tmpfs_mode"),
        Argument("tmpfs_options", "list", "dict"),
    ),
)

OPTIONS = (
    Option(
        "volumes",
        "list",
        field="mounts",
        read=mounts,
        companions=(_MOUNTS, Argument("tmpfs", "list")),
        show=lambda value: [show_mount(mount) for mount in value],
        more=_more,
    ),
    Option(
        "secrets",
        "list",
        suboptions=_file_arguments(secret=True),
        no_log=False,
        parse=lambda value: memory_files("secrets", value),
        show=show_secrets,
        more=_more_files,
    ),
    Option(
        "configs",
        "list",
        suboptions=_file_arguments(secret=False),
        parse=lambda value: memory_files("configs", value),
        show=show_configs,
        more=_more_files,
    ),
    Option("volumes_from", "list", parse=mount_forms.of_containers),
    Option("volume_driver", parse=volume_driver, show=lambda value: value or "local"),
)
