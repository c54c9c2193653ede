# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may follow on a command line, for the shell: made from the tables of verbs, and from what is
on the host.

The shell's part (bash_completion.py) passes the line up to the cursor. So a verb or a flag that is
added is completed without another list of them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Optional

from ..base.errors import Error
from ..plan.plan import Host
from . import directory
from .line.verbs import LIST, STRINGS, SWITCH, Arguments, Flag, Usage, Verb, operand_words
from .terminal.output import say

#: Verbs whose containers run, and those whose do not.
_OF_RUNNING = frozenset(
    ["attach", "exec", "kill", "pause", "port", "stats", "stop", "top", "unpause", "wait"]
)
_OF_STOPPED = frozenset(["start"])

_VALUES = {
    "restart": ("always", "no", "on-failure", "unless-stopped"),
    "signal": ("HUP", "INT", "KILL", "QUIT", "STOP", "TERM", "USR1", "USR2"),
    "stop-signal": ("HUP", "INT", "KILL", "QUIT", "STOP", "TERM", "USR1", "USR2"),
    "log-driver": ("journald", "json-file", "local", "none"),
    "format": ("json", "table"),
    "driver": ("bridge", "ipvlan", "local", "macvlan"),
    "mount": ("type=bind,", "type=image,", "type=tmpfs,", "type=volume,"),
    "cgroupns": ("host", "private"),
    "update": ("start_first", "stop_first"),
}
#: What flags name: containers, networks and such.
_NAMES = {
    "network": "NETWORK",
    "net": "NETWORK",
    "volumes-from": "CONTAINER",
    "link": "CONTAINER",
    "volume": "VOLUME",
}
_FILTERS = (
    "ancestor=", "before=", "exited=", "expose=", "health=", "id=", "label=", "name=", "network=",
    "publish=", "since=", "status=", "volume=",
)  # fmt: skip
_FILTERS_OF_EVENTS = (
    "container=", "event=", "image=", "label=", "network=", "scope=", "type=container",
    "type=image", "type=network", "type=volume", "volume=",
)  # fmt: skip


def _complete(host: Host, arguments: Arguments) -> int:
    line, part = arguments.operands
    words = line.split()
    if not words or line[-1:].isspace():
        words.append("")
    current = words[-1]
    # The shell completes from the last of its own word breaks on, such as the colon of a tag.
    cut = len(current) - len(part) if current.endswith(part) and part not in (":", "=") else None
    with contextlib.suppress(Error, Usage, OSError):
        for one in sorted(set(candidates(host, words[1:-1], current))):
            if one.startswith(current):
                say(one[len(current) if cut is None else cut :])
    return 0


def candidates(host: Host, words: Sequence[str], current: str) -> Iterator[str]:
    """Candidates for the current word, whether they match it or not."""
    if not words:
        hidden = ("complete", "supervise")
        words = [word for listed in directory.FILES.values() for word in listed.split()]
        yield from (word for word in words if word not in hidden)
        yield "--help"
        return
    if len(words) == 1 and (inner := _inside(words[0])):
        yield from inner
        return
    name, verb, rest = directory.find(words)
    flags = {f"--{flag.name}": flag for flag in verb.flags}
    shorts = {f"-{flag.short}": flag for flag in verb.flags if flag.short}
    asking, operands = _walk(verb, {**flags, **shorts}, rest)
    if asking is not None:
        yield from _values(host, name, asking)
    elif current.startswith("--") and "=" in current:
        flag = flags.get(current.partition("=")[0])
        if flag is not None:
            yield from (f"--{flag.name}={value}" for value in _values(host, name, flag))
    elif verb.stops and operands:
        return
    elif current.startswith("-"):
        yield from (word for word, flag in flags.items() if not flag.hidden)
        yield "--help"
    else:
        if name.startswith("compose "):
            yield from _services(host, verb, operands, rest)
        yield from _operands(host, name, verb, operands)


def _inside(group: str) -> list[str]:
    """The verbs of a group; none for a verb that is not one."""
    found = [
        name.split()[1]
        for file, names in directory.FILES.items()
        if group in names.split()
        for name, verb in directory.load(file).items()
        if name.startswith(f"{group} ") and not verb.hidden
    ]
    return [*found, *directory.ALIASES.get(group, ())] if found else []


def _walk(verb: Verb, flags: dict[str, Flag], words: Sequence[str]) -> tuple[Optional[Flag], int]:
    """The flag that waits for its value, if one does, and how many operands stand there."""
    operands = 0
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--" or (operands and verb.stops):
            operands += len(rest)
            break
        if not word.startswith("-") or word == "-":
            operands += 1
            continue
        # Of bundled short flags only the last may wait for a value.
        flag = flags.get(word if word.startswith("--") else f"-{word[-1]}")
        if flag is not None and flag.kind != SWITCH:
            if not rest:
                return flag, operands
            rest.pop(0)
    return None, operands


def _values(host: Host, name: str, flag: Flag) -> Iterator[str]:
    yield from flag.choices
    yield from _VALUES.get(flag.name, ())
    if flag.kind == "filter":
        yield from _FILTERS_OF_EVENTS if name.split()[-1] == "events" else _FILTERS
    if flag.name in _NAMES:
        yield from names(host, _NAMES[flag.name])
    if flag.name in ("network", "net"):
        yield from ("host", "none", "container:")


def _operands(host: Host, name: str, verb: Verb, count: int) -> Iterator[str]:
    """What the usage says of the operand that is begun; the last one may be repeated."""
    usage = list(operand_words(verb.operands))
    if count >= len(usage):
        if not usage or "..." not in usage[-1]:
            return
        count = len(usage) - 1
    word = usage[count].strip("[].")
    for kind in ("CONTAINER", "IMAGE", "NETWORK", "VOLUME"):
        if kind in word.replace("SOURCE_", ""):
            found = names(host, kind, name.split()[-1])
            yield from (f"{one}:" for one in found) if "CONTAINER:" in word else found
    if word in ("NAME[:TAG|@DIGEST", "NAME[:TAG", "REPOSITORY[:TAG"):
        yield from names(host, "IMAGE")
    if word.startswith("NAME|ID"):
        for kind in ("CONTAINER", "IMAGE", "NETWORK", "VOLUME"):
            yield from names(host, kind)


def _services(host: Host, verb: Verb, count: int, words: Sequence[str]) -> Iterator[str]:
    """The services of the project that a line of ``compose`` means, where its usage names one."""
    usage = list(operand_words(verb.operands))
    if not usage or (count >= len(usage) and "..." not in usage[-1]):
        return
    word = usage[min(count, len(usage) - 1)].strip("[].")
    if "SERVICE" not in word:
        return
    from ..resource.compose import shown
    from .compose import chosen, flags

    values = {flag.name: [] if flag.kind in (LIST, STRINGS) else "" for flag in flags.PROJECT}
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        flag = name[2:] if name.startswith("--") else ""
        if flag not in values or not (equals or rest):
            continue
        value = value if equals else rest.pop(0)
        values[flag] = [*values[flag], value] if isinstance(values[flag], list) else value
    project, whole = chosen.named(Arguments(values, [], set()))
    found = {mine.service for mine in shown.containers(host.layout, project)}
    if whole is not None:
        found |= {*whole.services, *whole.others}
    ending = ":" if "SERVICE:" in word else "=" if "SERVICE=" in word else ""
    yield from (f"{service}{ending}" for service in found)


def names(host: Host, kind: str, verb: str = "") -> Iterator[str]:
    """The names of what is on the host; of containers those that a verb is for."""
    layout = host.layout
    if kind == "CONTAINER":
        from ..container.status import liveness
        from ..records import container_record

        for found in container_record.records(layout):
            live = liveness.truth(layout, found).phase in container_record.LIVE
            if not ((verb in _OF_RUNNING and not live) or (verb in _OF_STOPPED and live)):
                yield found.name
    elif kind == "IMAGE":
        from ..image.store import store
        from ..spec.reference import parse_normalized

        for image in store.all_images(layout):
            yield from (parse_normalized(name).familiar for name in image.names)
    elif kind == "NETWORK":
        from ..records import network_record as networks

        yield from (network.spec.name for network in networks.networks(layout))
    elif kind == "VOLUME":
        with contextlib.suppress(FileNotFoundError):
            yield from os.listdir(layout.volumes)


VERBS = {
    "complete": Verb(_complete, "Complete a command line", "LINE WORD", stops=True, hidden=True),
}
