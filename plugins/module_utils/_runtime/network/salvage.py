# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network whose record cannot be read: what is known of it without it, so that it can go.

Its id follows from its name, its leases are files of their own, and what it has on the host is in
the records of the containers on it. Its options and labels were in its record alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ..base.errors import Error
from ..base.layout import Layout
from ..records import container_record, network_record
from ..spec.network import Attachment, Network, NetworkSpec, Pool


def restore(layout: Layout, name: str) -> None:
    """Write in place of a damaged record what a removal needs."""
    network = network_record.network_id(name)
    if network_record.is_damaged(layout, network):
        network_record.write(layout, known(layout, name))


def known(layout: Layout, name: str) -> Network:
    """What the containers on a network know of it. Where there are none it has the interface that
    is named after its id; one that its options named is not known, and is left alone.
    """
    pools: dict[str, Pool] = {}
    spec = NetworkSpec(name)
    for one in _attachments(layout, network_record.network_id(name)):
        for address, gateway in (
            (one.ipv4_address, one.ipv4_gateway),
            (one.ipv6_address, one.ipv6_gateway),
        ):
            if address:
                subnet = str(ipaddress.ip_interface(address).network)
                pools[subnet] = Pool(subnet, gateway)
        options = {}
        if one.driver in network_record.PARENTED:
            options[network_record.PARENTED[one.driver]] = one.mode
        if one.bridge != network_record.bridge_name(name, {}):
            parented = one.driver in network_record.PARENTED
            kind = network_record.PARENT_OPTION if parented else network_record.BRIDGE_OPTION
            options[kind] = one.bridge
        spec = NetworkSpec(name, one.driver, driver_options=options)
    spec = NetworkSpec(
        name,
        spec.driver,
        tuple(pools.values()),
        enable_ipv6=any(":" in subnet for subnet in pools),
        driver_options=spec.driver_options,
    )
    # A parent that has a name of its own may be somebody else's.
    owned = spec.driver == "bridge" or network_record.parentless(spec)
    return network_record.make(spec, owned)


def name_of(layout: Layout, name_or_id: str) -> str:
    """The name of a network whose record cannot be read. Raises Error where it is given by its id
    and no container is on it: nobody else knows its name.
    """
    network = network_record.identify(layout, name_or_id)
    if network is None or network == network_record.network_id(name_or_id):
        return name_or_id
    for one in _attachments(layout, network):
        return one.network
    raise Error(
        f"the name of the network {name_or_id[:64]} cannot be read",
        hint="give its name in place of its ID",
    )


def _attachments(layout: Layout, network: str) -> Iterator[Attachment]:
    for found in container_record.records(layout):
        for one in (*found.attachments, *found.leaving):
            if one.network_id == network:
                yield one
