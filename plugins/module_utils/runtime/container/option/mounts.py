# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about what is mounted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from ..spec import Mount
from .option import Option, bad

_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")

_VOLUME_NAME = re.compile(r"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}\Z", re.ASCII)


def mounts(texts: Iterable[str]) -> tuple[Mount, ...]:
    """``[SOURCE:]TARGET[:MODE,...]``: a source with a slash is a path of the host, without one a
    volume's name.
    """
    found: dict[str, Mount] = {}
    for text in texts:
        mount = _mount(str(text))
        if mount.target in found:
            raise bad("volumes", str(text), f"{mount.target} is mounted twice")
        found[mount.target] = mount
    return tuple(found[target] for target in sorted(found))


def _mount(text: str) -> Mount:
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise bad("volumes", text, "write [SOURCE:]TARGET[:MODE]")
    modes = parts[2].split(",") if len(parts) == 3 else []
    source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
    target = _target(text, target)
    if not source:
        kind = "anonymous"
    elif source[0] in "/~.":
        kind, source = "bind", os.path.abspath(os.path.expanduser(source))
    else:
        kind = "volume"
        if not _VOLUME_NAME.match(source):
            raise bad(
                "volumes", text, f"{source!r} is neither a volume's name nor an absolute path"
            )
    mount = Mount(kind, source, target)
    for mode in modes:
        mount = _with_mode(text, mount, mode)
    return mount


def _target(text: str, target: str) -> str:
    if not target.startswith("/") or "\0" in target or any(ord(c) < 0x20 for c in target):
        raise bad("volumes", text, f"the path in the container, {target!r}, must be absolute")
    target = os.path.normpath("/" + target.lstrip("/"))
    if target == "/" or ".." in target.split("/"):
        raise bad("volumes", text, "the container's root cannot be a mount point")
    # CVE-2019-16884: a volume over /proc or /sys takes the masks away that protect the host.
    if target in ("/proc", "/sys") or target.startswith(("/proc/", "/sys/")):
        raise bad("volumes", text, "nothing may be mounted over /proc or /sys of a container")
    return target


def _with_mode(text: str, mount: Mount, mode: str) -> Mount:
    values = {
        "read_only": mount.read_only,
        "propagation": mount.propagation,
        "relabel": mount.relabel,
        "copy_up": mount.copy_up,
    }
    if mode in ("ro", "rw"):
        values["read_only"] = mode == "ro"
    elif mode in ("z", "Z"):
        values["relabel"] = mode
    elif mode == "nocopy" and mount.kind != "bind":
        values["copy_up"] = False
    elif mode in _PROPAGATIONS and mount.kind == "bind":
        values["propagation"] = mode
    else:
        raise bad("volumes", text, f"{mode!r} is not a mode of a {mount.kind} mount")
    return Mount(mount.kind, mount.source, mount.target, **values)  # type: ignore[arg-type]  # one dict, two types


def show_mount(mount: Mount) -> str:
    modes = ["ro"] if mount.read_only else []
    modes += [mount.relabel] if mount.relabel else []
    modes += [] if mount.propagation == "rprivate" else [mount.propagation]
    modes += [] if mount.copy_up else ["nocopy"]
    return ":".join(part for part in (mount.source, mount.target, ",".join(modes)) if part)


def _more(have: Any, given: Any) -> tuple[Mount, ...]:
    targets = {mount.target for mount in given}
    kept = (mount for mount in have if mount.target not in targets)
    return tuple(sorted((*given, *kept), key=lambda mount: str(mount.target)))


OPTIONS = (
    Option(
        "volumes",
        "mounts",
        mounts,
        show=lambda value: [show_mount(mount) for mount in value],
        more=_more,
    ),
)
