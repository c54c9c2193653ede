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
first datagram went. A flow on which nothing came for a while is forgotten, so that its next
datagram goes to the new container; one that never pauses is forgotten when the time for draining
is over.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from ...base.errors import Error, NotFound
from ...base.frozen import replace
from ...network import synchronise
from ...network.link import connections, conntrack
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import Record, locked, write_record
from ...spec.network import Publication
from ..status import liveness
from ..supervision import health

#: How often what is waited for is looked at, in seconds.
_POLL_S = 0.05
#: For how long nobody may be connected to the old container before it goes, in seconds: who has
#: just asked for its address by name is about to connect.
_QUIET_S = 0.5
#: For how long nothing may come on a flow of datagrams before it is forgotten, in seconds. The
#: kernel tells in whole seconds when it would forget it by itself.
_IDLE_S = 3.0
#: How often the kernel is asked for the flows, in seconds.
_FLOWS_S = 0.25


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


class _Flows:
    """The flows of datagrams to published ports that lead to the container of before."""

    def __init__(self, publications: Sequence[Publication]) -> None:
        self._publications = [p for p in publications if p.protocol == "udp"]
        #: By flow: since when nothing is known to have come on it, and when it would be forgotten.
        self._seen: dict[tuple[bytes, bytes], tuple[float, float]] = {}
        self._count, self._asked = 0, 0.0

    def busy(self, now: float) -> int:
        """How many there are on which something came of late; the others are forgotten. ``now`` is
        a monotonic time.
        """
        if self._publications and now - self._asked >= _FLOWS_S:
            self._asked = now
            found = conntrack.stale(self._publications)
            idle = [flow for flow in found if self._is_idle(flow, now)]
            conntrack.forget(idle)
            self._count = len(found) - len(idle)
        return self._count

    def _is_idle(self, flow: conntrack.Flow, now: float) -> bool:
        key, ends = (flow.original, flow.id), now + flow.left_s
        since, before = self._seen.get(key, (now, ends))
        if ends - before > 1.0:
            # What came on it made it last longer than whole seconds can seem to.
            since, before = now, ends
        self._seen[key] = (since, before)
        return now - since >= _IDLE_S

    def forget(self) -> None:
        conntrack.forget_stale(self._publications)


def drain(host: Host, old_id: str, new_id: str, timeout_s: float) -> int:
    """Wait until no client is connected to the old container any more, at most ``timeout_s``
    seconds. Returns how many are left; none where it does not run.
    """
    layout = host.layout
    publications = container_record.read_record(layout, new_id).publications
    flows = _Flows(publications)
    begun = busy = time.monotonic()
    left = 0
    while True:
        old = liveness.current(layout, old_id)
        if old.phase not in container_record.LIVE:
            left = 0
            break
        now = time.monotonic()
        left = connections.inbound(old.pid) + flows.busy(now)
        busy = now if left else busy
        over_s = begun + timeout_s - now
        if over_s <= 0 or now - busy >= _QUIET_S:
            break
        time.sleep(min(_POLL_S, over_s))
    flows.forget()
    return left
