# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of networks: bridges, and parents for macvlan and ipvlan links; and the words of
rtnetlink, which container_side.py speaks to containers' namespaces too.

pyroute2's message classes (codec.py) encode what is said, and netlink.py says it, several requests
in one datagram.

Containers need the host to forward, so ``net.ipv4.ip_forward`` (and
``net.ipv6.conf.all.forwarding`` where a network has an IPv6 subnet) is switched on when a bridge is
raised or a container starts, and stays on: whether something else relies on it cannot be known.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, Optional

from ...base.errors import Error
from . import codec, sysctl
from .netlink import (
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    ROUTE,
    Conversation,
    Request,
)
from .probe import exists, is_up, stands

RTM_NEWLINK, RTM_DELLINK, _RTM_NEWADDR, _RTM_NEWROUTE = 16, 17, 20, 24
IFF_UP = 0x1
_IFA_F_NODAD = 0x02
_RTPROT_BOOT, _RTN_UNICAST, _RT_TABLE_MAIN = 3, 1, 254
_RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK = 0, 253


def ensure_bridge(name: str, addresses: Sequence[str], mtu: int = 1500) -> bool:
    """Put a bridge in place: up, with these addresses. Returns whether something had to be done.

    An interface of that name which is not a bridge is refused by the kernel, and so is left alone.
    """
    sysctl.enable_forwarding(any(":" in address for address in addresses))
    if stands(name, addresses):
        return False
    messages = codec.load()
    # An own MAC address, else the bridge's changes with its ports and neighbours' caches go stale.
    link = {
        "index": 0,
        "flags": 0,
        "change": 0,
        "attrs": [
            ["IFLA_IFNAME", name],
            ["IFLA_ADDRESS", _mac_of_name(name)],
            ["IFLA_MTU", mtu],
            # With data, the kernel compares the kind of a link that exists already.
            [
                "IFLA_LINKINFO",
                {
                    "attrs": [
                        ["IFLA_INFO_KIND", "bridge"],
                        ["IFLA_INFO_DATA", {"attrs": [["IFLA_BR_STP_STATE", 0]]}],
                    ]
                },
            ],
        ],
    }
    with Conversation(ROUTE) as host:
        purpose = f"create the bridge {name}"
        host.exchange([request(messages.link, RTM_NEWLINK, 1, link, purpose, NLM_F_CREATE)])
        sysctl.set_ipv6(name, any(":" in address for address in addresses))
        index = socket.if_nametoindex(name)
        requests = [
            address_request(messages, number, index, address, name)
            for number, address in enumerate(addresses, 1)
        ]
        requests.append(up(messages, len(requests) + 1, index, name))
        host.exchange(requests)
    return True


def ensure_parent(name: str, vlan: Optional[tuple[str, int]], owned: bool) -> bool:
    """Put the parent of macvlan or ipvlan links in place. Returns whether something had to be done.

    One that is not ours is only raised. Ours is the sub-interface of a VLAN (``vlan`` is the
    interface below and the number), or one that leads nowhere: a veth pair with both its ends on
    the host, since not every kernel has dummy interfaces. Raises Error when somebody else's is
    gone.
    """
    if is_up(name):
        return False
    messages = codec.load()
    made: list[list[Any]] = [["IFLA_IFNAME", name]]
    if not exists(name):
        if not owned:
            raise Error(
                f"the host no longer has an interface {name}",
                hint="restore it, or remove the network that uses it as its parent",
            )
        if vlan is not None:
            made += [["IFLA_LINK", index_of(vlan[0])], _kind("vlan", ["IFLA_VLAN_ID", vlan[1]])]
        else:
            peer = {"attrs": [["IFLA_IFNAME", f"{name}p"]]}
            made += [_kind("veth", ["VETH_INFO_PEER", peer])]
    link = {"index": 0, "flags": IFF_UP, "change": IFF_UP, "attrs": made}
    purpose = f"create the interface {name}"
    with Conversation(ROUTE) as host:
        host.exchange([request(messages.link, RTM_NEWLINK, 1, link, purpose, NLM_F_CREATE)])
        if exists(f"{name}p"):
            # A veth end has a carrier while the other is up, and that can be raised only now.
            host.exchange([up(messages, 1, index_of(f"{name}p"), f"{name}p")])
    return True


def _kind(kind: str, data: list[Any]) -> list[Any]:
    info = [["IFLA_INFO_KIND", kind], ["IFLA_INFO_DATA", {"attrs": [data]}]]
    return ["IFLA_LINKINFO", {"attrs": info}]


def delete_link(name: str) -> bool:
    """Remove an interface; one that is gone already is a success. Returns whether there was one."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        return False
    messages = codec.load()
    gone = {"index": index, "attrs": []}
    purpose = f"remove the interface {name}"
    deletion = request(messages.link, RTM_DELLINK, 1, gone, purpose, 0, (errno.ENODEV,))
    with Conversation(ROUTE) as host:
        host.exchange([deletion])
    return True


def index_of(name: str) -> int:
    """The kernel's number of an interface. Raises Error where there is none."""
    try:
        return socket.if_nametoindex(name)
    except OSError as exc:
        raise Error(f"there is no network interface {name}") from exc


def _mac_of_name(name: str) -> str:
    """A locally administered address, the same for the same bridge on every start."""
    tail = hashlib.sha256(name.encode()).digest()[:4]
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *tail))


def up(messages: codec.Codec, number: int, index: int, name: str) -> Request:
    """The request that brings an interface up."""
    link = {"index": index, "flags": IFF_UP, "change": IFF_UP, "attrs": []}
    return request(messages.link, RTM_NEWLINK, number, link, f"bring up the interface {name}")


def address_request(
    messages: codec.Codec, number: int, index: int, address: str, name: str
) -> Request:
    """Add an address; one that is there already is a success. Ours are unique: NODAD."""
    parsed = ipaddress.ip_interface(address)
    body: dict[str, Any] = {
        "family": socket.AF_INET if parsed.version == 4 else socket.AF_INET6,
        "prefixlen": parsed.network.prefixlen,
        "index": index,
        "flags": 0 if parsed.version == 4 else _IFA_F_NODAD,
        "attrs": [["IFA_LOCAL", str(parsed.ip)], ["IFA_ADDRESS", str(parsed.ip)]],
    }
    if parsed.version == 4 and parsed.network.prefixlen < 31:
        body["attrs"].append(["IFA_BROADCAST", str(parsed.network.broadcast_address)])
    purpose = f"assign the address {address} to {name}"
    return request(
        messages.address, _RTM_NEWADDR, number, body, purpose, NLM_F_CREATE, (errno.EEXIST,)
    )


def default_route(
    messages: codec.Codec, number: int, index: int, family: socket.AddressFamily, gateway: str
) -> Request:
    """Route everything else through a gateway, or without one by the interface alone. What was the
    default route before is not any more.
    """
    attrs: list[list[Any]] = [["RTA_OIF", index]]
    if gateway:
        attrs.insert(0, ["RTA_GATEWAY", gateway])
    body = {
        "family": family,
        "dst_len": 0,
        "table": _RT_TABLE_MAIN,
        "proto": _RTPROT_BOOT,
        "scope": _RT_SCOPE_UNIVERSE if gateway else _RT_SCOPE_LINK,
        "type": _RTN_UNICAST,
        "attrs": attrs,
    }
    purpose = f"add a route through {f'the gateway {gateway}' if gateway else 'the interface'}"
    return request(
        messages.route,
        _RTM_NEWROUTE,
        number,
        body,
        purpose,
        NLM_F_CREATE | NLM_F_REPLACE,
        (errno.EEXIST,),
    )


def request(
    kind: Any,
    number: int,
    sequence: int,
    body: dict[str, Any],
    purpose: str,
    flags: int = 0,
    tolerated: tuple[int, ...] = (),
) -> Request:
    """Encode one rtnetlink message with pyroute2's class for it."""
    encoder = kind()
    for key, value in body.items():
        encoder[key] = value
    encoder["header"] = {
        "type": number,
        "flags": NLM_F_REQUEST | NLM_F_ACK | flags,
        "sequence_number": sequence,
        "pid": 0,
    }
    encoder.encode()
    return Request(bytes(encoder.data), purpose, tolerated)
