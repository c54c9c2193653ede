# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a build, which several entry points have, as a request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...build.asked import cache
from ...build.asked.request import Limits, Request, Secret
from ...build.source import git_url, layouts
from ...container.option import resources
from ...container.option.form import text
from ...image.store import platform
from ...image.store.platform import Platform
from ...spec.container import SHM_SIZE_BYTES
from ...spec.reference import Reference
from ...spec.texts import check_unicode

#: Docker's: less is not enough for a process to start.
_LEAST_MEMORY_BYTES = 6 << 20


def request_of(params: Mapping[str, Any], names: tuple[Reference, ...]) -> Request:
    """The build that options ask for. Raises Error naming the option."""
    hosts = _texts(params.get("etc_hosts"), "etc_hosts")
    # Of a context of the controller its list has the Dockerfile.
    own = not params.get("src")
    inline = params.get("dockerfile_inline")
    epoch = params.get("source_date_epoch")
    if epoch is not None and not 0 <= int(epoch) < 1 << 33:
        raise Error(f"source_date_epoch: {epoch} is not a time in seconds since 1970")
    return Request(
        context=_place(str(params["path"])) if own else "",
        dockerfile=_dockerfile(params) if own else "",
        inline=None if inline is None else str(inline).encode(),
        names=names,
        target=str(params.get("target") or ""),
        args=_texts(params.get("args"), "args"),
        labels=_texts(params.get("labels"), "labels"),
        platform=_platform(params.get("platform")),
        pull=bool(params.get("pull")),
        no_cache=bool(params.get("nocache")),
        network=str(params.get("network") or ""),
        hosts=hosts,
        limits=_limits(params),
        secrets=tuple(_secret(one) for one in params.get("secrets") or []),
        contexts=_contexts(params.get("contexts") or {}),
        epoch=None if epoch is None else int(epoch),
        agents=dict(map(_agent, params.get("ssh") or ())),
        cache_from=cache.places(params.get("cache_from"), cache.source),
        cache_to=cache.places(params.get("cache_to"), cache.target),
    )


def _texts(given: Optional[Mapping[str, Any]], option: str) -> dict[str, str]:
    """A mapping of YAML as texts, as in docker_image: true is ``true``. Raises Error for what came
    from a command line and is not UTF-8.
    """
    found = {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (given or {}).items()
        if value is not None
    }
    for name, value in found.items():
        check_unicode(option, name, value)
    return found


def is_repository(text: str) -> bool:
    """Whether a context is a git repository, and no directory that is called like one."""
    return git_url.is_repository(text) and not os.path.isdir(text)


def _place(text: str) -> str:
    """A context: the whole path of a directory, or a repository. Raises Error."""
    if not is_repository(text):
        return os.path.abspath(os.path.expanduser(text))
    git_url.repository(text)
    return text


def _dockerfile(params: Mapping[str, Any]) -> str:
    """Relative to the context; what is in it is found in it, however it is written."""
    given = str(params.get("dockerfile") or "")
    if not given:
        return ""
    if is_repository(str(params["path"])):
        return os.path.normpath(os.path.expanduser(given))
    top = os.path.abspath(os.path.expanduser(str(params["path"])))
    path = os.path.normpath(os.path.join(top, os.path.expanduser(given)))
    return os.path.relpath(path, top) if path.startswith(f"{top}/") else path


def _contexts(given: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, value in given.items():
        where = str(value)
        if where.startswith(("http://", "https://", "target:")) and not is_repository(where):
            raise Error(
                f"contexts: {name} is {where[:80]}, which is not supported",
                hint="give a directory of the host, a git repository, docker-image://NAME or"
                " oci-layout://DIRECTORY",
            )
        if where.startswith(layouts.LAYOUT):
            where = layouts.LAYOUT + os.path.abspath(where[len(layouts.LAYOUT) :])
        elif not where.startswith(layouts.IMAGE):
            where = _place(where)
        found[str(name)] = where
    return found


def _platform(given: Any) -> Optional[Platform]:
    texts = [given] if isinstance(given, str) else list(given or [])
    listed = [one.strip() for text in texts for one in str(text).split(",")]
    if len(listed) > 1:
        raise Error(
            "platform: an image is built for one platform at a time",
            hint="build one image for each, under names of their own",
        )
    if not listed:
        return None
    # "linux" alone leaves the machine to us.
    return None if listed[0].lower() == "linux" else platform.parse_platform(listed[0])


def _limits(params: Mapping[str, Any]) -> Limits:
    given = params.get("container_limits") or {}
    memory = text.size("memory", given["memory"]) if given.get("memory") else 0
    if 0 < memory < _LEAST_MEMORY_BYTES:
        raise Error("container_limits: Minimum memory limit allowed is 6MB")
    swap = given.get("memswap")
    unlimited = str(swap) in ("unlimited", "-1")
    shm = params.get("shm_size")
    return Limits(
        memory_bytes=memory,
        memory_swap_bytes=-1 if unlimited else text.size("memswap", swap) if swap else 0,
        cpu_shares=int(given.get("cpushares") or 0),
        cpu_period_us=int(given.get("cpuperiod") or 0),
        cpu_quota_us=int(given.get("cpuquota") or 0),
        cpuset_cpus=str(given.get("cpusetcpus") or ""),
        cpuset_mems=str(given.get("cpusetmems") or ""),
        shm_size_bytes=text.size("shm_size", shm) if shm else SHM_SIZE_BYTES,
        ulimits=resources.ulimits(params.get("ulimits") or ()),
        cgroup_parent=str(params.get("cgroup_parent") or ""),
    )


def _agent(given: str) -> tuple[str, tuple[str, ...]]:
    """``ID``, ``ID=SOCKET`` or ``ID=KEY,KEY``, by default the agent of whoever builds, by
    SSH_AUTH_SOCK.
    """
    name, dummy, places = given.partition("=")
    places = places or os.environ.get("SSH_AUTH_SOCK", "")
    if not name:
        raise Error(f"ssh: {given[:60]!a} has no id", hint="write it as default=PATH")
    if not places:
        raise Error(
            f"ssh: {name}: SSH_AUTH_SOCK is not set, so there is no agent",
            hint="start one, or give its socket or a key as ID=PATH",
        )
    paths = (os.path.abspath(os.path.expanduser(path)) for path in places.split(",") if path)
    return name, tuple(paths)


def _secret(given: Mapping[str, Any]) -> Secret:
    name, kind = str(given["id"]), str(given["type"])
    if kind == "file":
        return Secret(name, os.path.abspath(os.path.expanduser(str(given["src"]))))
    if kind == "env":
        value = os.environ.get(str(given["env"]))
        if value is None:
            raise Error(f"secrets: {name}: the variable {given['env']} is not set on the host")
        return Secret(name, value=value.encode())
    return Secret(name, value=str(given["value"]).encode())
