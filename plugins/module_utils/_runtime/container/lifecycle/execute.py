# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One more process in a running container: ``docker exec``.

It is described to the OCI runtime as a whole, from what the container's own process was given: the
same limits, profiles and capabilities, none inheritable (CVE-2022-24769), and the user looked up in
the container's own files. ``exec -u 1`` of some runtimes ran as root (CVE-2026-30892), so it is
never left to them. Environment and input are passed through files and pipes that only root can
read, never as arguments.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import select
import time
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ...base import files
from ...base.errors import Conflict, Error, NotFound
from ...base.frozen import dataclass, field
from ...base.layout import Layout
from ...plan.plan import Host
from ...records import container_record, notes
from ...records.container_record import Record
from ..bundle.capabilities import CAPABILITIES, sets
from ..bundle.process import check_cwd
from ..engine import capture, oci_exec, oci_runtime
from ..engine.capture import OUTPUT_LIMIT, Captured, Terminal
from ..files import filesystem
from ..root import user
from ..status import liveness

_CHUNK = 1 << 16

#: How long a terminal is read once its process is gone.
_LINGER_S = 0.1


@dataclass(frozen=True)
class Request:
    """A command to be run in a container.

    ``env`` comes on top of the container's. None in ``user`` and ``cwd`` is the container's own.
    ``privileged`` gives it all capabilities the host has. ``size`` of the terminal: rows, columns.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: Optional[str] = None
    cwd: Optional[str] = None
    tty: bool = False
    privileged: bool = False
    size: Optional[tuple[int, int]] = None


def run(
    host: Host,
    container_id: str,
    request: Request,
    stdin: bytes = b"",
    limit: int = OUTPUT_LIMIT,
    timeout_s: Optional[float] = None,
) -> Captured:
    """Run a command to its end: its status and the first ``limit`` bytes of each stream.

    With ``tty`` both streams are one, in ``stdout``. Raises NotFound, Conflict when the container
    does not run or is paused, and oci_runtime.NotStarted (with ``status`` 126 or 127).
    """
    runtime = _runtime(host, container_id)
    name, asked = document(host, container_id, request)
    token = _begun(host, container_id, request)
    if request.tty:
        with oci_exec.at_terminal(runtime, container_id, asked, name) as made:
            done = _on_terminal(made, stdin, limit)
    else:
        done = oci_exec.run(
            runtime,
            container_id,
            asked,
            stdin=stdin,
            limit=limit,
            timeout_s=timeout_s,
            name=name,
        )
    _ended(host, container_id, token, done.returncode)
    return done


def start(host: Host, container_id: str, request: Request) -> int:
    """Start a command and leave it alone, without streams. Returns its pid on the host.

    Raises as run().
    """
    runtime = _runtime(host, container_id)
    name, asked = document(host, container_id, request)
    _begun(host, container_id, request)
    return oci_exec.detached(runtime, container_id, asked, name)


def _begun(host: Host, container_id: str, request: Request) -> str:
    """Note a command for who follows events, as Docker tells it. Returns what stands for it."""
    token, text = secrets.token_hex(32), " ".join(request.argv)
    for action in ("exec_create", "exec_start"):
        notes.note(host.layout, container_id, f"{action}: {text}", execID=token)
    return token


def _ended(host: Host, container_id: str, token: str, status: Optional[int]) -> None:
    """The same of its end; None is that it was left alone before."""
    if status is None:
        notes.note(host.layout, container_id, "exec_detach", execID=token)
    else:
        notes.note(host.layout, container_id, "exec_die", execID=token, exitCode=str(status))


@contextlib.contextmanager
def on_pipes(
    host: Host, container_id: str, request: Request, stdin: bool
) -> Iterator[capture.Piped]:
    """Run a command with pipes for its streams: ``docker exec -i`` (without ``stdin``: no -i).

    Yields our ends of them, and ``wait()`` for its exit status. A caller that leaves the block
    before its end leaves it alone. Raises as run().
    """
    runtime = _runtime(host, container_id)
    name, asked = document(host, container_id, request)
    token = _begun(host, container_id, request)
    with oci_exec.with_pipes(runtime, container_id, asked, stdin, name) as made:
        try:
            yield made
        finally:
            _ended(host, container_id, token, made.ended)


@contextlib.contextmanager
def on_terminal(host: Host, container_id: str, request: Request) -> Iterator[Terminal]:
    """Run a command on a terminal, ``docker exec -it``: ``Terminal.fd`` is our end of it.

    What is written there the command reads; its window size is set with TIOCSWINSZ; ``wait()``
    gives the exit status. A caller that leaves the block before its end detaches. Raises as run().
    """
    runtime = _runtime(host, container_id)
    name, asked = document(host, container_id, request)
    token = _begun(host, container_id, request)
    with oci_exec.at_terminal(runtime, container_id, asked, name) as made:
        try:
            yield made
        finally:
            _ended(host, container_id, token, made.ended)


def document(host: Host, container_id: str, request: Request) -> tuple[str, dict[str, Any]]:
    """The container's name, and the OCI process object of a command: its own process's, changed
    where it is asked for.
    """
    layout = host.layout
    if not request.argv or not request.argv[0]:
        raise Error("no command specified")
    for text in (*request.argv, *request.env, *request.env.values()):
        if "\0" in text:
            raise Error("an argument or environment variable of the command contains a NUL byte")
    found = _running(layout, container_id)
    own = _own_process(layout, found)
    who = dict(own["user"])
    home = ""
    spec = container_record.read_spec(layout, container_id)
    with filesystem.observed(host, container_id) as there:
        # The runtime reads passwd and group inside, so a trap in their place is found out in any
        # case: a fifo there would hold it forever.
        text = f"{who['uid']}:{who['gid']}" if request.user is None else request.user
        account = user.resolve(there.root, text, spec.groups)
        if request.user is not None:
            home = account.home
            who |= {
                "uid": account.uid,
                "gid": account.gid,
                "additionalGids": list(account.additional_gids),
            }
        if request.cwd is not None:
            _check_cwd(there, request.cwd)
    bounding = list(own["capabilities"]["bounding"])
    if request.privileged:
        bounding = _all_capabilities()
    asked = {
        **own,
        "terminal": request.tty,
        "user": who,
        "args": list(request.argv),
        "env": _environment(layout, found, own, request, home),
        "cwd": own["cwd"] if request.cwd is None else check_cwd(request.cwd),
        "capabilities": sets(bounding, who["uid"]),
    }
    asked.pop("consoleSize", None)
    if request.tty and request.size:
        asked["consoleSize"] = {"height": request.size[0], "width": request.size[1]}
    return found.name, asked


def _runtime(host: Host, container_id: str) -> oci_runtime.Runtime:
    """The OCI runtime that made the container: no other one knows it."""
    made_by = container_record.read_record(host.layout, container_id).runtime
    return oci_runtime.choose(host.layout, made_by)


def _running(layout: Layout, container_id: str) -> Record:
    found = liveness.current(layout, container_id)
    if found.phase == "paused":
        raise Conflict(f"container {found.name} is paused", hint=f"unpause {found.name} first")
    if found.phase != "running":
        raise Conflict(f"container {found.name} is not running", hint=f"start {found.name} first")
    return found


def _own_process(layout: Layout, found: Record) -> dict[str, Any]:
    """What the container's main process was described as when it was started."""
    try:
        config = files.read_json(layout.run_container(found.id) / "config.json")
    except FileNotFoundError as exc:
        raise Conflict(f"container {found.name} is not running") from exc
    own: dict[str, Any] = config["process"]
    return own


def _environment(
    layout: Layout, found: Record, own: Mapping[str, Any], request: Request, home: str
) -> list[str]:
    """The container's variables, those that depend on user and terminal made again, and the
    command's.
    """
    env = dict(entry.split("=", 1) for entry in own["env"])
    try:
        spec, image = (
            container_record.read_spec(layout, found.id),
            container_record.read_image(layout, found.id),
        )
    except NotFound as exc:
        raise NotFound(f"No such container: {found.name}") from exc
    declared = {**image.env, **spec.env}
    if home and "HOME" not in declared:
        env["HOME"] = home
    if "TERM" not in declared:
        env.pop("TERM", None)
        if request.tty:
            env["TERM"] = "xterm"
    for name, value in request.env.items():
        if not name or "=" in name:
            raise Error(f"{name[:60]!r} is not a valid name for an environment variable")
        env[name] = value
    return [f"{name}={value}" for name, value in env.items()]


def _check_cwd(there: filesystem.Tree, path: str) -> None:
    """Refuse a directory that a link of the container leads into /proc (CVE-2024-21626)."""
    try:
        os.close(there.root.open(check_cwd(path), os.O_PATH | os.O_DIRECTORY))
    except NotFound as exc:
        raise oci_runtime.NotStarted(
            f"the working directory {path} is not in {there.root.path}", status=127
        ) from exc
    if there.root.stat(path).st_dev == there.root.stat("/proc").st_dev:
        raise Error(
            f"the working directory {path} is a link into /proc", hint="choose another directory"
        )


def _all_capabilities() -> list[str]:
    """What this host can give: the capabilities in our own bounding set (proc(5), CapBnd)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        mask = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    return [name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1]


def _on_terminal(made: Terminal, stdin: bytes, limit: int) -> Captured:
    """Feed a terminal and keep what it shows, until its process ends."""
    kept = bytearray()
    truncated = False
    os.set_blocking(made.fd, False)
    ended = os.pidfd_open(made.pid)
    left = memoryview(stdin)
    until: Optional[float] = None
    try:
        while until is None or time.monotonic() < until:
            readable, writable, dummy = select.select(
                [made.fd] if until else [made.fd, ended],
                [made.fd] if left and not until else [],
                [],
                _LINGER_S if until else None,
            )
            if until and not readable:
                break
            if writable:
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(made.fd, left[:_CHUNK]) :]
            if made.fd in readable:
                try:
                    part = os.read(made.fd, _CHUNK)
                except OSError as exc:
                    if exc.errno == errno.EAGAIN:
                        continue
                    # EIO: nobody has the other end any more.
                    break
                truncated = truncated or len(kept) + len(part) > limit
                kept += part[: max(0, limit - len(kept))]
            if ended in readable and until is None:
                # What was written before the end is read still; what it left behind may go on.
                until = time.monotonic() + _LINGER_S
    finally:
        os.close(ended)
    return Captured(made.wait(), bytes(kept), b"", truncated)
