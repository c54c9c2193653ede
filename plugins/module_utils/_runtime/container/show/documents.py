# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inspect documents of the containers on this host: reading what inspect.py then shapes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...base.errors import NotFound
from ...base.frozen import replace
from ...base.layout import Layout
from ...plan.plan import Host
from ...records import container_record, foreseen
from ...records.container_record import Phase, Record
from ...spec.container import ImageDefaults
from ..files.init_of_image import wants_systemd
from ..status import liveness
from ..supervision import health
from . import inspect


def container(host: Host, container_id: str) -> dict[str, Any]:
    """One container as it is now, in the shape of docker inspect. Raises NotFound."""
    layout = host.layout
    now = liveness.current(layout, container_id)
    spec = container_record.read_spec(layout, container_id)
    image = container_record.read_image(layout, container_id)
    found = inspect.document(layout, spec, now, image)
    for key in ("NetworkMode", "PidMode", "IpcMode"):
        found["HostConfig"][key] = _by_id(layout, found["HostConfig"][key])
    well = health.shown(layout, now)
    if well is not None:
        found["State"]["Health"] = well
    return found


def _by_id(layout: Layout, mode: str) -> str:
    """A namespace mode as Docker shows it: another container by its id."""
    word, colon, name = mode.partition(":")
    if word == "container" and colon:
        with contextlib.suppress(NotFound):
            return f"container:{container_record.identify(layout, name)}"
    return mode


def containers(host: Host) -> Iterator[dict[str, Any]]:
    """Every container, as earlier tasks of a check-mode run would leave it; one that vanishes while
    we read is gone, which is an answer too.
    """
    told = foreseen.told_containers(host)
    if told:
        for one in foreseen.containers(host):
            with contextlib.suppress(NotFound):
                yield expected(host, one)
        return
    for container_id in container_record.all_ids(host.layout):
        with contextlib.suppress(NotFound):
            yield container(host, container_id)


def find(host: Host, name_or_id: str) -> dict[str, Any]:
    """The container of a name or an id, as earlier tasks of a check-mode run would leave it. Raises
    NotFound.
    """
    if not foreseen.told_containers(host):
        container_id = container_record.identify(host.layout, name_or_id)
        return container(host, container_id)
    found = foreseen.container(host, name_or_id)
    if found is None:
        raise container_record.not_found(name_or_id)
    return expected(host, found)


def expected(host: Host, one: foreseen.Container) -> dict[str, Any]:
    """A container as it will be; what only its making will tell, its id or its addresses, is
    empty.
    """
    if not one.told:
        return container(host, one.id)
    from ...image import expected as images
    from ...image.store import store

    found = images.find(host, one.spec.image_id or one.spec.image)
    image = None if found is None else found.image
    defaults = ImageDefaults() if image is None else store.defaults(image)
    made = _record(host, one)
    if image is not None and not made.created:
        made = replace(made, systemd=wants_systemd(host, image, one.spec))
    return inspect.document(host.layout, one.spec, made, defaults)


def record(host: Host, container_id: str, name: str) -> Record:
    """The record that a container will have, as far as it is known now. Raises NotFound."""
    told = foreseen.told_containers(host)
    one = foreseen.container(host, name) if name in told else None
    return liveness.current(host.layout, container_id) if one is None else _record(host, one)


def _record(host: Host, one: foreseen.Container) -> Record:
    kept = one.record
    if kept is not None and one.spec != container_record.read_spec(host.layout, kept.id):
        kept = None
    if kept is not None and one.running == (kept.phase in container_record.UP):
        return kept if kept.phase == "restarting" else replace(kept, phase=_phase(one, kept.phase))
    rest: Phase = "created" if kept is None else "exited"
    made = Record(one.id, one.name, "", ()) if kept is None else replace(kept, pid=0, pid_start=0)
    return replace(made, phase=_phase(one, rest))


def _phase(one: foreseen.Container, rest: Phase) -> Phase:
    if one.paused:
        return "paused"
    return "running" if one.running else rest
