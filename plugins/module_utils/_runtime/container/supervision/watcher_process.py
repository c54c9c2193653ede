# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher: one process per host that runs the health checks, rotates the logs and serves the
ports that the kernel cannot forward.

It exists only while a container with one of these runs: a check, a log of more than one file, or
such a port.

Whoever starts such a container wakes it through a fifo, ``watch.fifo``, or starts it if nobody
reads there. It holds the lock ``watch.lock`` from the moment it is started, since its starter takes
the lock and hands it on, so there is at most one. It ends by itself when there is nothing to watch:
it takes the fifo away, gives the lock back, and only then looks for the last time, so a container
that was started meanwhile is seen by it or finds no fifo.

A fifo without a reader is the trace of a watcher that was killed; the next start, task or command
starts another one, which continues from the recorded results.

Each check runs in a child, which writes the verdict down; the ports of a container are served by
another (port_proxy.py); the watcher itself stays small. A child that outlives it holds neither the
lock nor the fifo, or it would be taken for the watcher, and a check then has no verdict: the next
watcher makes its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Iterator
from typing import Optional

from ...base import clock, files
from ...base.errors import Error, NotFound
from ...base.frozen import changing, replace
from ...base.layout import Layout
from ...kernel import cgroups, process
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import Record
from ...spec.container import Healthcheck
from ..option.logging import SYSLOG
from ..status import liveness
from . import health, port_proxy, strays
from .health import Probe
from .watcher import fifo_path, needed, poke

#: How often the size of a log is looked at. Seconds.
_LOG_S = 1.0

#: How long one may take to end that has taken its fifo away. Seconds.
_ENDS_S = 1.0

#: It looks again at least this often, whatever it was told. Seconds.
_LONGEST_S = 60.0


def ensure(host: Host, argv: list[str]) -> None:
    """Have a watcher that knows of all there is now; ``argv`` is the command that starts one."""
    layout = host.layout
    if poke(layout):
        return
    taken = _take(layout)
    if taken is None:
        # One that is about to end, and looks once more after it has given the lock back; or one
        # whose fifo somebody removed, whose successor ends it.
        deadline = time.monotonic() + _ENDS_S
        while taken is None and time.monotonic() < deadline:
            if poke(layout):
                return
            time.sleep(0.01)
            taken = _take(layout)
        if taken is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(layout.run / "watch.lock")
            taken = _take(layout)
        if taken is None:
            return
    held, fifo = taken
    try:
        child = process.detach([*argv, str(held), str(fifo)], pass_fds=(held, fifo))
    finally:
        os.close(fifo)
        os.close(held)
    with contextlib.suppress(OSError, ValueError):
        cgroups.leave_session(child)


def _take(layout: Layout) -> Optional[tuple[int, int]]:
    """Become the watcher: the locked lock file and the open fifo; None when somebody is."""
    held = os.open(layout.run / "watch.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(fifo_path(layout), 0o600)
        return held, os.open(fifo_path(layout), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except BlockingIOError:
        os.close(held)
        return None
    except BaseException:
        os.close(held)
        raise


@changing
class _Watched:
    """One run of a container, and when it is checked next (monotonic seconds). ``check`` is None
    for one whose log alone is looked at.
    """

    run: Record
    check: Optional[Healthcheck]
    due: float
    #: Whether its output is sent to syslog.
    sends: bool = False


def watch(host: Host, held: int, fifo: int) -> None:
    """Watch until nothing is left to watch. ``held`` is the locked lock file, ``fifo`` is open."""
    layout = host.layout
    watched: dict[str, _Watched] = {}
    strays.end(layout)
    while True:
        _turn(host, watched, fifo)
        if any(_runs(layout)):
            continue
        # In this order; the docstring above says why.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fifo_path(layout))
        os.close(held)
        os.close(fifo)
        if not any(_runs(layout)):
            return
        taken = _take(layout)
        if taken is None:
            return
        held, fifo = taken


def _turn(host: Host, watched: dict[str, _Watched], fifo: int) -> None:
    """Watch until nothing is there to be watched and no check is under way."""
    layout = host.layout
    children: dict[int, tuple[int, str]] = {}
    sending: dict[int, str] = {}
    proxies: dict[int, Record] = {}
    poll = select.poll()
    poll.register(fifo, select.POLLIN)
    told, looked = True, 0.0
    while True:
        now = time.monotonic()
        if told or now - looked >= _LONGEST_S:
            # All records are read, so only when something has changed, or might have unheard.
            _look(layout, watched)
            told, looked = False, now
            _end_stale(children, proxies, watched)
        if not watched and not children:
            return
        busy = {container_id for dummy, container_id in children.values()}
        serving = {run.id for run in proxies.values()}
        for container_id, one in watched.items():
            if one.run.log_bytes:
                _turn_over(layout, one.run)
            if one.sends and container_id not in sending.values():
                pid = os.fork()
                if not pid:
                    _send(layout, container_id)
                fd = os.pidfd_open(pid)
                sending[fd] = container_id
                poll.register(fd, select.POLLIN)
                children[fd] = (pid, "")
            if container_id not in serving and port_proxy.served(one.run):
                watcher_pid, pid = os.getpid(), os.fork()
                if not pid:
                    port_proxy.child(layout, one.run, watcher_pid)
                fd = os.pidfd_open(pid)
                proxies[fd] = one.run
                poll.register(fd, select.POLLIN)
                children[fd] = (pid, "")
            idle = container_id not in busy and one.run.phase == "running"
            if one.check is not None and one.due <= now and idle:
                watcher_pid, pid = os.getpid(), os.fork()
                if not pid:
                    _child(host, one.run, one.check, watcher_pid)
                fd = os.pidfd_open(pid)
                children[fd] = (pid, container_id)
                poll.register(fd, select.POLLIN)
                busy.add(container_id)
        logs = any(one.run.log_bytes for one in watched.values())
        longest_s = _LOG_S if logs else _LONGEST_S
        left_s = max(0.0, min([now + longest_s, *_dues(watched, busy)]) - now)
        for fd, dummy in poll.poll(left_s * 1000 + 1):
            if fd == fifo:
                told = True
                with contextlib.suppress(BlockingIOError):
                    os.read(fifo, 4096)
                continue
            pid, container_id = children.pop(fd)
            sending.pop(fd, None)
            # Whether it is to be replaced, only the records tell.
            told = proxies.pop(fd, None) is not None or told
            poll.unregister(fd)
            os.close(fd)
            os.waitpid(pid, 0)
            if container_id in watched:
                one = watched[container_id]
                if one.check is not None:
                    one.due = time.monotonic() + _pause_s(layout, one.run, one.check)


def _end_stale(
    children: dict[int, tuple[int, str]], proxies: dict[int, Record], watched: dict[str, _Watched]
) -> None:
    """End the proxies whose ports are not those of a container any more."""
    for fd, was in proxies.items():
        now = watched.get(was.id)
        if now is None or (now.run.pid, port_proxy.served(now.run)) != (
            was.pid,
            port_proxy.served(was),
        ):
            os.kill(children[fd][0], signal.SIGTERM)


def _dues(watched: dict[str, _Watched], busy: set[str]) -> list[float]:
    """When what waits is due; what is paused waits for a poke."""
    return [
        one.due
        for container_id, one in watched.items()
        if one.check and container_id not in busy and one.run.phase == "running"
    ]


def _runs(layout: Layout) -> Iterator[Record]:
    """The runs that have something to be done; a damaged record is no reason to do nothing."""
    for container_id in container_record.all_ids(layout):
        with contextlib.suppress(Error):
            found = container_record.read_record(layout, container_id)
            if needed(found) and liveness.is_running(layout, found):
                yield found


def _look(layout: Layout, watched: dict[str, _Watched]) -> None:
    """Take up what came, and give up what went; a check that was changed is taken up anew."""
    found: dict[str, _Watched] = {}
    now = time.monotonic()
    for run in _runs(layout):
        try:
            spec = container_record.read_spec(layout, run.id)
            check = health.effective(
                spec.healthcheck, container_record.read_image(layout, run.id).healthcheck
            )
        except (NotFound, Error):
            continue
        if check is None and not run.log_bytes and not port_proxy.served(run):
            continue
        known = watched.get(run.id)
        if known and known.run.generation == run.generation and known.check == check:
            found[run.id] = replace(known, run=run)
        else:
            fresh = _Watched(run, check, now, spec.log_driver == SYSLOG)
            fresh.due = _due(layout, fresh, check, now) if check else 0.0
            found[run.id] = fresh
    watched.clear()
    watched.update(found)


def _pause_s(layout: Layout, run: Record, check: Healthcheck) -> float:
    return health.pause_s(_known(layout, run), check, _age_s(run))


def _known(layout: Layout, run: Record) -> health.Health:
    """What the checks said; what somebody damaged begins anew."""
    try:
        return health.read(layout, run)
    except Error:
        return health.Health(run.generation)


def _due(layout: Layout, one: _Watched, check: Healthcheck, now: float) -> float:
    """When a run is to be checked next: an interval after the last check, or after its start."""
    known = _known(layout, one.run)
    last = known.log[-1].end if known.log else one.run.started_at
    ago_s = time.time() - (clock.seconds(last) or time.time())
    return now + max(0.0, health.pause_s(known, check, _age_s(one.run)) - max(0.0, ago_s))


def _age_s(run: Record) -> float:
    return time.time() - (clock.seconds(run.started_at) or time.time())


def _send(layout: Layout, container_id: str) -> None:
    """Send what a container writes to syslog, in a process that does nothing else."""
    try:
        process.close_inherited()
        from ..status import syslog  # For few containers.

        syslog.forward(layout, container_id, follow=True)
    except (Error, OSError):
        pass
    finally:
        os._exit(0)


def _child(host: Host, run: Record, check: Healthcheck, watcher_pid: int) -> None:
    """Make one check and write down the verdict, in a process that does nothing else."""
    status = 1
    try:
        process.close_inherited()
        _check(host.layout, run, check, watcher_pid)
        status = 0
    finally:
        os._exit(status)


def _check(layout: Layout, run: Record, check: Healthcheck, watcher_pid: int) -> None:
    since_start_s = _age_s(run)
    probe = _probe(layout, run, check)
    if os.getppid() != watcher_pid:
        return
    try:
        # Under no lock: this process alone writes it, and the run's directory goes with the run.
        now = container_record.read_record(layout, run.id)
        if now.generation == run.generation and liveness.is_running(layout, now):
            known = _known(layout, run)
            health.write(layout, run, health.judge(known, check, probe, since_start_s))
    except (NotFound, FileNotFoundError):
        return


def _probe(layout: Layout, run: Record, check: Healthcheck) -> Probe:
    """Run the command of a check in the container, as its user, with its variables, in its
    directory.
    """
    # Whoever only asks whether there is a watcher does without.
    from ..engine import oci_exec, oci_runtime

    begun = clock.now()
    try:
        config = files.read_json(layout.run_container(run.id) / "config.json")
        asked = {**config["process"], "terminal": False, "args": list(health.argv(check))}
        asked.pop("consoleSize", None)
        done = oci_exec.run(
            oci_runtime.choose(layout, run.runtime),
            run.id,
            asked,
            timeout_s=check.timeout_s,
            limit=health.OUTPUT_LIMIT,
            name=run.name,
        )
    except (Error, OSError) as exc:
        return Probe(begun, clock.now(), -1, str(exc)[: health.OUTPUT_LIMIT])
    said = (done.stdout + done.stderr)[: health.OUTPUT_LIMIT].decode("utf-8", "replace")
    if done.timed_out:
        said = f"Health check exceeded timeout ({check.timeout_s:g}s): {said}"
        return Probe(begun, clock.now(), -1, said[: health.OUTPUT_LIMIT])
    return Probe(begun, clock.now(), done.returncode, said)


def _turn_over(layout: Layout, run: Record) -> None:
    """Begin a new log file when the old one has its size; nothing that was written is lost.

    ``log`` becomes ``log.1`` and so on, and its monitor is asked for a new one. Whoever was killed
    in between left none, so a monitor is asked again while there is none.
    """
    log = layout.container(run.id) / "log"
    try:
        if log.stat().st_size < run.log_bytes:
            return
        for number in range(run.log_files - 1, 0, -1):
            newer = log.with_name(f"log.{number - 1}" if number > 1 else "log")
            with contextlib.suppress(FileNotFoundError):
                os.rename(newer, log.with_name(f"log.{number}"))
    except FileNotFoundError:
        if not log.with_name("log.1").exists():
            return
    _reopen_log(layout, run.id)


def _reopen_log(layout: Layout, container_id: str) -> bool:
    """Have the monitor write its log to a new file; False when it does not listen (any more).

    It opens the file beside and renames it, so once there is a ``log`` again, nothing is written to
    the old one (conmon, src/ctr_logging.c; the message is of src/ctrl.c).
    """
    try:
        fd = os.open(
            layout.run_container(container_id) / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except OSError:
        return False
    try:
        os.write(fd, b"2 0 0\n")
    finally:
        os.close(fd)
    return True
