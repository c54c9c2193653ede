# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image was built of: everything that would make it another one, by name.

It is noted with the image (``build/made/ID.json``). A build whose inputs are the same has nothing
to do, and one whose inputs differ can say which. Reading only, but for keep() and tidy(); nothing
is built to tell.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ..base import files
from ..base.document import canonical
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass
from ..base.layout import Layout
from ..image.dockerfile import flags, parse, words
from ..image.dockerfile.lines import mark_of
from ..image.dockerfile.parse import Instruction
from ..image.store import store
from ..image.store.platform import host_platform
from ..kernel import safefs
from ..plan.plan import Host
from ..records import foreseen
from ..registry.url_source import Source as Url
from ..registry.url_source import is_url, source_of
from ..spec import oci
from ..tree import scan
from . import trees
from .asked import scheme, state
from .asked.request import PROXIES, Request
from .asked.scheme import Planned, Scheme
from .sent import kept as kept_contexts
from .sent.place import Place
from .source import context, git_url, layouts
from .source.bases import here, reference_of
from .source.context import Source
from .source.git_url import Repository
from .source.layouts import IMAGE, LAYOUT

#: How many changed files are named one by one.
_NAMED = 5

Inputs = Mapping[str, str]


def prepare(request: Request, source: Optional[Source]) -> Scheme:
    """Read the Dockerfile and find what is needed. Raises Error before anything is touched."""
    if request.inline is not None:
        data, name = request.inline, request.dockerfile or "Dockerfile"
    else:
        data, name = context.read_dockerfile(source, request.dockerfile)
    dockerfile = parse.parse(data, name)
    machine = host_platform()
    return scheme.scheme(
        dockerfile, request.args, request.target, machine, request.platform or machine
    )


def opened(
    host: Host,
    request: Request,
    stack: contextlib.ExitStack,
    place: Optional[Place] = None,
    content: bool = True,
) -> Optional[Source]:
    """The context of a request, open as long as ``stack``: a directory or repository, or the
    ``place`` of one that was sent, whose files are read with ``content`` only.
    """
    if place is not None:
        root = stack.enter_context(safefs.Root(place.tree, label=place.title))
        known = None if content else kept_contexts.known(place.listing)
        return Source(root, place.title, place.listing.patterns, known=known)
    if not request.context:
        return None
    return stack.enter_context(trees.opened(host, request, request.context, request.dockerfile))


def inputs(
    host: Host,
    request: Request,
    found: Scheme,
    source: Optional[Source],
    known: Mapping[str, str],
) -> dict[str, str]:
    """Everything the image depends on. ``known`` are inputs of an earlier build, which stand for
    images that have been removed since. Raises Error for a file that is not in the context.
    """
    made = {"the Dockerfile": _digest([_stage(one) for one in found.stages])}
    if request.target:
        made["the target"] = request.target
    made["the platform"] = str(request.platform or host_platform())
    if request.epoch is not None:
        made["SOURCE_DATE_EPOCH"] = str(request.epoch)
    for name, value in request.labels.items():
        made[f"the label {name}"] = value
    for name, value in request.args.items():
        if name in found.declared and name not in PROXIES:
            # Who reads the note must not learn what is in them.
            made[f"the argument {name}"] = _digest(value)
    everything = False
    for name, wanted in found.images:
        text = request.contexts.get(name, "")
        if text and not layouts.is_image(text):
            continue
        if text.startswith(LAYOUT):
            found_id, has_triggers = layouts.look(host.layout, text, wanted)
            made[f"the image {text}"] = found_id
            everything = everything or has_triggers
            continue
        shown = text[len(IMAGE) :] if text else name
        image = here(host, shown, wanted)
        triggers = image is not None and (image.config.get("config") or {}).get("OnBuild")
        everything = everything or bool(triggers)
        key = f"the image {shown}"
        made[key] = _image(host, request, shown, image, known.get(key, ""))
    made.update(_files(host, request, found, source, everything))
    return made


def _stage(planned: Planned) -> list[Any]:
    """What a stage says, however it is written: without lines, blanks and comments."""
    said: list[Any] = [planned.base, str(planned.platform)]
    for at in planned.stage.instructions:
        documents = [[doc.name, doc.content, doc.expand] for doc in at.heredocs]
        said.append([at.keyword, at.flags, at.words, at.exec_form, at.pairs, documents, at.trigger])
    return said


def _image(
    host: Host, request: Request, name: str, image: Optional[store.Image], known: str
) -> str:
    """What an image's name means now: its id."""
    reference = reference_of(name)
    told = foreseen.told_images(host).get(reference.canonical if reference else name)
    if told is not None:
        # An earlier task of a check-mode run brings it.
        return told.id or told.digest
    asked = reference is not None and (image is None or (request.pull and not reference.digest))
    if not asked or reference is None:
        return image.id if image is not None else known
    if image is None and known and not request.pull:
        # It was removed since; that changes nothing about what was built of it.
        return known
    from ..image import transfer

    try:
        pinned = transfer.resolve(host, reference)
    except Error:
        if image is None:
            raise
        return image.id
    return pinned.image_id or pinned.descriptor.digest


def _files(
    host: Host, request: Request, found: Scheme, source: Optional[Source], everything: bool
) -> Iterator[tuple[str, str]]:
    """The files that instructions take from contexts, with a digest of each."""
    listed: dict[tuple[str, str, bool, bool], None] = {}
    for planned in found.stages:
        for taken in _taken_by(request, found, planned):
            if taken.url is not None:
                yield f"the file at {taken.url}", _remote(taken.url)
                continue
            if taken.repository is not None:
                from . import git

                name = f"the repository {taken.repository}"
                yield name, git.commit(host, request, taken.repository)
                continue
            origin = taken.origin and str(
                scheme.origin(found.dockerfile, taken.at, taken.origin, planned.stage.index)
            )
            if not origin or not layouts.is_image(request.contexts.get(origin, IMAGE)):
                listed[origin, taken.path, taken.sure, taken.pattern] = None
    if everything and source is not None:
        listed["", "/", True, False] = None
    with contextlib.ExitStack() as stack:
        known: dict[str, Optional[Source]] = {"": source}
        for name, path, sure, pattern in listed:
            if name not in known:
                text = request.contexts[name]
                known[name] = stack.enter_context(trees.opened(host, request, text))
            tree = known[name]
            if tree is None:
                raise Error(
                    f"{found.dockerfile.file} copies files from the context, but there is none"
                )
            yield from _digests(tree, name, path, sure, pattern)


def _digests(
    tree: Source, name: str, path: str, sure: bool, pattern: bool
) -> Iterator[tuple[str, str]]:
    prefix = f"the file {name}:" if name else "the file "
    try:
        selected = context.select(tree, path) if pattern else [context.find(tree, path)]
    except NotFound:
        if sure:
            raise
        selected = [context.find(tree, "/")]
    for one in selected:
        for below, entry in context.entries(tree, one).items():
            where = os.path.join(os.fsencode(one.name), below) if below else os.fsencode(one.name)
            yield f"{prefix}{scan.text(where) or '.'}", context.digest({b"": entry}, tree.owned)


@dataclass(frozen=True)
class _Taken:
    """Something an instruction copies: a path of the context (``origin`` "") or of another tree,
    a URL, or a repository. Not ``sure`` where a variable in it may be one of the base image. COPY
    and ADD take a ``pattern`` for a path, mounts do not.
    """

    at: Instruction
    origin: str = ""
    path: str = "/"
    sure: bool = True
    pattern: bool = False
    url: Optional[Url] = None
    repository: Optional[Repository] = None


def _taken_by(request: Request, found: Scheme, planned: Planned) -> Iterator[_Taken]:
    configure = state.Configurer(found.dockerfile, request.args, found.globals, found.platforms)
    current = state.State({}, {})
    escape = found.dockerfile.lines.escape
    for at in planned.stage.instructions:
        if configure.knows(at.keyword):
            # What is wrong with it is said when it is built, with what the base sets.
            with contextlib.suppress(Error):
                current = configure.apply(current, at)
        elif at.keyword == "RUN":
            yield from _mounted(at)
        else:
            for word in at.words[:-1]:
                if mark_of(word, escape) is None:
                    try:
                        yield _copied(at, word, escape, current.variables)
                    except Error as exc:
                        raise found.dockerfile.fault(at, exc.message, exc.hint) from exc


def _copied(at: Instruction, word: str, escape: str, variables: Mapping[str, str]) -> _Taken:
    try:
        path = words.expand(word, variables, escape)
        checksum = words.expand(at.flag("checksum"), variables, escape)
    except words.Malformed:
        return _Taken(at, at.flag("from"), sure=False)
    if at.keyword == "ADD" and git_url.is_repository(path, short=False):
        return _Taken(at, repository=git_url.repository(path, checksum))
    if at.keyword == "ADD" and is_url(path):
        return _Taken(at, url=source_of(path, checksum))
    return _Taken(at, at.flag("from"), path, sure="$" not in word, pattern=True)


def _mounted(at: Instruction) -> Iterator[_Taken]:
    for text in at.all("mount"):
        if "$" in text:
            yield _Taken(at, sure=False)
            continue
        mount = flags.mount(text)
        if mount.kind == "bind" or (mount.kind == "cache" and mount.origin):
            yield _Taken(at, mount.origin, mount.source or "/")


def _remote(url: Url) -> str:
    """What a URL sends: the checksum, or what the server says of it. Of what it says nothing of,
    nobody can tell that it is the same.
    """
    if url.checksum:
        return url.checksum
    from ..registry.url_fetch import Fetch

    with Fetch(url) as fetch:
        facts = fetch.ask(None)
    return _digest(facts.document()) if facts.tells else f"unknown {secrets.token_hex(8)}"


def _digest(value: Any) -> str:
    return oci.digest_of(canonical(value))


def differences(before: Inputs, after: Inputs) -> list[str]:
    """What changed between two builds, in words. Pure."""
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    named = [name for name in changed if name.startswith("the file ")]
    shown = []
    for name in changed:
        if name in named[_NAMED:]:
            continue
        if name not in before:
            shown.append(f"{name} is new")
        elif name not in after:
            shown.append(f"{name} is gone")
        else:
            shown.append(f"{name} changed")
    if len(named) > _NAMED:
        shown.append(f"{len(named) - _NAMED} more files changed")
    return shown


# --- what is noted ---------------------------------------------------------------------------


def keep(layout: Layout, image_id: str, found: Inputs) -> None:
    """Note what an image was built of."""
    directory = layout.build / "made"
    files.make_private(directory)
    files.write_json(directory / f"{image_id[7:]}.json", {"inputs": dict(found)})


def kept(layout: Layout, image_id: str) -> Optional[dict[str, str]]:
    """What was noted of an image; None for one that was not built here."""
    try:
        value = files.read_json(layout.build / "made" / f"{image_id[7:]}.json")
        return {str(name): str(text) for name, text in value["inputs"].items()}
    except (FileNotFoundError, NotFound, Error, TypeError, KeyError, AttributeError):
        return None


def tidy(layout: Layout) -> None:
    """Forget images that are gone."""
    try:
        names = os.listdir(layout.build / "made")
    except FileNotFoundError:
        return
    here_now = {f"{image.id[7:]}.json" for image in store.all_images(layout)}
    for name in set(names) - here_now:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(layout.build / "made" / name)
