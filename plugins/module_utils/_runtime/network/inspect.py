# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks in the shape of docker inspect."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ..records import network_record
from ..records.container_record import LIVE, Record
from ..spec.network import Attachment, Network, Pool
from .firewall.chains import MASQUERADE_OPTION

#: What Docker shows of its default bridge, which nobody declared.
_BRIDGE = {
    network_record.DEFAULT_OPTION: "true",
    network_record.ICC_OPTION: "true",
    MASQUERADE_OPTION: "true",
    network_record.HOST_IP_OPTION: "0.0.0.0",
    network_record.BRIDGE_OPTION: network_record.bridge_name(network_record.DEFAULT, {}),
    network_record.MTU_OPTION: "1500",
}


def document(network: Network, records: Sequence[Record] = ()) -> dict[str, Any]:
    """A network and the running containers on it, in the shape of docker inspect. The records
    have the true phases (records/running).
    """
    spec = network.spec
    return {
        "Name": spec.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": "local",
        "Driver": spec.driver,
        "EnableIPv4": spec.enable_ipv4,
        "EnableIPv6": spec.enable_ipv6,
        "IPAM": {
            "Driver": "default",
            "Options": dict(spec.ipam_options),
            "Config": [_pool(pool) for pool in spec.pools],
        },
        "Internal": spec.internal,
        "Attachable": spec.attachable,
        "Ingress": False,
        "ConfigFrom": {"Network": spec.config_from},
        "ConfigOnly": spec.config_only,
        "Containers": {
            found.id: _endpoint(found, attachment)
            for found in records
            if found.phase in LIVE
            for attachment in found.attachments
            if attachment.network_id == network.id
        },
        "Options": {
            **(_BRIDGE if spec.name == network_record.DEFAULT else {}),
            **spec.driver_options,
        },
        "Labels": dict(spec.labels),
    }


def _pool(pool: Pool) -> dict[str, Any]:
    value: dict[str, Any] = {"Subnet": pool.subnet}
    if pool.ip_range:
        value["IPRange"] = pool.ip_range
    if pool.gateway:
        value["Gateway"] = pool.gateway
    if pool.aux_addresses:
        value["AuxiliaryAddresses"] = dict(pool.aux_addresses)
    return value


def _endpoint(found: Record, attachment: Attachment) -> dict[str, str]:
    endpoint = hashlib.sha256(f"{found.id} {attachment.network_id}".encode())
    return {
        "Name": found.name,
        "EndpointID": endpoint.hexdigest(),
        "MacAddress": attachment.mac_address,
        "IPv4Address": attachment.ipv4_address,
        "IPv6Address": attachment.ipv6_address,
    }
