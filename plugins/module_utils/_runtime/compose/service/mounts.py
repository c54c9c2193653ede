# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service mounts: ``volumes``, ``configs`` and ``secrets``. Pure.

A config or secret that is a file of the host is mounted from its place, as Compose does; the others
are files in memory that each container has for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ..base.findings import Findings
from ..base.values import bytes_of, switch, text
from ..reading import paths
from ..reading.project import Project, is_external
from .service_keys import OF_EACH

#: What a file is given unless it says something else.
_MODE = "0444"

_OF_KIND: Mapping[str, Mapping[str, str]] = {
    "bind": {"propagation": "propagation", "create_host_path": "create_mountpoint",
             "recursive": "", "selinux": ""},
    "volume": {"nocopy": "no_copy", "subpath": "subpath", "labels": "labels"},
    "tmpfs": {"size": "tmpfs_size", "mode": "tmpfs_mode"},
    "image": {"subpath": "subpath"},
}  # fmt: skip


def volumes(
    project: Project, service: str, given: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    """The options of a container that ``volumes`` of its service make."""
    short: list[str] = []
    long: list[dict[str, Any]] = []
    where = f"services.{service}.volumes"
    for number, one in enumerate(_listed(given, "volumes", service, findings)):
        place = f"{where}[{number}]"
        with findings.reading(place):
            if isinstance(one, Mapping):
                findings.unknown(place, one, OF_EACH["volumes"])
                long.append(_long(project, place, one, findings))
            else:
                short.append(_short(project, place, text(one), findings))
    found: dict[str, Any] = {"volumes": short} if short else {}
    return {**found, **({"mounts": long} if long else {})}


def volumes_of(given: Mapping[str, Any]) -> Iterator[str]:
    """The volumes of a service, by their names in the files."""
    listed = given.get("volumes")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            source = str(one.get("source") or "") if one.get("type", "volume") == "volume" else ""
        else:
            source = str(one).partition(":")[0] if ":" in str(one) else ""
        if source and not paths.is_path(source):
            yield source


def _listed(given: Mapping[str, Any], key: str, service: str, findings: Findings) -> list[Any]:
    found = given.get(key) or []
    if not isinstance(found, list):
        findings.wrong(f"services.{service}.{key}", "a list is expected")
        return []
    return found


def _short(project: Project, place: str, one: str, findings: Findings) -> str:
    source, colon, rest = one.partition(":")
    if not colon:
        return source
    if paths.is_path(source):
        return paths.volume(one, project.base)
    _declared(project, place, source, findings)
    return f"{project.volume(source)}:{rest}"


def _declared(project: Project, place: str, name: str, findings: Findings) -> None:
    if name not in project.section("volumes"):
        findings.wrong(place, f"the volume {name[:60]} is used and not declared; add it to volumes")


def _long(
    project: Project, place: str, one: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    kind = str(one["type"])
    if kind not in _OF_KIND:
        findings.lacks(f"{place}.type", f"{kind[:20]!r} is none of {', '.join(_OF_KIND)}")
        return {}
    found: dict[str, Any] = {"type": kind, "target": str(one["target"])}
    source = str(one.get("source") or "")
    if source and kind == "bind":
        found["source"] = paths.absolute(source, project.base)
    elif source and kind == "volume":
        _declared(project, place, source, findings)
        found["source"] = project.volume(source)
    elif source:
        found["source"] = source
    if switch(one.get("read_only")):
        found["read_only"] = True
    for key, value in (one.get(kind) or {}).items():
        if key not in _OF_KIND[kind]:
            findings.unknown(f"{place}.{kind}", {key: value}, _OF_KIND[kind])
            continue
        option = _OF_KIND[kind][key]
        if key == "selinux":
            findings.warn(f"{place}.{kind}.{key}", "has no effect: labels of files stay")
        elif not option:
            if value not in ("enabled", ""):
                findings.lacks(f"{place}.{kind}.{key}", "nothing here stands for it")
        elif option == "tmpfs_mode":
            found[option] = f"{int(value):o}"
        elif option == "tmpfs_size":
            found[option] = str(bytes_of(value))
        elif option in ("create_mountpoint", "no_copy"):
            found[option] = switch(value)
        else:
            found[option] = value
    if kind == "bind":
        found.setdefault("create_mountpoint", True)
    return found


# --- configs and secrets ---------------------------------------------------------------------


def files_of(
    project: Project, service: str, given: Mapping[str, Any], findings: Findings
) -> dict[str, list[dict[str, Any]]]:
    """The options of a container that configs and secrets of its service make: ``mounts`` of those
    that are files of the host, ``configs`` and ``secrets`` of those with a content of their own.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, top in (("configs", ""), ("secrets", "/run/secrets")):
        for number, one in enumerate(_listed(given, kind, service, findings)):
            where = f"services.{service}.{kind}[{number}]"
            with findings.reading(where):
                asked = one if isinstance(one, Mapping) else {"source": text(one)}
                findings.unknown(where, asked, OF_EACH[kind])
                name = str(asked["source"])
                target = str(asked.get("target") or name)
                target = target if target.startswith("/") else f"{top}/{target}"
                option, value = _source(project, kind, name, asked, where, findings)
                if option:
                    found.setdefault(option, []).append({**value, "target": target})
    return found


def _source(
    project: Project,
    kind: str,
    name: str,
    asked: Mapping[str, Any],
    where: str,
    findings: Findings,
) -> tuple[str, dict[str, Any]]:
    """The option that a config or secret becomes, and its value but for the target; "" for one
    that is wrong.
    """
    path, content = source_of(project, kind, name, where, findings)
    if path is None and content is None:
        return "", {}
    if path is not None:
        if any(asked.get(key) is not None for key in ("uid", "gid", "mode")):
            findings.warn(where, "uid, gid and mode have no effect on a file of the host")
        return "mounts", {"type": "bind", "source": path, "read_only": True}
    file: dict[str, Any] = {"name": name, "content": content, "mode": _mode(asked.get("mode"))}
    for key in ("uid", "gid"):
        if asked.get(key) is not None:
            file[key] = int(asked[key])
    return kind, file


def source_of(
    project: Project, kind: str, name: str, where: str, findings: Findings
) -> tuple[Optional[str], Optional[str]]:
    """The file of the host that a config or secret is, or its content; neither for one that is
    wrong, or that nobody declares.
    """
    declared = project.section(kind).get(name)
    at = f"{kind}.{name}"
    if not isinstance(declared, Mapping):
        findings.wrong(where, f"{name[:60]} is not declared; add it to {kind}")
        return None, None
    known = ("file", "environment", "content", "external", "name", "labels", "driver",
             "driver_opts", "template_driver")  # fmt: skip
    findings.unknown(at, declared, known)
    for key, there in (("external", is_external(declared)), ("driver", declared.get("driver"))):
        if there:
            findings.lacks(
                f"{at}.{key}", "only file, environment and content are supported; there is no store"
            )
            return None, None
    if declared.get("template_driver"):
        findings.lacks(f"{at}.template_driver", "what is in a file is not replaced in it")
        return None, None
    given = [key for key in ("file", "environment", "content") if declared.get(key) is not None]
    if len(given) != 1:
        findings.wrong(at, "one of file, environment and content is required")
        return None, None
    content = text(declared[given[0]])
    if given[0] == "file":
        return paths.absolute(content, project.base), None
    if given[0] == "environment":
        if content not in project.variables:
            findings.wrong(f"{at}.environment", f"the variable {content[:60]} is not set")
            return None, None
        content = project.variables[content]
    return None, content


def _mode(value: Any) -> str:
    """A mode as YAML reads it, or a text of octal digits, as four of these."""
    if value is None:
        return _MODE
    mode = int(value, 8) if isinstance(value, str) else int(value)
    if not 0 <= mode <= 0o777:
        raise ValueError(f"{value!r} is not a file mode such as 0440")
    return f"{mode:04o}"
