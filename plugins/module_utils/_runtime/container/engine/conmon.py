# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""conmon, the monitor of one container: it creates it through the OCI runtime, keeps its output,
sees it end.

conmon forks twice and continues on its own. In the bundle it leaves ``attach`` (socket), ``ctl``
and ``winsz`` (fifos); in a directory of this start, ``exit.<generation>``, it leaves ``exit`` (the
exit status as text, written whole) and ``oom`` (empty, when the kernel killed for memory); then it
runs the exit command. So the exit of an earlier start is never mistaken for this one's.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ...base import files, strict_json
from ...base.errors import Error
from ...base.layout import Layout
from ...kernel import cgroups, process, trace
from . import cgroup_layout
from .conmon_files import exit_directory, monitor
from .oci_runtime import ENVIRONMENT, Runtime, failure

#: What conmon may answer at most; a runtime's complaint is a line or two. Bytes.
_ANSWER_LIMIT = 1 << 20


class Launched:
    """A conmon on its way; wait() or close() ends our part. Owns the read end of its sync pipe."""

    def __init__(
        self, runtime: Runtime, container: str, bundle: Path, fd: int, child: process.Child
    ) -> None:
        self._runtime = runtime
        self._container = container
        self._bundle = bundle
        self._fd = fd
        self._child = child
        # A move between cgroups waits up to 10 ms for a grace period of the kernel: beside the work
        # of the OCI runtime it costs nothing.
        self._leaving: Optional[threading.Thread] = threading.Thread(
            target=self._leave, daemon=True
        )
        try:
            self._leaving.start()
        except RuntimeError:
            # At a limit of threads. conmon is on its way, so somebody has to own it.
            self._leaving = None

    def _leave(self) -> None:
        self._child.wait()
        with contextlib.suppress(OSError, ValueError):
            cgroups.leave_session(self.conmon_pid)

    def wait(self, timeout_s: float = 120.0) -> int:
        """The pid of the container's process, which is created and waits for oci_runtime.start().

        Raises Error with the runtime's reason when there is none; conmon has ended then, and has
        run the exit command too.
        """
        try:
            with trace.timed("await", f"conmon and {self._runtime.name} create the container"):
                answer = self._answer(time.monotonic() + timeout_s)
        finally:
            self.close()
        pid, message = answered(answer, self._container)
        if pid > 0:
            return pid
        argv, cwd = _process_of(self._bundle)
        raise failure(self._runtime, self._container, message, argv, cwd)

    @property
    def conmon_pid(self) -> int:
        """The monitor's own pid, once wait() has returned."""
        return int((self._bundle / "conmon.pid").read_text("ascii"))

    def close(self) -> None:
        """Close the pipe; conmon itself keeps running. The first fork has been reaped by then."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            if self._leaving is None:
                self._leave()
            else:
                self._leaving.join()

    def _answer(self, deadline: float) -> bytes:
        """One line. conmon holds its end as long as it lives, so the end of the pipe is not waited
        for.
        """
        answer = bytearray()
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while b"\n" not in answer and len(answer) < _ANSWER_LIMIT:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                raise Error(
                    f"container {self._container}: conmon and {self._runtime.name} did not"
                    " create it in time"
                )
            part = os.read(self._fd, 1 << 16)
            if not part:
                break
            answer += part
        return bytes(answer)


def answered(answer: bytes, container: str) -> tuple[int, str]:
    """What conmon says on its sync pipe: the pid of the container's process, or 0 and why there is
    none. Pure. Raises Error naming the container.
    """
    try:
        value = strict_json.loads(answer)
        return int(value["pid"]), str(value.get("message", ""))
    except (ValueError, KeyError, TypeError) as exc:
        raise Error(
            f"container {container}: conmon exited without answering",
            hint="see the system log for the reason",
        ) from exc


def launch(
    layout: Layout,
    runtime: Runtime,
    container_id: str,
    generation: int,
    bundle: Path,
    log: str,
    *,
    exit_command: Sequence[str],
    name: str = "",
    tty: bool = False,
    stdin: bool = False,
    stdin_once: bool = False,
    log_size_max: int = 0,
    log_tag: str = "",
) -> Launched:
    """Spawn conmon, which creates the container of ``bundle`` (its config.json is there). Returns
    at once.

    ``log`` is ``k8s-file:PATH``, ``journald`` or ``none``. A file of ``log_size_max`` bytes is
    begun anew, 0 is without limit; ``log_tag`` is for the journal. ``exit_command`` is run, as
    given, when the container has ended and also when it could not be created. ``name`` is what
    errors call the container. No lock may be held by a descriptor that survives exec.
    """
    exits = _fresh_exit_directory(layout, container_id, generation)
    for leftover in ("attach", "ctl", "winsz", "conmon.pid", "pid"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(bundle / leftover)
    argv = ["conmon", "--cid", container_id, "--cuuid", container_id]
    argv += ["--name", name or container_id, "--runtime", runtime.path]
    argv += ["--runtime-arg", "--root", "--runtime-arg", runtime.state_root]
    if cgroup_layout.driver() == "systemd":
        argv.append("--systemd-cgroup")
    argv += ["--bundle", str(bundle), "--persist-dir", str(exits), "--full-attach"]
    argv += ["--conmon-pidfile", str(bundle / "conmon.pid")]
    argv += ["--container-pidfile", str(bundle / "pid"), "--log-path", log]
    if log_size_max > 0:
        argv += ["--log-size-max", str(log_size_max)]
    if log_tag:
        argv += ["--log-tag", log_tag]
    argv += ["--terminal"] if tty else []
    argv += ["--stdin"] if stdin else []
    argv += ["--leave-stdin-open"] if stdin and not stdin_once else []
    argv += ["--exit-command", exit_command[0]]
    for argument in exit_command[1:]:
        argv += ["--exit-command-arg", argument]
    sync_read, sync_write = os.pipe()
    try:
        child = process.spawn(
            argv,
            env={**ENVIRONMENT, "_OCI_SYNCPIPE": str(sync_write)},
            pass_fds=(sync_write,),
            cwd=bundle,
            plainly=True,
        )
    except BaseException:
        os.close(sync_read)
        raise
    finally:
        os.close(sync_write)
    return Launched(runtime, name or container_id[:12], bundle, sync_read, child)


def _fresh_exit_directory(layout: Layout, container_id: str, generation: int) -> Path:
    exits = exit_directory(layout, container_id, generation)
    for old in exits.parent.glob("exit.*"):
        shutil.rmtree(old, ignore_errors=True)
    files.make_private(exits)
    return exits


def end(layout: Layout, container_id: str, timeout_s: float = 5.0) -> None:
    """End a monitor that is left over; its exit command does not run, and the container keeps
    running.

    One that has written down an exit is ending by itself, and may be waiting for the very process
    that asks: it is left alone. None at all is a success.
    """
    pid = monitor(layout, container_id)
    if not pid or any(layout.run_container(container_id).glob("exit.*/exit")):
        return
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # Opened first and compared again: the pid cannot have gone to another process in between.
        if monitor(layout, container_id) == pid:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(timeout_s * 1000)
    finally:
        os.close(fd)


def _process_of(bundle: Path) -> tuple[tuple[str, ...], str]:
    """The arguments and working directory of a bundle, for an error about them."""
    try:
        found = files.read_json(bundle / "config.json")["process"]
        return tuple(found["args"]), str(found["cwd"])
    except (OSError, Error, KeyError, TypeError):
        return (), ""
