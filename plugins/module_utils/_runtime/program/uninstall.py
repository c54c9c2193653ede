# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking everything that slipway keeps off a host, as a resource: containers, networks, volumes,
images, the service for the boot, the program, and the directories. Packages stay, and so does the
administrator's own directory, ``etc``, unless it is asked for.

A container goes as it does by itself, since mounts, links and control groups go with it; what is a
file only goes with its directory. So a removal that is killed half way is finished by the next.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base import files
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, replace
from ..base.layout import Layout
from ..container.lifecycle import actions
from ..container.supervision import boot, watcher
from ..image.store import store
from ..kernel import cgroups
from ..network import attach
from ..network.firewall import firewall
from ..network.names import aardvark
from ..plan.plan import Host, Plan, Resource, Step
from ..records import container_record, network_record
from ..resource.network import steps as network_steps
from ..volume import store as volume_store
from ..volume import users as volume_users
from . import bash_completion, zipapp

#: How long the watcher and exit hooks may take to end once their containers are gone, in seconds.
_END_S = 20.0


@dataclass(frozen=True)
class Declared:
    """``volumes``: their data may go. ``configuration``: ``etc`` goes too."""

    volumes: bool = False
    configuration: bool = False


@dataclass(frozen=True)
class Remains:
    """What is on the host: names of objects, for each image all it has, and the paths of everything
    else. ``gone`` are kinds and names of what was, for predictions.
    """

    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    anonymous: tuple[str, ...] = ()
    images: tuple[tuple[str, ...], ...] = ()
    firewall: bool = False
    paths: tuple[str, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RemoveContainer(Step[Remains]):
    """Kill a container and remove it, with its anonymous volumes."""

    name: str

    def describe(self) -> str:
        return f"remove container {self.name}"

    def after(self, have: Remains) -> Remains:
        gone = (*have.gone, ("container", self.name))
        return replace(have, containers=_without(have.containers, self.name), gone=gone)

    def execute(self, host: Host) -> None:
        with contextlib.suppress(NotFound):
            actions.remove(host, actions.identify(host, self.name), volumes=True, force=True)


@dataclass(frozen=True)
class RemoveNetwork(Step[Remains]):
    name: str

    def describe(self) -> str:
        return f"remove network {self.name}"

    def after(self, have: Remains) -> Remains:
        gone = (*have.gone, ("network", self.name))
        return replace(have, networks=_without(have.networks, self.name), gone=gone)

    def execute(self, host: Host) -> None:
        with files.lock(host.layout.lock(*attach.LOCK), deadline_s=host.lock_timeout_s):
            network_steps.remove(host, self.name)


@dataclass(frozen=True)
class RemoveVolume(Step[Remains]):
    """Remove a volume and its data."""

    name: str

    def describe(self) -> str:
        return f"remove volume {self.name}"

    def after(self, have: Remains) -> Remains:
        return replace(
            have,
            volumes=_without(have.volumes, self.name),
            anonymous=_without(have.anonymous, self.name),
            gone=(*have.gone, ("volume", self.name)),
        )

    def execute(self, host: Host) -> None:
        with contextlib.suppress(NotFound):
            volume_users.remove(host, self.name)


@dataclass(frozen=True)
class RemoveImages(Step[Remains]):
    """Only says so: their files go with the directories."""

    count: int

    def describe(self) -> str:
        return f"remove {self.count} image{'s' if self.count > 1 else ''}"

    def after(self, have: Remains) -> Remains:
        names = tuple(("image", name) for one in have.images for name in one)
        return replace(have, images=(), gone=(*have.gone, *names))

    def execute(self, host: Host) -> None:
        pass


@dataclass(frozen=True)
class RemoveFirewall(Step[Remains]):
    def describe(self) -> str:
        return "remove the table of the firewall"

    def after(self, have: Remains) -> Remains:
        return replace(have, firewall=False)

    def execute(self, host: Host) -> None:
        firewall.apply((), ())


@dataclass(frozen=True)
class RemovePaths(Step[Remains]):
    """Remove what is left, the service first, which would start what is no longer there."""

    paths: tuple[str, ...]

    def describe(self) -> str:
        return f"remove {', '.join(self.paths)}"

    def after(self, have: Remains) -> Remains:
        return replace(have, paths=())

    def execute(self, host: Host) -> None:
        _await_end(host.layout)
        asked = boot.arrangement(host.layout)
        if asked is not None:
            boot.withdraw(asked)
        for path in map(Path, self.paths):
            _remove(path)
        cgroups.remove_empty()


def _remove(path: Path) -> None:
    """Remove a file or a directory; one that is a filesystem of its own stays, without content."""
    if not path.is_dir() or path.is_symlink():
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    elif str(path) in files.mounts(path):
        for below in path.iterdir():
            _remove(below)
    else:
        files.remove_tree(path)


def _await_end(layout: Layout) -> None:
    """Wait until nothing runs that would make the directories again: watcher and exit hooks."""
    aardvark.stop(layout)
    watcher.poke(layout)
    deadline = time.monotonic() + _END_S
    while watcher.listens(layout) or any(_helpers(layout)):
        if time.monotonic() > deadline:
            found = ", ".join(map(str, _helpers(layout))) or "the watcher"
            raise Error(f"processes of containers have not ended: {found}", hint="run it again")
        time.sleep(0.05)


def _helpers(layout: Layout) -> Iterator[int]:
    """Processes of the program that supervise containers: exit hooks, the watcher."""
    program = os.fsencode(zipapp.program(layout))
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                argv = Path(entry.path, "cmdline").read_bytes().split(b"\0")
                if program in argv[:3] and b"supervise" in argv:
                    yield int(entry.name)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of host_reset."""
    return Declared(bool(params.get("volumes")), bool(params.get("configuration")))


def observe(host: Host, declared: Declared) -> Remains:
    layout = host.layout
    volumes = sorted(volume_store.volumes(layout), key=lambda one: one.name)
    return Remains(
        tuple(sorted(one.name for one in container_record.records(layout))),
        tuple(sorted(one.spec.name for one in network_record.networks(layout))),
        tuple(one.name for one in volumes if not one.anonymous),
        tuple(one.name for one in volumes if one.anonymous),
        tuple(sorted(one.names for one in store.all_images(layout))),
        not firewall.current((), ()),
        tuple(_paths(layout, declared)),
    )


def _paths(layout: Layout, declared: Declared) -> Iterator[str]:
    asked = boot.arrangement(layout)
    service = () if asked is None else (asked.path, *([asked.link] if asked.link else []))
    ours = (bash_completion.PLACE,) if bash_completion.ours() else ()
    launcher = (zipapp.LAUNCHER,) if zipapp.launches(layout) else ()
    configuration = (layout.etc,) if declared.configuration else ()
    for path in (*service, *ours, *launcher, *configuration, layout.run, layout.root):
        name = os.fspath(path)
        if os.path.lexists(path) and not (name in files.mounts(path) and not os.listdir(path)):
            yield name


def plan(declared: Declared, have: Remains) -> Plan[Remains]:
    steps: list[Step[Remains]] = [RemoveContainer(name) for name in have.containers]
    steps += [RemoveNetwork(name) for name in have.networks]
    steps += [RemoveVolume(name) for name in (*have.volumes, *have.anonymous)]
    if have.images:
        steps.append(RemoveImages(len(have.images)))
    if have.firewall:
        steps.append(RemoveFirewall())
    if have.paths:
        steps.append(RemovePaths(have.paths))
    unmet: Sequence[str] = ()
    if have.volumes and not declared.volumes:
        some = ", ".join(have.volumes[:5]) + (", ..." if len(have.volumes) > 5 else "")
        unmet = (f"volumes hold data: {some}; say volumes: true to remove them, or back them up",)
    return Plan(have, tuple(steps), tuple(unmet))


def view(found: Remains) -> dict[str, Any]:
    return {
        "containers": list(found.containers),
        "networks": list(found.networks),
        "volumes": [*found.volumes, *found.anonymous],
        "images": [name for names in found.images for name in names or ("<none>",)],
        "firewall": found.firewall,
        "paths": list(found.paths),
    }


def predict(found: Remains) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for kind, name in found.gone:
        told.setdefault(kind, {})[name] = None
    return told


def _without(names: tuple[str, ...], gone: str) -> tuple[str, ...]:
    return tuple(name for name in names if name != gone)


RESOURCE: Resource[Declared, Remains] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=lambda host, found: {},
    lock=lambda declared: ("reset", "host"),
    predict=predict,
    ends=True,
)
