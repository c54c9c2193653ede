# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about networks and names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import Error
from ..spec import Endpoint
from .option import Option, bad
from .text import hostname


def endpoints(values: Iterable[Mapping[str, Any]]) -> tuple[Endpoint, ...]:
    """The ``networks`` option; the order is kept, since the first one gives the default route."""
    found: dict[str, Endpoint] = {}
    for value in values:
        name = value["name"]
        if name in found:
            raise bad("networks", name, "it is named twice")
        addresses = {}
        for option, version in (("ipv4_address", 4), ("ipv6_address", 6)):
            text = value.get(option) or ""
            try:
                if text and ipaddress.ip_address(text).version != version:
                    raise ValueError(text)
            except ValueError as exc:
                raise bad(
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


def network_mode(text: str) -> str:
    """``default`` and ``bridge`` mean the network bridge; host, none, container:NAME are kept."""
    if text in ("default", "bridge"):
        return ""
    kind, dummy, name = text.partition(":")
    if text in ("host", "none") or (kind == "container" and name):
        return text
    raise Error(
        f"network_mode: {text[:100]!r} is not understood",
        hint="use default, host, none or container:NAME; networks joins networks by name",
    )


def _more(have: Any, given: Any) -> tuple[Endpoint, ...]:
    named = {endpoint.network for endpoint in given}
    return (*given, *(endpoint for endpoint in have if endpoint.network not in named))


OPTIONS = (
    Option("network_mode", parse=network_mode),
    Option(
        "networks",
        parse=endpoints,
        show=lambda value: [show_endpoint(endpoint) for endpoint in value],
        more=_more,
    ),
)
