# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI runtime of this host: which one serves, and its verbs (runtime-spec, runtime.md).

crun and runc understand the same command line. What a process is given, such as its environment, is
passed in a file only root may read, never as arguments, which every user of the host can see.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Optional

from ...base import files
from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...base.regex import regex
from ...kernel import linux, process
from .capture import OUTPUT_LIMIT, Captured, Piped, Terminal, capture, piped, terminal

#: In this order: crun starts a container in a third of runc's time.
CANDIDATES = ("crun", "runc")

_CGROUPS = "/sys/fs/cgroup"
_INSTALL = "install crun or runc with the role slipway.engine.host"

#: All that a runtime, a monitor or a hook of ours gets as environment.
ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}


@dataclass(frozen=True)
class Runtime:
    """One OCI runtime: its name, its program, and the directory it keeps its own records in."""

    name: str
    path: str
    state_root: str

    def arguments(self) -> list[str]:
        """What stands before the verb."""
        systemd = ["--systemd-cgroup"] if cgroup_driver() == "systemd" else []
        return ["--root", self.state_root, *systemd]


@dataclass(frozen=True)
class Cgroups:
    """How this host mounts its control groups.

    ``mode``: unified (v2), legacy (v1), hybrid (v1 with a v2 side at ``unified``) or none.
    ``v2_controllers``: what the v2 side offers.
    """

    mode: str
    v2_controllers: tuple[str, ...] = ()


def cgroups() -> Cgroups:
    """Read the cgroup layout. Both runtimes look at the same places: /sys/fs/cgroup and
    ``unified``.
    """
    types = {mount.target: mount.fstype for mount in linux.mountinfo()}
    if types.get(_CGROUPS) == "cgroup2":
        return Cgroups("unified", _controllers(_CGROUPS))
    unified = f"{_CGROUPS}/unified"
    if types.get(unified) == "cgroup2":
        return Cgroups("hybrid", _controllers(unified))
    v1 = any(kind == "cgroup" and target.startswith(_CGROUPS) for target, kind in types.items())
    return Cgroups("legacy" if v1 else "none")


def _controllers(directory: str) -> tuple[str, ...]:
    try:
        return tuple(Path(directory, "cgroup.controllers").read_text("ascii").split())
    except FileNotFoundError:
        return ()


def cgroup_v2() -> bool:
    """Whether the host has the unified hierarchy only; cheap enough to ask at every start."""
    return os.path.exists(f"{_CGROUPS}/cgroup.controllers")


def cgroup_driver() -> str:
    """``systemd`` when it is PID 1 (sd_booted(3)), since it owns the cgroup tree then, else
    ``cgroupfs``.
    """
    return "systemd" if os.path.isdir("/run/systemd/system") else "cgroupfs"


def cgroups_path(container_id: str, driver: str = "", parent: str = "") -> str:
    """linux.cgroupsPath of a container: a path, or slice:prefix:name for systemd (both runtimes'
    form). ``parent`` is the cgroup or slice below which it is to be.
    """
    if (driver or cgroup_driver()) == "systemd":
        if parent and (not parent.endswith(".slice") or "/" in parent):
            raise Error(
                f"cgroup_parent: {parent!r} is not a slice",
                hint="systemd manages the control groups of this host: use a slice such "
                "as user.slice",
            )
        return f"{parent or 'system.slice'}:slipway:{container_id}"
    return f"/{parent.strip('/') or 'slipway'}/{container_id}"


def remove_cgroups(container_id: str, parent: str = "") -> None:
    """Remove the control groups a creation that failed may have left; crun leaves them all.

    None is a success, and one with a process in it stays. With systemd they go with their scope.
    """
    if cgroup_driver() == "systemd":
        return
    path = cgroups_path(container_id, parent=parent)
    with os.scandir(_CGROUPS) as hierarchies:
        tops = [_CGROUPS, *(entry.path for entry in hierarchies if entry.is_dir())]
    for top in tops:
        with suppress(OSError):
            os.rmdir(f"{top}{path}")


def refusal(name: str, found: Cgroups) -> str:
    """Why a runtime cannot serve a host with this layout; "" when it can. Pure.

    Every crun until now ends a creation with "cgroups in hybrid mode not supported, drop all
    controllers from cgroupv2" when the v2 side of a hybrid layout has a controller, such as hugetlb
    that nobody mounted on the v1 side; a v2 side that only tracks processes is fine. runc uses the
    v1 side.
    """
    if found.mode == "none":
        return f"no cgroup filesystem is mounted at {_CGROUPS}"
    if name == "crun" and found.mode == "hybrid" and found.v2_controllers:
        return (
            "crun does not support cgroup v1 and v2 side by side with controllers on the v2 side"
            f" ({', '.join(found.v2_controllers)})"
        )
    return ""


def choose(layout: Layout, wanted: str = "") -> Runtime:
    """The runtime of this host: the first of crun, runc that serves its cgroup layout, or
    ``wanted``.

    ``wanted`` is a name or an absolute path, of any program that speaks the runtimes' command line.
    The choice is kept in run/runtime.json for this boot and this very file of the program, so a
    start reads one small file. Raises Error when none is installed or none serves.
    """
    cache = layout.run / f"runtime{'.' + wanted.replace('/', '%') if wanted else ''}.json"
    boot = linux.boot_id()
    chosen = _cached(cache, boot, wanted)
    if chosen is None:
        chosen = _decide(wanted)
        with suppress(FileNotFoundError):
            files.write_json(
                cache,
                {"boot_id": boot, "wanted": wanted, "path": chosen, "file": _identity(chosen)},
                durable=False,
            )
    name = os.path.basename(chosen)
    return Runtime(name, chosen, str(layout.run / f"runtime-{name}"))


def _cached(cache: Path, boot: str, wanted: str) -> Optional[str]:
    try:
        value = files.read_json(cache)
        if value["boot_id"] == boot and value["wanted"] == wanted:
            path = str(value["path"])
            return path if value["file"] == _identity(path) else None
    except (OSError, Error, KeyError, TypeError):
        # A cache that cannot be used is asked for again; it holds nothing that could be lost.
        pass
    return None


def _identity(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def _decide(wanted: str) -> str:
    found = cgroups()
    refusals = []
    for name in [wanted] if wanted else CANDIDATES:
        path = process.which(name)
        if path is None:
            continue
        reason = refusal(os.path.basename(name), found)
        if not reason:
            return path
        refusals.append(f"{name}: {reason}")
    if refusals:
        raise Error(
            f"no OCI runtime on this host supports its control groups ({'; '.join(refusals)})",
            hint=_INSTALL,
        )
    missing = wanted or " nor ".join(CANDIDATES)
    raise NotFound(f"the OCI runtime is missing: {missing} is not installed", hint=_INSTALL)


def start(runtime: Runtime, container_id: str) -> None:
    """Let the process of a created container run. Raises Error with the runtime's reason."""
    _run(runtime, "start", container_id)


def kill(runtime: Runtime, container_id: str, signal: int, all: bool = False) -> bool:
    """Send a signal to a container's process, or to all of them. False when none was there to get
    it.
    """
    try:
        _run(runtime, "kill", *(["--all"] if all else []), container_id, str(int(signal)))
    except Error as exc:
        if _is_gone(exc):
            return False
        raise
    return True


def delete(runtime: Runtime, container_id: str, force: bool = False) -> None:
    """Remove what the runtime holds of a container; ``force`` kills it first. Idempotent."""
    if not os.path.isdir(os.path.join(runtime.state_root, container_id)):
        return
    try:
        _run(runtime, "delete", *(["--force"] if force else []), container_id)
    except Error as exc:
        if not _is_gone(exc):
            raise


def state(runtime: Runtime, container_id: str) -> Optional[dict[str, Any]]:
    """The runtime-spec's state (``status``, ``pid``, ``bundle``), or None when it does not know the
    id.
    """
    if not os.path.isdir(os.path.join(runtime.state_root, container_id)):
        return None
    try:
        done = _run(runtime, "state", container_id)
    except Error as exc:
        if _is_gone(exc):
            return None
        raise
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def pause(runtime: Runtime, container_id: str) -> None:
    """Freeze every process of a container."""
    _run(runtime, "pause", container_id)


def resume(runtime: Runtime, container_id: str) -> None:
    """Unfreeze a container."""
    _run(runtime, "resume", container_id)


def update(runtime: Runtime, container_id: str, resources: Mapping[str, Any]) -> None:
    """Change the limits of a container that runs: LinuxResources of runtime-spec, what differs.

    What is not named stays. Raises Error with the runtime's reason, and then some of them may have
    been applied.
    """
    path = Path(runtime.state_root).parent / f"update-{os.urandom(8).hex()}.json"
    try:
        known = _in_words_of_crun(resources) if runtime.name == "crun" else resources
        files.write_atomic(path, json.dumps(known).encode(), durable=False)
        _run(runtime, "update", "--resources", str(path), container_id)
    finally:
        path.unlink(missing_ok=True)


def _in_words_of_crun(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Without -1 for no limit, which crun 1.8 writes to cgroup v1 in a form the kernel refuses.

    In its place stands the most that the kernel knows: 4,194,304 processes, 8192 processors.
    """
    known = {kind: dict(limits) for kind, limits in resources.items()}
    if known.get("pids", {}).get("limit") == -1:
        known["pids"]["limit"] = 1 << 22
    if known.get("cpu", {}).get("quota") == -1:
        known["cpu"]["quota"] = 8192 * int(known["cpu"].setdefault("period", 100_000))
    return known


def exec_run(
    runtime: Runtime,
    container_id: str,
    document: Mapping[str, Any],
    *,
    stdin: bytes = b"",
    timeout_s: Optional[float] = None,
    limit: int = OUTPUT_LIMIT,
    name: str = "",
) -> Captured:
    """Run one more process in a running container, to its end, and return what it wrote.

    ``document`` is the OCI process object (bundle/process.py). At most ``limit`` bytes of each
    stream are kept, and the rest is read and dropped, so neither we nor the process is held up
    (CVE-2022-1708). After ``timeout_s`` the process is killed and ``timed_out`` set. ``name`` is
    what errors call the container.
    """
    with _process_file(runtime, document) as (description, pid_file):
        argv = [*_exec(runtime, description, pid_file), container_id]
        done = capture(argv, stdin, timeout_s, limit, ENVIRONMENT, pid_file)
    if not done.started and not done.timed_out:
        raise _refusal(runtime, name or container_id[:12], done.stderr, document)
    return done


@contextmanager
def exec_piped(
    runtime: Runtime,
    container_id: str,
    document: Mapping[str, Any],
    stdin: bool,
    name: str = "",
) -> Iterator[Piped]:
    """Run one more process whose streams are pipes, our ends of which the Piped has; without
    ``stdin`` it reads nothing. Raises NotStarted.
    """
    with ExitStack() as stack:
        description, pid_file = stack.enter_context(_process_file(runtime, document))
        argv = [*_exec(runtime, description, pid_file), container_id]
        child = stack.enter_context(piped(argv, stdin, ENVIRONMENT, pid_file))
        if not child.pid:
            raise _refusal(runtime, name or container_id[:12], child.complaint, document)
        yield child


@contextmanager
def exec_terminal(
    runtime: Runtime, container_id: str, document: Mapping[str, Any], name: str = ""
) -> Iterator[Terminal]:
    """Run one more process on a terminal of its own, whose other end is the Terminal's descriptor.

    ``document`` has ``terminal`` set, and ``consoleSize`` where its size is known. Raises
    NotStarted.
    """
    with _process_file(runtime, document) as (description, pid_file):
        # crun complains on the terminal itself, unless it has a log.
        log = pid_file.with_suffix(".log")
        argv = [*_exec(runtime, description, pid_file, log), "--tty"]
        socket_path = pid_file.with_suffix(".sock")
        argv += ["--console-socket", str(socket_path), container_id]
        with terminal(argv, ENVIRONMENT, pid_file, socket_path) as child:
            if not child.pid:
                said = child.complaint
                if not said and log.exists():
                    said = log.read_bytes()
                raise _refusal(runtime, name or container_id[:12], said, document)
            yield child


def _refusal(runtime: Runtime, name: str, said: bytes, document: Mapping[str, Any]) -> Error:
    args = tuple(document.get("args", ()))
    return failure(runtime, name, said.decode("utf-8", "replace"), args)


def _exec(
    runtime: Runtime, description: Path, pid_file: Path, log: Optional[Path] = None
) -> list[str]:
    logged = [] if log is None else ["--log", str(log)]
    argv = [runtime.path, *runtime.arguments(), *logged, "exec", "--detach"]
    return [*argv, "--process", str(description), "--pid-file", str(pid_file)]


def exec_detached(
    runtime: Runtime, container_id: str, document: Mapping[str, Any], name: str = ""
) -> int:
    """Start one more process in a running container and leave it alone. Returns its pid on the
    host.
    """
    with _process_file(runtime, document) as (description, pid_file):
        log = pid_file.with_suffix(".log")
        argv = [*_exec(runtime, description, pid_file, log), container_id]
        # The process inherits the streams, so they lead nowhere and the runtime writes to a log.
        if process.spawn(argv, env=ENVIRONMENT, plainly=True).wait() != 0:
            said = log.read_bytes() if log.exists() else b""
            raise _refusal(runtime, name or container_id[:12], said, document)
        return int(pid_file.read_text("ascii"))


@contextmanager
def _process_file(runtime: Runtime, document: Mapping[str, Any]) -> Iterator[tuple[Path, Path]]:
    """A private file with the process object, and the name of one for its pid, both gone
    afterwards.

    Beside the state root: what lies inside it, runc takes for a container.
    """
    name = f"exec-{os.urandom(8).hex()}"
    directory = Path(runtime.state_root).parent
    description, pid_file = directory / f"{name}.json", directory / f"{name}.pid"
    try:
        files.write_atomic(description, json.dumps(document).encode(), durable=False)
        yield description, pid_file
    finally:
        for path in (description, *(pid_file.with_suffix(kind) for kind in _BESIDE)):
            path.unlink(missing_ok=True)


#: What an exec leaves beside its description while it is started.
_BESIDE = (".pid", ".log", ".sock")


#: runc's log line around the message, and what both runtimes call the program they could not run.
_LOG_MESSAGE = regex(r'\blevel=\w+ msg="((?:[^"\\]|\\.)*)"')
_ABOUT_PROGRAM = regex(r'\bexec: "|\bexecutable file\b|\bopen executable\b|\bexec /')


class NotStarted(Error):
    """A command that cannot be run; ``status`` is what a shell ends with then: 127 for one that is
    not there, 126 for one that may not or cannot be executed.
    """

    def __init__(self, message: str, hint: str = "", status: int = 126) -> None:
        super().__init__(message, hint=hint)
        self.status = status


def failure(
    runtime: Runtime, container: str, reason: str, argv: Sequence[str] = (), cwd: str = ""
) -> Error:
    """What a runtime said when it could not start a process, as an error a user understands. Pure.

    ``reason`` is its standard error, as conmon passes it on: bare with crun, log lines with runc.
    """
    messages = _LOG_MESSAGE.findall(reason)
    text = messages[-1].replace('\\"', '"').replace("\\\\", "\\") if messages else reason
    text = " ".join(text.split())
    lower = text.lower()
    missing = "not found" in lower or "no such file" in lower
    if (cwd and (f"chdir `{cwd}`" in text or f"mkdir {cwd}:" in text or f'"{cwd}"' in text)) or (
        "chdir" in lower and not cwd
    ):
        shown = f"{cwd} " if cwd else ""
        return NotStarted(
            f"container {container}: the working directory {shown}cannot be used: {text}",
            status=127 if missing else 126,
        )
    if not argv or not _ABOUT_PROGRAM.search(text):
        said = text or "no reason given"
        return Error(f"container {container}: {runtime.name} could not start it: {said}")
    program = f'container {container}: the command "{argv[0]}"'
    if missing:
        return NotStarted(
            f"{program} is not in the image", "choose a program that exists in the image", 127
        )
    if "permission denied" in lower or "operation not permitted" in lower:
        return NotStarted(f"{program} is not executable", "its file has no execute permission")
    if "exec format error" in lower:
        return NotStarted(
            f"{program} is not an executable for this machine",
            "the image may be for another architecture, or the script lacks a #! line",
        )
    return NotStarted(f"{program} could not be run: {text}")


def _run(runtime: Runtime, *argv: str) -> process.Completed:
    return process.run([runtime.path, *runtime.arguments(), *argv], env=ENVIRONMENT)


def _is_gone(error: Error) -> bool:
    """Whether a runtime refused because there is no such container, or no process in it."""
    text = error.message.lower()
    marks = ("does not exist", "not running", "already finished", "no such process")
    # crun names its own record of the container instead.
    if "/status`: no such file" in text:
        return True
    return any(mark in text for mark in marks)
