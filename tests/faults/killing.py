# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process is killed at: every point where it does something to the outside.

Two lists of points, each made by a run that is not killed:

* *calls*: the system calls of the process's first thread that change something, counted by strace;
  the kill comes when the call is entered, so the call itself is not done;
* *events*: what Python announces (sys.addaudithook) of all threads and of workers that are forked,
  for work that is done side by side; the kill comes before what is announced. Events are counted
  in each function, so that one that comes in another order is met all the same.

Neither needs a line in the product. The process is a fork of this one, which has everything
imported, so that a point costs what the work costs and not a start of Python.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Optional

_DISK = """
mkdir mkdirat mknod mknodat link linkat symlink symlinkat rename renameat renameat2 unlink unlinkat
rmdir write pwrite64 writev ftruncate truncate fsync fdatasync syncfs chmod fchmod fchmodat chown
fchown lchown fchownat utimensat setxattr lsetxattr fsetxattr
"""
_REST = """
openat mount umount2 open_tree move_mount fsopen fsmount mount_setattr unshare setns clone clone3
vfork execve kill tgkill pidfd_send_signal connect sendto sendmsg
"""
#: System calls that change what a disk holds. What openat does to it is seen at the next one.
DISK_CALLS = tuple(_DISK.split())
#: System calls that change what others see. openat is one where it writes.
CALLS = (*DISK_CALLS, *_REST.split())

_EVENTS = """
os.mkdir os.rename os.remove os.rmdir os.link os.symlink os.chmod os.chown os.truncate os.utime
os.setxattr os.fork os.posix_spawn subprocess.Popen socket.connect socket.sendto socket.sendmsg open
"""
#: What Python announces of such calls.
EVENTS = frozenset(_EVENTS.split())

_LINE = re.compile(r"^(\w+)\((.*)")
_WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC)")
#: How long work may take before it counts as hanging. Seconds.
_HANGS_S = 120


@dataclass(frozen=True)
class Point:
    """The ``number``-th time, from 1, of a system call, or of an event in a function of the
    product; ``text`` is for people, and begins with that function.
    """

    kind: str
    number: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.number} {self.text:.110}"

    @property
    def step(self) -> tuple[str, str]:
        """Of an event: what it is, and the function of the product that it is in."""
        return self.kind, self.text.partition(" ")[0]


@dataclass(frozen=True)
class Ended:
    """How the process ended: an exit status, negative for a signal, and what it said."""

    status: int
    said: str

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


def calls(act: Callable[[], Any], log: Path, options: Sequence[str] = ()) -> list[Point]:
    """The points of the first list. Raises AssertionError where the work fails by itself."""
    listing = ["-o", str(log), "-s", "64", "-e", f"trace={','.join(CALLS)}"]
    ended = traced(act, [*listing, *options])
    assert ended.status in (0, -signal.SIGALRM), ended.said
    seen: Counter[str] = Counter()
    points = []
    for line in log.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        kind, rest = found.groups()
        seen[kind] += 1
        if kind != "openat" or _WRITES.search(rest):
            points.append(Point(kind, seen[kind], rest))
    return points


def killed_at_call(act: Callable[[], Any], point: Point) -> Ended:
    inject = f"inject={point.kind}:signal=KILL:when={point.number}"
    return traced(act, ["-e", f"trace={point.kind}", "-o", "/dev/null", "-e", inject])


def refused(act: Callable[[], Any], point: Point, error: str, lasting: bool) -> Ended:
    """The call fails with an error, such as ENOSPC, this once or from now on."""
    when = f"{point.number}{'+' if lasting else ''}"
    inject = f"inject={point.kind}:error={error}:when={when}"
    return traced(act, ["-e", f"trace={point.kind}", "-o", "/dev/null", "-e", inject])


def stopped_at_calls(act: Callable[[], Any], met: Callable[[], Any]) -> Ended:
    """All of the process stands still at each call of its first thread that changes a disk, until
    ``met`` returns.
    """
    listed = ",".join(DISK_CALLS)
    inject = f"inject={listed}:signal=STOP:when=1+1"
    return traced(act, ["-e", f"trace={listed}", "-o", "/dev/null", "-e", inject], met)


def events(act: Callable[[], Any], log: Path) -> list[Point]:
    """The points of the second list; their texts say where in the product they are."""

    def listing() -> None:
        log.write_text("")
        out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

        def hook(name: str, values: tuple[Any, ...]) -> None:
            if _counts(name, values):
                os.write(out, f"{name}\t{_place()} {values!r:.400}\n".encode())

        sys.addaudithook(hook)
        act()

    ended = traced(listing, None)
    assert ended.status in (0, -signal.SIGALRM), ended.said
    seen: Counter[tuple[str, str]] = Counter()
    points = []
    for line in log.read_text(errors="replace").splitlines():
        kind, tab, text = line.partition("\t")
        if tab:
            step = Point(kind, 0, text).step
            seen[step] += 1
            points.append(Point(kind, seen[step], text))
    return points


def killed_at_event(act: Callable[[], Any], point: Point) -> Ended:
    """All of it is killed: the process, and the worker that the event is in."""

    def dying() -> None:
        first = os.getpid()
        met = os.memfd_create("met")

        def hook(name: str, values: tuple[Any, ...]) -> None:
            if name == point.kind and _counts(name, values) and _place() == point.step[1]:
                # Those who were forked write behind one another.
                os.write(met, b"x")
                if os.fstat(met).st_size == point.number:
                    os.kill(first, signal.SIGKILL)
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        act()

    return traced(dying, None)


def nearer(point: Point) -> Point:
    """What to try where a point was not met: who waits for others looks as often as that takes, so
    an event comes fewer times now and then. A system call is counted wherever it is.
    """
    if point.kind not in EVENTS:
        return point
    return replace(point, number=(point.number + 1) // 2)


def killed_after(act: Callable[[], Any], where: str) -> Ended:
    """Killed at the first event after one whose name and values match a pattern."""
    pattern = re.compile(where)

    def dying() -> None:
        over = False

        def hook(name: str, values: tuple[Any, ...]) -> None:
            nonlocal over
            if _counts(name, values):
                if over:
                    os.kill(os.getpid(), signal.SIGKILL)
                over = pattern.search(f"{name} {values!r}") is not None

        sys.addaudithook(hook)
        act()

    return traced(dying, None)


def _counts(name: str, values: tuple[Any, ...]) -> bool:
    if name != "open":
        return name in EVENTS
    return isinstance(values[2], int) and bool(
        values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    )


def _place() -> str:
    """The innermost function of the product at work: ``container/lifecycle/actions:create``."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        dummy, found, path = frame.f_code.co_filename.partition("/_runtime/")
        if found:
            return f"{path[:-3]}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "?"


def traced(
    act: Callable[[], Any],
    options: Optional[Sequence[str]],
    met: Callable[[], Any] = lambda: None,
) -> Ended:
    """Do it in a process of its own below strace, or without it where ``options`` is None. ``met``
    is called whenever the process is stopped.
    """
    go_read, go_write = os.pipe()
    said_read, said_write = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(go_write)
            os.close(said_read)
            os.set_inheritable(said_write, False)
            os.read(go_read, 1)
            act()
            status = 0
        except BaseException:
            _tell(said_write, traceback.format_exc()[-4000:].encode())
        finally:
            os._exit(status)
    os.close(go_read)
    os.close(said_write)
    tracer: Optional[subprocess.Popen[bytes]] = None
    try:
        if options is not None:
            argv = ["strace", *options, "-p", str(pid)]
            tracer = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            assert tracer.stderr is not None
            first = tracer.stderr.readline()
            assert b"attached" in first, first
        os.write(go_write, b"x")
        with _alarm(pid):
            while True:
                state = os.waitpid(pid, os.WUNTRACED)[1]
                if not os.WIFSTOPPED(state):
                    break
                met()
                os.kill(pid, signal.SIGCONT)
            status = os.waitstatus_to_exitcode(state)
    finally:
        os.close(go_write)
        if tracer is not None:
            tracer.communicate(timeout=30)
    with os.fdopen(said_read, "rb") as said:
        return Ended(status, said.read().decode(errors="replace"))


def _tell(fd: int, text: bytes) -> None:
    try:
        os.write(fd, text)
    except OSError:
        # This call is the one that fails.
        os.writev(fd, [text])


class _alarm:
    """Kill a process that hangs, so that the test fails in place of waiting."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, lambda *dummy: os.kill(self.pid, signal.SIGABRT))
        signal.alarm(_HANGS_S)

    def __exit__(self, *dummy: object) -> None:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def spread(points: Sequence[Point], count: int) -> Iterator[Point]:
    """``count`` of the points at even distances, or all."""
    for number in spread_numbers(len(points), count):
        yield points[number - 1]


def each_step(points: Sequence[Point], count: int) -> list[Point]:
    """The first point of each step, and ``count`` of all, in order: no step is left out, and a new
    one needs nobody who lists it.
    """
    first: dict[tuple[str, str], Point] = {}
    for point in points:
        first.setdefault(point.step, point)
    picked = {*first.values(), *spread(points, count)}
    return [point for point in points if point in picked]


def spread_numbers(total: int, count: int) -> Iterator[int]:
    """``count`` of the numbers 1 to ``total`` at even distances, or all."""
    count = min(count, total)
    for number in range(count):
        yield (2 * number + 1) * total // (2 * count) + 1
