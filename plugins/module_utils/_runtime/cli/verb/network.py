# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for networks, with Docker's flags and output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from ...base.errors import Conflict, Error, NotFound
from ...plan.plan import Host
from ..line.verbs import FILTER, INT, LIST, STRING, STRINGS, SWITCH, Arguments, Flag, Verb, listed
from ..terminal.output import complain, say

_HEADINGS = {
    "ID": "NETWORK ID",
    "Name": "NAME",
    "Driver": "DRIVER",
    "Scope": "SCOPE",
    "CreatedAt": "CREATED AT",
    "IPv4": "IPV4",
    "IPv6": "IPV6",
    "Internal": "INTERNAL",
    "Labels": "LABELS",
}


def _create(host: Host, arguments: Arguments) -> int:
    from ...plan.converge import converge
    from ...records import network_record
    from ...resource.network import decide
    from ...resource.network.declare import declare

    name = arguments.operands[0]
    if (
        network_record.find(host.layout, network_record.network_id(name))
        or name in network_record.PREDEFINED
    ):
        raise Conflict(f"network with name {name} already exists")
    declared = declare(params(arguments))
    converge(host, decide.RESOURCE, declared)
    say(network_record.network_id(name))
    return 0


def params(arguments: Arguments) -> dict[str, Any]:
    """The network that the flags of create ask for, as the parameters of a task."""
    return {
        "name": arguments.operands[0],
        "driver": arguments.driver,
        "driver_options": _pairs(arguments.opt),
        "ipam_driver": arguments.ipam_driver,
        "ipam_driver_options": _pairs(arguments.ipam_opt),
        "ipam_config": _pools(arguments) or None,
        "enable_ipv4": arguments.ipv4,
        "enable_ipv6": arguments.ipv6 if "ipv6" in arguments.given else None,
        "internal": arguments.internal,
        "attachable": arguments.attachable,
        "ingress": arguments.ingress,
        "scope": arguments.scope or None,
        "config_only": arguments.config_only,
        "config_from": arguments.config_from,
        "labels": _pairs(arguments.label),
    }


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = (text.partition("=") for text in texts)
    return {name: value for name, dummy, value in pairs}


def _pools(arguments: Arguments) -> list[dict[str, Any]]:
    """The blocks of addresses: ranges, gateways and other addresses belong to the subnet that holds
    them, as with Docker.
    """
    import ipaddress

    pools: list[dict[str, Any]] = [{"subnet": subnet} for subnet in arguments.subnet]

    def pool_of(flag: str, text: str) -> dict[str, Any]:
        try:
            address = ipaddress.ip_network(text, strict=False).network_address
            for pool in pools:
                if address in ipaddress.ip_network(pool["subnet"], strict=False):
                    return pool
        except ValueError as exc:
            raise Error(f"--{flag}: {text[:100]!r} is not an IP address") from exc
        raise Error(f"--{flag}: no --subnet contains {text}")

    for flag, key in (("gateway", "gateway"), ("ip-range", "iprange")):
        for text in arguments[flag]:
            pool = pool_of(flag, text)
            if key in pool:
                raise Error(f"--{flag}: given twice for the subnet {pool['subnet']}")
            pool[key] = text
    for name, text in _pairs(arguments.aux_address).items():
        pool_of("aux-address", text).setdefault("aux_addresses", {})[name] = text
    return pools


def _ls(host: Host, arguments: Arguments) -> int:
    from ...system.lists import networks
    from ...text.table import listing

    found = networks(host, arguments.filter)
    if arguments.quiet and not arguments.format:
        for one in found:
            say(one["Id"] if arguments.no_trunc else one["Id"][:12])
        return 0
    rows = [
        {
            "ID": one["Id"] if arguments.no_trunc else one["Id"][:12],
            "Name": one["Name"],
            "Driver": one["Driver"],
            "Scope": one["Scope"],
            "CreatedAt": one["Created"],
            "IPv4": str(one["EnableIPv4"]).lower(),
            "IPv6": str(one["EnableIPv6"]).lower(),
            "Internal": str(one["Internal"]).lower(),
            "Labels": ",".join(f"{key}={value}" for key, value in one["Labels"].items()),
        }
        for one in found
    ]
    for line in listing(rows, _HEADINGS, ("ID", "Name", "Driver", "Scope"), arguments.format):
        say(line)
    return 0


def document(host: Host, name: str) -> dict[str, Any]:
    """What is known of a network, in the shape of docker network inspect. Raises NotFound."""
    from ...network import inspect
    from ...records import network_record, running

    found = network_record.find(host.layout, name)
    if found is None:
        raise NotFound(f"No such network: {name}")
    return inspect.document(found, list(running.records(host.layout)))


def _inspect(host: Host, arguments: Arguments) -> int:
    from .images.image import inspect

    return inspect(arguments.operands, lambda name: document(host, name), arguments.format)


def _rm(host: Host, arguments: Arguments) -> int:
    from ...plan.converge import converge
    from ...records import network_record
    from ...resource.network import decide
    from ...resource.network.declare import declare

    def remove(name: str) -> None:
        try:
            found = network_record.find(host.layout, name)
        except Error:
            if not arguments.force:
                raise
            from ...network import salvage  # Its record is damaged: hardly ever.

            gone = {"name": salvage.name_of(host.layout, name), "state": "absent", "force": True}
            converge(host, decide.RESOURCE, declare(gone))
            return
        if found is None:
            if not arguments.force:
                raise NotFound(f"No such network: {name}")
            return
        declared = declare({"name": found.spec.name, "state": "absent"})
        converge(host, decide.RESOURCE, declared)

    return _each(arguments.operands, remove)


def _each(names: Sequence[str], act: Callable[[str], None]) -> int:
    """Do something with each, say which it was done with, and continue after an error."""
    failed = False
    for name in names:
        try:
            act(name)
            say(name)
        except Error as exc:
            complain(exc)
            failed = True
    return int(failed)


def _connect(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import reconnect
    from ...container.option.networks import endpoints
    from ...records import container_record

    network, name = arguments.operands
    (endpoint,) = endpoints(
        [
            {
                "name": network,
                "ipv4_address": arguments.ip,
                "ipv6_address": arguments.ip6,
                "aliases": arguments.alias,
                "links": arguments.link,
                "gw_priority": arguments.gw_priority,
                "driver_opts": _pairs(arguments.driver_opt),
            }
        ]
    )
    reconnect.connect(host, container_record.identify(host.layout, name), endpoint)
    return 0


def _disconnect(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import reconnect
    from ...records import container_record

    network, name = arguments.operands
    try:
        container_id = container_record.identify(host.layout, name)
    except NotFound:
        # Whoever forces it wants it off the network, and what is not there is.
        if arguments.force:
            return 0
        raise
    reconnect.disconnect(host, container_id, network)
    return 0


def _prune(host: Host, arguments: Arguments) -> int:
    from ..terminal.pruning import pruned

    return pruned(host, arguments, "networks", "all networks not used by at least one container")


def _removing(hidden: bool) -> Verb:
    return Verb(
        _rm,
        "Remove one or more networks",
        "NETWORK [NETWORK...]",
        (Flag("force", "f", SWITCH, "Do not error if it does not exist"),),
        hidden=hidden,
    )


VERBS = {
    "network connect": Verb(
        _connect,
        "Connect a container to a network",
        "NETWORK CONTAINER",
        (
            Flag("alias", "", STRINGS, "Add network-scoped alias for the container"),
            Flag("driver-opt", "", STRINGS, "Driver options for the network"),
            Flag(
                "gw-priority",
                "",
                INT,
                "Highest gw-priority provides the default gateway. Accepts positive "
                "and negative values",
                default=0,
            ),
            Flag("ip", "", STRING, "IPv4 address (e.g., 172.30.100.104)"),
            Flag("ip6", "", STRING, "IPv6 address (e.g., 2001:db8::33)"),
            Flag("link", "", LIST, "Add link to another container"),
        ),
    ),
    "network create": Verb(
        _create,
        "Create a network",
        "NETWORK",
        (
            Flag(
                "attachable",
                "",
                SWITCH,
                "Enable manual container attachment (recorded; no effect on a single host)",
            ),
            Flag(
                "aux-address",
                "",
                STRINGS,
                "Auxiliary IPv4 or IPv6 addresses used by Network driver",
            ),
            Flag("config-from", "", STRING, "The network from which to copy the configuration"),
            Flag("config-only", "", SWITCH, "Create a configuration only network"),
            Flag(
                "driver",
                "d",
                STRING,
                "Driver to manage the Network (bridge, macvlan or ipvlan)",
                default="bridge",
            ),
            Flag("gateway", "", STRINGS, "IPv4 or IPv6 Gateway for the master subnet"),
            Flag(
                "ingress",
                "",
                SWITCH,
                "Create swarm routing-mesh network (not supported)",
                hidden=True,
            ),
            Flag("internal", "", SWITCH, "Restrict external access to the network"),
            Flag("ip-range", "", STRINGS, "Allocate container ip from a sub-range"),
            Flag(
                "ipam-driver",
                "",
                STRING,
                "IP Address Management Driver (only default)",
                default="default",
                hidden=True,
            ),
            Flag(
                "ipam-opt",
                "",
                STRINGS,
                "Set IPAM driver specific options (recorded; no effect)",
                hidden=True,
            ),
            Flag("ipv4", "", SWITCH, "Enable or disable IPv4 address assignment", default=True),
            Flag("ipv6", "", SWITCH, "Enable or disable IPv6 address assignment"),
            Flag("label", "", LIST, "Set metadata on a network"),
            Flag("opt", "o", LIST, "Set driver specific options"),
            Flag("scope", "", STRING, "Control the network's scope (only local)", hidden=True),
            Flag("subnet", "", STRINGS, "Subnet in CIDR format that represents a network segment"),
        ),
    ),
    "network disconnect": Verb(
        _disconnect,
        "Disconnect a container from a network",
        "NETWORK CONTAINER",
        (Flag("force", "f", SWITCH, "Do not error if it does not exist"),),
    ),
    "network inspect": Verb(
        _inspect,
        "Display detailed information on one or more networks",
        "NETWORK [NETWORK...]",
        (
            Flag(
                "format",
                "f",
                STRING,
                "Format output using a custom template, such as '{{.IPAM.Config}}'",
            ),
            Flag("verbose", "v", SWITCH, "Verbose output for diagnostics (no effect)", hidden=True),
        ),
    ),
    "network ls": Verb(_ls, "List networks", flags=listed()),
    "network prune": Verb(
        _prune,
        "Remove one or more networks",
        flags=(
            Flag("filter", "", FILTER, "Provide filter values (e.g. 'until=24h')"),
            Flag("force", "f", SWITCH, "Do not prompt for confirmation"),
        ),
    ),
    "network rm": _removing(hidden=False),
    "network list": Verb(_ls, "List networks", flags=listed(), hidden=True),
    "network remove": _removing(hidden=True),
}
