# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is relative in a service or file of another directory, made absolute. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...build.asked import cache
from ...build.source import git_url
from ..base.values import pairs
from .yaml_text import Override


def absolute(path: str, base: str) -> str:
    """A path of the host, relative to a directory."""
    return os.path.normpath(os.path.join(base, os.path.expanduser(path)))


def is_path(text: str) -> bool:
    """Whether the source of a volume is a path, not a name."""
    return text[:1] in ("/", ".", "~")


def volume(text: str, base: str) -> str:
    """``SOURCE:TARGET[:MODE]`` with a source that is absolute if it is a path."""
    source, colon, rest = text.partition(":")
    if not colon or not is_path(source):
        return text
    return f"{absolute(source, base)}{colon}{rest}"


def remote(text: str) -> bool:
    """Whether the context of a build is not a directory of the host."""
    return "://" in text or git_url.is_repository(text)


def context(text: str, base: str) -> str:
    """A further context of a build, absolute if it is a directory of the host."""
    if remote(text) or text.startswith(("service:", "target:")):
        return text
    return absolute(text, base)


def rebased(service: Any, base: str) -> Any:
    """A service as it would be written in any directory."""
    if isinstance(service, Override):
        return Override(rebased(service.value, base))
    if not isinstance(service, Mapping):
        return service
    found = dict(service)
    for key, change in _CHANGES.items():
        if key in found:
            found[key] = change(found[key], base)
    return found


def rebased_file(given: Any, base: str) -> Any:
    """``configs`` and ``secrets`` of a file, each with its ``file``."""
    if not isinstance(given, Mapping) or not isinstance(given.get("file"), str):
        return given
    return {**given, "file": absolute(given["file"], base)}


def _each(change: Any) -> Any:
    def all_of(value: Any, base: str) -> Any:
        if isinstance(value, Override):
            return Override(all_of(value.value, base))
        if isinstance(value, list):
            return [change(one, base) for one in value]
        return change(value, base)

    return all_of


def _env_file(one: Any, base: str) -> Any:
    if isinstance(one, Mapping) and isinstance(one.get("path"), str):
        return {**one, "path": absolute(one["path"], base)}
    return absolute(one, base) if isinstance(one, str) else one


def _volume(one: Any, base: str) -> Any:
    if isinstance(one, str):
        return volume(one, base)
    if isinstance(one, Mapping) and one.get("type") == "bind" and isinstance(one["source"], str):
        return {**one, "source": absolute(one["source"], base)}
    return one


def _build(value: Any, base: str) -> Any:
    if isinstance(value, str):
        return value if remote(value) else absolute(value, base)
    if isinstance(value, Mapping):
        found = dict(value)
        top = str(value.get("context") or ".")
        if not remote(top):
            found["context"] = absolute(top, base)
        more = value.get("additional_contexts")
        if isinstance(more, (Mapping, list)):
            found["additional_contexts"] = {
                name: context(place, base) if isinstance(place, str) else place
                for name, place in pairs(more).items()
            }
        agents = value.get("ssh")
        if isinstance(agents, (Mapping, list)):
            found["ssh"] = {
                name: absolute(place, base) if isinstance(place, str) and place else place
                for name, place in pairs(agents).items()
            }
        for key in ("cache_from", "cache_to"):
            if isinstance(value.get(key), list):
                found[key] = [
                    cache.with_paths(one, lambda path: absolute(path, base))
                    if isinstance(one, str)
                    else one
                    for one in value[key]
                ]
        return found
    return value


def _extends(value: Any, base: str) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("file"), str):
        return {**value, "file": absolute(value["file"], base)}
    return value


_CHANGES = {
    "env_file": _each(_env_file),
    "label_file": _each(_env_file),
    "volumes": _each(_volume),
    "build": _build,
    "extends": _extends,
}
