# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files inside a container as a resource, for container_copy_into.

Everything below the container's root is untrusted: it is reached by descriptors that cannot leave
it (tree/copy.py), and nothing in the container is executed. Running, paused, stopped and created
containers alike.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from ..base import files, progress
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, field, replace
from ..container.files import filesystem
from ..kernel import safefs
from ..plan.plan import Host, Plan, Resource, Step
from ..records import foreseen
from ..text import veil
from ..tree import copy, scan
from ..tree.scan import Entry, Rules
from . import container_copy
from .container_copy import State

#: The mode of a file that comes as text, where there was none before.
_MODE = 0o644


class Sent:
    """A tar in which a file or directory of the controller came. It is unpacked once, in a place
    of ours that goes with the task: Ansible removes its own as the user who logged in, and that
    one may not remove what root unpacked.
    """

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._tree: Optional[Path] = None

    def tree(self, host: Host) -> Path:
        if self._tree is None:
            from ..image.layer import unpack

            target = host.held.enter_context(files.scratch(host.layout, "copied")) / "tree"
            target.mkdir(mode=0o700)
            with open(self._archive, "rb") as stream:
                unpack.unpack(stream, target)
            self._tree = target
        return self._tree / "copied"


@dataclass(frozen=True)
class Declared:
    """What is to be at ``path`` of a container: a file or directory ``source`` of the host, or
    ``data``. None in ``mode`` and ``directory_mode`` is the source's, or what the file has; None in
    the ids are those of the container's user.
    """

    container: str
    path: str
    source: Optional[Path] = None
    sent: Optional[Sent] = None
    data: Optional[bytes] = field(default=None, repr=False)
    #: The option that ``data`` was made of, which Ansible masks in results.
    content: str = field(default="", repr=False)
    follow: bool = False
    mode: Optional[int] = None
    directory_mode: Optional[int] = None
    owner_id: Optional[int] = None
    group_id: Optional[int] = None
    force: Optional[bool] = None
    #: What diffs call the source.
    origin: str = "dynamically generated"


def declare(params: Mapping[str, Any]) -> Declared:
    """Parse the module's options. ``_archive`` is a tar in which a directory of the controller
    came.
    """
    target = str(params["container_path"])
    if not target or "\0" in target:
        raise Error(f"container_path: {target[:200]!r} is not a path")
    source: Optional[Path] = None
    sent: Optional[Sent] = None
    data: Optional[bytes] = None
    if params["content"] is not None:
        data = _decoded(params)
    elif params.get("_archive"):
        sent = Sent(Path(params["_archive"]))
    elif params.get("path") is None:
        raise Error("src: only the action plugin of container_copy_into can send it")
    else:
        source = _source(str(params["path"]), bool(params.get("local_follow", True)))
    parse = str(params.get("mode_parse") or "modern")
    return Declared(
        container=str(params["container"]),
        path=os.path.normpath("/" + target.lstrip("/")),
        source=source,
        sent=sent,
        data=data,
        content=str(params["content"] or ""),
        follow=bool(params.get("follow")),
        mode=container_copy.mode(params["mode"], parse),
        directory_mode=container_copy.mode(params.get("directory_mode"), parse, "directory_mode"),
        owner_id=container_copy.identity(params, "owner_id"),
        group_id=container_copy.identity(params, "group_id"),
        force=params["force"],
        **({} if data is not None else {"origin": str(params.get("src") or params["path"])}),
    )


def _decoded(params: Mapping[str, Any]) -> bytes:
    text = str(params["content"])
    if not params.get("content_is_b64"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(text, validate=False)
    except binascii.Error as exc:
        # The error of the decoder may quote the content, and that is a secret.
        raise Error("content: it is not Base64", hint="set content_is_b64 to false") from exc


def _source(path: str, follow: bool) -> Path:
    source = os.path.abspath(os.path.expanduser(path))
    with safefs.Root("/", label="the host") as here:
        if follow:
            source = os.fsdecode(scan.resolve(here, source))
        found = scan.look(here, source)
    if found is None:
        raise Error(f"path: {path} does not exist on this host")
    if found.kind not in scan.COPIED:
        raise Error(f"path: {path} is a {found.kind}, which cannot be copied")
    return Path(source)


def observe(host: Host, declared: Declared) -> State:
    """Compare what is at the path with what should be there."""
    try:
        found = foreseen.recorded(host, declared.container)
        with contextlib.ExitStack() as stack:
            if found is not None:
                there = stack.enter_context(filesystem.observed(host, found.id))
                there.check(declared.path)
                owner = filesystem.user_ids(host, there)
                return _compare(host, declared, there.root, owner)
            # The container is one of this check-mode run: it will begin as its image.
            root, owner = stack.enter_context(_foretold(host, declared.container))
            return _compare(host, declared, root, owner)
    except NotFound as exc:
        return State(declared.container, declared.path, {}, {}, unmet=(str(exc),))


@contextlib.contextmanager
def _foretold(
    host: Host, container: str
) -> Iterator[tuple[Optional[safefs.Root], tuple[int, int]]]:
    """The root a container will begin with, as far as its image is here, and its user's ids."""
    from ..container.files import private_mount
    from ..image import expected
    from ..image.store import store

    found = foreseen.container(host, container)
    spec = None if found is None else found.spec
    image = None if spec is None else expected.find(host, spec.image_id or spec.image)
    if spec is None or image is None or image.image is None:
        yield None, (0, 0)
        return
    defaults = store.defaults(image.image)
    with private_mount.of_image(host, image.image, container, spec) as root:
        yield root, filesystem.ids_of(root, defaults.user if spec.user is None else spec.user)


def _rules(declared: Declared, owner: tuple[int, int]) -> Rules:
    uid, gid = owner
    return Rules(
        owner=(
            uid if declared.owner_id is None else declared.owner_id,
            gid if declared.group_id is None else declared.group_id,
        ),
        file_mode=declared.mode,
        directory_mode=declared.directory_mode,
    )


def _compare(
    host: Host, declared: Declared, root: Optional[safefs.Root], owner: tuple[int, int]
) -> State:
    path, missing = declared.path, ""
    if root is not None:
        if declared.follow:
            path = os.path.normpath(os.fsdecode(scan.resolve(root, path)))
        missing = _no_parent(root, path)
    rules = _rules(declared, owner)
    state = State(declared.container, path, {}, {}, missing)
    source = declared.sent.tree(host) if declared.sent is not None else declared.source
    if source is None:
        state = _compare_data(declared, root, state, rules)
        return _with_diff(host, declared, root, container_copy.checked(root, state), b"")
    with safefs.Root("/", label="the host") as here:
        found, wanted, left_out = container_copy.compare(here, str(source), root, path, rules)
        for line in left_out:
            host.warn(f"{line} and was skipped")
        state = replace(state, found=found, wanted=wanted)
        state = container_copy.checked(root, state)
        return _with_diff(host, declared, root, state, os.fsencode(source), here)


def _with_diff(
    host: Host,
    declared: Declared,
    root: Optional[safefs.Root],
    state: State,
    source: bytes,
    here: Optional[safefs.Root] = None,
) -> State:
    """What a diff shows of both sides, where one was asked for; a directory's are the views."""
    limit = host.diff_limit
    if limit is None or state.wanted[""].kind == "directory":
        return state
    path = container_copy.shown(state.path)
    before = container_copy.side(root, state.path, "before", path, limit)
    if declared.force is False and "" in state.found:
        after = container_copy.side(root, state.path, "after", path, limit)
    elif here is None:
        after = container_copy.text_side(declared.data or b"", "after", declared.origin, limit)
    else:
        after = container_copy.side(here, source, "after", declared.origin, limit)
    if declared.data is not None:
        values = (declared.data.decode("utf-8", "surrogateescape"), declared.content)
        before = {**before, "veiled": True}
        if "before" in before:
            before["before"] = veil.veil(before["before"], values)
        if "after" in after:
            after["after"] = veil.veil(after["after"], values)
    return replace(state, before=before, after=after)


def _no_parent(root: safefs.Root, path: str) -> str:
    parent = os.path.dirname(path)
    found = scan.look(root, scan.resolve(root, parent))
    if found is None or found.kind != "directory":
        return f"the directory {container_copy.shown(parent)} does not exist in {root.path}"
    return ""


def _compare_data(
    declared: Declared, root: Optional[safefs.Root], state: State, rules: Rules
) -> State:
    data = declared.data or b""
    found = None if root is None else scan.look(root, state.path, len(data))
    mode = _MODE if found is None or found.kind != "file" else found.mode
    entry = Entry("file", mode, 0, 0, len(data), scan.digest_of(data))
    have = {} if found is None else {"": replace(found, attributes=())}
    return replace(state, found=have, wanted={"": rules.apply(entry)})


@dataclass(frozen=True)
class Write(Step[State]):
    """Copy what differs, the container's processes standing still."""

    declared: Declared
    path: str
    written: frozenset[str]

    def describe(self) -> str:
        return f"write {container_copy.shown(self.path)} in container {self.declared.container}"

    def after(self, have: State) -> State:
        return container_copy.after(have, self.written)

    def execute(self, host: Host) -> None:
        from ..container.files import freeze

        found = foreseen.recorded(host, self.declared.container)
        if found is None:
            raise NotFound(f"No such container: {self.declared.container}")
        with contextlib.ExitStack() as stack:
            sent = self.declared.sent
            source = sent.tree(host) if sent is not None else self.declared.source
            if source is None:
                scratch = stack.enter_context(files.scratch(host.layout, "content"))
                source = scratch / "content"
                files.write_atomic(source, self.declared.data or b"", durable=False)
            here = stack.enter_context(safefs.Root("/", label="the host"))
            there = stack.enter_context(freeze.still(host, found.id, write=True))
            there.check(self.path)
            rules = _rules(self.declared, filesystem.user_ids(host, there))
            if self.declared.data is not None and rules.file_mode is None:
                now = scan.look(there.root, self.path)
                kept = _MODE if now is None or now.kind != "file" else now.mode
                rules = replace(rules, file_mode=kept)
            copy.copy(
                here,
                str(source),
                there.root,
                self.path,
                rules,
                wanted=lambda path: os.fsdecode(path) in self.written,
                make_room=True,
                said=copy.Copied(count=host.counting("", progress.TO_CONTAINER)),
            )


def plan(declared: Declared, have: State) -> Plan[State]:
    """Write what differs in content, kind, mode or owner; ``force`` overrides as in Docker."""
    if have.unmet:
        return Plan(have, (Write(declared, have.path, frozenset()),), have.unmet)
    written = container_copy.needed(have, declared.force, f"in container {declared.container}")
    if not written:
        return Plan(have)
    return Plan(have, (Write(declared, have.path, written),))


def lock(declared: Declared) -> tuple[str, str]:
    return "container-files", hashlib.sha256(declared.container.encode()).hexdigest()[:32]


RESOURCE: Resource[Declared, State] = Resource(
    observe,
    plan,
    container_copy.view,
    lambda host, state: {"container_path": container_copy.shown(state.path)},
    lock,
    diff=container_copy.diff,
)
