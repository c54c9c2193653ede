# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about networks and names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.regex import regex
from ...spec.container import DEFAULT_NETWORK, Endpoint
from ...spec.identifiers import is_name
from ...spec.network import INTERFACE_OPTION, SYSCTLS_OPTION, endpoint_sysctls
from ...spec.texts import texts
from .form.option import Argument, Option, bad
from .form.text import hostname

#: What ``default`` means.
_DEFAULT = ("default", DEFAULT_NETWORK)
_MAC = regex(r"\A[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z", re.ASCII)


def endpoints(values: Iterable[Mapping[str, Any]]) -> tuple[Endpoint, ...]:
    """The ``networks`` option; the order is kept, and gives the interfaces their numbers."""
    found: dict[str, Endpoint] = {}
    for value in values:
        name = value["name"]
        if not is_name(name):
            raise bad("networks", name, "it is not a network name")
        if name in found:
            raise bad("networks", name, "it is given twice")
        aliases = tuple(sorted(set(value.get("aliases") or ())))
        for alias in aliases:
            hostname(alias, "networks[].aliases")
        found[name] = Endpoint(
            network=name,
            ipv4_address=_address(value, "ipv4_address", 4),
            ipv6_address=_address(value, "ipv6_address", 6),
            mac_address=mac_address(value.get("mac_address") or "", "networks[].mac_address"),
            aliases=aliases,
            links=links(value.get("links") or (), "networks[].links"),
            gw_priority=int(value.get("gw_priority") or 0),
            driver_opts=_driver_opts(name, value.get("driver_opts") or {}),
        )
    return tuple(found.values())


def _address(value: Mapping[str, Any], option: str, version: int) -> str:
    text = value.get(option) or ""
    try:
        if text and ("%" in text or ipaddress.ip_address(text).version != version):
            raise ValueError(text)
    except ValueError as exc:
        name = value["name"]
        raise bad("networks", text, f"{option} of {name} must be an IPv{version} address") from exc
    return str(ipaddress.ip_address(text)) if text else ""


def mac_address(text: str, option: str = "mac_address") -> str:
    """A MAC address of one interface, with colons and small letters."""
    found = text.lower().replace("-", ":")
    if found and not _MAC.match(found):
        raise bad(option, text, "write it like 02:42:ac:11:00:02")
    if found and int(found[:2], 16) & 1:
        raise bad(option, text, "it is a multicast address, which an interface cannot have")
    return found


def links(texts: Iterable[str], option: str = "links") -> tuple[str, ...]:
    """``CONTAINER[:ALIAS]``, each with its alias."""
    found = set()
    for text in texts:
        name, colon, alias = str(text).partition(":")
        name = name.lstrip("/")
        if not is_name(name) or (colon and not alias):
            raise bad(option, str(text), "write CONTAINER or CONTAINER:ALIAS")
        if colon:
            hostname(alias, option)
        found.add(f"{name}:{alias or name}")
    return tuple(sorted(found))


def _driver_opts(network: str, values: Mapping[str, Any]) -> dict[str, str]:
    found = texts("networks[].driver_opts", values, switches=True)
    for key, value in found.items():
        if key == INTERFACE_OPTION:
            if not re.match(r"\A[a-zA-Z][a-zA-Z0-9_.-]{0,14}\Z", value) or value == "lo":
                raise bad(
                    f"networks: driver_opts of {network}", value, "it does not name an interface"
                )
        elif key == SYSCTLS_OPTION:
            endpoint_sysctls(value, "eth0")
        else:
            raise Error(
                f"networks: driver_opts of {network}: {key[:100]!r} is not valid",
                hint=f"known options: {INTERFACE_OPTION}, {SYSCTLS_OPTION}",
            )
    return found


def show_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint in the form of ``networks``, without what has its default."""
    shown: dict[str, Any] = {"name": endpoint.network}
    for option in ("ipv4_address", "ipv6_address", "mac_address", "gw_priority"):
        if getattr(endpoint, option):
            shown[option] = getattr(endpoint, option)
    for option in ("aliases", "links"):
        if getattr(endpoint, option):
            shown[option] = list(getattr(endpoint, option))
    if endpoint.driver_opts:
        shown["driver_opts"] = dict(endpoint.driver_opts)
    return shown


def network_mode(text: str) -> str:
    """host, none and container:NAME are kept; ``default``, ``bridge`` and the names of networks
    are networks to be on, see ``_networks``.
    """
    kind, dummy, name = text.partition(":")
    if text in ("host", "none") or (kind == "container" and name):
        return text
    if text not in _DEFAULT and not is_name(text):
        raise Error(
            f"network_mode: {text[:100]!r} is not valid",
            hint="use default, host, none, container:NAME or the name of a network",
        )
    return ""


def _networks(params: Mapping[str, Any]) -> Optional[tuple[Endpoint, ...]]:
    """What ``networks``, ``network_mode`` and ``networks_cli_compatible`` say together.

    A container is on the network that ``network_mode`` names, and on the others besides. Without
    it, it is on those of ``networks`` alone, as with Docker's command line, or with
    ``networks_cli_compatible: false`` on the default one too.
    """
    given = params.get("networks")
    mode = params.get("network_mode") or None
    if mode is not None and network_mode(mode):
        return None if given is None else endpoints(given)
    found = endpoints(given or ())
    compatible = params.get("networks_cli_compatible", True) is not False
    purge = bool(params.get("purge_networks"))
    if mode is None:
        if given is None:
            return None
        first = "" if compatible or purge or not found else DEFAULT_NETWORK
    elif mode in _DEFAULT:
        if given is None:
            return None
        first = "" if purge or not found else DEFAULT_NETWORK
    else:
        first = mode
    if not first:
        return found
    own = next((e for e in found if e.network == first), Endpoint(first))
    return (own, *(endpoint for endpoint in found if endpoint.network != first))


def _more(have: Any, given: Any) -> tuple[Endpoint, ...]:
    """The networks it has, with what is asked of them besides, and then the others."""
    asked = {endpoint.network: endpoint for endpoint in given}
    known = {endpoint.network for endpoint in have}
    return (
        *(_joined(one, asked[one.network]) if one.network in asked else one for one in have),
        *(endpoint for endpoint in given if endpoint.network not in known),
    )


def _joined(have: Endpoint, given: Endpoint) -> Endpoint:
    return Endpoint(
        given.network,
        given.ipv4_address or have.ipv4_address,
        given.ipv6_address or have.ipv6_address,
        given.mac_address or have.mac_address,
        tuple(sorted({*have.aliases, *given.aliases})),
        tuple(sorted({*have.links, *given.links})),
        given.gw_priority or have.gw_priority,
        {**have.driver_opts, **given.driver_opts},
        have.connected,
    )


OPTIONS = (
    Option("network_mode", parse=network_mode),
    Option(
        "networks",
        "list",
        suboptions=(
            Argument("name", required=True),
            Argument("ipv4_address"),
            Argument("ipv6_address"),
            Argument("mac_address"),
            Argument("aliases", "list"),
            Argument("links", "list"),
            Argument("gw_priority", "int"),
            Argument("driver_opts", "dict"),
        ),
        read=_networks,
        companions=(
            Argument("networks_cli_compatible", "bool", default=True),
            Argument("purge_networks", "bool", default=False),
        ),
        show=lambda value: [show_endpoint(endpoint) for endpoint in value],
        more=_more,
    ),
    Option("mac_address", parse=mac_address),
    Option("links", "list", parse=links),
)
