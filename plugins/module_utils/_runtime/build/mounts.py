# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RUN --mount: what is there for one command, made before it and gone after it."""

from __future__ import annotations

import contextlib
import posixpath
from pathlib import Path
from typing import Any, Optional, Union

from ..base import files
from ..base.errors import Error, NotFound
from ..image.dockerfile import flags
from ..image.dockerfile.parse import Instruction
from ..kernel import safefs
from ..spec.container import Mount
from .asked import scheme
from .asked.scheme import Planned
from .asked.state import State
from .source import context
from .work import Build

#: Where a heredoc that is a program of its own is found by the command.
PROGRAM = "/dev/pipes/EOF"


def _place(target: str) -> str:
    """Where something may be mounted: not on the root, nor in what the runtime mounts."""
    path = "/" + posixpath.normpath(target).lstrip("/")
    top = path.split("/")[1]
    if path == "/" or path == "/dev" or top in ("proc", "sys"):
        raise Error(f"nothing can be mounted at {target}", hint="choose another target")
    return path


class Mounting:
    """The mounts of one RUN."""

    def __init__(
        self,
        build: Build,
        planned: Planned,
        current: State,
        at: Instruction,
        stack: contextlib.ExitStack,
    ) -> None:
        self._build = build
        self._planned = planned
        self._at = at
        self._stack = stack
        self._working_dir = current.working_dir
        self._mounts = []
        for text in at.all("mount"):
            try:
                self._mounts.append(flags.mount(build.configure.expand(current, at, text)))
            except flags.Wrong as exc:
                raise Error(str(exc), hint=exc.hint) from exc

    def content(self) -> list[Any]:
        """What the cache knows of them: of binds their content, of secrets their names."""
        return [self._content(one) for one in self._mounts]

    def _content(self, one: flags.RunMount) -> list[Any]:
        known: list[Any] = [one.kind, one.target, one.read_only, one.size_bytes, one.id]
        known += [one.env] if one.env else []
        if one.kind != "bind" and not (one.kind == "cache" and one.origin):
            return known
        origin = self._origin(one)
        if self._build.is_tree(origin):
            with self._build.origin(origin, self._planned) as source:
                selected = context.find(source, one.source or "/")
                found = context.entries(source, selected)
                return [*known, one.source, context.digest(found, source.owned)]
        if origin is None:
            raise AssertionError("the context is a tree")
        below = self._build.below(origin, self._planned)[0]
        return [*known, one.source, list(below.chain_ids[-1:])]

    def _origin(self, one: flags.RunMount) -> Union[int, str, None]:
        if not one.origin:
            return None
        dockerfile = self._build.scheme.dockerfile
        return scheme.origin(dockerfile, self._at, one.origin, self._planned.stage.index)

    def prepare(self, program: str) -> list[Mount]:
        """Make what is mounted. It lasts as long as the stack."""
        host = self._build.host
        room = self._stack.enter_context(files.scratch(host.layout, "mounts"))
        made = []
        for number, one in enumerate(self._mounts):
            if not one.target:
                continue
            target = _place(posixpath.join("/", self._working_dir, one.target))
            if one.kind == "tmpfs":
                size = (f"size={one.size_bytes}",) if one.size_bytes else ()
                made.append(Mount("tmpfs", "", target, options=("exec", *size)))
                continue
            path = self._source(one, room / str(number))
            if path is not None:
                mount = Mount(
                    "bind", str(path), target, read_only=one.read_only, create_source=False
                )
                made.append(mount)
        if program:
            path = room / "program"
            path.write_text(program, "utf-8")
            path.chmod(0o755)
            made.append(Mount("bind", str(path), PROGRAM, read_only=True, create_source=False))
        return made

    def _source(self, one: flags.RunMount, place: Path) -> Optional[Path]:
        from . import running

        if one.kind == "secret":
            return self._secret(one)
        if one.kind == "ssh":
            return self._agent(one)
        layout = self._build.host.layout
        if one.kind == "bind":
            with self._build.origin(self._origin(one), self._planned) as source:
                selected = context.find(source, one.source or "/")
                return running.copied(source, selected, place)
        opened = running.cache_directory(layout, one.id, one.mode, one.uid, one.gid, one.sharing)
        path, new = self._stack.enter_context(opened)
        if new and one.origin:
            self._fill(one, path, place)
        return path

    def _fill(self, one: flags.RunMount, path: Path, place: Path) -> None:
        """A new cache begins with what its ``from`` holds."""
        from ..tree import copy
        from ..tree.scan import Rules
        from . import running

        with self._build.origin(self._origin(one), self._planned) as source:
            selected = context.find(source, one.source or "/")
            if not selected.directory:
                raise Error(f"a cache begins with a directory, and {one.source} is none")
            copied = running.copied(source, selected, place)
            with safefs.Root(copied) as tree, safefs.Root(path) as cache:
                copy.copy(tree, "/", cache, "/", Rules())

    def _agent(self, one: flags.RunMount) -> Optional[Path]:
        """The socket of an agent, which answers as long as whoever builds lets it."""
        from . import agents  # Few commands ask for one.

        known = self._build.request.agents
        if one.id not in known:
            if one.required:
                raise NotFound(
                    f"needs the SSH agent {one.id}{flags.near(one.id, known)}",
                    hint="pass it with ssh (--ssh ID, --ssh ID=SOCKET or --ssh ID=KEY)",
                )
            return None
        layout = self._build.host.layout
        return self._stack.enter_context(agents.agent(layout, one.id, known[one.id]))

    def variables(self) -> dict[str, str]:
        """The variables that secrets are in, and where an SSH agent is, for this command only."""
        found: dict[str, str] = {}
        for one in self._mounts:
            if one.kind == "ssh" and one.id in self._build.request.agents:
                place = _place(posixpath.join("/", self._working_dir, one.target))
                found.setdefault("SSH_AUTH_SOCK", place)
            data = self._secret_data(one) if one.env else None
            if data is not None:
                try:
                    found[one.env] = data.decode("utf-8")
                except UnicodeDecodeError as exc:
                    raise Error(
                        f"the secret {one.id} is not text, so {one.env} cannot hold it",
                        hint="read it from a file, with target",
                    ) from exc
                if "\0" in found[one.env]:
                    raise Error(f"the secret {one.id} has a null byte, so {one.env} cannot hold it")
        return found

    def _secret_data(self, one: flags.RunMount) -> Optional[bytes]:
        from . import running

        known = {secret.id: secret for secret in self._build.request.secrets}
        found = known.get(one.id)
        if found is None:
            if one.required:
                raise NotFound(
                    f"needs the secret {one.id}{flags.near(one.id, known)}",
                    hint="pass it with secrets (--secret id=ID,src=FILE)",
                )
            return None
        return found.value if found.value is not None else running.read_secret(found.path)

    def _secret(self, one: flags.RunMount) -> Optional[Path]:
        from . import running

        data = self._secret_data(one)
        if data is None:
            return None
        directory = self._stack.enter_context(running.secrets_directory(self._build.host.layout))
        mode = 0o400 if one.mode < 0 else one.mode
        return running.secret_file(directory, 0, data, mode, one.uid, one.gid)
