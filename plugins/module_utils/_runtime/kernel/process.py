# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only door to other programs.

There is never a shell in between: arguments are lists. Children get no descriptor that is not
passed explicitly (CVE-2016-9962, CVE-2024-21626).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Optional, Union

from ..base.errors import Error, NotFound
from ..base.frozen import dataclass
from . import trace

#: How much of a program's complaint goes into an error: its last lines say why it failed.
_COMPLAINT_LINES = 5
_COMPLAINT_CHARS = 2000

#: Where programs are looked for when a task's PATH leaves out the administrator's directories.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Completed:
    """A program that ended: its exit status (negative: the signal) and what it wrote."""

    returncode: int
    stdout: bytes
    stderr: bytes


def which(name: str) -> Optional[str]:
    """The absolute path of a program, or None when the host does not have it."""
    if "/" in name:
        return name if os.access(name, os.X_OK) else None
    for directory in _PATH.split(":"):
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def _resolve(program: str) -> str:
    path = which(program)
    if path is None:
        raise NotFound(
            f"the program {program} is not installed",
            hint="install it with the role slipway.engine.host",
        )
    return path


def complaint(stderr: bytes) -> str:
    """The last lines of what a program said, as one line fit for an error message."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()[-_COMPLAINT_LINES:]
    return "; ".join(line.strip() for line in lines)[-_COMPLAINT_CHARS:]


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout_s: float = 60.0,
    env: Optional[Mapping[str, str]] = None,
    pass_fds: Sequence[int] = (),
    cwd: Optional[Path] = None,
    check: bool = True,
    unasked: bool = False,
) -> Completed:
    """Run a program to its end and return what it wrote. One that is ``unasked`` has no terminal
    on which it could ask somebody something.

    Raises NotFound when it is not installed and, with ``check``, Error when its exit status is not
    0; the error quotes the program's last lines. A program that outlives ``timeout_s`` is killed.
    """
    path = _resolve(argv[0])
    try:
        with trace.timed("run", *argv):
            # run_command is a module's, and the program on the host has none.
            # pylint: disable-next=ansible-bad-function
            done = subprocess.run(
                [path, *argv[1:]],
                input=stdin,
                capture_output=True,
                timeout=timeout_s,
                env=None if env is None else dict(env),
                pass_fds=tuple(pass_fds),
                cwd=cwd,
                check=False,
                start_new_session=unasked,
            )
    except subprocess.TimeoutExpired as exc:
        raise Error(
            f"{argv[0]} did not finish within {timeout_s:g} seconds and was killed"
        ) from exc
    except OSError as exc:
        raise Error(f"{argv[0]} cannot be run: {exc.strerror}") from exc
    if check and done.returncode != 0:
        said = complaint(done.stderr) or complaint(done.stdout) or "no output"
        raise Error(f"{argv[0]} failed with status {done.returncode}: {said}")
    return Completed(done.returncode, done.stdout, done.stderr)


#: A program that runs in parallel; its caller waits for it.
Child = subprocess.Popen[bytes]

#: What a child's stream may be tied to: a descriptor, an open file, or nothing (/dev/null).
Stream = Union[int, IO[bytes], None]


def spawn(
    argv: Sequence[str],
    *,
    env: Optional[Mapping[str, str]] = None,
    pass_fds: Sequence[int] = (),
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    cwd: Optional[Path] = None,
    plainly: bool = False,
) -> Child:
    """Start a program that runs in parallel, in its own session; the caller reaps it.

    ``plainly`` is for what begets processes of containers: it inherits nothing of us (plain.py).

    A stream that is not given is /dev/null: nothing of the task's own terminal reaches the program.
    """
    path = _resolve(argv[0])
    try:
        with trace.timed("start", *argv), contextlib.ExitStack() as around:
            umask = -1
            if plainly:
                from . import plain  # Only who starts containers needs it.

                around.enter_context(plain.plain())
                umask = plain.UMASK
            # pylint: disable-next=ansible-bad-function
            return subprocess.Popen(
                [path, *argv[1:]],
                env=None if env is None else dict(env),
                pass_fds=tuple(pass_fds),
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.DEVNULL if stdout is None else stdout,
                stderr=subprocess.DEVNULL if stderr is None else stderr,
                cwd=cwd,
                start_new_session=True,
                umask=umask,
            )
    except OSError as exc:
        raise Error(f"{argv[0]} cannot be run: {exc.strerror}") from exc


#: Programs that were detached: kept until they end, since Python complains of forgotten ones.
_detached: list[Child] = []


def detach(argv: Sequence[str], *, pass_fds: Sequence[int] = ()) -> int:
    """Start a program that outlives us, without streams. Returns its pid."""
    child = spawn(argv, pass_fds=pass_fds, plainly=True)
    _detached[:] = [one for one in _detached if one.poll() is None]
    _detached.append(child)
    return child.pid


def close_inherited() -> None:
    """Close all but the standard streams, in a child that was forked and outlives its parent: what
    that has open or locked is not the child's.
    """
    for fd in os.listdir("/proc/self/fd"):
        if int(fd) > 2:
            with contextlib.suppress(OSError):
                os.close(int(fd))


PIPE = subprocess.PIPE
