# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a container: how it starts and how it is cleaned up.

Everything here happens under the container's lock. Before the first effect the record names all
that the run will make (generation, addresses, published ports, names of links); a start that fails
is undone completely; and leftovers of an interrupted run are found by those names and removed
before the next one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Callable, Optional

from ...base import clock, files
from ...base.errors import Error
from ...base.frozen import replace
from ...base.layout import Layout
from ...kernel import linux
from ...network import attach, synchronise
from ...network.link import codec
from ...plan.plan import Host
from ...records import effective
from ...records.container_record import LIVE, Record, read_image, read_spec, write_record
from ...spec.container import ContainerSpec, endpoints
from ...volume import users as volume_users
from ..engine import cgroup_layout, conmon, conmon_files, io_weight, oci_runtime
from ..option import logging
from ..root import rootfs, systemd
from ..status import fingerprint, liveness
from ..supervision import health, port_proxy, watcher, watcher_process

#: How long conmon and the OCI runtime may take to make a container; 0.05 seconds are usual.
_CREATE_TIMEOUT_S = 120.0
#: How long conmon may take to write down an exit once the process is gone.
_EXIT_RECORD_TIMEOUT_S = 5.0


#: Called with the bundle of a container that is made, before its process begins.
Ready = Callable[[Path], None]


def begin(
    host: Host,
    found: Record,
    ready: Optional[Ready] = None,
    env: Optional[Mapping[str, str]] = None,
) -> Record:
    """Start a container; the caller holds its lock and knows that it is not running.

    A caller that wants all of its output attaches in ``ready``, before there is any. The variables
    in ``env`` are for this run alone, and in no record. A failed start is undone completely, and
    the record says why. Returns the record of the run.
    """
    return bring_up(host, prepare(host, found, env), found, ready)


def prepare(host: Host, found: Record, env: Optional[Mapping[str, str]] = None) -> Record:
    """The first half of a start: what the run will have is settled and recorded, and its root
    mounted. Returns the record of the run that is intended; a failure is undone.

    From here on the host's firewall and names follow the record, whoever sees to that. The second
    half is bring_up(), under the same lock or after it was taken again.
    """
    layout = host.layout
    spec = read_spec(layout, found.id)
    kept = logging.logging(spec)
    logging.served(spec)
    if kept.syslog is not None and kept.syslog.missing:
        host.warn(
            f"container {found.name}: there is no {kept.syslog.address} to send its output to; it"
            " is kept, and sent when there is one"
        )
    clear(host, found)
    intent = replace(
        found,
        generation=found.generation + 1,
        boot_id=linux.boot_id(),
        stopped_by_user=False,
        stopped_by_host=False,
        error="",
        exit_code=0,
        oom_killed=False,
        watched=_has_check(layout, found.id, spec),
        digests=fingerprint.digests(spec.restart_on_change),
        log_bytes=kept.max_bytes if kept.rotates else 0,
        log_files=kept.files if kept.rotates else 0,
    )
    try:
        # Named before it makes anything: only the same one can remove it again.
        chosen = spec.runtime or oci_runtime.choose(layout).name
        intent = replace(intent, runtime=chosen)
        attachments = attach.attach(layout, found.id, endpoints(spec), spec.network_mode)
        intent = replace(intent, attachments=attachments, leaving=(), dns_servers=spec.dns_servers)
        image = read_image(layout, found.id)
        ports = effective.ports(spec, image)
        with synchronise.claim(
            layout,
            found.id,
            ports,
            attachments,
            scope=spec.publish_scope,
            follower=host.follower,
        ) as publications:
            intent = replace(intent, publications=publications)
            if ports and not publications:
                # On a macvlan or ipvlan network they are open on its own addresses there.
                host.warn(
                    f"container {found.name}: its ports are not published, because it "
                    f"is not on a bridge network"
                )
            unserved = [p for p in publications if not p.proxied]
            for address in sorted({p.host_ip for p in unserved if "%" in p.host_ip}):
                host.warn(
                    f"container {found.name}: a port is published on the link-local address"
                    f" {address}, which nobody reaches: the kernel forwards nothing between links"
                )
            write_record(layout, intent)
        rootfs.furnish(host, intent, spec, image, env)
    except BaseException as exc:
        _fail(host, found, intent, exc)
        raise
    return intent


def bring_up(
    host: Host,
    intent: Record,
    found: Record,
    ready: Optional[Ready] = None,
    refused: str = "",
) -> Record:
    """The second half: start what was prepared; ``found`` is the record before that. Returns the
    record of the run; a failure is undone, and the record says why. ``refused`` is a failure that
    the caller knows of.

    With a follower the host follows the record already.
    """
    layout = host.layout
    try:
        if refused:
            raise Error(refused)
        running = _bring_up(host, intent, read_spec(layout, intent.id), ready)
        write_record(layout, running)
        # From now on its record says what the host has to follow.
        synchronise.disclaim(layout, intent.id)
        if watcher.needed(running):
            look_after(host, running)
    except BaseException as exc:
        _fail(host, found, intent, exc)
        raise
    return running


def _fail(host: Host, found: Record, intent: Record, exc: BaseException) -> None:
    """Undo a failed start and record why. Errors here are ignored: the one raised says more."""
    failed = replace(
        intent,
        phase="exited" if found.started_at else "created",
        exit_code=_status(exc, found),
        publications=(),
        error=str(exc),
    )
    with contextlib.suppress(Error, OSError):
        _undo(host.layout, intent)
        _forget(host.layout, intent)
    with contextlib.suppress(Error, OSError):
        write_record(host.layout, failed)
        if not intent.attachments:
            synchronise.disclaim(host.layout, intent.id)
        elif not host.follower:
            synchronise.synchronise(host.layout)


def _status(exc: BaseException, found: Record) -> int:
    """Docker's exit status of what could not be started: 127 not found, 126 not executable, 128
    otherwise. Of one that ran before, it says how that ended.
    """
    if isinstance(exc, oci_runtime.NotStarted):
        return exc.status
    return found.exit_code if found.started_at else 128


def _bring_up(
    host: Host,
    intent: Record,
    spec: ContainerSpec,
    ready: Optional[Ready] = None,
) -> Record:
    layout = host.layout
    bundle = layout.run_container(intent.id)
    runtime = oci_runtime.choose(layout, spec.runtime)
    kept = logging.logging(spec)
    launched = conmon.launch(
        layout,
        runtime,
        intent.id,
        intent.generation,
        bundle,
        _log_path(layout, intent.id, kept),
        exit_command=exit_command(layout, intent),
        name=intent.name,
        tty=spec.tty,
        stdin=spec.interactive,
        stdin_once=spec.stdin_once,
        log_size_max=0 if kept.rotates else kept.max_bytes,
        log_tag=kept.tagged(intent.id) if kept.driver == logging.JOURNAL else "",
    )
    try:
        # While conmon and the OCI runtime work, what needs no process yet is done.
        if intent.attachments and not host.follower:
            codec.preload()
            attach.raise_bridges(layout, intent.attachments)
            done = synchronise.synchronise(layout, starting=[intent])
            for warning in done.warnings:
                host.warn(warning)
    except BaseException:
        with contextlib.suppress(Error):
            launched.wait(_CREATE_TIMEOUT_S)
        raise
    pid = launched.wait(_CREATE_TIMEOUT_S)
    start = linux.process_start_time(pid)
    if start is None:
        raise Error(f"container {intent.name} ended before it was started")
    if intent.attachments:
        attach.connect(layout, pid, intent.attachments)
    if effective.writes_cgroups(spec, intent):
        systemd.finish(layout, intent, spec, pid, cgroup_layout.is_v2())
    if io_weight.is_ours(spec):
        io_weight.give(spec, pid)
    if ready is not None:
        ready(bundle)
    started_at = clock.now()
    oci_runtime.start(runtime, intent.id)
    return replace(
        intent,
        phase="running",
        pid=pid,
        pid_start=start,
        conmon_pid=launched.conmon_pid,
        started_at=started_at,
    )


def exit_command(layout: Layout, run: Record) -> list[str]:
    """What conmon runs when the container has ended."""
    command = supervision(layout, "exited", run.id, str(run.generation))
    return conmon_files.unless_attended(layout, run.id, command)


def watch_command(layout: Layout) -> list[str]:
    """What runs health checks and rotates logs; its descriptors are still to be named."""
    return supervision(layout, "watch")


def supervision(layout: Layout, *words: str) -> list[str]:
    """A command of the program for supervision. Its path is that of the program in use then, not
    now.
    """
    places = (("root", layout.root), ("run", layout.run), ("etc", layout.etc))
    return [
        str(layout.program / "current"),
        *(f"--{name}={path}" for name, path in places if layout != Layout.default()),
        *("supervise", *words),
    ]


def _log_path(layout: Layout, container_id: str, kept: logging.Logging) -> str:
    """Where the monitor writes, in its own words."""
    if kept.driver in (logging.JOURNAL, logging.NONE):
        return kept.driver
    return f"k8s-file:{layout.container(container_id) / 'log'}"


def look_after(host: Host, run: Optional[Record] = None) -> None:
    """Make sure that a watcher runs; failing to start one is not a reason to stop a container. The
    ports of ``run`` that it has served are open then.
    """
    try:
        watcher_process.ensure(host, watch_command(host.layout))
    except (Error, OSError) as exc:
        host.warn(
            f"the watcher is not running, so health checks, log rotation and ports that the"
            f" kernel cannot forward are off: {exc}"
        )
        return
    if run is not None and port_proxy.served(run) and not port_proxy.await_open(host.layout, run):
        ports = ", ".join(f"{p.host_ip} port {p.host_port}" for p in port_proxy.served(run))
        host.warn(f"container {run.name}: not served yet, but tried further: {ports}")


def _has_check(layout: Layout, container_id: str, spec: ContainerSpec) -> bool:
    image = read_image(layout, container_id)
    return health.effective(spec.healthcheck, image.healthcheck) is not None


def settle(host: Host, found: Record, ended: Optional[Record] = None) -> Record:
    """Clear away a run whose process has ended, and record how it did. Idempotent.

    ``ended`` is what is recorded in the end; without it, what conmon wrote down.
    """
    layout = host.layout
    if ended is None:
        _await_exit_record(layout, found)
        ended = liveness.ended(layout, found)
    ended = replace(ended, finished_at=ended.finished_at or clock.now())
    _undo(layout, found)
    if found.attachments:
        synchronise.announce(layout, f"ending-{found.id}", host.follower)
    write_record(layout, ended)
    _forget(layout, found)
    if watcher.needed(found):
        watcher.poke(layout)
    if found.attachments and not host.follower:
        try:
            synchronise.synchronise(layout)
        except Error as exc:
            # The container has ended all the same, and whatever comes next tries again.
            host.warn(f"cleanup after container {found.name} exited: {exc}")
    return ended


def corrected(host: Host, found: Record) -> Record:
    """A record made true: a run that is over, and that nobody has settled, is settled."""
    if found.phase in LIVE and not liveness.is_running(host.layout, found):
        return settle(host, found)
    return found


def clear(host: Host, found: Record) -> None:
    """Remove whatever interrupted runs left on the host. Nothing to remove is fine."""
    if host.layout.run_container(found.id).exists():
        _await_creation(host.layout, found)
        _undo(host.layout, found)
        _forget(host.layout, found)


def unrecorded(layout: Layout, found: Record) -> bool:
    """Whether a run ended whose beginning was never recorded: who started it died before that."""
    return found.phase not in LIVE and (
        conmon_files.read_exit(layout, found.id, found.generation) is not None
    )


def _await_creation(layout: Layout, found: Record) -> None:
    """Let a creation that nobody waits for any more finish.

    Whoever started it was killed, and conmon and the OCI runtime keep running. Ended halfway, they
    would leave a process that no record of theirs names.
    """
    run = layout.run_container(found.id)
    deadline = time.monotonic() + _CREATE_TIMEOUT_S
    while not (run / "pid").exists() and time.monotonic() < deadline:
        started = [argv for argv in _command_lines() if found.id.encode() in argv]
        creating = any(b"create" in argv for argv in started)
        # conmon's command line is there before the runtime's, and after it while the hook runs.
        monitored = any(b"--cid" in argv for argv in started)
        over = any(b"exited" in argv for argv in started)
        if not creating and (over or not monitored):
            return
        time.sleep(0.005)


def _command_lines() -> Iterator[list[bytes]]:
    """The arguments of every process of the host."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            yield file.read().split(b"\0")


def _undo(layout: Layout, found: Record) -> None:
    """End what may still run of a container and unmount its root."""
    conmon.end(layout, found.id)
    oci_runtime.delete(oci_runtime.choose(layout, found.runtime), found.id, force=True)
    cgroup_layout.remove(found.id, read_spec(layout, found.id).cgroup_parent)
    rootfs.clear(layout, found.id)
    volume_users.release(layout, found)


def _forget(layout: Layout, found: Record) -> None:
    """Remove the run's directory. conmon, on its way out, may still add to it or take from it."""
    deadline = time.monotonic() + _EXIT_RECORD_TIMEOUT_S
    while True:
        try:
            files.remove_tree(layout.run_container(found.id))
            return
        except OSError as exc:
            if exc.errno != errno.ENOTEMPTY or time.monotonic() >= deadline:
                raise
            time.sleep(0.005)


def _await_exit_record(layout: Layout, found: Record) -> None:
    """Give conmon the moment it needs from reaping the process to writing down its status."""
    deadline = time.monotonic() + _EXIT_RECORD_TIMEOUT_S
    while conmon_files.read_exit(layout, found.id, found.generation) is None:
        if time.monotonic() >= deadline or not conmon_files.alive(layout, found.id):
            return
        time.sleep(0.002)
