# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One more process in a running container, by the OCI runtime's exec: to its end, with pipes, at a
terminal, or left alone. What it is given is in a file only root may read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Optional

from ...base import files
from ...base.errors import Error
from ...kernel import process
from .capture import OUTPUT_LIMIT, Captured, Piped, Terminal, capture, piped, terminal
from .oci_runtime import ENVIRONMENT, Runtime, failure

#: What an exec leaves beside its description while it is started.
_BESIDE = (".pid", ".log", ".sock")


def run(
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
def with_pipes(
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
def at_terminal(
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


def detached(
    runtime: Runtime, container_id: str, document: Mapping[str, Any], name: str = ""
) -> int:
    """Start one more process in a running container and leave it alone. Returns its pid on the
    host. Raises NotStarted.
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
