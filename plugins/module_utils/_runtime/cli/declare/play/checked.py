# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a container's options the module takes. Pure.

What it does not take is left out and noted, piece by piece where an option has pieces: one port
that cannot be published is no reason to lose the others. What contradicts itself is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Callable

from ....base.errors import Error
from ....container.option import catalogue, refused
from ....container.option.logging import FOREIGN

if TYPE_CHECKING:
    from ....container.option.form.option import Option

#: Lists and dictionaries that mean something only as a whole.
_WHOLE = frozenset(("command", "entrypoint", "healthcheck"))


def checked(name: str, options: Mapping[str, Any], note: Callable[[str], None]) -> dict[str, Any]:
    """The options that are taken, in their order; ``note`` is told of the others. Raises Error for
    those that contradict one another.
    """
    from ....resource.container.declare import declare, resolve

    found = dict(options)
    unserved = {**{key: why for key, (why, dummy) in refused.REFUSED.items()}, **refused.IGNORED}
    for key, why in unserved.items():
        if found.pop(key, None):
            note(f"{key} is left out: {why}")
    if found.get("log_driver") in FOREIGN:
        note(f"log_driver is left out: {found.pop('log_driver')} is not available here")
        found.pop("log_options", None)
    for option in catalogue.OPTIONS:
        for written in (option, *option.companions):
            if written.name in found:
                _look(note, written.name, option, found)
    params = {**catalogue.defaults(), "state": "started", **found, "name": name}
    try:
        resolve(declare({**params, **_without_files(params)}), "", "", None)
    except Error as exc:
        message = exc.message.replace(f"container {name}: ", "")
        raise Error(f"container {name}: {message}", hint=exc.hint) from exc
    return found


def _without_files(params: Mapping[str, Any]) -> dict[str, Any]:
    """A profile in a file is read where the play runs."""
    kept = [text for text in params.get("security_opts") or () if not _names_file(text)]
    return {"security_opts": kept or None}


def _names_file(text: Any) -> bool:
    return str(text)[:9] in ("seccomp=/", "seccomp:/")


def _look(note: Callable[[str], None], written: str, option: Option, found: dict[str, Any]) -> None:
    """Keep the pieces of one option that are taken."""
    value = found[written]
    kept: Any = None
    context = {
        key: item for key, item in found.items() if key not in ("mounts", "tmpfs", "volumes")
    }
    for piece in _pieces(written, value):
        if written == "security_opts" and _names_file(piece[0]):
            kept = [*(kept or ()), *piece]
            continue
        try:
            catalogue.ARGUMENTS[written].check(piece)
            # Defaults of the options that are read together with this one.
            option.value({**catalogue.defaults(), **context, written: piece})
        except Error as exc:
            note(f"{exc.message} ({written} is left out)")
            continue
        if isinstance(piece, Mapping):
            kept = {**(kept or {}), **piece}
        else:
            kept = [*(kept or ()), *piece] if isinstance(piece, list) else piece
    if kept is None:
        del found[written]
    else:
        found[written] = kept


def _pieces(option: str, value: Any) -> Iterator[Any]:
    if option not in _WHOLE and isinstance(value, list):
        yield from ([item] for item in value)
    elif option not in _WHOLE and isinstance(value, Mapping):
        yield from ({key: item} for key, item in value.items())
    else:
        yield value
