# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links, addresses and routes: bridges on the host, and a veth pair per attachment of a container.

The only user of pyroute2, and of that only the codec: its message classes encode what is said, and
netlink.py says it, several requests in one datagram. A container's network namespace has no name
on the host: the OCI runtime makes it, the container's process keeps it, and the kernel removes the
veth pair with it, so nothing leaks however a container dies.

Containers need the host to forward, so ``net.ipv4.ip_forward`` (and
``net.ipv6.conf.all.forwarding`` where a network has an IPv6 subnet) is switched on when a bridge is
raised or a container starts, and stays on: whether something else relies on it cannot be known.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import importlib.util
import ipaddress
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from .. import linux
from ..errors import Error, NotFound
from . import sysctl
from .netlink import (
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REQUEST,
    ROUTE,
    Conversation,
    Request,
)
from .spec import Attachment

_RTM_NEWLINK, _RTM_DELLINK, _RTM_NEWADDR, _RTM_NEWROUTE = 16, 17, 20, 24
_IFF_UP = 0x1
_IFA_F_NODAD = 0x02
_RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST, _RT_TABLE_MAIN = 3, 0, 1, 254

#: ioctl(2) on a socket, netdevice(7): reading what stands so costs no import and no netlink dump.
_SIOCGIFFLAGS, _SIOCGIFADDR = 0x8913, 0x8915

_LOOPBACK = 1


def exists(name: str) -> bool:
    """Whether this network namespace has an interface of that name."""
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def stands(name: str, addresses: Sequence[str]) -> bool:
    """Whether an interface is there, up, and has each of ``addresses`` (with prefix lengths).

    Of IPv4 the kernel's ioctl tells the first address only, which is the one of a bridge of ours.
    """
    wanted = [ipaddress.ip_interface(address) for address in addresses]
    request = struct.pack("16s24x", name.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            flags = struct.unpack_from("=H", fcntl.ioctl(probe, _SIOCGIFFLAGS, request), 16)[0]
            if not flags & _IFF_UP:
                return False
            if any(address.version == 4 for address in wanted):
                found = socket.inet_ntoa(fcntl.ioctl(probe, _SIOCGIFADDR, request)[20:24])
                if not any(str(address.ip) == found for address in wanted):
                    return False
        except OSError:
            return False
    six = {address.ip.packed.hex() for address in wanted if address.version == 6}
    return not six or six <= _ipv6_addresses(name)


def is_port(name: str, bridge: str) -> bool:
    """Whether an interface of the host is there and is a port of that bridge."""
    try:
        return os.path.basename(os.readlink(f"/sys/class/net/{name}/master")) == bridge
    except OSError:
        return False


def _ipv6_addresses(name: str) -> set[str]:
    try:
        with open("/proc/thread-self/net/if_inet6", encoding="ascii") as table:
            fields = [line.split() for line in table]
    except FileNotFoundError:
        return set()
    return {line[0] for line in fields if line[5] == name}


def ensure_bridge(name: str, addresses: Sequence[str], mtu: int = 1500) -> bool:
    """Make a bridge stand: up, with these addresses. Returns whether something had to be done.

    An interface of that name which is no bridge is refused by the kernel, and so is left alone.
    """
    sysctl.enable_forwarding(any(":" in address for address in addresses))
    if stands(name, addresses):
        return False
    messages = _codec()
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
        host.exchange(
            [
                _request(
                    messages.link, _RTM_NEWLINK, 1, link, f"make the bridge {name}", NLM_F_CREATE
                )
            ]
        )
        sysctl.set_ipv6(name, any(":" in address for address in addresses))
        index = socket.if_nametoindex(name)
        requests = [
            _address(messages, number, index, address, name)
            for number, address in enumerate(addresses, 1)
        ]
        requests.append(_up(messages, len(requests) + 1, index, name))
        host.exchange(requests)
    return True


def delete_link(name: str) -> bool:
    """Remove an interface; one that is gone already is a success. Returns whether there was one."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        return False
    messages = _codec()
    gone = {"index": index, "attrs": []}
    request = _request(
        messages.link, _RTM_DELLINK, 1, gone, f"remove the interface {name}", 0, (errno.ENODEV,)
    )
    with Conversation(ROUTE) as host:
        host.exchange([request])
    return True


disconnect = delete_link


def connect(pid: int, attachments: Sequence[Attachment]) -> None:
    """Give a process's network namespace its interfaces, addresses and default route, and raise lo.

    ``attachments`` are all that the container has, and their bridges stand already. Each veth pair
    is made in one request with its inner end directly in the container's namespace. A pair that
    stands is left alone; a host link left by an earlier run of this container, whose namespace the
    kernel has not collected yet, is replaced. When something fails no new host link is left.
    """
    messages = _codec()
    namespace = _namespace(pid)
    try:
        with _inside(namespace):
            within = {a.interface for a in attachments if exists(a.interface)}
        missing = [
            a
            for a in attachments
            if a.interface not in within or not is_port(a.host_link, a.bridge)
        ]
        for attachment in missing:
            delete_link(attachment.host_link)
        pairs = [_pair(messages, n, a, namespace) for n, a in enumerate(missing, 1)]
        try:
            with Conversation(ROUTE) as host:
                host.exchange(pairs)
                host.exchange(_hairpins(messages, missing))
            with _inside(namespace), Conversation(ROUTE) as inner:
                inner.exchange(_furniture(messages, attachments))
            for attachment in missing:
                sysctl.set_ipv6(attachment.host_link, False)
        except BaseException:
            for attachment in missing:
                with contextlib.suppress(Error):
                    delete_link(attachment.host_link)
            raise
    finally:
        os.close(namespace)


def _hairpins(messages: Any, attachments: Sequence[Attachment]) -> list[Request]:
    """Where bridges filter (br_netfilter), let a port send back what came in by it.

    There a published port is translated while the packet is still on the bridge, so that a
    container which asks for its own port by the host's address is answered on the port it came by.
    Elsewhere the host itself sends such a packet, and the setting would only echo broadcasts.
    """
    if sysctl.read("net/bridge/bridge-nf-call-iptables") in ("", "0"):
        return []
    data = ["IFLA_INFO_SLAVE_DATA", {"attrs": [["IFLA_BRPORT_MODE", 1]]}]
    info = {"attrs": [["IFLA_INFO_SLAVE_KIND", "bridge"], data]}
    return [
        _request(
            messages.link,
            _RTM_NEWLINK,
            number,
            {"index": _index(attachment.host_link), "attrs": [["IFLA_LINKINFO", info]]},
            f"let {attachment.host_link} answer by the way it was asked",
        )
        for number, attachment in enumerate(attachments, 1)
    ]


def _namespace(pid: int) -> int:
    try:
        return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError) as exc:
        raise NotFound(f"process {pid} ended before it was connected to its networks") from exc


def _furniture(messages: Any, attachments: Sequence[Attachment]) -> list[Request]:
    """Addresses, routes and the loopback, to be said from within the container's namespace."""
    requests = [_up(messages, 1, _LOOPBACK, "lo")]
    for attachment in attachments:
        name = attachment.interface
        index = _index(name)
        sysctl.set_ipv6(name, bool(attachment.ipv6_address))
        for address in filter(None, (attachment.ipv4_address, attachment.ipv6_address)):
            requests.append(_address(messages, len(requests) + 1, index, address, name))
        requests.append(_up(messages, len(requests) + 1, index, name))
    for gateway, index in _gateways(attachments):
        requests.append(_default_route(messages, len(requests) + 1, index, gateway))
    return requests


def _gateways(attachments: Sequence[Attachment]) -> Iterator[tuple[str, int]]:
    """One default route per family: through the first attachment that has a gateway of it."""
    for family in ("ipv4_gateway", "ipv6_gateway"):
        for attachment in attachments:
            gateway = getattr(attachment, family)
            if gateway:
                yield gateway, _index(attachment.interface)
                break


@contextlib.contextmanager
def _inside(namespace: int) -> Iterator[None]:
    """Be in another network namespace, with this thread only, for the block."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(namespace, linux.CLONE_NEWNET)
        try:
            yield
        finally:
            linux.setns(here, linux.CLONE_NEWNET)
    finally:
        os.close(here)


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError as exc:
        raise Error(f"there is no network interface {name}") from exc


def _mac_of_name(name: str) -> str:
    """A locally administered address, the same for the same bridge on every start."""
    tail = hashlib.sha256(name.encode()).digest()[:4]
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *tail))


def _pair(messages: Any, number: int, attachment: Attachment, namespace: int) -> Request:
    """The host's end, up and on its bridge; the container's end named and in its namespace."""
    peer = {
        "attrs": [
            ["IFLA_IFNAME", attachment.interface],
            ["IFLA_ADDRESS", attachment.mac_address],
            ["IFLA_MTU", attachment.mtu],
            ["IFLA_NET_NS_FD", namespace],
        ]
    }
    link = {
        "index": 0,
        "flags": _IFF_UP,
        "change": _IFF_UP,
        "attrs": [
            ["IFLA_IFNAME", attachment.host_link],
            ["IFLA_MTU", attachment.mtu],
            ["IFLA_MASTER", _index(attachment.bridge)],
            [
                "IFLA_LINKINFO",
                {
                    "attrs": [
                        ["IFLA_INFO_KIND", "veth"],
                        ["IFLA_INFO_DATA", {"attrs": [["VETH_INFO_PEER", peer]]}],
                    ]
                },
            ],
        ],
    }
    purpose = f"connect {attachment.interface} to the network {attachment.network}"
    return _request(messages.link, _RTM_NEWLINK, number, link, purpose, NLM_F_CREATE | NLM_F_EXCL)


def _up(messages: Any, number: int, index: int, name: str) -> Request:
    link = {"index": index, "flags": _IFF_UP, "change": _IFF_UP, "attrs": []}
    return _request(messages.link, _RTM_NEWLINK, number, link, f"raise the interface {name}")


def _address(messages: Any, number: int, index: int, address: str, name: str) -> Request:
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
    purpose = f"give {name} the address {address}"
    return _request(
        messages.address, _RTM_NEWADDR, number, body, purpose, NLM_F_CREATE, (errno.EEXIST,)
    )


def _default_route(messages: Any, number: int, index: int, gateway: str) -> Request:
    body = {
        "family": socket.AF_INET6 if ":" in gateway else socket.AF_INET,
        "dst_len": 0,
        "table": _RT_TABLE_MAIN,
        "proto": _RTPROT_BOOT,
        "scope": _RT_SCOPE_UNIVERSE,
        "type": _RTN_UNICAST,
        "attrs": [["RTA_GATEWAY", gateway], ["RTA_OIF", index]],
    }
    purpose = f"route through the gateway {gateway}"
    return _request(
        messages.route, _RTM_NEWROUTE, number, body, purpose, NLM_F_CREATE, (errno.EEXIST,)
    )


def _request(
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


class _Codec:
    """pyroute2's classes for the messages we send."""

    def __init__(self) -> None:
        from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
        from pyroute2.netlink.rtnl.rtmsg import rtmsg

        self.link, self.address, self.route = ifinfmsg, ifaddrmsg, rtmsg


_IMPORT = threading.Lock()


def preload() -> threading.Thread:
    """Import pyroute2's codec in a thread, while the caller waits for other programs."""
    thread = threading.Thread(target=_preload, name="pyroute2", daemon=True)
    thread.start()
    return thread


def _preload() -> None:
    # Whoever needs it imports it again and reports the failure.
    with contextlib.suppress(Error):
        _codec()


def _codec() -> Any:
    with _IMPORT:
        return _import_codec()


@functools.cache
def _import_codec() -> Any:
    """Import three modules of pyroute2 without its __init__, which imports all two hundred.

    That is 15 to 25 ms instead of 100 to 150. While they load, a bare module stands in for the
    package; afterwards it is taken away, so another import of pyroute2 in this process gets the
    whole. A version of which the parts do not load so is imported the ordinary way.
    """
    if "pyroute2" in sys.modules:
        return _Codec()
    found = importlib.util.find_spec("pyroute2")
    if found is None:
        raise Error(
            "the Python library pyroute2 is not on this host",
            hint="install it with the role slipway.engine.host (Debian: python3-pyroute2)",
        )
    bare = importlib.util.module_from_spec(found)
    sys.modules["pyroute2"] = bare
    try:
        return _Codec()
    except (ImportError, AttributeError):
        pass
    finally:
        if sys.modules.get("pyroute2") is bare:
            del sys.modules["pyroute2"]
    for name in [name for name in sys.modules if name.startswith("pyroute2.")]:
        del sys.modules[name]
    return _Codec()
