# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How several Compose files become one: the Compose specification's rules of merging. Pure.

Mappings are joined, lists follow one another, single values are replaced; ``_RULES`` are the
attributes for which it is otherwise, ``_UNIQUE`` the lists in which one of two entries about the
same thing takes the place of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from ..base.values import pairs, text
from .yaml_text import Override, Reset

Path = tuple[str, ...]


def merged(one: Any, other: Any, path: Path = ()) -> Any:
    """What a later file, ``other``, makes of an earlier one; ``path`` is where both are."""
    if isinstance(other, Override):
        return other.value
    rule = _rule(_RULES, path)
    if other is None:
        # A command that is nothing is the image's, not the one of the file before.
        return None if rule is _replace else one
    if one is None or isinstance(one, Reset):
        return other
    if isinstance(one, Override):
        return Override(merged(one.value, other, path))
    if rule is not None:
        return rule(one, other, path)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _joined(one, other, path)
    if isinstance(one, list) and isinstance(other, list):
        return unique([*one, *other], path)
    return other


def _joined(one: Mapping[str, Any], other: Mapping[str, Any], path: Path) -> dict[str, Any]:
    found = dict(one)
    for key, value in other.items():
        if isinstance(value, Reset):
            found.pop(key, None)
        elif key in found:
            found[key] = merged(found[key], value, (*path, str(key)))
        else:
            found[key] = value
    return found


def unique(entries: list[Any], path: Path) -> list[Any]:
    """A list in which of two entries about the same thing the later one has the earlier's place."""
    key_of = _rule(_UNIQUE, path)
    if key_of is None:
        return entries
    found: dict[Any, Any] = {}
    for entry in entries:
        found[_key(key_of, entry)] = entry
    return list(found.values())


def _key(key_of: Callable[[Any], Any], entry: Any) -> Any:
    try:
        found = key_of(entry)
        hash(found)
    except (TypeError, KeyError, AttributeError, ValueError):
        return id(entry)  # What is wrong with it is said where it is read.
    return found


def _rule(rules: Mapping[str, Any], path: Path) -> Any:
    """The rule of a path, which is without the names of services and the like; a name further
    inside is ``*``.
    """
    if len(path) < 3:
        return None
    found = rules.get(".".join((path[0], *path[2:])))
    if found is None and len(path) > 3:
        found = rules.get(".".join((path[0], path[2], "*", *path[4:])))
    return found


# --- rules -----------------------------------------------------------------------------------


def _replace(one: Any, other: Any, path: Path) -> Any:
    return other


def _pools(one: Any, other: Any, path: Path) -> Any:
    """Pools of addresses: those of the later file, each with what the earlier one says of its
    subnet.
    """
    if not (isinstance(one, list) and isinstance(other, list)):
        return other
    known = {each.get("subnet"): each for each in one if isinstance(each, Mapping)}
    return [
        {**known.get(each.get("subnet"), {}), **each} if isinstance(each, Mapping) else each
        for each in other
    ]


def _pairs(one: Any, other: Any, path: Path) -> Any:
    """Two of NAME=VALUE, in whichever form: joined by name."""
    return {**pairs(one), **pairs(other)}


def _names(one: Any, other: Any, path: Path) -> Any:
    """``networks`` and ``depends_on``: a list of names or a mapping from them."""
    return _joined(_named(one, path), _named(other, path), path)


def _named(value: Any, path: Path) -> Any:
    if isinstance(value, list):
        started = {"condition": "service_started"} if path[-1] == "depends_on" else None
        return {str(name): started for name in value}
    return value if isinstance(value, Mapping) else {}


def _sequence(one: Any, other: Any, path: Path) -> Any:
    """A value or a list of them."""
    both = [*(one if isinstance(one, list) else [one])]
    both += other if isinstance(other, list) else [other]
    return unique(both, path)


def _build(one: Any, other: Any, path: Path) -> Any:
    """A context alone, or a mapping."""
    whole = [dict(v) if isinstance(v, Mapping) else {"context": v} for v in (one, other)]
    return _joined(whole[0], whole[1], path)


def _logging(one: Any, other: Any, path: Path) -> Any:
    """The options of one driver are nothing for another."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return other
    if "driver" in one and other.get("driver", one["driver"]) != one["driver"]:
        return other
    return _joined(one, other, path)


def _hosts(one: Any, other: Any, path: Path) -> Any:
    """Names and their addresses, of which a name may have several."""
    found: dict[str, Any] = {}
    for value in (one, other):
        found.update(hosts(value))
    return found


def hosts(value: Any) -> dict[str, str]:
    """``name:address`` or ``name=address``, in a list or as a mapping."""
    if isinstance(value, Mapping):
        return {
            str(name): text(address[0] if isinstance(address, list) and address else address)
            for name, address in value.items()
        }
    found = {}
    for one in value if isinstance(value, list) else ():
        name, dummy, address = str(one).partition("=" if "=" in str(one) else ":")
        found[name.strip()] = address.strip().strip("[]")
    return found


_RULES: Mapping[str, Callable[[Any, Any, Path], Any]] = {
    **dict.fromkeys(("services.command", "services.entrypoint"), _replace),
    "services.healthcheck.test": _replace,
    "services.ulimits.*": _replace,
    "networks.ipam.config": _pools,
    **dict.fromkeys(
        (
            *("services.annotations", "services.environment", "services.labels"),
            *("services.sysctls", "services.storage_opt", "services.build.args"),
            *("services.build.labels", "services.build.additional_contexts"),
            *("services.deploy.labels", "networks.labels", "volumes.labels"),
        ),
        _pairs,
    ),
    **dict.fromkeys(("services.extra_hosts", "services.build.extra_hosts"), _hosts),
    **dict.fromkeys(("services.networks", "services.depends_on"), _names),
    **dict.fromkeys(
        (
            *("services.dns", "services.dns_opt", "services.dns_search", "services.env_file"),
            *("services.label_file", "services.tmpfs"),
        ),
        _sequence,
    ),
    "services.build": _build,
    "services.logging": _logging,
}


# --- what an entry of a list is about --------------------------------------------------------


def _itself(entry: Any) -> Any:
    return text(entry)


def _before_equals(entry: Any) -> str:
    return text(entry).partition("=")[0]


def _mounted_at(entry: Any) -> str:
    """The path in the container of a volume or device."""
    if isinstance(entry, Mapping):
        return str(entry["target"]).rstrip("/")
    parts = text(entry).split(":")
    return (parts[1] if len(parts) > 1 else parts[0]).rstrip("/")


def _path_before_colon(entry: Any) -> str:
    return text(entry).partition(":")[0]


def _file_at(top: str) -> Callable[[Any], str]:
    def key(entry: Any) -> str:
        name = str(entry.get("target") or entry["source"]) if isinstance(entry, Mapping) else entry
        return str(name) if str(name).startswith("/") else f"{top}/{name}"

    return key


def _port(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        published, dummy, protocol = text(entry).partition("/")
        return published, protocol or "tcp"
    address, outside = entry.get("host_ip") or "", text(entry.get("published"))
    begin = f"{address}:{outside}:" if address else f"{outside}:" if outside else ""
    return f"{begin}{text(entry['target'])}", entry.get("protocol") or "tcp"


def _env_file(entry: Any) -> str:
    return str(entry["path"]) if isinstance(entry, Mapping) else text(entry)


_UNIQUE: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (
            *("services.cap_add", "services.cap_drop", "services.dns", "services.dns_opt"),
            *("services.dns_search", "services.expose", "services.group_add", "services.links"),
            *("services.external_links", "services.security_opt", "services.profiles"),
            *("services.label_file", "services.device_cgroup_rules", "services.volumes_from"),
        ),
        _itself,
    ),
    **dict.fromkeys(("services.build.tags", "services.networks.*.aliases"), _itself),
    "services.configs": _file_at(""),
    "services.secrets": _file_at("/run/secrets"),
    "services.devices": _mounted_at,
    "services.volumes": _mounted_at,
    "services.tmpfs": _path_before_colon,
    "services.ports": _port,
    "services.env_file": _env_file,
}


def combined(earlier: Optional[Mapping[str, Any]], later: Mapping[str, Any]) -> dict[str, Any]:
    """A whole file over what the files before it came to."""
    return _joined(earlier or {}, later, ())
