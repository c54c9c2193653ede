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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Optional

from ...base import files, strict_json
from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...base.regex import regex
from ...kernel import linux, process
from . import cgroup_layout
from .cgroup_layout import Cgroups

#: In this order: crun starts a container in a third of runc's time.
CANDIDATES = ("crun", "runc")

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
        systemd = ["--systemd-cgroup"] if cgroup_layout.driver() == "systemd" else []
        return ["--root", self.state_root, *systemd]


def refusal(name: str, found: Cgroups) -> str:
    """Why a runtime cannot serve a host with this layout; "" when it can. Pure.

    Every crun until now ends a creation with "cgroups in hybrid mode not supported, drop all
    controllers from cgroupv2" when the v2 side of a hybrid layout has a controller, such as hugetlb
    that nobody mounted on the v1 side; a v2 side that only tracks processes is fine. runc uses the
    v1 side.
    """
    if found.mode == "none":
        return f"no cgroup filesystem is mounted at {cgroup_layout.TOP}"
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
    found = cgroup_layout.read()
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
    return state_in(done.stdout, container_id)


def state_in(said: bytes, container_id: str) -> dict[str, Any]:
    """The state in what a runtime says of a container. Pure. Raises Error naming it."""
    try:
        found = strict_json.loads(said)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("status"), str):
        raise Error(f"container {container_id[:12]}: the OCI runtime reported no state")
    known: dict[str, Any] = found
    return known


def pause(runtime: Runtime, container_id: str, pass_fds: Sequence[int] = ()) -> None:
    """Freeze every process of a container. The descriptors are open for as long as that takes, also
    if this process is killed meanwhile.
    """
    argv = [runtime.path, *runtime.arguments(), "pause", container_id]
    process.run(argv, env=ENVIRONMENT, pass_fds=pass_fds)


#: Waits until whoever froze a container says that it is unfrozen, or is gone; $0 is the mark.
_GUARD = """read -r done || { "$@" && rm -f "$0"; }"""


@contextmanager
def guarded(runtime: Runtime, container_id: str, mark: Path) -> Iterator[int]:
    """A process that unfreezes a container, and removes ``mark``, should this one be killed within
    the block. Yields the descriptor that keeps it waiting: pause() is given it.
    """
    theirs, ours = os.pipe()
    argv = ["/bin/sh", "-c", _GUARD, str(mark), runtime.path, *runtime.arguments()]
    try:
        guard = process.spawn([*argv, "resume", container_id], env=ENVIRONMENT, stdin=theirs)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    try:
        yield ours
    finally:
        with suppress(BrokenPipeError):
            os.write(ours, b"done\n")
        os.close(ours)
        guard.wait()


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
