# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``driver_options``: which there are, of which driver, and what they take. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...network.firewall.chains import MASQUERADE_OPTION
from ...records import network_record
from ...spec.network import NetworkSpec
from ...spec.texts import texts

_BOOLEANS = {
    "true": "true",
    "1": "true",
    "yes": "true",
    "false": "false",
    "0": "false",
    "no": "false",
}

#: The kernel's limits for an Ethernet device; IPv6 needs 1280 (RFC 8200).
_MTU = range(68, 65536)

#: Docker's options by what a value of theirs is, and the drivers that know them.
_OPTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    network_record.BRIDGE_OPTION: ("interface", ("bridge",)),
    MASQUERADE_OPTION: ("boolean", ("bridge",)),
    network_record.ICC_OPTION: ("boolean", ("bridge",)),
    network_record.HOST_IP_OPTION: ("address", ("bridge",)),
    network_record.DEFAULT_OPTION: ("boolean", ("bridge",)),
    network_record.MTU_OPTION: ("mtu", ("bridge", "macvlan", "ipvlan")),
    network_record.PREFIX_OPTION: ("prefix", ("bridge", "macvlan", "ipvlan")),
    network_record.PARENT_OPTION: ("interface", ("macvlan", "ipvlan")),
    "macvlan_mode": ("macvlan", ("macvlan",)),
    "ipvlan_mode": ("ipvlan", ("ipvlan",)),
}
_MODES = {"macvlan": ("bridge", "private", "vepa", "passthru"), "ipvlan": ("l2", "l3", "l3s")}


def parse(name: str, options: Optional[Mapping[str, Any]]) -> Optional[dict[str, str]]:
    """The options of the network of that name, canonical; None when the task says nothing."""
    if options is None:
        return None
    found = {}
    for key, value in texts("driver_options", options, switches=True).items():
        if key not in _OPTIONS:
            raise Error(
                f"driver_options: unknown option {key!r}",
                hint=f"known options: {', '.join(_OPTIONS)}",
            )
        found[key] = _option(key, _OPTIONS[key][0], value)
    default = found.get(network_record.DEFAULT_OPTION)
    if default not in (None, "true" if name == network_record.DEFAULT else "false"):
        raise Error(
            f"driver_options: the default bridge is the network {network_record.DEFAULT}, so "
            f"{network_record.DEFAULT_OPTION} cannot be {default} for {name}"
        )
    return found


def _option(key: str, kind: str, text: str) -> str:
    if kind == "interface":
        network_record.check_interface(text)
    elif kind == "mtu":
        if not text.isdecimal() or int(text) not in _MTU:
            raise Error(f"driver_options: {key} is {text!r}; expected a number of bytes")
    elif kind == "boolean":
        if text.lower() not in _BOOLEANS:
            raise Error(f"driver_options: {key} is {text!r}; expected true or false")
        text = _BOOLEANS[text.lower()]
    elif kind == "address":
        try:
            text = str(ipaddress.IPv4Address(text))
        except ValueError as exc:
            raise Error(f"driver_options: {key} is {text!r}; expected an IPv4 address") from exc
    elif kind == "prefix":
        network_record.check_interface(f"{text}000")
    elif text not in _MODES[kind]:
        raise Error(f"driver_options: {key} is {text!r}; expected one of {', '.join(_MODES[kind])}")
    return text


def check(spec: NetworkSpec) -> None:
    """Raise Error for one that the driver of a network does not know."""
    for key in spec.driver_options:
        if spec.driver not in _OPTIONS[key][1] and not spec.config_only:
            known = [option for option, (dummy, of) in _OPTIONS.items() if spec.driver in of]
            raise Error(
                f"network {spec.name}: driver_options: {key!r} is not an option of "
                f"the driver {spec.driver}",
                hint=f"known options: {', '.join(known)}",
            )
