# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI process object, of a container itself and of each exec into it, by the same rules.

Everything but make_working_directory() is pure.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Optional

from ...base.errors import Error
from ...kernel import safefs
from ...spec.container import ContainerSpec, ImageDefaults
from ...spec.user import User
from .capabilities import CAPABILITIES, capabilities, sets
from .labels import Labels
from .resources import rlimits

_NO_LABELS = Labels()

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def process(
    spec: ContainerSpec,
    image: ImageDefaults,
    user: User,
    *,
    args: Sequence[str],
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[str] = None,
    tty: Optional[bool] = None,
    hostname: str = "",
    engine: Optional[Mapping[str, str]] = None,
    privileged: bool = False,
    host: Collection[str] = (),
    labels: Labels = _NO_LABELS,
) -> dict[str, Any]:
    """The OCI process object, of the container itself and of each exec into it, by the same rules.

    ``env`` comes on top of the container's own, ``engine`` below it, ``cwd`` in its place.
    ``host``: as Place.capabilities.
    """
    bounding = [
        name for name in CAPABILITIES if name in capabilities(spec, host, privileged=privileged)
    ]
    terminal = spec.tty if tty is None else tty
    labelled = {"selinuxLabel": labels.process, "apparmorProfile": labels.apparmor}
    limits = rlimits(spec)
    return {
        "terminal": terminal,
        "user": {
            "uid": user.uid,
            "gid": user.gid,
            "additionalGids": list(user.additional_gids),
            "umask": 0o022,
        },
        "args": list(args),
        "env": [
            f"{name}={value}"
            for name, value in environment(
                spec, image, user, env, terminal, hostname, engine
            ).items()
        ],
        "cwd": working_directory(spec, image) if cwd is None else check_cwd(cwd),
        "capabilities": sets(bounding, user.uid),
        "noNewPrivileges": "no-new-privileges=true" in spec.security_opts,
        **({"rlimits": limits} if limits else {}),
        **({"oomScoreAdj": spec.oom_score_adj} if spec.oom_score_adj else {}),
        **{name: label for name, label in labelled.items() if label},
    }


def environment(
    spec: ContainerSpec,
    image: ImageDefaults,
    user: User,
    extra: Optional[Mapping[str, str]] = None,
    tty: bool = False,
    hostname: str = "",
    engine: Optional[Mapping[str, str]] = None,
) -> dict[str, str]:
    """The variables of a process: the engine's, the image's, the container's, its own, HOME if
    unset.
    """
    env = {"PATH": PATH, **(engine or {})}
    if hostname:
        env["HOSTNAME"] = hostname
    if tty:
        env["TERM"] = "xterm"
    env.update(image.env)
    env.update(spec.env)
    env.update(spec.secret_env)
    env.update(extra or {})
    env.setdefault("HOME", user.home)
    for name, value in env.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise Error(
                f"container {spec.name}: {name[:60]!r} is not a valid name for an "
                f"environment variable"
            )
    return env


def working_directory(spec: ContainerSpec, image: ImageDefaults) -> str:
    """Where the process begins, normalised; made by the caller when the image lacks it."""
    asked = image.working_dir if spec.working_dir is None else spec.working_dir
    try:
        return check_cwd(asked or "/")
    except Error as exc:
        raise Error(f"container {spec.name}: {exc.message}", hint=exc.hint) from exc


def check_cwd(path: str) -> str:
    """Refuse a directory that is not absolute or is inside /proc: descriptors of the runtime that a
    path like /proc/self/fd/7 names lead to the host (CVE-2024-21626).
    """
    if not path.startswith("/") or "\0" in path:
        raise Error(f"the working directory {path!r} is not an absolute path")
    normal = os.path.normpath("/" + path.lstrip("/"))
    if normal == "/proc" or normal.startswith("/proc/"):
        raise Error(
            f"the working directory {path!r} is inside /proc", hint="choose another directory"
        )
    return normal


def make_working_directory(tree: safefs.Root, path: str) -> None:
    """Make a container's working directory in its mounted root, and refuse one that leads to /proc.

    A link of the image, /srv -> /proc/self/fd/8, names a descriptor of the runtime by the time it
    is entered, so check_cwd() looks at where the path really ends. What is looked at stays as it
    is: nothing of the container runs before its runtime does.
    """
    tree.make_dirs(path)
    fd = tree.open(path, os.O_PATH | os.O_DIRECTORY)
    try:
        top, found = (os.readlink(f"/proc/self/fd/{number}") for number in (tree.fd, fd))
    finally:
        os.close(fd)
    try:
        check_cwd("/" + os.path.relpath(found, top))
    except Error as exc:
        raise Error(f"the working directory {path!r} is a link into /proc", hint=exc.hint) from exc
