# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instructions that write files: RUN, COPY, ADD and WORKDIR."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional, Union
from urllib.parse import unquote, urlsplit

from ..base.errors import Error
from ..base.frozen import replace
from ..container.bundle.process import check_cwd
from ..image.dockerfile import flags, words
from ..image.dockerfile.lines import Heredoc
from ..image.dockerfile.modes import Mode, mode_of
from ..image.dockerfile.parse import Instruction, is_heredoc
from ..kernel import safefs
from ..registry.url_source import Source as Url
from ..registry.url_source import is_url, source_of
from . import copying
from .asked import scheme, state
from .asked.scheme import Planned
from .asked.state import State
from .copying import Copy
from .log import Step
from .mounts import PROGRAM, Mounting
from .source import git_url
from .source.context import Source
from .source.git_url import Repository
from .work import Build, Take


def take(build: Build, planned: Planned, current: State, at: Instruction, where: str) -> State:
    """The stage after one instruction. Raises Error, without its place."""
    step = build.log.step(where, _shown(at))
    if at.keyword == "WORKDIR":
        return _workdir(build, current, at, step)
    if build.configure.knows(at.keyword):
        step.noted()
        return build.configure.apply(current, at)
    if at.keyword == "RUN":
        return _run(build, planned, current, at, step)
    return _copy(build, planned, current, at, step)


def _shown(at: Instruction) -> str:
    """An instruction as it is written, with its flags."""
    said = (f"--{name} " if value == "true" else f"--{name}={value} " for name, value in at.flags)
    return f"{at.keyword} {''.join(said)}{at.rest}"


def _workdir(build: Build, current: State, at: Instruction, step: Step) -> State:
    after = build.configure.apply(current, at)
    path = check_cwd(after.working_dir)
    user = str(after.config.get("User") or "")

    def act(taken: Take) -> None:
        step.begin()
        with copying.scratch(build.host.layout) as (upper, work, dummy):
            with _writable(build, current, upper, work) as root:
                if not root.exists(path):
                    root.make_dirs(path, 0o755, *_maker(root, user))
            taken(upper, frozenset())

    return build.layer(after, step, f"WORKDIR {path}", ["WORKDIR", path, user], act)


def _maker(root: safefs.Root, user: str) -> tuple[int, int]:
    """Who owns a directory that WORKDIR makes: USER, or root where the image knows no such user."""
    with contextlib.suppress(Error):
        return copying.owner_of(root, user) or (0, 0)
    return 0, 0


def _writable(
    build: Build, current: State, upper: Path, work: Path
) -> contextlib.AbstractContextManager[safefs.Root]:
    from ..container.files import private_mount

    return private_mount.layered(build.host, current.chain_ids, upper, work, "the image")


# --- COPY and ADD ----------------------------------------------------------------------------


def _copy(build: Build, planned: Planned, current: State, at: Instruction, step: Step) -> State:
    escape = build.scheme.dockerfile.lines.escape
    *sources, target = at.words
    documents: list[tuple[str, bytes]] = []
    urls: list[Url] = []
    repositories: list[Repository] = []
    paths: list[str] = []
    for word in sources:
        doc = is_heredoc(word, at, escape)
        if doc is not None:
            documents.append((doc.name, _content(current, doc, escape)))
            continue
        text = build.configure.expand(current, at, word)
        checksum = build.configure.expand(current, at, at.flag("checksum"))
        if at.keyword == "ADD" and git_url.is_repository(text, short=False):
            repositories.append(git_url.repository(text, checksum))
        elif at.keyword == "ADD" and is_url(text):
            urls.append(source_of(text, checksum))
        else:
            paths.append(text)
    if at.flag("checksum") and not (urls or repositories):
        raise Error("--checksum applies only to URLs")
    link = at.flag("link") == "true"
    owner = build.configure.expand(current, at, at.flag("chown"))
    wanted = Copy(
        tuple(paths),
        _target(build, current, at, target),
        _numbered(build, current, owner) if link else owner,
        _mode(build, current, at),
        at.flag("parents") == "true",
        tuple(build.configure.expand(current, at, one) for one in at.all("exclude")),
        at.keyword == "ADD" and at.flag("unpack") != "false",
        link,
    )
    if len(sources) > 1 and not wanted.target.endswith("/"):
        raise Error(
            f"has {len(sources)} sources, but {target} is not a directory",
            hint="end it with a slash",
        )
    return _Copying(build, planned, current, at, step).run(wanted, documents, urls, repositories)


def _numbered(build: Build, current: State, owner: str) -> str:
    """An owner as numbers: where the files of the image do not count, its names are found first."""
    if all(part.isdecimal() for part in owner.split(":")):
        return owner
    from ..container.files import private_mount

    build.unpack(current)
    with private_mount.shown(build.host, current.chain_ids, "the image") as root:
        found = copying.owner_of(root, owner)
    return f"{found[0]}:{found[1]}" if found else ""


def _content(current: State, doc: Heredoc, escape: str) -> bytes:
    text = doc.content
    if doc.expand:
        text = words.expand(text, current.variables, escape, raw_quotes=True)
    return text.encode()


def _target(build: Build, current: State, at: Instruction, word: str) -> str:
    """The destination: absolute, with a slash at its end where it is written as a directory."""
    text = build.configure.expand(current, at, word)
    if not text:
        raise Error("has a destination that is empty once its variables are replaced")
    is_directory = text.endswith(("/", "/.")) or text in (".", "..")
    path = posixpath.normpath(posixpath.join("/", current.working_dir, text))
    path = "/" + path.lstrip("/")
    return path.rstrip("/") + "/" if is_directory else path


def _mode(build: Build, current: State, at: Instruction) -> Optional[Mode]:
    text = build.configure.expand(current, at, at.flag("chmod"))
    try:
        return mode_of(text) if text else None
    except flags.Wrong as exc:
        raise Error(str(exc), hint=exc.hint) from exc


class _Copying:
    """One COPY or ADD."""

    def __init__(
        self, build: Build, planned: Planned, current: State, at: Instruction, step: Step
    ) -> None:
        self._build = build
        self._planned = planned
        self._current = current
        self._at = at
        self._step = step
        name = at.flag("from")
        self._origin: Union[int, str, None] = None
        if name:
            self._origin = scheme.origin(build.scheme.dockerfile, at, name, planned.stage.index)

    def run(
        self,
        wanted: Copy,
        documents: list[tuple[str, bytes]],
        urls: list[Url],
        repositories: list[Repository],
    ) -> State:
        build, current = self._build, self._current
        with contextlib.ExitStack() as stack:
            fetched = _Fetched(build, stack)
            content: list[Any] = [self._at.keyword, copying.described(wanted)]
            content += [[name, data.decode("utf-8", "replace")] for name, data in documents]
            content += [[str(url), fetched.digest(url)] for url in urls]
            keep = self._at.flag("keep-git-dir") == "true"
            content += [["git", *self._commit(one), keep] for one in repositories]
            source = None
            pieces: Sequence[copying.Piece] = ()
            if wanted.sources:
                if build.is_tree(self._origin):
                    source = stack.enter_context(build.origin(self._origin, self._planned))
                    pieces = copying.pieces(source, wanted)
                    content.append(copying.content(pieces, wanted, source.owned))
                elif self._origin is not None:
                    below = build.below(self._origin, self._planned)[0]
                    content.append([list(below.chain_ids[-1:]), wanted.sources, wanted.exclude])

            def act(taken: Take) -> None:
                self._step.begin()
                found = [(u, fetched.path(u)) for u in urls]
                self._act(wanted, documents, found, repositories, source, pieces, taken)

            exact = self._origin is None
            said, alone = _shown(self._at), wanted.link
            return build.layer(current, self._step, said, content, act, exact, alone)

    def _act(
        self,
        wanted: Copy,
        documents: list[tuple[str, bytes]],
        urls: list[tuple[Url, Path]],
        repositories: list[Repository],
        source: Any,
        pieces: Sequence[copying.Piece],
        taken: Take,
    ) -> None:
        build = self._build
        with contextlib.ExitStack() as stack:
            upper, work, room = stack.enter_context(copying.scratch(build.host.layout))
            with contextlib.ExitStack() as mounted:
                if wanted.sources and source is None:
                    source = mounted.enter_context(build.origin(self._origin, self._planned))
                    pieces = copying.pieces(source, wanted)
                if wanted.link:
                    root = mounted.enter_context(safefs.Root(upper, label="the image"))
                else:
                    root = mounted.enter_context(_writable(build, self._current, upper, work))
                if pieces:
                    copying.put(source, pieces, root, wanted, room)
                copying.write_heredocs(root, documents, wanted, len(documents) > 1)
                for url, path in urls:
                    self._add_url(root, url, path, wanted, room)
                for one in repositories:
                    self._add_repository(root, one, wanted, room)
            taken(upper, frozenset())

    def _commit(self, one: Repository) -> tuple[str, str]:
        """What the cache knows of a repository: which files it is, wherever they come from."""
        from . import git

        return git.commit(self._build.host, self._build.request, one), one.directory

    def _add_repository(self, root: safefs.Root, one: Repository, wanted: Copy, room: Path) -> None:
        from . import git

        keep = self._at.flag("keep-git-dir") == "true"
        top = git.tree(self._build.host, self._build.request, one, keep)
        with safefs.Root(top, label=str(one)) as tree:
            source = Source(tree, str(one))
            files_of = replace(wanted, sources=("/",), parents=False)
            copying.put(source, copying.pieces(source, files_of), root, files_of, room)

    def _add_url(self, root: safefs.Root, url: Url, path: Path, wanted: Copy, room: Path) -> None:
        name = posixpath.basename(unquote(urlsplit(url.url).path))
        if not name and wanted.target.endswith("/"):
            raise Error(f"{url}: the URL contains no file name", hint="specify the file name")
        if self._at.flag("unpack") == "true":
            with open(path, "rb") as file:
                if copying.unpack_archive(file, room / "url", str(url)):
                    with safefs.Root(room / "url", label=str(url)) as tree:
                        copying.put_tree(tree, root, wanted)
                    return
        copying.write_file(root, path, name or "file", wanted)


class _Fetched:
    """Files at URLs, fetched once for a step."""

    def __init__(self, build: Build, stack: contextlib.ExitStack) -> None:
        self._build = build
        self._stack = stack
        self._found: dict[str, tuple[Path, str]] = {}

    def digest(self, url: Url) -> str:
        return url.checksum or self._fetch(url)[1]

    def path(self, url: Url) -> Path:
        return self._fetch(url)[0]

    def _fetch(self, url: Url) -> tuple[Path, str]:
        from ..base import files
        from ..registry.url_fetch import Fetch

        if url.url not in self._found:
            directory = self._stack.enter_context(files.scratch(self._build.host.layout, "add"))
            path = directory / "content"
            with Fetch(url) as fetch:
                dummy, digest = fetch.download(path)
            self._found[url.url] = (path, digest)
        return self._found[url.url]


# --- RUN -------------------------------------------------------------------------------------


def _run(build: Build, planned: Planned, current: State, at: Instruction, step: Step) -> State:
    argv, program = _argv(current, at)
    arguments = state.run_arguments(current, build.request.args)
    shown = list(state.shown_arguments(current))
    prefix = f"|{len(shown)} {' '.join(shown)} " if shown else ""
    text = f"RUN {prefix}{' '.join(argv)}"
    with contextlib.ExitStack() as stack:
        mounting = Mounting(build, planned, current, at, stack)
        network = at.flag("network") or build.request.network
        if network == "host" and build.request.network != "host":
            raise Error(
                "--network=host is for whoever builds to allow",
                hint="give the build the network host (--network host)",
            )
        hosts = dict(build.request.hosts)
        content = ["RUN", argv, program, shown, mounting.content(), network, hosts]

        def act(taken: Take) -> None:
            from . import running

            mounts = mounting.prepare(program)
            env = {k: v for k, v in arguments.items() if k not in current.env}
            wanted = running.Run(
                tuple(argv),
                env,
                tuple(mounts),
                network,
                build.request.hosts,
                build.request.limits,
                mounting.variables(),
            )
            output = step.begin()
            ids: list[str] = []

            def began(container_id: str) -> None:
                ids.append(container_id)
                build.began(container_id)

            try:
                running.run(build.host, current, wanted, output, began, taken)
            except running.Failed as exc:
                said = step.last()
                message = f"{at.rest[:200]}: {exc.message}"
                raise Error(f"{message}:\n{said}" if said else message) from exc
            finally:
                for container_id in ids:
                    build.ended(container_id)

        return build.layer(current, step, text, content, act)


def _argv(current: State, at: Instruction) -> tuple[list[str], str]:
    """The command, and the program that a heredoc is, "" where it is not one."""
    if at.exec_form:
        return list(at.words), ""
    text = at.words[0]
    if not at.heredocs:
        return [*current.shell, text], ""
    first = at.heredocs[0]
    if len(at.heredocs) == 1 and text.startswith("<<") and not text.split(None, 1)[1:]:
        if first.content.startswith("#!"):
            return [PROGRAM], first.content
        return [*current.shell, first.content], ""
    documents = "".join(f"{doc.content}{doc.name}\n" for doc in at.heredocs)
    return [*current.shell, f"{text}\n{documents}"], ""
