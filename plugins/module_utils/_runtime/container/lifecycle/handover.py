# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing what clients reach by a name or a published port from one container to another that runs
beside it.

``await_serving`` waits until the new one can serve, ``turn`` lets names and ports lead to it, in
one transaction of the firewall, and ``drain`` lets what clients have open with the old one come to
its end. A connection stays with the container it began with: the kernel translates all of it as its
first packet.

A UDP client has no connection, but the kernel keeps sending what comes from its port where its
first datagram went. So the new container has a zone of connection tracking for what clients send:
there the kernel knows no flow of theirs, and begins one to the new container. Answers of the old
one are looked for without a zone, so they still find the flow they belong to.
"""

from __future__ import annotations

import contextlib
import time

from ...base.errors import Error, NotFound
from ...base.frozen import replace
from ...network import synchronise
from ...network.link import connections
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import Record, locked, write_record
from ..status import liveness
from ..supervision import health

#: How often what is waited for is looked at, in seconds.
_POLL_S = 0.05
#: For how long nobody may be connected to the old container before it goes, in seconds: who has
#: just asked for its address by name is about to connect.
_QUIET_S = 0.5
#: The same where a UDP port is published, since nobody can tell whether an answer is due.
_QUIET_UDP_S = 2.0


def stand_by(host: Host, container_id: str, other: str) -> None:
    """Let a container that was not started yet run beside another of the same name: it gets the
    ports it declares, but they and its name do not lead to it before turn().
    """
    with locked(host, container_id) as found:
        write_record(host.layout, replace(found, standby=other))


def await_serving(host: Host, new: Record, old_id: str, timeout_s: float) -> None:
    """Wait until a container that runs can serve clients: until it is healthy, or without a health
    check, until it listens on those published ports on which the old one does.

    Raises Error when that is not so after ``timeout_s`` seconds (0 is without limit), when it is
    unhealthy, or has ended.
    """
    if new.watched:
        health.await_healthy(host.layout, new.id, timeout_s, patient=False)
        return
    begun = time.monotonic()
    while True:
        now = liveness.current(host.layout, new.id)
        missing = _unserved(host, now, old_id)
        if not missing:
            return
        if now.phase not in container_record.UP:
            raise Error(f"the new one {liveness.ending(now)}")
        if 0 < timeout_s <= time.monotonic() - begun:
            raise Error(
                f"after {timeout_s:g} seconds it does not listen on {', '.join(missing)}, where the"
                " running one serves clients",
                hint="raise healthy_wait_timeout, or use update: stop_first",
            )
        time.sleep(_POLL_S)


def _unserved(host: Host, new: Record, old_id: str) -> list[str]:
    """The published ports on which a container does not listen, and another does."""
    if not new.publications:
        return []
    try:
        old = liveness.current(host.layout, old_id)
    except NotFound:
        return []
    if old.phase not in container_record.LIVE:
        return []
    before, after = connections.listening(old.pid), connections.listening(new.pid)
    served = {
        (p.protocol, p.host_port)
        for p in old.publications
        if (p.protocol, p.container_port) in before
    }
    missing = {
        f"port {p.container_port}/{p.protocol}"
        for p in new.publications
        if (p.protocol, p.host_port) in served and (p.protocol, p.container_port) not in after
    }
    return sorted(missing)


def turn(host: Host, name: str, to: str, other: str) -> None:
    """Let a name and the published ports lead to one of two containers, and not to the other.

    Where one of them is gone, the rest is done. Idempotent.
    """
    layout = host.layout
    synchronise.announce(layout, f"turning-{to}")
    with contextlib.ExitStack() as held:
        found = {}
        for container_id in sorted((to, other)):
            with contextlib.suppress(NotFound):
                found[container_id] = held.enter_context(locked(host, container_id))
        # In this order there is no moment in which the records say that ports lead nowhere.
        for container_id, leads in ((to, ""), (other, to)):
            if container_id in found:
                write_record(layout, replace(found[container_id], standby=leads))
        container_record.turn_name(layout, name, to)
        for warning in synchronise.synchronise(layout).warnings:
            host.warn(warning)


def drain(host: Host, old_id: str, new_id: str, timeout_s: float) -> int:
    """Wait until no client is connected to the old container any more, at most ``timeout_s``
    seconds. Returns how many are left; none where it does not run.
    """
    layout = host.layout
    publications = container_record.read_record(layout, new_id).publications
    datagrams = any(p.protocol == "udp" for p in publications)
    quiet_s = _QUIET_UDP_S if datagrams else _QUIET_S
    begun = busy = time.monotonic()
    left = 0
    while True:
        old = liveness.current(layout, old_id)
        if old.phase not in container_record.LIVE:
            left = 0
            break
        now = time.monotonic()
        left = connections.inbound(old.pid)
        busy = now if left else busy
        over_s = begun + timeout_s - now
        if over_s <= 0 or now - busy >= quiet_s:
            break
        time.sleep(min(_POLL_S, over_s))
    return left
