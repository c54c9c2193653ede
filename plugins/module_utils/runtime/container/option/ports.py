# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about ports."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from ..spec import Port
from .option import Option, bad

PROTOCOLS = ("tcp", "udp", "sctp")

#: int() alone would take blanks, signs, underscores and other scripts' digits.
_PORT = re.compile(r"\A[0-9]{1,5}\Z", re.ASCII)


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
        raise bad("published_ports", text, f"the protocol must be one of {', '.join(PROTOCOLS)}")
    address, host, container = _split_port(text, published)
    inside = _range(text, container)
    outside = _range(text, host) if host else [0] * len(inside)
    if len(inside) != len(outside):
        # Docker's meaning: one container port may be offered a range of host ports to choose from.
        # We say which one is used instead of choosing silently.
        raise bad("published_ports", text, "both ranges must be of the same length")
    return [Port(c, protocol, address, h) for c, h in zip(inside, outside)]


def _split_port(text: str, published: str) -> tuple[str, str, str]:
    address = ""
    if published.startswith("["):
        address, closed, published = published[1:].partition("]:")
        if not closed:
            raise bad("published_ports", text, "an IPv6 address is written in brackets")
    elif published.count(":") > 2:
        raise bad("published_ports", text, "an IPv6 address is written in brackets")
    elif published.count(":") == 2:
        address, dummy, published = published.partition(":")
    if address:
        try:
            address = str(ipaddress.ip_address(address))
        except ValueError as exc:
            raise bad("published_ports", text, f"{address!r} is not an IP address") from exc
    host, separator, container = published.rpartition(":")
    if not separator and address:
        raise bad("published_ports", text, "after the address, write HOST_PORT:CONTAINER_PORT")
    return address, host, container


def _range(text: str, part: str) -> list[int]:
    first, dash, last = part.partition("-")
    last = last if dash else first
    if not (_PORT.match(first) and _PORT.match(last)):
        raise bad("published_ports", text, f"{part!r} is not a port or a range of ports")
    low, high = int(first), int(last)
    if not 1 <= low <= high <= 65535:
        raise bad("published_ports", text, "ports are numbers from 1 to 65535, ranges ascend")
    return list(range(low, high + 1))


def show_port(port: Port) -> str:
    address = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    host = f"{port.host_port or ''}:" if port.host_port or address else ""
    return f"{f'{address}:' if address else ''}{host}{port.container_port}/{port.protocol}"


def _more(have: Any, given: Any) -> tuple[Port, ...]:
    return tuple(sorted({*have, *given}, key=dataclasses.astuple))


OPTIONS = (
    Option(
        "published_ports",
        "ports",
        ports,
        show=lambda value: [show_port(port) for port in value],
        more=_more,
    ),
)
