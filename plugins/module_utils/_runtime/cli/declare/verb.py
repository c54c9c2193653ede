# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb declare: where it reads, and where the play goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import LIST, STRING, STRINGS, SWITCH, Arguments, Flag, Verb
from ..terminal.output import complain
from .play.play import Play

_COMPOSE = (".yml", ".yaml")
_QUADLET = (".container", ".network", ".volume", ".pod", ".kube", ".build", ".image")


def _declare(host: Host, arguments: Arguments) -> int:
    play = Play()
    source = _read(play, arguments)
    if not play.tasks:
        hint = play.notes[0] if play.notes else None
        raise Error(f"{source} has nothing to declare", hint=hint)
    text = play.text(arguments.hosts, source, arguments.tasks)
    for note in play.notes:
        complain(note)
    if arguments.output:
        _write(Path(arguments.output), text)
    else:
        sys.stdout.write(text)
    return 0


def _read(play: Play, arguments: Arguments) -> str:
    """Read what the command line names into the play. Returns what that was, in words."""
    words, here = arguments.operands, os.getcwd()
    if arguments["from"]:
        from .engine import inspected
        from .engine.api import Engine, socket_of

        path = socket_of(arguments["from"])
        inspected.declare(play, Engine(path), words)
        return f"the containers at {path}"
    if not words:
        raise Error("nothing is named", hint="name a file, a line of docker run, or --from docker")
    from .command import lines

    if lines.is_line(words) and not os.path.exists(words[0]):
        lines.declare(play, words, here)
        return f"a line of {os.path.basename(words[0])} {words[1]}"
    if words == ["-"]:
        lines.script(play, sys.stdin.read(), "standard input", here)
        return "standard input"
    compose, units, scripts = _sorted(words)
    if compose:
        from ...compose.reading.files import Asked
        from .compose import declare

        declare(
            play,
            compose,
            Asked(
                project=arguments.project_name,
                env_files=tuple(os.path.abspath(name) for name in arguments.env_file),
                profiles=tuple(arguments.profile),
            ),
        )
    if units:
        from .quadlet.units import declare as declare_units

        declare_units(play, units)
    for script in scripts:
        lines.script(play, _text(script), str(script), str(script.absolute().parent))
    return ", ".join(Path(word).name or word for word in words)


def _sorted(words: Sequence[str]) -> tuple[list[Path], list[Path], list[Path]]:
    """Files of Compose, units of Quadlet and scripts; a directory stands for its units."""
    compose, units, scripts = [], [], []
    for word in words:
        path = Path(word)
        if path.is_dir():
            found = sorted(one for one in path.iterdir() if one.suffix in _QUADLET)
            if not found:
                raise Error(f"{word} has no units of Quadlet", hint="name the files to read")
            units += found
        elif not path.exists():
            raise Error(f"{word[:200]}: no such file, and no line of docker or podman")
        elif path.suffix in _COMPOSE:
            compose.append(path)
        elif path.suffix in _QUADLET:
            units.append(path)
        else:
            scripts.append(path)
    return compose, units, scripts


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as exc:
        raise Error(f"{path} is not a text") from exc


def _write(path: Path, text: str) -> None:
    """A new file that only its owner reads: there may be secrets in it."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as exc:
        raise Error(f"{path} exists", hint="remove it, or name another file") from exc
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)


VERBS = {
    "declare": Verb(
        _declare,
        "Print the play that declares what Docker, Podman, Compose or Quadlet were told",
        "[SOURCE...]",
        (
            Flag("env-file", "", LIST, "Compose: read variables from this file instead of .env"),
            Flag(
                "from",
                "",
                STRING,
                "Ask a running engine: docker, podman or the path of its socket. SOURCE are the "
                "names of its containers, by default all",
            ),
            Flag("hosts", "", STRING, "Hosts of the play", default="all"),
            Flag("output", "o", STRING, "Write to a new file instead of standard output"),
            Flag("profile", "", STRINGS, "Compose: declare the services of this profile too"),
            Flag("project-name", "p", STRING, "Compose: name of the project"),
            Flag("tasks", "", SWITCH, "Print only the tasks"),
        ),
        stops=True,
    )
}
