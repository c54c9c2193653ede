# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks in the shape of docker inspect."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ..container.record import Record
from .spec import Attachment, Network


def document(network: Network, records: Sequence[Record] = ()) -> dict[str, Any]:
    """A network and the running containers on it, in the shape of docker inspect."""
    spec = network.spec
    return {
        "Name": spec.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": "local",
        "Driver": spec.driver,
        "EnableIPv6": spec.enable_ipv6,
        "IPAM": {
            "Driver": "default",
            "Options": {},
            "Config": [
                {
                    "Subnet": pool.subnet,
                    "Gateway": pool.gateway,
                    **({"IPRange": pool.ip_range} if pool.ip_range else {}),
                    **(
                        {"AuxiliaryAddresses": dict(pool.aux_addresses)}
                        if pool.aux_addresses
                        else {}
                    ),
                }
                for pool in spec.pools
            ],
        },
        "Internal": spec.internal,
        "Attachable": False,
        "Ingress": False,
        "Containers": {
            found.id: _endpoint(found, attachment)
            for found in records
            if found.phase in ("running", "paused")
            for attachment in found.attachments
            if attachment.network_id == network.id
        },
        "Options": dict(spec.driver_options),
        "Labels": dict(spec.labels),
    }


def _endpoint(found: Record, attachment: Attachment) -> dict[str, str]:
    endpoint = hashlib.sha256(f"{found.id} {attachment.network_id}".encode())
    return {
        "Name": found.name,
        "EndpointID": endpoint.hexdigest(),
        "MacAddress": attachment.mac_address,
        "IPv4Address": attachment.ipv4_address,
        "IPv6Address": attachment.ipv6_address,
    }
