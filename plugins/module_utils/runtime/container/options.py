# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms a playbook writes options in, parsed into the canonical values of spec.py and back.
Pure.

Names, forms and meanings are those of community.docker's docker_container. Every parser raises
Error that names the option and the text; every ``show_*`` function is its inverse, for diffs.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from ..errors import Error
from .spec import Endpoint, Mount, Port, RestartPolicy

PROTOCOLS = ("tcp", "udp", "sctp")
RESTART_POLICIES = ("no", "on-failure", "always", "unless-stopped")

_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_VOLUME_NAME = re.compile(r"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}\Z", re.ASCII)
#: int() alone would take blanks, signs, underscores and other scripts' digits.
_PORT = re.compile(r"\A[0-9]{1,5}\Z", re.ASCII)
_ENV_NAME = re.compile(r"\A[^=\0]+\Z")
_HOSTNAME = re.compile(
    r"\A[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\Z",
    re.ASCII,
)


def ports(texts: Iterable[str]) -> tuple[Port, ...]:
    """``[[HOST_IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]``, ranges included, as one Port each, in
    order.

    A missing host port is 0: one is chosen when the container starts.
    """
    found = {port for text in texts for port in _ports(str(text))}
    return tuple(
        sorted(found, key=lambda p: (p.container_port, p.protocol, p.host_ip, p.host_port))
    )


def _ports(text: str) -> list[Port]:
    published, dummy, protocol = text.partition("/")
    protocol = protocol or "tcp"
    if protocol not in PROTOCOLS:
        raise _bad("published_ports", text, f"the protocol must be one of {', '.join(PROTOCOLS)}")
    address, host, container = _split_port(text, published)
    inside = _range(text, container)
    outside = _range(text, host) if host else [0] * len(inside)
    if len(inside) != len(outside):
        # Docker's meaning: one container port may be offered a range of host ports to choose from.
        # We say which one is used instead of choosing silently.
        raise _bad("published_ports", text, "both ranges must be of the same length")
    return [Port(c, protocol, address, h) for c, h in zip(inside, outside)]


def _split_port(text: str, published: str) -> tuple[str, str, str]:
    address = ""
    if published.startswith("["):
        address, closed, published = published[1:].partition("]:")
        if not closed:
            raise _bad("published_ports", text, "an IPv6 address is written in brackets")
    elif published.count(":") > 2:
        raise _bad("published_ports", text, "an IPv6 address is written in brackets")
    elif published.count(":") == 2:
        address, dummy, published = published.partition(":")
    if address:
        try:
            address = str(ipaddress.ip_address(address))
        except ValueError as exc:
            raise _bad("published_ports", text, f"{address!r} is not an IP address") from exc
    host, separator, container = published.rpartition(":")
    if not separator and address:
        raise _bad("published_ports", text, "after the address, write HOST_PORT:CONTAINER_PORT")
    return address, host, container


def _range(text: str, part: str) -> list[int]:
    first, dash, last = part.partition("-")
    last = last if dash else first
    if not (_PORT.match(first) and _PORT.match(last)):
        raise _bad("published_ports", text, f"{part!r} is not a port or a range of ports")
    low, high = int(first), int(last)
    if not 1 <= low <= high <= 65535:
        raise _bad("published_ports", text, "ports are numbers from 1 to 65535, ranges ascend")
    return list(range(low, high + 1))


def show_port(port: Port) -> str:
    address = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    host = f"{port.host_port or ''}:" if port.host_port or address else ""
    return f"{f'{address}:' if address else ''}{host}{port.container_port}/{port.protocol}"


def mounts(texts: Iterable[str]) -> tuple[Mount, ...]:
    """``[SOURCE:]TARGET[:MODE,...]``: a source with a slash is a path of the host, without one a
    volume's name.
    """
    found: dict[str, Mount] = {}
    for text in texts:
        mount = _mount(str(text))
        if mount.target in found:
            raise _bad("volumes", str(text), f"{mount.target} is mounted twice")
        found[mount.target] = mount
    return tuple(found[target] for target in sorted(found))


def _mount(text: str) -> Mount:
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise _bad("volumes", text, "write [SOURCE:]TARGET[:MODE]")
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
            raise _bad(
                "volumes", text, f"{source!r} is neither a volume's name nor an absolute path"
            )
    mount = Mount(kind, source, target)
    for mode in modes:
        mount = _with_mode(text, mount, mode)
    return mount


def _target(text: str, target: str) -> str:
    if not target.startswith("/") or "\0" in target or any(ord(c) < 0x20 for c in target):
        raise _bad("volumes", text, f"the path in the container, {target!r}, must be absolute")
    target = os.path.normpath("/" + target.lstrip("/"))
    if target == "/" or ".." in target.split("/"):
        raise _bad("volumes", text, "the container's root cannot be a mount point")
    # CVE-2019-16884: a volume over /proc or /sys takes the masks away that protect the host.
    if target in ("/proc", "/sys") or target.startswith(("/proc/", "/sys/")):
        raise _bad("volumes", text, "nothing may be mounted over /proc or /sys of a container")
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
        raise _bad("volumes", text, f"{mode!r} is not a mode of a {mount.kind} mount")
    return Mount(mount.kind, mount.source, mount.target, **values)  # type: ignore[arg-type]  # one dict, two types


def show_mount(mount: Mount) -> str:
    modes = ["ro"] if mount.read_only else []
    modes += [mount.relabel] if mount.relabel else []
    modes += [] if mount.propagation == "rprivate" else [mount.propagation]
    modes += [] if mount.copy_up else ["nocopy"]
    return ":".join(part for part in (mount.source, mount.target, ",".join(modes)) if part)


def endpoints(values: Iterable[Mapping[str, Any]]) -> tuple[Endpoint, ...]:
    """The ``networks`` option; the order is kept, since the first one gives the default route."""
    found: dict[str, Endpoint] = {}
    for value in values:
        name = value["name"]
        if name in found:
            raise _bad("networks", name, "it is named twice")
        addresses = {}
        for option, version in (("ipv4_address", 4), ("ipv6_address", 6)):
            text = value.get(option) or ""
            try:
                if text and ipaddress.ip_address(text).version != version:
                    raise ValueError(text)
            except ValueError as exc:
                raise _bad(
                    "networks", text, f"{option} of {name} must be an IPv{version} address"
                ) from exc
            addresses[option] = str(ipaddress.ip_address(text)) if text else ""
        aliases = tuple(sorted(set(value.get("aliases") or ())))
        for alias in aliases:
            hostname(alias, "networks[].aliases")
        found[name] = Endpoint(
            network=name,
            mac_address=(value.get("mac_address") or "").lower(),
            aliases=aliases,
            **addresses,
        )
    return tuple(found.values())


def show_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": endpoint.network}
    for option in ("ipv4_address", "ipv6_address", "mac_address"):
        if getattr(endpoint, option):
            shown[option] = getattr(endpoint, option)
    if endpoint.aliases:
        shown["aliases"] = list(endpoint.aliases)
    return shown


def string_map(option: str, values: Mapping[str, Any]) -> dict[str, str]:
    """``env`` and ``labels``: values must be text, since YAML turns ``on`` and ``1.10`` into
    something else.
    """
    for name, value in values.items():
        if not isinstance(value, str):
            raise Error(
                f"{option}: the value of {name!r} is not a string but {type(value).__name__}",
                hint="put it in quotes, so that YAML does not interpret it",
            )
        if "\0" in value:
            raise Error(f"{option}: the value of {name!r} has a NUL byte in it")
        if not _ENV_NAME.match(name):
            raise Error(
                f"{option}: {name!r} cannot be a name", hint="it is empty, or has '=' or NUL in it"
            )
    return dict(sorted(values.items()))


def words(option: str, value: Union[str, Sequence[Any]]) -> tuple[str, ...]:
    """A command as a list, or as one string split the way a shell splits words (nothing else of a
    shell).
    """
    if isinstance(value, str):
        try:
            found = tuple(shlex.split(value))
        except ValueError as exc:
            raise _bad(option, value, str(exc).lower()) from exc
    elif isinstance(value, Sequence):
        found = tuple(str(item) for item in value)
    else:
        raise Error(
            f"{option}: expected a string or a list of strings, found {type(value).__name__}"
        )
    if any("\0" in word for word in found):
        raise Error(f"{option}: there is a NUL byte in it")
    return found


def restart_policy(name: str, retries: int) -> RestartPolicy:
    if retries and name != "on-failure":
        raise Error(f"restart_retries is only for restart_policy on-failure, not {name}")
    if retries < 0:
        raise Error(f"restart_retries: {retries} is negative", hint="0 restarts without limit")
    return RestartPolicy(name, retries)


def show_restart_policy(policy: RestartPolicy) -> str:
    retries = f":{policy.maximum_retry_count}" if policy.maximum_retry_count else ""
    return policy.name + retries


def hostname(text: str, option: str = "hostname") -> str:
    """A host name of RFC 1123; it is written into /etc/hosts, so nothing else may stand in it."""
    if text and (len(text) > 253 or not _HOSTNAME.match(text)):
        raise _bad(option, text, "host names are letters, digits and '-', parts joined with '.'")
    return text


def capabilities(option: str, names: Iterable[str]) -> tuple[str, ...]:
    """Capability names in the kernel's form, CAP_NET_ADMIN; ``all`` stays ALL."""
    found = set()
    for name in names:
        upper = str(name).upper()
        if not re.match(r"\A[A-Z_]+\Z", upper, re.ASCII):
            raise _bad(option, str(name), "it is not the name of a capability")
        found.add(upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}")
    return tuple(sorted(found))


def _bad(option: str, text: str, why: str) -> Error:
    return Error(f"{option}: {text[:200]!r} is not understood: {why}")
