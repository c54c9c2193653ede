# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about ports."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import items, replace
from ...base.regex import regex
from ...spec.container import Port
from .form.option import Argument, Option, bad
from .form.text import address

PROTOCOLS = ("tcp", "udp", "sctp")

#: int() alone would take blanks, signs, underscores and other scripts' digits.
_PORT = regex(r"\A[0-9]{1,5}\Z", re.ASCII)


def ports(texts: Iterable[str]) -> tuple[Port, ...]:
    """``[[HOST_IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]``, ranges included, as one Port each, in
    order.

    A missing host port is 0: one is chosen when the container starts. So is one of a range of host
    ports for a single container port.
    """
    found = {port for text in texts for port in _ports(str(text))}
    return tuple(
        sorted(found, key=lambda p: (p.container_port, p.protocol, p.host_ip, p.host_port))
    )


def _declared(params: Mapping[str, Any]) -> Optional[tuple[Port, ...]]:
    """``published_ports`` with ``default_host_ip`` where they name no address of the host."""
    default = params.get("default_host_ip") or ""
    if default:
        try:
            default = address(default)
        except ValueError as exc:
            raise Error(f"default_host_ip: {default[:60]!r} is not an IP address") from exc
    texts = params.get("published_ports")
    if texts is None:
        return None
    found = ports(text for text in texts if not _is_all(text))
    if not default:
        return found
    return tuple(replace(p, host_ip=p.host_ip or default) for p in found)


def _is_all(text: Any) -> bool:
    """What published_ports said before docker_container had publish_all_ports."""
    return str(text).lower() == "all"


def _publish_all(params: Mapping[str, Any]) -> Optional[bool]:
    given: Optional[bool] = params.get("publish_all_ports")
    if given is None and any(map(_is_all, params.get("published_ports") or ())):
        return True
    return given


def exposed_ports(texts: Iterable[str]) -> tuple[str, ...]:
    """``PORT[-PORT][/PROTOCOL]`` as one ``PORT/PROTOCOL`` each, by number."""
    found = set()
    for text in texts:
        numbers, dummy, protocol = str(text).partition("/")
        protocol = protocol.lower() or "tcp"
        if protocol not in PROTOCOLS:
            raise bad("exposed_ports", str(text), "the protocol must be tcp, udp or sctp")
        found |= {(port, protocol) for port in _range(str(text), numbers, "exposed_ports")}
    return tuple(f"{port}/{protocol}" for port, protocol in sorted(found))


def scopes(texts: Iterable[str]) -> tuple[str, ...]:
    """``publish_scope``: ``all`` is (); ``local`` or ``lan`` alone, or networks in CIDR form."""
    given = [str(text).strip() for text in texts]
    if given in ([], ["all"]):
        return ()
    if len(given) == 1 and given[0] in ("local", "lan"):
        return (given[0],)
    found = []
    for text in given:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as exc:
            why = "use all, lan or local alone, or networks such as 192.0.2.0/24"
            raise bad("publish_scope", text, why) from exc
    return tuple(sorted({str(network) for network in found}))


def _ports(text: str) -> list[Port]:
    published, dummy, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise bad("published_ports", text, f"the protocol must be one of {', '.join(PROTOCOLS)}")
    host_ip, host, container = _split_port(text, published)
    inside = _range(text, container)
    outside = _range(text, host) if host else [0] * len(inside)
    if len(inside) == 1 and len(outside) > 1:
        return [Port(inside[0], protocol, host_ip, outside[0], outside[-1])]
    if len(inside) != len(outside):
        # Of two ranges docker_container takes the shorter: some ports would silently be missing.
        raise bad("published_ports", text, "both ranges must be of the same length")
    return [Port(c, protocol, host_ip, h) for c, h in zip(inside, outside)]


def _split_port(text: str, published: str) -> tuple[str, str, str]:
    host_ip = ""
    if published.startswith("["):
        host_ip, closed, published = published[1:].partition("]:")
        if not closed:
            raise bad("published_ports", text, "IPv6 addresses must be in brackets")
    elif published.count(":") > 2:
        raise bad("published_ports", text, "IPv6 addresses must be in brackets")
    elif published.count(":") == 2:
        host_ip, dummy, published = published.partition(":")
    if host_ip:
        try:
            host_ip = address(host_ip)
        except ValueError as exc:
            raise bad("published_ports", text, f"{host_ip!r} is not an IP address") from exc
    host, separator, container = published.rpartition(":")
    if not separator and host_ip:
        raise bad("published_ports", text, "after the address, use HOST_PORT:CONTAINER_PORT")
    return host_ip, host, container


def _range(text: str, part: str, option: str = "published_ports") -> list[int]:
    first, dash, last = part.partition("-")
    last = last if dash else first
    if not (_PORT.match(first) and _PORT.match(last)):
        raise bad(option, text, f"{part!r} is not a port or port range")
    low, high = int(first), int(last)
    if not 1 <= low <= high <= 65535:
        raise bad(option, text, "ports range from 1 to 65535, and ranges must ascend")
    return list(range(low, high + 1))


def show_port(port: Port) -> str:
    """A port in the form of ``published_ports``: HOST_IP:HOST_PORT:PORT/PROTOCOL."""
    host_ip = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    last = f"-{port.host_port_last}" if port.host_port_last else ""
    host = f"{port.host_port or ''}{last}:" if port.host_port or host_ip else ""
    return f"{f'{host_ip}:' if host_ip else ''}{host}{port.container_port}/{port.protocol}"


def _more(have: Any, given: Any) -> tuple[Port, ...]:
    return tuple(sorted({*have, *given}, key=lambda port: [*items(port)]))


OPTIONS = (
    Option(
        "published_ports",
        "list",
        aliases=("ports",),
        field="ports",
        show=lambda value: [show_port(port) for port in value],
        read=_declared,
        companions=(Argument("default_host_ip"),),
        more=_more,
    ),
    Option("publish_all_ports", "bool", field="publish_all", read=_publish_all),
    Option("exposed_ports", "list", aliases=("exposed", "expose"), parse=exposed_ports),
    Option("publish_scope", "list", parse=scopes),
)
