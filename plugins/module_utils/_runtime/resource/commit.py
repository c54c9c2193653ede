# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Committing as a resource: an image of a container's changes to its disk.

The new layer is a function of the upper directory's content, and its config one of the layer, the
parent's config and the container's declaration. So a container that has not changed since has the
image already, and check mode computes the id by reading alone.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..base import clock
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, replace
from ..base.layout import Layout
from ..container.files import freeze
from ..container.status import liveness
from ..image import expected
from ..image.build import assemble, config_changes
from ..image.layer import difference
from ..image.store import index, layers, store
from ..plan.plan import Failing, Host, Plan, Resource, Step
from ..records import container_record, foreseen, notes
from ..records.container_record import Record, locked
from ..spec.container import ContainerSpec, command, entrypoint
from ..spec.oci import chain_ids
from ..spec.reference import Reference
from ..tree import snapshot
from .image.names import named_image
from .image.names.named_image import ABSENT, CURRENT, OUTDATED, State

#: The diff_id of a layer without entries: a tar that is its end alone. No engine keeps such a
#: layer.
_NOTHING = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"


@dataclass(frozen=True)
class Declared:
    """An image to be made from ``container``; ``options`` and ``instructions`` change its
    defaults.
    """

    container: str
    reference: Reference
    author: str
    message: str
    pause: bool
    options: Mapping[str, Any]
    instructions: tuple[str, ...]


@dataclass(frozen=True)
class Commit(Step[State]):
    """Write the container's changes as a layer, and give the image its name."""

    declared: Declared
    id: str

    def describe(self) -> str:
        return f"commit container {self.declared.container} to {self.declared.reference.canonical}"

    def after(self, have: State) -> State:
        mark = _mark(self.declared)
        return replace(have, status=CURRENT, id=self.id, digest=mark, planned=True)

    def execute(self, host: Host) -> None:
        declared, layout = self.declared, host.layout
        container_id = container_record.identify(layout, declared.container)
        with store.lease(layout), assemble.writing_layer(layout) as out:
            with _still(host, container_id, declared.pause) as found:
                spec, parent = _origin(layout, found)
                made = _read(_upper(layout, found), out)
            added = (out.publish(),) if made.diff_id else ()
            config = _document(declared, spec, parent, made)
            diff_ids = config["rootfs"]["diff_ids"]
            if added:
                lowers = store.ensure_unpacked(layout, parent)
                layers.unpack_layer(layout, added[0], made.diff_id, chain_ids(diff_ids)[-1], lowers)
            descriptor = assemble.put_image(layout, config, (*parent.layers, *added))
            index.tag(layout, declared.reference, descriptor)
            about = {
                "comment": str(config.get("comment") or ""),
                "imageID": assemble.image_id(config),
                "imageRef": declared.reference.canonical,
            }
            notes.note(layout, container_id, "commit", **about)


@dataclass(frozen=True)
class _Content:
    """What a container changed: its layer's diff_id ("" for nothing) and its newest file's time."""

    diff_id: str
    newest: str


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of commit: container, name, tag, author, comment, pause, changes and the defaults."""
    reference = named_image.reference_of(params)
    if reference.digest:
        raise Error(f"{reference.canonical} names a digest; a commit needs a tag")
    options = {key: value for key, value in params.items() if key in config_changes.OPTIONS}
    instructions = tuple(str(line) for line in params.get("changes") or ())
    # What is wrong with them is found out now, not when the container is frozen.
    config_changes.change(config_changes.with_options({}, options), instructions)
    return Declared(
        container=str(params["container"]),
        reference=reference,
        author=str(params.get("author") or ""),
        message=str(params.get("comment") or ""),
        pause=bool(params.get("pause", True)),
        options=options,
        instructions=instructions,
    )


def observe(host: Host, declared: Declared) -> State:
    """Read what the container has changed, and compare the image it gives with the one here."""
    local = expected.named(host, declared.reference)
    have = State(declared.reference.canonical, ABSENT if local is None else OUTDATED, local)
    try:
        found = foreseen.recorded(host, declared.container)
        if found is None:
            # An earlier task of this check-mode run makes the container, so nothing can be read
            # yet.
            known = local is not None and _mark(declared) in local.known_as
            return replace(have, status=CURRENT) if known else have
        spec, parent = _origin(host.layout, found)
        upper = _upper(host.layout, found)
        made = _hashed(upper, difference.fingerprint(upper, snapshot.INIT_PATHS))
    except NotFound as exc:
        return replace(have, unmet=(Failing(exc),))
    image_id = assemble.image_id(_document(declared, spec, parent, made))
    current = local is not None and local.id == image_id
    return replace(have, status=CURRENT if current else OUTDATED if local else ABSENT, id=image_id)


def _mark(declared: Declared) -> str:
    return named_image.mark("commit", declared)


def _origin(layout: Layout, found: Record) -> tuple[ContainerSpec, store.Image]:
    """What the container was asked to be, and its image."""
    spec = container_record.read_spec(layout, found.id)
    parent = store.find(layout, spec.image_id)
    if parent is None or parent.chain_ids != tuple(found.layers):
        raise NotFound(
            f"the image {spec.image} that container {found.name} was created from is "
            f"not on this host",
            hint="pull it again",
        )
    return spec, parent


@contextlib.contextmanager
def _still(host: Host, container_id: str, pause: bool) -> Iterator[Record]:
    """The container with nothing written to its disk meanwhile: stopped, or frozen.

    Its lock is held so long: nobody starts what is stopped, or stops what is frozen. One that runs
    on may end at any moment, and its exit hook needs the lock then.
    """
    with locked(host, container_id) as found:
        running = liveness.is_running(host.layout, found)
        if not running:
            yield found
            return
        if pause:
            with freeze.frozen(host, container_id):
                yield found
            return
    yield found


def _upper(layout: Layout, found: Record) -> Path:
    return layout.container(found.id) / "upper"


@functools.lru_cache(maxsize=1)
def _hashed(upper: Path, dummy_fingerprint: str) -> _Content:
    """What a container changed. A task looks before the commit and after it, and need not read it
    all again while nobody has written to it.
    """
    return _read(upper, assemble.Nowhere())


def _read(upper: Path, out: difference.Writable) -> _Content:
    layer = difference.write_layer(upper, out, snapshot.INIT_PATHS)
    if layer.diff_id == _NOTHING:
        return _Content("", "")
    return _Content(layer.diff_id, _newest(upper))


def _newest(upper: Path) -> str:
    """The time of the newest file the container wrote: as much a function of the content as the
    rest.

    Directories do not count: what the container was given at its start is in some of them too.
    """
    newest = 0
    skipped = {str(upper / path.lstrip("/")) for path in snapshot.INIT_PATHS}
    for directory, dummy, names in os.walk(upper):
        for name in names:
            path = os.path.join(directory, name)
            if path not in skipped:
                found = os.lstat(path)
                if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                    newest = max(newest, found.st_mtime_ns)
    return clock.text(newest, exact=False) if newest else ""


def _document(
    declared: Declared, spec: ContainerSpec, parent: store.Image, made: _Content
) -> dict[str, Any]:
    """The new image's config: the parent's, as the container was declared, with the changes."""
    base = parent.config
    both = (str(base.get("created") or assemble.EPOCH), made.newest)
    created = max(both, key=lambda moment: clock.seconds(moment) or 0.0)
    entry = {"created": created, "created_by": "slipway commit"}
    for key, value in (("author", declared.author), ("comment", declared.message)):
        if value:
            entry[key] = value
    if not made.diff_id:
        entry["empty_layer"] = True  # type: ignore[assignment]
    defaults = config_changes.with_options(_defaults(spec, parent), declared.options)
    diff_ids = [*parent.diff_ids, *([made.diff_id] if made.diff_id else [])]
    kept = {
        key: base[key] for key in ("architecture", "os", "variant", "os.version") if key in base
    }
    author = declared.author or base.get("author")
    return {
        **kept,
        **({"author": author} if author else {}),
        "created": created,
        "config": config_changes.change(defaults, declared.instructions),
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [*(base.get("history") or []), entry],
    }


def _defaults(spec: ContainerSpec, parent: store.Image) -> dict[str, Any]:
    """The parent's defaults with what the container was given in place of them, as in Docker."""
    defaults = store.defaults(parent)
    config = dict(parent.config.get("config") or {})
    ports = (f"{port.container_port}/{port.protocol}" for port in spec.ports)
    changed: dict[str, Any] = {
        "Entrypoint": list(entrypoint(spec, defaults)),
        "Cmd": list(command(spec, defaults)),
        "Env": [f"{name}={value}" for name, value in {**defaults.env, **spec.env}.items()],
        "Labels": {**defaults.labels, **spec.labels},
        "ExposedPorts": {port: {} for port in sorted({*defaults.exposed_ports, *ports})},
        "User": defaults.user if spec.user is None else spec.user,
        "WorkingDir": defaults.working_dir if spec.working_dir is None else spec.working_dir,
        "StopSignal": defaults.stop_signal if spec.stop_signal is None else spec.stop_signal,
    }
    for key, value in changed.items():
        config.pop(key, None)
        if value:
            config[key] = value
    return config


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == CURRENT:
        return Plan(have)
    return Plan(have, (Commit(declared, have.id),), have.unmet)


def verify(want: State, found: State) -> list[str]:
    """A running container may have changed again by now, so all that can be verified is that there
    is a new image.
    """
    before = want.local.id if want.local else ""
    if found.local is not None and found.local.id != before:
        return []
    return named_image.differences(want, found)


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=named_image.view,
    diff=named_image.diff,
    result=named_image.result,
    lock=lambda declared: named_image.lock(declared.reference.canonical),
    predict=named_image.predict,
    verify=verify,
)
