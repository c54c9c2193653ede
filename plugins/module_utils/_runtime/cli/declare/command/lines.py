# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines such as ``docker run -d nginx``, read by the program's own tables of flags.

What docker or podman has beside those flags is in foreign_flags: understood, left out, and named.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ....base.errors import Error
from ....base.regex import regex
from ...line import run_flags, run_params
from ...line.verbs import Arguments, Flag, Verb, read
from ...verb import network, run, volume
from ..play.objects import absolute, add_container, add_network, add_volume
from ..play.play import Play
from .foreign_flags import PODMANS, PULL, WITHOUT_MEANING

#: The programs whose lines are read.
PROGRAMS = ("docker", "podman", "nerdctl", "slipway")


def _verb(*more: Flag) -> Verb:
    given = run.VERBS["run"]
    own = [flag for flag in given.flags if flag.name not in {one.name for one in more}]
    return Verb(given.run, "", given.operands, (*own, *more), stops=True, failure=125)


def is_line(words: Sequence[str]) -> bool:
    """Whether words are those of such a line, not the names of files."""
    words = _without_sudo(words)
    return len(words) > 1 and os.path.basename(words[0]) in PROGRAMS and "." not in words[1]


def _without_sudo(words: Sequence[str]) -> Sequence[str]:
    return words[1:] if words[:1] in (["sudo"], ["exec"]) else words


def declare(play: Play, words: Sequence[str], base: str) -> None:
    """Declare what one line makes. Paths are below ``base``. Raises Error naming the flag."""
    program, *rest = _without_sudo(words)
    program = os.path.basename(program)
    while rest and rest[0].startswith("-"):
        raise Error(f"{program} {rest[0][:60]}: a flag before the verb is not read", hint="omit it")
    verb = rest.pop(0) if rest else ""
    if verb in ("container", "network", "volume", "image") and rest:
        verb = f"{verb} {rest.pop(0)}"
    if verb in ("run", "create", "container run", "container create"):
        container(play, rest, base, started=verb.endswith("run"))
    elif verb == "network create":
        _network(play, read(network.VERBS[verb], verb, rest))
    elif verb == "volume create":
        _volume(play, read(volume.VERBS[verb], verb, rest))
    elif verb == "network connect":
        _connect(play, read(network.VERBS[verb], verb, rest))
    elif verb in ("pull", "image pull"):
        return  # A container's task pulls its image.
    else:
        raise Error(
            f"{program} {verb[:60]} is not read here",
            hint="lines of run, create, network create, network connect and volume create are",
        )


def container(
    play: Play,
    words: Sequence[str],
    base: str,
    started: bool = True,
    defaults: Optional[Mapping[str, Any]] = None,
) -> None:
    """Declare a container from what follows ``run``."""
    arguments = read(_verb(*PODMANS), "run", words)
    image, *command = arguments.operands
    name = arguments.name
    if not name:
        name = re.sub(r"[^a-zA-Z0-9_.-]", "-", image.split("@")[0].rpartition("/")[2].split(":")[0])
        play.note(name, "the line has no --name, so it is named after its image")
    options = flags(play, name, arguments, base)
    options = {"image": image, **({"command": command} if command else {}), **options}
    if not started:
        options["state"] = "created"
    add_container(play, name, {**(defaults or {}), **based(options, base)})


def flags(play: Play, name: str, arguments: Arguments, base: str) -> dict[str, Any]:
    """The options that flags ask for, without name, image and command."""
    left = {flag.name: why for flag, why in run_flags.REFUSED.items()}
    for flag in sorted(arguments.given):
        if flag in WITHOUT_MEANING:
            play.note(name, f"--{flag} is left out: {WITHOUT_MEANING[flag]}")
        elif flag in left or (flag != "pull" and flag in {one.name for one in PODMANS}):
            why = left.get(flag) or "nothing here stands for it"
            play.note(name, f"--{flag} is left out: {why}")
    for text in arguments.env:
        if "=" not in text and text not in os.environ:
            play.note(name, f"--env {text} is left out: the variable has no value around us")
    kept = {flag for flag in arguments.given if flag not in left}
    files = {
        flag: [os.path.join(base, path) for path in arguments[flag]]
        for flag in ("env-file", "label-file")
    }
    asked = Arguments({**arguments._values, **files}, arguments.operands, kept)
    try:
        found = run_params.params(asked, os.environ)
    except Error as exc:
        raise Error(f"container {name}: {exc.message}", hint=exc.hint) from exc
    pull = PULL.get(arguments.pull, arguments.pull)
    if pull != "missing":
        found["pull"] = pull
    if arguments.platform:
        found["platform"] = arguments.platform
    return found


def based(options: Mapping[str, Any], base: str) -> dict[str, Any]:
    """The options with paths of the host that do not depend on where somebody is."""
    found = dict(options)
    if "volumes" in found:
        found["volumes"] = [absolute(str(text), base) for text in found["volumes"]]
    if "mounts" in found:
        found["mounts"] = [
            {**one, "source": absolute(one["source"], base)}
            if one.get("type") == "bind" and one.get("source")
            else one
            for one in found["mounts"]
        ]
    return found


def _network(play: Play, arguments: Arguments) -> None:
    params = network.params(arguments)
    options = {
        key: value for key, value in params.items() if value not in (None, "", {}, [], False)
    }
    for default in (("driver", "bridge"), ("ipam_driver", "default"), ("enable_ipv4", True)):
        if options.get(default[0]) == default[1]:
            del options[default[0]]
    if params["enable_ipv4"] is False:
        options["enable_ipv4"] = False
    add_network(play, params["name"], options)


def _volume(play: Play, arguments: Arguments) -> None:
    if not arguments.operands:
        raise Error("volume create: without a name, nothing can use the volume", hint="name it")
    add_volume(
        play,
        arguments.operands[0],
        arguments.driver,
        run_flags.pairs(arguments.opt),
        run_flags.pairs(arguments.label),
    )


def _connect(play: Play, arguments: Arguments) -> None:
    to, name = arguments.operands
    for task in play.tasks:
        if (task.module, task.name) == ("container", name):
            endpoint: dict[str, Any] = {"name": to}
            for key, value in (
                ("ipv4_address", arguments.ip),
                ("ipv6_address", arguments.ip6),
                ("aliases", arguments.alias),
                ("links", arguments.link),
            ):
                if value:
                    endpoint[key] = value
            # The default network stays, as it does with docker.
            had = [] if task.options.get("networks") else [{"name": "bridge"}]
            task.options["networks"] = [*(task.options.get("networks") or had), endpoint]
            return
    raise Error(f"network connect: no line before makes the container {name[:100]}")


# --- files of lines --------------------------------------------------------------------------

_PIECE = regex(
    r"'[^']*'|\"|\\.|\$\(pwd\)|`pwd`|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|\$\(|`", re.DOTALL
)


def script(play: Play, text: str, called: str, base: str) -> None:
    """Declare what the lines of a shell script make; all that it does besides is named."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        # A line that ends with a backslash goes on in the next one.
        if line.endswith("\\") and number < len(lines):
            lines[number] = f"{line[:-1]} {lines[number]}"
            continue
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", "set -")):
            continue
        where = f"{called}:{number}"
        try:
            words = shlex.split(_expanded(stripped, base), comments=True)
            if is_line(words):
                declare(play, words, base)
            elif words and re.match(r"[A-Za-z_]\w*=", words[0]) and len(words) == 1:
                play.note(
                    where, "an assignment of the shell is not read; set it in the environment"
                )
            else:
                play.note(where, f"{stripped[:60]!r} is not a line of {', '.join(PROGRAMS[:2])}")
        except ValueError as exc:
            raise Error(f"{where}: {exc}") from exc
        except Error as exc:
            raise Error(f"{where}: {_first(exc)}", hint=exc.hint) from exc


def _first(error: Error) -> str:
    return error.message.splitlines()[0]


def _expanded(line: str, base: str) -> str:
    """Variables and ``$(pwd)``, as a shell would have put them in."""

    quoted = False

    def value(found: re.Match[str]) -> str:
        nonlocal quoted
        piece = found[0]
        if piece == '"':
            quoted = not quoted
        if piece[0] == "'" and quoted:
            # Between double quotes it is a letter like others.
            return f"'{_PIECE.sub(value, piece[1:])}"
        if piece[0] in "'\"\\":
            return piece
        if piece in ("$(pwd)", "`pwd`") or (found[1] or found[2]) == "PWD":
            return base
        name = found[1] or found[2]
        if name is None:
            raise Error(f"{line[found.start() : found.start() + 40]!r} is for a shell to run")
        if name not in os.environ:
            raise Error(f"the variable {name} has no value", hint="set it in the environment")
        special = r'(["\\])' if quoted else r"([\s'\"\\])"
        return re.sub(special, r"\\\1", os.environ[name])

    return _PIECE.sub(value, line)
