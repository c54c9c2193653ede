# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when the host goes down and comes up: ``slipway supervise shutdown`` stops all
containers, and ``slipway supervise boot`` starts those whose policies say so.

Containers are started side by side, in as many processes as there are processors, and at least two
(kernel/workers.py). One that shares a namespace of another, or
is linked to it, waits until that has been dealt with.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any, Optional

from ...base import clock
from ...base.errors import Error, NotFound
from ...base.frozen import replace
from ...kernel import linux
from ...kernel.workers import KILLED, Workers, usual
from ...network.link import codec
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import Record, locked
from ...spec.container import ContainerSpec, endpoints
from ..root import confinement
from ..status import liveness
from ..supervision import policy
from . import actions, incarnation, on_exit, replacement


def shutdown(host: Host) -> list[str]:
    """Stop every container that runs, since the host goes down: all at once, each with its own
    signal and grace time.

    A container's record says so before it gets its signal: no exit hook starts it again, but
    boot() does. Idempotent. Returns what went wrong, one line per container, having gone on with
    the others.
    """

    def stop(container_id: str) -> str:
        try:
            ended = actions.halt(host, container_id, by_host=True)
            if (
                ended.stopped_by_host
                and container_record.read_spec(host.layout, container_id).auto_remove
            ):
                on_exit.remove(host, container_id)
        except NotFound:
            pass  # Its hook was faster.
        except (Error, OSError) as exc:
            return f"container {container_id[:12]}: {exc}"
        return ""

    from concurrent.futures import ThreadPoolExecutor  # Not for a start.

    found = container_record.all_ids(host.layout)
    # Nearly all they do is wait, and none is to wait for another. One for which there is nothing to
    # do makes room for the next, so there are hardly more than containers that run.
    with ThreadPoolExecutor(max(1, len(found))) as threads:
        return [failure for failure in threads.map(stop, found) if failure]


def boot(host: Host) -> list[str]:
    """After a reboot: clear what the last boot left and start what the policies ask for.

    Idempotent: what this boot has dealt with is left alone. After a shutdown() that no reboot
    followed, what that stopped is started in the same way. Returns what went wrong, one line per
    container, having gone on with the others.
    """
    replacement.recover_all(host)
    needs: dict[str, frozenset[str]] = {}
    bridged = False
    starting = 0
    for container_id in container_record.all_ids(host.layout):
        try:
            found = container_record.read_record(host.layout, container_id)
            if policy.left(found):
                spec = container_record.read_spec(host.layout, container_id)
                needs[container_id] = _needs(host, spec)
                if policy.comes_up(found, spec.restart_policy):
                    starting += 1
                    bridged = bridged or not spec.network_mode
        except NotFound:
            continue
        except Error:
            # Whoever deals with it says what is wrong with it.
            needs[container_id] = frozenset()
    if starting > 1:
        # Once here, and not in each of the processes. Whatever fails is told by those that need it.
        with contextlib.suppress(Error):
            confinement.prepare(host.layout)
        if bridged:
            with contextlib.suppress(Error):
                codec.load()
    return _side_by_side(host, needs, usual())


def _needs(host: Host, spec: ContainerSpec) -> frozenset[str]:
    """The ids of the containers that are to be up before another starts."""
    names = [
        name
        for mode in (spec.network_mode, spec.pid_mode, spec.ipc_mode)
        for word, dummy, name in [mode.partition(":")]
        if word == "container"
    ]
    names += [link.partition(":")[0] for end in endpoints(spec) for link in end.links]
    found = set()
    for name in names:
        with contextlib.suppress(Error):
            found.add(container_record.identify(host.layout, name))
    return frozenset(found)


def following(needs: Mapping[str, Collection[str]], running: Collection[str]) -> Optional[str]:
    """Which of those that are left is to be started next, or None while there are ones to wait for.
    Pure.

    ``needs`` has what is left, and for each what it waits for; what is neither left nor running has
    been dealt with. Those that wait for each other in a circle do not wait for ever.
    """
    for one, others in needs.items():
        if not any(other in needs or other in running for other in others if other != one):
            return one
    return None if running else next(iter(needs), None)


def _side_by_side(host: Host, needs: dict[str, frozenset[str]], most: int) -> list[str]:
    """Deal with containers, at most ``most`` at a time. Takes them out of ``needs``."""
    failures: list[str] = []
    busy: list[str] = []

    def deal_with(container_id: str) -> dict[str, Any]:
        return {"failure": _dealt_with(host, container_id), "warnings": host.warnings}

    with Workers(deal_with, most) as workers:
        while needs or busy:
            one = following(needs, busy) if workers.free > 0 else None
            if one is not None:
                del needs[one]
                busy.append(one)
                workers.submit(one)
                continue
            for container_id, said in workers.done(None):
                busy.remove(container_id)
                failures += _heard(host, container_id, said)
    return failures


def _heard(host: Host, container_id: str, said: Any) -> list[str]:
    if said is KILLED:
        said = {"failure": "whoever was to start it was killed", "warnings": []}
    for warning in said["warnings"]:
        host.warn(warning)
    return [f"container {container_id[:12]}: {said['failure']}"] if said["failure"] else []


def _dealt_with(host: Host, container_id: str) -> str:
    """Deal with one container. Returns what went wrong."""
    try:
        with locked(host, container_id) as found:
            gone = _deal_with(host, found)
        if gone:
            on_exit.remove(host, container_id)
    except NotFound:
        pass
    except (Error, OSError) as exc:
        return str(exc)
    except Exception as exc:
        import traceback  # A fault of ours, and no reason to leave the others down.

        traceback.print_exc()
        return f"{type(exc).__name__}: {exc}"
    return ""


def _deal_with(host: Host, found: Record) -> bool:
    """Start a container, or settle it; whether it is to be removed."""
    if not policy.left(found):
        return False
    if liveness.is_running(host.layout, found):
        # It is being stopped at this very moment.
        return False
    if found.phase in container_record.UP:
        ended = liveness.ended(host.layout, found)
        if found.boot_id != linux.boot_id():
            ended = replace(ended, exit_code=policy.HOST_WENT_DOWN, finished_at=clock.now())
        found = incarnation.settle(host, found, ended)
    spec = container_record.read_spec(host.layout, found.id)
    if policy.comes_up(found, spec.restart_policy):
        incarnation.begin(host, replace(found, backoff_s=0.0))
    return spec.auto_remove
