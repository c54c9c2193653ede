# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about what is mounted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from ...base.errors import Error
from ...spec.container import ContainerSpec, Mount
from ...spec.secrets import without_passwords
from .form import mount_forms
from .form.option import Argument, Option
from .form.text import plain


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
    modes = ["ro"] if mount.read_only else []
    modes += [mount.relabel] if mount.relabel else []
    modes += [] if mount.propagation == "rprivate" else [mount.propagation]
    modes += [] if mount.copy_up else ["nocopy"]
    return ":".join(part for part in (mount.source, mount.target, ",".join(modes)) if part)


def _more(have: Any, given: Any) -> tuple[Mount, ...]:
    targets = {mount.target for mount in given}
    kept = (mount for mount in have if mount.target not in targets)
    return tuple(sorted((*given, *kept), key=lambda mount: str(mount.target)))


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
    Option("volumes_from", "list", parse=mount_forms.of_containers),
    Option("volume_driver", parse=volume_driver, show=lambda value: value or "local"),
)
