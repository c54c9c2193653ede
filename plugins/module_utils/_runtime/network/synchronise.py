# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from all records together: the firewall, and the names in containers' hosts files.

A container's published ports are settled by ``claim`` and recorded within it, under one lock, so
two containers never get the same one. ``synchronise`` then makes the host agree with the records:
it is called before a container's process starts (with its record as ``starting``), after it ended,
and whenever networks change. It needs no process, so it may run beside the OCI runtime's create.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ..base import files
from ..base.frozen import dataclass, replace
from ..base.layout import Layout
from ..kernel import linux
from ..records import container_record, network_record, running
from ..records.container_record import Record
from ..spec.container import Port
from ..spec.network import Attachment, Network, Publication
from . import port
from .firewall import firewall
from .link import sysctl
from .names import zones

_FIREWALL_LOCK = ("firewall", "table")
_PORTS_LOCK = ("firewall", "ports")

#: The highest number of a zone of connection tracking.
_LAST_ZONE = 0xFFFF

#: How often the host is looked at, 0.01 seconds apart, while others replace the table.
_PATIENCE = 100


@dataclass(frozen=True)
class Synchronised:
    """What had to be done: whether the firewall was set, and whose files of names were changed.

    ``warnings`` say what the host does not give.
    """

    firewall: bool = False
    hosts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def synchronise(layout: Layout, starting: Sequence[Record] = ()) -> Synchronised:
    """Make the firewall, the name server and the files of names agree with the records.

    Counted are the containers that run or are paused, those that another process is starting, and
    those in ``starting``.
    What this process has claimed and does not name in ``starting`` is not starting any more.
    What is in place is not touched.
    """
    sysctl.enable_forwarding()
    with files.lock(layout.lock(*_FIREWALL_LOCK)):
        kept = [found.id for found in starting]
        stale = [name for name in _own_claims(layout) if name not in kept]
        try:
            live = _live(layout, starting, stale)
            publications = forwarded(live)
            networks = network_record.networks(layout)
            changed = firewall.apply(networks, publications)
            _remember(layout, firewall.marker(networks, publications))
            if changed:
                _forget_flows(starting)
            refreshed = zones.refresh(layout, live, networks)
        finally:
            # Until now they told who looks that the host is being changed.
            _unlink_claims(_claims_directory(layout), stale)
            _forget_the_dead(layout)
        warnings = refreshed.complaints
        if changed and live:
            warnings += tuple(_dropped(networks, bool(zones.zones(live, networks))))
        return Synchronised(changed, refreshed.changed, warnings)


def forwarded(live: Sequence[Record]) -> list[Publication]:
    """What the firewall forwards: not to what stands by. The watcher has the rest served. Pure."""
    return [p for found in live if not found.standby for p in found.publications if not p.proxied]


def _forget_flows(starting: Sequence[Record]) -> None:
    """Let clients that keep sending to ports find them once they are published."""
    publications = [p for p in forwarded(starting) if p.protocol == "udp"]
    if publications:
        from .link import conntrack  # Few publish UDP.

        conntrack.forget_stale(publications)


def _dropped(networks: Sequence[Network], named: bool) -> list[str]:
    """What firewalls beside ours would drop of what it lets pass."""
    from .firewall import other_firewalls  # Only whoever changes the rules needs it.

    return other_firewalls.complaints(networks, named)


def standing(layout: Layout) -> bool:
    """Whether the host has all that follows from the records. Reads only."""
    return not lost(layout)


def lost(layout: Layout) -> tuple[str, ...]:
    """What the host lost of what follows from all records, in words. Reads only.

    While another process changes the records, the host follows a moment later. What was applied
    last has to be in place then, and no more can be said.
    """
    before: tuple[str, ...] = ()
    for dummy in range(_PATIENCE):
        found = _lacking(layout)
        if not found:
            return ()
        if not _others_at_work(layout):
            if found == before:
                return found
            # Whoever was at work may have been done between the two looks.
            before = found
            continue
        if firewall.stands(_remembered(layout)):
            return ()
        # Just now it is replaced.
        time.sleep(0.01)
    return found


def _lacking(layout: Layout) -> tuple[str, ...]:
    networks = network_record.networks(layout)
    live = _live(layout)
    found = _differing(layout, live, networks)
    claimed = _live(layout, truly=False) if found else live
    # Between the end of a container and the moment its monitor writes that down nothing is lost.
    return _differing(layout, claimed, networks) if claimed != live else found


def _differing(
    layout: Layout, live: Sequence[Record], networks: Sequence[Network]
) -> tuple[str, ...]:
    publications = forwarded(live)
    found = [] if firewall.current(networks, publications) else ["the firewall"]
    if sysctl.read("net/ipv4/ip_forward") == "0" and any(one.attachments for one in live):
        found.append("the forwarding of packets")
    return (*found, *(() if zones.standing(layout, live, networks) else ("the name server",)))


def _remember(layout: Layout, marker: str) -> None:
    """Keep which table was applied last, for those who look while records are changed."""
    if _remembered(layout) != marker:
        files.write_atomic(layout.run / "firewall", f"{marker}\n".encode(), durable=False)


def _remembered(layout: Layout) -> str:
    try:
        return (layout.run / "firewall").read_text("ascii").strip()
    except FileNotFoundError:
        return ""


def _live(
    layout: Layout,
    starting: Sequence[Record] = (),
    stale: Collection[str] = (),
    truly: bool = True,
) -> list[Record]:
    """The containers that run or are about to, by id; claims in ``stale`` do not count. Without
    ``truly`` those that their records say run.
    """
    known = {found.id: found for found in starting}
    claimed = _starting(layout).difference(stale)
    for found in container_record.records(layout):
        runs = found.phase in container_record.LIVE and (not truly or running.is_running(found))
        if found.id not in known and (runs or found.id in claimed):
            known[found.id] = found
    return [known[container_id] for container_id in sorted(known)]


def _claims_directory(layout: Layout) -> Path:
    """One file per container that is being started: the pid and start time of who starts it; and
    per change that is announced.

    A container's record tells nothing of that until it runs, so without this a synchronise of
    another process would take its rules away again. A file whose process is gone counts for
    nothing.
    """
    return layout.run / "starting"


def _claims(layout: Layout) -> dict[str, int]:
    """The containers that are being started, and the pids of those who start them; 0 where that
    process is gone. A file that is just being written has another name, and is none of them.
    """
    found = {}
    directory = _claims_directory(layout)
    with contextlib.suppress(FileNotFoundError):
        for container_id in os.listdir(directory):
            if container_id.startswith("."):
                continue
            with contextlib.suppress(FileNotFoundError, ValueError):
                pid, start = map(int, (directory / container_id).read_text().split())
                found[container_id] = pid if linux.process_start_time(pid) == start else 0
    return found


def _starting(layout: Layout) -> frozenset[str]:
    """The ids of the containers that somebody is starting."""
    return frozenset(container_id for container_id, pid in _claims(layout).items() if pid)


def _make_claim(layout: Layout, container_id: str, follower: int = 0) -> None:
    files.make_private(_claims_directory(layout))
    pid = follower or os.getpid()
    text = f"{pid} {linux.process_start_time(pid)}\n"
    files.write_atomic(_claims_directory(layout) / container_id, text.encode(), durable=False)


def announce(layout: Layout, what: str, follower: int = 0) -> None:
    """Tell others that the records of networks or containers are about to change, and the host will
    follow: until this process, or the one with the pid ``follower``, synchronises or ends, they do
    not take the difference for damage.
    """
    with files.lock(layout.lock(*_PORTS_LOCK)):
        _make_claim(layout, what, follower)


def disclaim(layout: Layout, container_id: str) -> None:
    """A container is not being started any more: it runs, or failed and has no network."""
    _unlink_claims(_claims_directory(layout), [container_id])


def is_claimed(layout: Layout, container_id: str) -> bool:
    """Whether a process that lives is starting a container."""
    return container_id in _starting(layout)


def _own_claims(layout: Layout) -> list[str]:
    return [name for name, pid in _claims(layout).items() if pid == os.getpid()]


def _others_at_work(layout: Layout) -> bool:
    return any(pid not in (0, os.getpid()) for pid in _claims(layout).values())


def catch_up(layout: Layout) -> None:
    """Let the host follow changes whose makers announced them and were killed before it did.

    A process that ends well leaves nothing announced, so mostly one directory is listed.
    """
    if 0 in _claims(layout).values() and _lacking(layout):
        synchronise(layout)
    _forget_the_dead(layout)


def _forget_the_dead(layout: Layout) -> None:
    """Remove the claims of processes that are gone, and what they left half written."""
    files.sweep_beside(_claims_directory(layout))
    if 0 not in _claims(layout).values():
        return
    # Nobody makes a claim of the same name while we look again and remove it.
    with files.lock(layout.lock(*_PORTS_LOCK)):
        dead = [name for name, pid in _claims(layout).items() if pid == 0]
        _unlink_claims(_claims_directory(layout), dead)


def _unlink_claims(directory: Path, names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(directory / name)


@contextlib.contextmanager
def claim(
    layout: Layout,
    container_id: str,
    ports: Sequence[Port],
    attachments: Sequence[Attachment],
    exempt: Collection[str] = (),
    scope: tuple[str, ...] = (),
    follower: int = 0,
) -> Iterator[tuple[Publication, ...]]:
    """Settle a container's published ports; the caller records them within the block.

    The lock is held for the block, so write the record there and do nothing slow. From then on the
    container counts as being started, until this process, or the one with the pid ``follower``,
    calls ``synchronise`` without it or ends.
    ``exempt`` are ids of containers whose ports do not count, such as the one being replaced.
    """
    with files.lock(layout.lock(*_PORTS_LOCK)):
        publications: tuple[Publication, ...] = ()
        if ports:
            publications = resolve(layout, container_id, ports, attachments, exempt, scope)
        _make_claim(layout, container_id, follower)
        yield publications


def resolve(
    layout: Layout,
    container_id: str,
    ports: Sequence[Port],
    attachments: Sequence[Attachment],
    exempt: Collection[str] = (),
    scope: tuple[str, ...] = (),
) -> tuple[Publication, ...]:
    """The publications of a container's ports, with free host ports where none was asked for.

    One per port and address family of the container. A port chosen before is chosen again when it
    is free. Two of which one replaces the other while both run have the same ports: one of them
    stands by. Raises Conflict naming the container or the process that has a port. A container that
    is on no network, or on macvlan and ipvlan networks alone, publishes none, as with Docker.
    """
    if all(a.driver != "bridge" for a in attachments):
        return ()
    holding: list[tuple[str, Publication]] = []
    before: tuple[Publication, ...] = ()
    twins: tuple[Publication, ...] = ()
    claimed = _starting(layout)
    known = list(running.records(layout))
    beside = {found.standby for found in known if found.id == container_id}
    for found in known:
        if found.id == container_id:
            before = found.publications
        elif found.id in beside or found.standby == container_id:
            twins = found.publications
        elif found.id not in exempt and (found.phase in container_record.UP or found.id in claimed):
            holding += [(f"container {found.name}", p) for p in found.publications]
    zone = max((p.zone for p in before), default=0)
    if not before and any(beside):
        # The flows to the one it takes over from stay with that one.
        zone = max((p.zone for p in twins), default=0) % _LAST_ZONE + 1
    settled = port.settle(layout, container_id, ports, attachments, before or twins, holding, scope)
    return tuple(replace(made, zone=zone) for made in settled)
