# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying files between a container and the host.

What container_copy_into and container_copy_from have in common: the comparison of two trees, and
the plan that follows from it. Pure, but for compare().
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Iterable, Mapping
from typing import Any, Optional, Union

from ..base.errors import Error
from ..base.frozen import dataclass, field, replace
from ..kernel import safefs
from ..plan.plan import Plan
from ..tree import scan
from ..tree.scan import Entry, Rules

#: Trees of more entries than this are shown in diffs by their number and digest.
_SHOWN = 500


@dataclass(frozen=True)
class State:
    """What is at ``path`` of what should be there, by the relative path of each entry; "" is the
    path itself. ``found`` has those that are there, ``wanted`` all as they should be.

    ``missing`` says what keeps anything from being written there: no directory.
    """

    container: str
    path: str
    found: Mapping[str, Entry]
    wanted: Mapping[str, Entry]
    missing: str = ""
    unmet: tuple[str, ...] = ()
    #: Whether a directory with something in it is where a file or link should be.
    full: bool = False
    #: What a diff shows of both sides, where one was asked for and neither is a directory's tree.
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def compare(
    source: safefs.Root,
    source_path: safefs.Name,
    target: Optional[safefs.Root],
    target_path: safefs.Name,
    rules: Rules,
    skip: Container[int] = (),
) -> tuple[dict[str, Entry], dict[str, Entry], list[str]]:
    """What is found at the target, what is wanted there, and what of the source cannot be copied.

    An existing directory is as it should be. Extended attributes are copied, and not compared: not
    every filesystem has them.
    """
    found: dict[str, Entry] = {}
    wanted: dict[str, Entry] = {}
    left_out = []
    top = os.fsencode(target_path).rstrip(b"/")
    for path, entry in scan.scan(source, source_path, skip):
        name = os.fsdecode(path)
        if entry.kind not in scan.COPIED:
            left_out.append(f"{shown(name)} is a {entry.kind}")
            continue
        want = replace(rules.apply(entry), attributes=())
        here = None
        if target is not None:
            place = top + b"/" + path if path else top or b"/"
            here = scan.look(target, place, want.size)
        if here is not None:
            found[name] = replace(here, attributes=())
            if here.kind == want.kind == "directory":
                want = found[name]
        wanted[name] = want
    if "" in wanted:
        return found, wanted, left_out
    raise Error(f"{left_out[0].lstrip()}: it cannot be copied")


def needed(state: State, force: Optional[bool], where: str) -> frozenset[str]:
    """The entries to write. ``force`` writes all, or with False none where something is there.

    Raises Error where a directory and something else are in each other's place. ``where`` is what
    errors call the side that is written.
    """
    if force is False and "" in state.found:
        return frozenset()
    if state.missing:
        raise Error(state.missing)
    for name, entry in state.found.items():
        want = state.wanted[name]
        if "directory" not in (entry.kind, want.kind) or entry.kind == want.kind:
            continue
        path = shown(f"{state.path}/{name}" if name else state.path)
        if entry.kind == "directory" and not name:
            if not state.full:
                continue  # An empty directory makes room, as with docker cp.
            raise Error(
                f"{path} {where} is a directory that is not empty, where a {want.kind} is to be"
                " created",
                hint="name the file in it, such as path/name, or remove the directory first",
            )
        raise Error(
            f"{path} {where} is a {entry.kind}, where a {want.kind} is to be created",
            hint="remove it first, or choose another path",
        )
    return frozenset(
        name
        for name, want in state.wanted.items()
        if state.found.get(name) != want or (force and want.kind != "directory")
    )


def after(state: State, written: Iterable[str]) -> State:
    """The state once these entries are written."""
    made = {name: state.wanted[name] for name in written}
    return replace(state, found={**state.found, **made})


def view(state: State) -> dict[str, Any]:
    """What diffs show: each entry with its mode, owner and the SHA-256 of its content."""
    told: dict[str, Any] = {"path": shown(state.path), "container": state.container}
    if "" not in state.found:
        return {**told, "state": "absent"}
    told["state"] = state.found[""].kind
    if state.found[""].kind != "directory":
        return {**told, **_entry(state.found[""])}
    entries = {shown(name): _entry(entry) for name, entry in sorted(state.found.items()) if name}
    if len(entries) > _SHOWN:
        whole = hashlib.sha256(repr(sorted(entries.items())).encode()).hexdigest()
        return {**told, "entries": len(entries), "sha256": whole}
    return {**told, "entries": entries}


def diff(plan: Plan[State], found: State) -> dict[str, Any]:
    """The texts of a file on both sides, as those who asked for a diff see them; of a directory
    the two views.
    """
    have, want = plan.have, plan.want
    if have.before or have.after:
        return {**have.before, **have.after}
    return {"before": view(have), "after": view(want)}


def side(
    root: Optional[safefs.Root], path: safefs.Name, which: str, header: str, limit: int
) -> dict[str, Any]:
    """What a diff shows of one side, ``before`` or ``after``, under Ansible's keys: the text of a
    file of up to ``limit`` bytes, or what else is there.
    """
    here = "dst" if which == "before" else "src"
    entry = None if root is None else scan.look(root, path)
    if root is None or entry is None:
        return {f"{which}_header": header, which: ""}
    if entry.kind == "file":
        if entry.size > limit:
            return {f"{here}_larger": limit}
        return text_side(root.read_bytes(path, limit), which, header, limit)
    said = f"({entry.kind})"
    if entry.kind == "link":
        # As docker inspects one: where it leads, from the root.
        beside = os.path.dirname(os.fsencode(path))
        said = shown(os.fsdecode(os.path.normpath(os.path.join(beside, entry.target))))
    return {f"{which}_header": header, which: said}


def text_side(data: bytes, which: str, header: str, limit: int) -> dict[str, Any]:
    """The same of content at hand."""
    here = "dst" if which == "before" else "src"
    if len(data) > limit:
        return {f"{here}_larger": limit}
    if b"\0" in data:
        return {f"{here}_binary": 1}
    return {f"{which}_header": header, which: data.decode("utf-8", "backslashreplace")}


def checked(root: Optional[safefs.Root], state: State) -> State:
    """The state with ``full``: whether a directory that is in the way holds anything."""
    there = state.found.get("")
    if root is None or there is None or there.kind != "directory":
        return state
    if state.wanted[""].kind == "directory":
        return state
    fd = root.open(state.path, scan.DIRECTORY)
    try:
        return replace(state, full=bool(os.listdir(fd)))
    finally:
        os.close(fd)


def _entry(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "kind": entry.kind,
        "owner_id": entry.uid,
        "group_id": entry.gid,
    }
    if entry.kind == "link":
        return {**told, "target": shown(os.fsdecode(entry.target))}
    told["mode"] = f"{entry.mode:04o}"
    if entry.kind == "file":
        told["size"] = entry.size
        if entry.digest:
            told["sha256"] = entry.digest
    return told


def shown(path: str) -> str:
    """A path as text: bytes that are not UTF-8 as escapes, since results are JSON."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def mode(value: Union[int, str, None], parse: str, name: str = "mode") -> Optional[int]:
    """The option mode, as ``parse`` wants it read: modern, legacy or octal_string_only.

    legacy takes a text for a decimal number, as docker_container_copy_into does unless told
    otherwise; modern takes it for an octal one, and a number for what it is.
    """
    if value is None:
        return None
    if isinstance(value, bool) or (isinstance(value, int) and parse == "octal_string_only"):
        raise Error(f"{name}: {value!r} is not a string", hint='write it in quotes: "0644"')
    base = 10 if parse == "legacy" else 8
    try:
        found = value if isinstance(value, int) else int(str(value), base)
    except ValueError:
        found = -1
    if not 0 <= found <= 0o7777:
        raise Error(f"{name}: {str(value)[:20]!r} is not a mode", hint='use "0644"')
    return found


def identity(params: Mapping[str, Any], name: str) -> Optional[int]:
    """An option that is a uid or gid. Raises Error for a number that is none."""
    value = params[name]
    if value is None:
        return None
    if not 0 <= value < 2**31:
        raise Error(
            f"{name}: {value} is not a user or group ID", hint="IDs range from 0 to 2147483647"
        )
    return int(value)
