# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name server of containers: aardvark-dns, one process for all networks of the host.

It listens on the bridges' own addresses in the host's network namespace, answers for the containers
of the network a question comes from, and forwards the rest. What it knows are files in one
directory, one per network (aardvark-dns, config.md): the first line has the addresses to listen on,
each further one a container with its addresses, its names and the servers its other questions go
to. SIGHUP makes it read them again. It runs only while there is a zone, nothing is installed for
it, and whoever finds it missing starts it again.

Whether it answers for exactly what the records say is one question over UDP, as it is for the
firewall: every zone has a name made of the digest of them all.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import ipaddress
import os
import signal
import socket
import time
from collections.abc import Collection, Sequence
from typing import Optional

from ...base import files
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...kernel import cgroups, process
from ..link import sockets
from . import server
from .dns_query import PORT, knowing

#: Where distributions install it: Debian and openSUSE, Fedora and Arch, Alpine.
_PROGRAMS = ("/usr/lib/podman/aardvark-dns", "/usr/libexec/podman/aardvark-dns", "aardvark-dns")

#: How long it may take to read its files and answer: a few milliseconds, on a slow host seconds.
_READY_S = 10.0
#: How long one answer is waited for: at first, at most, and by who only looks. Seconds.
_FIRST_PATIENCE_S, _LAST_PATIENCE_S, _GLANCE_S = 0.004, 1.0, 0.2

#: A server no question ever reaches: a socket that was not made to broadcast may not send there
#: (EACCES, ip(7)). For the containers of internal networks, whose questions must not leave
#: (CVE-2024-29018), and for our own.
_NOWHERE = "255.255.255.255"


@dataclass(frozen=True)
class Member:
    """One container in a zone; ``servers`` () is the host's own resolver."""

    id: str
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    names: tuple[str, ...]
    servers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Zone:
    """One network: the addresses of its bridge, and who is on it. Of an internal one no question
    leaves.
    """

    network_id: str
    listen: tuple[str, ...]
    members: tuple[Member, ...]
    internal: bool = False


@dataclass(frozen=True)
class Served:
    """The zones that are answered for, by network id, and why others are not, in words."""

    networks: frozenset[str] = frozenset()
    complaints: tuple[str, ...] = ()


def program() -> Optional[str]:
    """The server's path, or None on a host that does not have it."""
    return next(filter(None, map(process.which, _PROGRAMS)), None)


def digest(zones: Sequence[Zone]) -> str:
    """The name under which every zone knows that it is up to date. Pure."""
    text = repr(sorted(zones, key=lambda zone: zone.network_id))
    return f"slipway-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def configuration(zones: Sequence[Zone], mark: str) -> dict[str, str]:
    """The server's files by name. Pure; the order of zones and members does not matter.

    ``mark`` becomes a name of each bridge's own addresses; that is where we ask from, and what it
    does not know then is forwarded nowhere.

    From 1.11 on a name that ends in ``%int`` says that the network is internal; earlier ones know
    only the servers of each container.
    """
    found = {}
    for zone in zones:
        lines = [",".join(sorted(zone.listen))]
        for member in sorted(zone.members, key=lambda member: member.id):
            servers = (_NOWHERE,) if zone.internal else member.servers
            lines.append(_line(member.id, member.ipv4, member.ipv6, member.names, servers))
        four = [address for address in zone.listen if ":" not in address]
        six = [address for address in zone.listen if ":" in address]
        lines.append(_line(f"slipway{zone.network_id[:12]}", four, six, (mark,), (_NOWHERE,)))
        name = zone.network_id[:32] + ("%int" if zone.internal else "")
        found[name] = "".join(f"{line}\n" for line in lines)
    return found


def _line(
    name: str,
    ipv4: Sequence[str],
    ipv6: Sequence[str],
    names: Sequence[str],
    servers: Sequence[str],
) -> str:
    fields = [name, *(",".join(part) for part in (ipv4, ipv6, dict.fromkeys(names)))]
    return " ".join([*fields, *([",".join(servers)] if servers else [])])


def standing(layout: Layout, zones: Sequence[Zone], patience_s: float = _GLANCE_S) -> bool:
    """Whether the server answers for exactly these zones, as far as it could when they were set up.

    Reads only. Without the program, and for a zone whose port 53 somebody else has, names are
    given by hosts files, and nothing is missing. ``patience_s``: how long an answer is waited for
    from where there was none then.
    """
    if program() is None:
        return True
    state = server.state(layout)
    if not zones:
        return state is None
    mark = digest(zones)
    if state is None or state.digest != mark:
        return False
    if knowing(state.addresses, mark, _LAST_PATIENCE_S) != set(state.addresses):
        return False
    # What was late and answers now is more than what was set up.
    return not knowing(state.silent, mark, patience_s)


def apply(layout: Layout, zones: Sequence[Zone]) -> Served:
    """Make the server answer for these zones, or end it where there are none.

    Their bridges are in place already. The caller holds the lock under which this is done. What
    cannot be served is left to hosts files, and the complaint says why.
    """
    if not zones or program() is None:
        stop(layout)
        return Served()
    # Who was sent here because it answers now must not find it silent because the host is busy.
    if standing(layout, zones, _LAST_PATIENCE_S):
        state = server.state(layout)
        if state is not None:
            return Served(_answered(zones, state.addresses), state.complaints)
    running = server.running(layout)
    known = server.known(layout) if running else frozenset()
    complaints: list[str] = []
    listening = []
    for zone in zones:
        free = tuple(a for a in zone.listen if _may_listen(layout, a, known, running, complaints))
        if free:
            listening.append(Zone(zone.network_id, free, zone.members, zone.internal))
    mark = digest(zones)
    before = server.state(layout)
    refuses = before is not None and before.refuses
    answering: set[str] = set()
    wanted: list[str] = []
    if listening:
        server.write(layout, configuration(listening, mark))
        wanted = [address for zone in listening for address in zone.listen]
        if running and before is not None and before.digest == mark:
            # One that was late answers by now: it has read these files, and while it reads them
            # again it would answer nobody.
            answering = knowing(wanted, mark, _LAST_PATIENCE_S)
        if running and len(answering) < len(wanted):
            answering = _read_again(wanted, mark, running, before)
        if len(answering) < len(wanted):
            refuses, answering = _serve(layout, wanted, mark, running)
        complaints += [
            f"aardvark-dns does not answer on {address}"
            for address in wanted
            if address not in answering
        ]
    else:
        _end(layout)
    silent = tuple(address for address in wanted if address not in answering)
    state = server.State(mark, tuple(sorted(answering)), tuple(complaints), silent, refuses)
    server.remember(layout, state)
    return Served(_answered(zones, answering), state.complaints)


def _answered(zones: Sequence[Zone], answering: Collection[str]) -> frozenset[str]:
    return frozenset(z.network_id for z in zones if any(a in answering for a in z.listen))


def has_alone(layout: Layout, protocol: str) -> bool:
    """Whether port 53 of the host is used by the name server and nobody else: the addresses it
    listens on are those of bridges, where nobody but their containers asks.
    """
    running = server.running(layout)
    return bool(running) and sockets.having(sockets.inodes(protocol, PORT)) == {running}


def stop(layout: Layout) -> None:
    """End the server and remove its files; none is a success."""
    _end(layout)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(server.state_file(layout))


def _end(layout: Layout) -> None:
    pid = server.running(layout)
    if pid:
        server.kill(layout, pid)
    state = server.state(layout)
    if pid or (state is not None and state.refuses):
        from . import questions

        questions.remove()
    with contextlib.suppress(FileNotFoundError):
        files.remove_tree(server.directory(layout))


def _read_again(
    wanted: list[str], mark: str, running: int, before: Optional[server.State]
) -> set[str]:
    """Have the server read the files, and wait until it did. Returns the addresses that answer."""
    with contextlib.ExitStack() as held:
        if before is not None and before.refuses:
            from . import questions  # Newer releases do not need it.

            held.enter_context(questions.kept())
            # What was asked before this is answered before it.
            knowing(before.addresses, before.digest, _GLANCE_S)
        with contextlib.suppress(ProcessLookupError):
            os.kill(running, signal.SIGHUP)
        return _await(wanted, mark)


def _serve(layout: Layout, wanted: Sequence[str], mark: str, running: int) -> tuple[bool, set[str]]:
    """Start the server, in place of one that runs. Returns whether it refuses questions while it
    reads its files, and the addresses that answer.
    """
    if running:
        server.kill(layout, running)
    found = program()
    # It forks, and its first process ends when the server is ready.
    argv = [found or "", "--config", str(server.directory(layout)), "-p", str(PORT), "run"]
    if found is None or process.run(argv, timeout_s=10, check=False).returncode:
        return False, set()
    with contextlib.suppress(OSError):
        cgroups.leave_session(server.running(layout))
    from . import questions  # Whoever starts it asks what it is.

    refuses = questions.refused_by(found)
    if not refuses:
        questions.remove()
    return refuses, _await(wanted, mark)


def _await(wanted: Sequence[str], mark: str) -> set[str]:
    begun = time.monotonic()
    deadline = begun + _READY_S
    answering: set[str] = set()
    patience_s = _FIRST_PATIENCE_S
    while True:
        # What it does not know yet it does not answer at all, so it is asked again soon; and a
        # host that answers slowly is given longer each time.
        asked = [address for address in wanted if address not in answering]
        answering |= knowing(asked, mark, patience_s)
        now = time.monotonic()
        if answering:
            # It is there: what it cannot listen on is not waited for as long as one that begins.
            deadline = min(deadline, now + max(_LAST_PATIENCE_S, 4 * (now - begun)))
        if len(answering) == len(wanted) or now >= deadline:
            return answering
        time.sleep(0.001)
        patience_s = min(1.5 * patience_s, _LAST_PATIENCE_S)


def _may_listen(
    layout: Layout, address: str, known: Collection[str], running: int, complaints: list[str]
) -> bool:
    """Whether the server can have port 53 of an address; if not, the complaint says who has it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
            probe.bind((address, PORT))
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            places = {ipaddress.ip_address(address).packed, bytes(4), bytes(16)}
            taken = sockets.inodes("udp", PORT, places)
            if running and address in known and sockets.has_open(running, taken):
                return True
            who = next(iter(sorted(sockets.having(taken))), 0)
            if who and not running and server.serves(layout, who):
                # Somebody removed the file with its pid. It cannot be told of anything any more.
                server.kill(layout, who)
                return True
            complaints.append(f"port 53 of {address} is in use by {sockets.describe(who)}")
        elif exc.errno == errno.EADDRNOTAVAIL:
            complaints.append(f"no interface on the host has the address {address}")
        else:
            raise
        return False
    return True
