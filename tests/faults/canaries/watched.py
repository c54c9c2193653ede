# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play under strace: what each program is started with, and what is written, and to where.

strace follows all that a play starts, also what outlives it (monitors, containers, the watcher),
and leaves it alone when the play has ended.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.containers import until
from support.plays import Play

#: A byte of a text that is longer than this is not seen.
_SEEN_BYTES = 1 << 20
_WRITES = "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg"
_ATTRIBUTES = "symlink,symlinkat,rename,renameat,renameat2,mkdir,mkdirat,setxattr,prctl"
_LINE = re.compile(r"^\d+ +(\w+)\((.*)", re.DOTALL)
_TARGET = re.compile(r"^\d+<((?:[^<>\\]|\\.|<[^>]*>)*)>")


@dataclass(frozen=True)
class Seen:
    """A call with a canary in it: ``place`` is ``argv``, ``env`` or what was written to."""

    place: str
    canary: str
    line: str


@dataclass(frozen=True)
class Run:
    """What a play printed and how it ended, the programs that were started, and what was seen."""

    status: int
    output: str
    programs: int
    writes: int
    seen: Sequence[Seen]


def forms(canary: str) -> list[str]:
    """A canary as it is, and in base64 wherever in a text it begins."""
    found = [canary]
    for before in range(3):
        coded = base64.b64encode(b"x" * before + canary.encode())
        # The first characters depend on what is before it, the last on what comes after.
        found.append(coded[(before * 8 + 5) // 6 : len(canary) * 8 // 6].decode())
    return found


def holding(text: str, canaries: Mapping[str, str]) -> list[str]:
    """The names of the canaries that are in a text."""
    return [name for name, value in canaries.items() if any(f in text for f in forms(value))]


def run(
    play: Play, tasks: Sequence[Mapping[str, Any]], canaries: Mapping[str, str], *flags: str
) -> Run:
    """Run it at its most talkative. Raises AssertionError where it does not end."""
    place = play.directory
    written = place / "play.yml"
    write_play(written, tasks)
    out, ended, log = place / "output", place / "ended", place / "strace"
    ended.unlink(missing_ok=True)
    argv = play.command(str(written), "-vvv", "--diff", *flags)
    script = f"{shlex.join(argv)} >{out} 2>&1; echo $? >{ended}.part; mv {ended}.part {ended}"
    options = ["-f", "-y", "-v", "-s", str(_SEEN_BYTES), "-o", str(log)]
    calls = f"trace=execve,execveat,{_WRITES},{_ATTRIBUTES}"
    strace = subprocess.Popen(
        ["strace", *options, "-e", calls, "sh", "-c", script],
        env=play.environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: ended.exists() or strace.poll() is not None, 280)
    finally:
        # It may wait for ever for a process that it is to let go; the kernel does that as well.
        strace.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            strace.wait(timeout=5)
        strace.kill()
        strace.wait()
    programs = writes = 0
    seen: list[Seen] = []
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line)
            if found is None:
                continue
            call, rest = found.groups()
            programs += call.startswith("exec")
            writes += not call.startswith("exec")
            seen += [
                Seen(_place(call, rest, canaries[name]), name, line[:600])
                for name in holding(rest, canaries)
            ]
    log.unlink()
    return Run(int(ended.read_text()), out.read_text(), programs, writes, seen)


def write_play(path: Path, tasks: Sequence[Mapping[str, Any]]) -> None:
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    path.write_text(json.dumps([play]))


def _place(call: str, rest: str, canary: str) -> str:
    if call.startswith("exec"):
        arguments = rest.partition("], [")[0]
        return "argv" if any(form in arguments for form in forms(canary)) else "env"
    if call in _ATTRIBUTES.split(","):
        return f"{call} {rest[:200]}"
    target = _TARGET.match(rest)
    return target.group(1) if target else rest[:60]


def files_with(tops: Iterable[Path], canaries: Mapping[str, str]) -> list[tuple[str, Path]]:
    """Each file below some directories that a canary is in, or whose name it is in."""
    found = []
    for top in tops:
        for directory, names, files in os.walk(top):
            for name in (*names, *files):
                path = Path(directory, name)
                text = str(path)
                if path.is_symlink():
                    text += os.readlink(path)
                elif path.is_file():
                    text += path.read_bytes().decode("latin-1")
                found += [(name, path) for name in holding(text, canaries)]
    return found
