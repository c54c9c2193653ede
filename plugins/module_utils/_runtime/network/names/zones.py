# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as a function of all records: the name server's zones, and what containers' files say.

``prepare`` writes a container's three files of names before its process exists. ``refresh`` makes
the name server answer for all containers that run, and then every file agree with what it does:
where it serves a network, resolv.conf names the bridge's address; where it does not (the host lacks
aardvark-dns, or something else has port 53 there), hosts files list the containers of the network.
So which of the two is used is decided each time, and follows what the host has.

The network ``bridge`` has no names, as with Docker; only links add some.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ...base.frozen import dataclass
from ...base.layout import Layout
from ...records import network_record
from ...records.container_record import Record
from ...spec.container import ContainerSpec
from ...spec.network import Attachment, Network
from . import aardvark, etc_files
from .aardvark import Member, Zone

_HOST_GATEWAY = "host-gateway"

_INTERNAL = "this container's networks are internal."
_UNREACHABLE = "the host's are on its loopback interface, which containers cannot reach."

_RESOLV_CONF = Path("/etc/resolv.conf")


def _host_file(path: Path) -> str:
    """A file of the host, which may be a link, such as NetworkManager's /etc/resolv.conf."""
    return etc_files.read(path.resolve())


@dataclass(frozen=True)
class Refreshed:
    """Whose files were changed, and why a network has no name server, in words."""

    changed: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()


def prepare(
    layout: Layout, container_id: str, spec: ContainerSpec, attachments: Sequence[Attachment]
) -> None:
    """Write ``hosts``, ``hostname`` and ``resolv.conf`` below the container's directory.

    They are files of the host with mode 0644, to be bind-mounted. In the network mode host they are
    copies of the host's own, with what was asked for besides. What depends on other containers
    comes with ``refresh``.
    """
    directory = layout.container(container_id)
    extra = [
        etc_files.Entry(address, (name,))
        for name, text in spec.extra_hosts.items()
        for address in (_gateways(layout, attachments) if text == _HOST_GATEWAY else (text,))
    ]
    if spec.network_mode == "host":
        hostname = spec.hostname or socket.gethostname()
        hosts = _host_file(Path("/etc/hosts")) + etc_files.lines(extra)
    else:
        hostname = spec.hostname or container_id[:12]
        etc_files.check_host_name(hostname)
        own = [
            etc_files.Entry(address, _host_names(hostname, spec.domainname))
            for attachment in attachments
            for address in _addresses(attachment)
        ]
        hosts = etc_files.hosts([*extra, *own])
    etc_files.write_in_place(directory / "hosts", hosts)
    etc_files.write_in_place(directory / "hostname", f"{hostname}\n")
    etc_files.write_in_place(directory / "resolv.conf", _resolv_conf(spec, attachments))


def _resolv_conf(spec: ContainerSpec, attachments: Sequence[Attachment]) -> str:
    host = _host_file(_RESOLV_CONF)
    asked = spec.dns_servers or spec.dns_search or spec.dns_options
    if spec.network_mode == "host" and not asked:
        return host
    found = etc_files.upstream(host, _host_file(etc_files.RESOLVED))
    why_none = "" if spec.dns_servers else _UNREACHABLE
    servers = spec.dns_servers or found.servers
    if spec.network_mode != "host" and not _leads_out(attachments):
        servers, why_none = spec.dns_servers, _INTERNAL
    return etc_files.resolv_conf(
        etc_files.Resolver(
            servers, spec.dns_search or found.search, spec.dns_options or found.options
        ),
        why_none,
    )


def _leads_out(attachments: Sequence[Attachment]) -> bool:
    return any(a.ipv4_gateway or a.ipv6_gateway or a.device_route for a in attachments)


def _addresses(attachment: Attachment) -> Iterator[str]:
    for address in (attachment.ipv4_address, attachment.ipv6_address):
        if address:
            yield address.partition("/")[0]


def _host_names(hostname: str, domainname: str) -> tuple[str, ...]:
    """The full name, followed by its first part, as Docker writes them."""
    full = f"{hostname}.{domainname}" if domainname else hostname
    short = full.partition(".")[0]
    return (full,) if short == full else (full, short)


def _gateways(layout: Layout, attachments: Sequence[Attachment]) -> tuple[str, ...]:
    """The host's addresses on the container's first network; on the loopback, where it has none."""
    for attachment in attachments:
        network = network_record.find(layout, attachment.network_id)
        if network is not None:
            found = tuple(pool.gateway for pool in network.spec.pools if pool.gateway)
            if found:
                return found
    return ("127.0.0.1",)


def zones(live: Sequence[Record], networks: Sequence[Network]) -> list[Zone]:
    """What the name server is to know: the networks that give names and have containers. Pure."""
    members: dict[str, list[Member]] = {}
    for found in live:
        for attachment in _naming(found):
            ipv4 = attachment.ipv4_address.partition("/")[0]
            ipv6 = attachment.ipv6_address.partition("/")[0]
            members.setdefault(attachment.network_id, []).append(
                Member(
                    found.id[:12],
                    (ipv4,) if ipv4 else (),
                    (ipv6,) if ipv6 else (),
                    _names(found, attachment),
                    found.dns_servers,
                )
            )
    return [
        Zone(network.id, listen, tuple(members[network.id]), network.spec.internal)
        for network in networks
        for listen in [tuple(pool.gateway for pool in network.spec.pools if pool.gateway)]
        if network.id in members and listen
    ]


def _names(found: Record, attachment: Attachment) -> tuple[str, ...]:
    """What a container is called on a network; one that stands by has only its id."""
    names = () if found.standby else (found.name, *attachment.aliases)
    return (*names, found.id[:12])


def _naming(found: Record) -> list[Attachment]:
    """The networks of a container that give names: bridges of ours but the default one."""
    return [
        a for a in found.attachments if a.network != network_record.DEFAULT and a.driver == "bridge"
    ]


def standing(layout: Layout, live: Sequence[Record], networks: Sequence[Network]) -> bool:
    """Whether the name server answers for what the records say. Reads only."""
    return aardvark.standing(layout, zones(live, networks))


def refresh(layout: Layout, live: Sequence[Record], networks: Sequence[Network]) -> Refreshed:
    """Make the name server and the files of all running containers agree with the records.

    The caller holds the lock of the firewall; the bridges are in place.
    """
    known = {network.id: network for network in networks}
    served = aardvark.apply(layout, zones(live, networks))
    resolver = etc_files.upstream(_host_file(_RESOLV_CONF), _host_file(etc_files.RESOLVED))
    members: dict[str, list[tuple[Record, Attachment]]] = {}
    for found in live:
        for attachment in found.attachments:
            members.setdefault(attachment.network_id, []).append((found, attachment))
    changed = []
    for found in live:
        directory = layout.container(found.id)
        # A container in another's namespace has no files of its own.
        if not found.attachments or not (directory / "hosts").exists():
            continue
        peers = [*_linked(found, members), *_peers(found, members, served.networks)]
        hosts = etc_files.with_peers(etc_files.read(directory / "hosts"), peers)
        text = etc_files.read(directory / "resolv.conf")
        resolv = _with_servers(text, found, known, served.networks, resolver)
        hosts_changed = etc_files.write_in_place(directory / "hosts", hosts)
        if etc_files.write_in_place(directory / "resolv.conf", resolv) or hosts_changed:
            changed.append(found.name)
    complaints = (
        f"no name server for a network; its containers resolve one another through hosts files: "
        f"{complaint}"
        for complaint in served.complaints
    )
    return Refreshed(tuple(changed), tuple(complaints))


def _with_servers(
    text: str,
    found: Record,
    networks: Mapping[str, Network],
    served: Collection[str],
    upstream: etc_files.Resolver,
) -> str:
    """A container's resolv.conf with the servers of now."""
    servers = _own_servers(found, networks, served)
    if servers:
        # A short name is asked for as it is, before any search domain: Docker does the same. The
        # server of internal networks says nothing of what is outside; nobody waits long for that.
        outward = _leads_out(found.attachments)
        options = ("ndots:0",) if outward else ("ndots:0", "timeout:1", "attempts:1")
        return etc_files.with_servers(text, servers, options)
    if not _leads_out(found.attachments):
        return etc_files.with_servers(text, found.dns_servers, why_none=_INTERNAL)
    return etc_files.with_servers(
        text, found.dns_servers or upstream.servers, why_none=_UNREACHABLE
    )


def _own_servers(
    found: Record, networks: Mapping[str, Network], served: Collection[str]
) -> tuple[str, ...]:
    """The bridges' addresses that answer a container: each of them knows all of its networks.

    Those of internal networks only where there is no other: they know of nothing outside.
    """
    serving = [networks[a.network_id] for a in _naming(found) if a.network_id in served]
    outward = [network for network in serving if not network.spec.internal]
    return tuple(
        pool.gateway
        for network in outward or serving
        for pool in network.spec.pools
        if pool.gateway
    )


def _peers(
    found: Record,
    members: Mapping[str, Sequence[tuple[Record, Attachment]]],
    served: Collection[str],
) -> Iterator[etc_files.Entry]:
    """The containers on the networks of one that no name server answers for: all macvlan ones."""
    for attachment in found.attachments:
        if attachment.network != network_record.DEFAULT and attachment.network_id not in served:
            for other, there in members.get(attachment.network_id, ()):
                names = _names(other, there)
                yield from (etc_files.Entry(address, names) for address in _addresses(there))


def _linked(
    found: Record, members: Mapping[str, Sequence[tuple[Record, Attachment]]]
) -> Iterator[etc_files.Entry]:
    """The containers that one is linked to on its networks, by the names it gives them."""
    for attachment in found.attachments:
        for link in attachment.links:
            name, dummy, alias = link.partition(":")
            for other, there in members.get(attachment.network_id, ()):
                if (other.name == name and not other.standby) or (
                    len(name) >= 12 and other.id.startswith(name)
                ):
                    names = (alias or name, other.name, other.id[:12])
                    yield from (etc_files.Entry(address, names) for address in _addresses(there))
