# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a container on the host as a resource, for container_copy_from.

The content of a container is untrusted: links are copied as links and never followed, devices and
sockets are skipped, and set-uid bits and capabilities are not copied, because the copy has another
owner.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from ..base import progress
from ..base.errors import NotFound
from ..base.frozen import dataclass, replace
from ..container.files import filesystem
from ..kernel import safefs
from ..plan.plan import Host, Plan, Resource, Step
from ..records import container_record, foreseen
from ..tree import copy, scan
from ..tree.scan import Rules
from . import container_copy
from .container_copy import State


@dataclass(frozen=True)
class Declared:
    """``dest`` of the host is to be what is at ``path`` of a container; None in the modes is the
    container's own.
    """

    container: str
    path: str
    dest: Path
    follow: bool = False
    mode: Optional[int] = None
    directory_mode: Optional[int] = None
    owner_id: int = 0
    group_id: int = 0
    force: Optional[bool] = None


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of container_copy_from."""
    return Declared(
        container=str(params["container"]),
        path=os.path.normpath("/" + str(params["container_path"]).lstrip("/")),
        dest=Path(os.path.abspath(os.path.expanduser(str(params["dest"])))),
        follow=bool(params["follow"]),
        mode=container_copy.mode(params["mode"], "modern"),
        directory_mode=container_copy.mode(params["directory_mode"], "modern", "directory_mode"),
        owner_id=container_copy.identity(params, "owner_id") or 0,
        group_id=container_copy.identity(params, "group_id") or 0,
        force=params["force"],
    )


def _rules(declared: Declared) -> Rules:
    return Rules(
        owner=(declared.owner_id, declared.group_id),
        file_mode=declared.mode,
        directory_mode=declared.directory_mode,
        privileges=False,
    )


def _origin(declared: Declared, there: filesystem.Tree) -> bytes:
    path = os.fsencode(declared.path)
    if declared.follow:
        path = scan.resolve(there.root, path)
    there.check(path)
    return path


def observe(host: Host, declared: Declared) -> State:
    """Compare what is on the host with what the container has."""
    dest = str(declared.dest)
    state = State(declared.container, dest, {}, {})
    try:
        found = foreseen.recorded(host, declared.container)
        if found is None:
            unknown = f"the future content of container {declared.container} cannot be predicted"
            return replace(state, unmet=(unknown,))
        with contextlib.ExitStack() as stack:
            there = stack.enter_context(filesystem.observed(host, found.id))
            here = stack.enter_context(safefs.Root("/", label="the host"))
            missing = ""
            if not declared.dest.parent.is_dir():
                missing = f"the directory {declared.dest.parent} does not exist on the host"
            path = _origin(declared, there)
            found_here, wanted, left_out = container_copy.compare(
                there.root, path, here, dest, _rules(declared), there.system
            )
            state = replace(state, found=found_here, wanted=wanted, missing=missing)
            state = _with_diff(
                host, declared, container_copy.checked(here, state), there, path, here
            )
    except NotFound as exc:
        return replace(state, unmet=(str(exc),))
    for line in left_out:
        host.warn(f"{line} and was skipped")
    return state


def _with_diff(
    host: Host,
    declared: Declared,
    state: State,
    there: filesystem.Tree,
    path: bytes,
    here: safefs.Root,
) -> State:
    limit = host.diff_limit
    if limit is None or state.wanted[""].kind == "directory":
        return state
    before = container_copy.side(
        here, state.path, "before", container_copy.shown(state.path), limit
    )
    if declared.force is False and "" in state.found:
        header = container_copy.shown(state.path)
        after = container_copy.side(here, state.path, "after", header, limit)
    else:
        header = f"{declared.container}:{container_copy.shown(os.fsdecode(path))}"
        after = container_copy.side(there.root, path, "after", header, limit)
    return replace(state, before=before, after=after)


@dataclass(frozen=True)
class Fetch(Step[State]):
    """Copy what differs, the container's processes standing still."""

    declared: Declared
    written: frozenset[str]

    def describe(self) -> str:
        path = container_copy.shown(self.declared.path)
        return f"copy {path} of container {self.declared.container} to {self.declared.dest}"

    def after(self, have: State) -> State:
        return container_copy.after(have, self.written)

    def execute(self, host: Host) -> None:
        from ..container.files import freeze

        container_id = container_record.identify(host.layout, self.declared.container)
        with contextlib.ExitStack() as stack:
            there = stack.enter_context(freeze.still(host, container_id, write=False))
            here = stack.enter_context(safefs.Root("/", label="the host"))
            copy.copy(
                there.root,
                _origin(self.declared, there),
                here,
                str(self.declared.dest),
                _rules(self.declared),
                skip=there.system,
                wanted=lambda path: os.fsdecode(path) in self.written,
                make_room=True,
                said=copy.Copied(count=host.counting("", progress.FROM_CONTAINER)),
            )


def plan(declared: Declared, have: State) -> Plan[State]:
    """Copy what differs in content, kind, mode or owner; ``force`` overrides."""
    if have.unmet:
        return Plan(have, (Fetch(declared, frozenset()),), have.unmet)
    written = container_copy.needed(have, declared.force, "on the host")
    return Plan(have, (Fetch(declared, written),) if written else ())


def verify(want: State, found: State) -> list[str]:
    """A container that runs on may have changed its files by now, so what counts is that the
    entries are there.
    """
    missing = sorted(name for name in want.found if name not in found.found)
    return [f"{container_copy.shown(name) or want.path} is not there" for name in missing[:5]]


RESOURCE: Resource[Declared, State] = Resource(
    observe,
    plan,
    container_copy.view,
    lambda host, state: {"dest": container_copy.shown(state.path)},
    lambda declared: ("host-files", hashlib.sha256(os.fsencode(declared.dest)).hexdigest()[:32]),
    verify=verify,
    diff=container_copy.diff,
)
