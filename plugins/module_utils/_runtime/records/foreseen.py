# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there as recorded, and as the earlier tasks of a check-mode run would leave it.

Such a task tells what it would have made or removed, by kind and name (``Host.predicted``); only
this file reads that. ``told_*`` have what was said, typed: a name that is missing was not spoken
of, None is that nothing of that name will be left. ``containers``, ``container``, ``networks`` and
``network`` join it with the records; image/expected.py and volume/expected.py do so for what is
kept in stores of their own. ``as_*`` write what a task says.

In a real run nothing is told, and nothing is decoded or joined.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Callable, Generic, Optional, TypeVar

from ..base import document
from ..base.errors import NotFound
from ..base.frozen import dataclass, replace
from ..plan.plan import Host
from ..spec.volume import Volume

if TYPE_CHECKING:
    from ..spec.container import ContainerSpec
    from ..spec.network import Network, NetworkSpec
    from .container_record import Record

T = TypeVar("T")

#: The kind that holds images without a name, by id or, where that cannot be known yet, by digest or
#: mark.
UNTAGGED = "untagged image"


class Told(Mapping[str, Optional[T]], Generic[T]):
    """What was said of each name of a kind, decoded when it is asked for."""

    def __init__(self, host: Host, kind: str, decode: Callable[[str, Any], T]) -> None:
        self._said: Mapping[str, Any] = host.predicted.get(kind) or {}
        self._decode = decode

    def __getitem__(self, name: str) -> Optional[T]:
        value = self._said[name]
        return None if value is None else self._decode(name, value)

    def __contains__(self, name: object) -> bool:
        return name in self._said

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)

    def gone(self, name: str) -> bool:
        """Whether nothing of that name will be left."""
        return name in self._said and self._said[name] is None

    def kept(self) -> Iterator[tuple[str, T]]:
        """What will be there, by name."""
        for name, value in self._said.items():
            if value is not None:
                yield name, self._decode(name, value)


@dataclass(frozen=True)
class Container:
    """A container as it will be.

    ``record`` is that of the container with this name, with its true phase; None where there is
    none yet. ``told`` is that an earlier task would have made or changed it: ``id`` is then "" for
    one that is new. ``running`` is also a paused one, and one that waits for its next start;
    ``completed`` is that it will have run to its end, and well.
    """

    name: str
    spec: ContainerSpec
    running: bool = False
    paused: bool = False
    id: str = ""
    record: Optional[Record] = None
    told: bool = False
    completed: bool = False


@dataclass(frozen=True)
class Image:
    """An image that a task would make: "" is what cannot be known yet, and a digest that begins
    with ``?`` is a mark that stands for one.
    """

    id: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Packed:
    """An image in an archive that a task would write."""

    id: str
    names: tuple[str, ...]


def told_containers(host: Host) -> Told[Container]:
    """What earlier tasks of a check-mode run predict of containers."""
    return Told(host, "container", _container)


def _container(name: str, value: Any) -> Container:
    from . import prediction

    spec = prediction.read(value["spec"], f"prediction of container {name}")
    running, paused = bool(value.get("running")), bool(value.get("paused"))
    container_id, completed = str(value.get("id") or ""), bool(value.get("completed"))
    return Container(name, spec, running, paused, container_id, told=True, completed=completed)


def as_container(
    spec: ContainerSpec,
    running: bool,
    paused: bool = False,
    container_id: str = "",
    completed: bool = False,
) -> dict[str, Any]:
    """A container as a prediction."""
    from . import prediction

    return {
        **({"completed": True} if completed else {}),
        "spec": prediction.told(spec),
        "running": running,
        "paused": paused,
        "id": container_id,
    }


def told_networks(host: Host) -> Told[NetworkSpec]:
    """What earlier tasks of a check-mode run predict of networks."""
    return Told(host, "network", _network)


def _network(name: str, value: Any) -> NetworkSpec:
    from ..spec.network import NetworkSpec

    return document.from_json(NetworkSpec, value["spec"], f"prediction of network {name}")


def as_network(spec: NetworkSpec) -> dict[str, Any]:
    """A network as a prediction."""
    return {"spec": document.to_json(spec)}


def told_volumes(host: Host) -> Told[Volume]:
    """What earlier tasks of a check-mode run predict of volumes."""
    return Told(host, "volume", _volume)


def _volume(name: str, value: Any) -> Volume:
    return Volume(
        name,
        "",
        driver_options=value["driver_options"],
        labels=value["labels"],
        anonymous=value["anonymous"],
    )


def as_volume(
    driver_options: Mapping[str, str], labels: Mapping[str, str], anonymous: bool = False
) -> dict[str, Any]:
    """A volume as a prediction."""
    return {
        "driver_options": dict(driver_options),
        "labels": dict(labels),
        "anonymous": anonymous,
    }


def told_images(host: Host) -> Told[Image]:
    """By normalised reference, and by ``repository@digest``."""
    return Told(host, "image", _image)


def told_untagged(host: Host) -> Told[Image]:
    """Images without a name, by id, digest or mark."""
    return Told(host, UNTAGGED, _image)


def _image(name: str, value: Any) -> Image:
    return Image(str(value.get("id") or ""), str(value.get("digest") or ""))


def as_image(image_id: str, digest: str = "") -> dict[str, str]:
    """An image as a prediction; "" is what only the run can tell."""
    return {"id": image_id, "digest": digest}


def told_registries(host: Host) -> Told[str]:
    """The digests that registries will serve, "" for one nobody knows yet, by reference."""
    return Told(host, "registry", lambda name, value: str(value or ""))


def told_archives(host: Host) -> Told[tuple[Packed, ...]]:
    """What archives of images will hold, by path."""
    return Told(host, "archive", _archive)


def _archive(path: str, value: Any) -> tuple[Packed, ...]:
    return tuple(
        Packed(str(image["id"]), tuple(map(str, image["names"]))) for image in value["images"]
    )


def as_archive(images: tuple[Packed, ...]) -> dict[str, Any]:
    """An archive of images as a prediction."""
    return {"images": [{"id": image.id, "names": list(image.names)} for image in images]}


def told_outputs(host: Host) -> Told[str]:
    """The image whose files a path will hold, by id, digest or mark: what a build writes there."""
    return Told(host, "build output", lambda path, value: str(value.get("image") or ""))


def as_output(path: str, image: str) -> dict[str, dict[str, Any]]:
    """The prediction of a file or directory that a build writes."""
    return {"build output": {path: {"image": image}}}


def program_stands(host: Host) -> bool:
    """Whether an earlier task would have installed the program."""
    return host.predicted.get("program", {}).get("current") is not None


def firewall_stands(host: Host) -> bool:
    """Whether an earlier task would have made the rules of all networks stand."""
    return "firewall" in host.predicted


def watcher_runs(host: Host) -> bool:
    """Whether an earlier task would have made sure of the watcher."""
    return "watcher" in host.predicted


def boot_stands(host: Host) -> bool:
    """Whether an earlier task would have arranged that containers start with the host."""
    return "boot" in host.predicted


#: What a task says that leaves the firewall, the watcher, the start with the host or the program in
#: order.
FIREWALL: Mapping[str, dict[str, Any]] = {"firewall": {"table": {}}}
WATCHER: Mapping[str, dict[str, Any]] = {"watcher": {"runs": True}}
BOOT: Mapping[str, dict[str, Any]] = {"boot": {"arranged": True}}
PROGRAM: Mapping[str, dict[str, Any]] = {"program": {"current": True}}


def containers(host: Host) -> Iterator[Container]:
    """Every container as it will be. One that vanishes while we read is gone."""
    from . import running

    told = told_containers(host)
    known = {}
    for found in running.seen(host):
        if found.name in told:
            known[found.name] = found
            continue
        with contextlib.suppress(NotFound):
            yield _recorded(host, found)
    for name, one in told.kept():
        yield replace(one, record=known.get(name))


def _recorded(host: Host, found: Record) -> Container:
    from .container_record import UP, read_spec

    spec = read_spec(host.layout, found.id)
    up, paused = found.phase in UP, found.phase == "paused"
    return Container(found.name, spec, up, paused, found.id, found)


def container(host: Host, name_or_id: str) -> Optional[Container]:
    """The container of a name, an id or an unambiguous start of one, as it will be; None when
    there is none.
    """
    from . import container_record, running

    told = told_containers(host)
    if told.gone(name_or_id):
        return None
    try:
        container_id = container_record.identify(host.layout, name_or_id)
        found = running.truth(container_record.read_record(host.layout, container_id))
        if found.name not in told:
            return _recorded(host, found)
    except NotFound:
        return told.get(name_or_id)
    one = told[found.name]
    return None if one is None else replace(one, record=found)


def records(host: Host) -> list[Record]:
    """The records of the containers that will be there, with the phases they will have."""
    from . import running

    told = told_containers(host)
    found = list(running.seen(host))
    if not told:
        return found
    return [
        one if one.name not in told else _with_phase(one, told[one.name])
        for one in found
        if not told.gone(one.name)
    ]


def _with_phase(found: Record, one: Optional[Container]) -> Record:
    from .container_record import UP

    if one is None or one.running == (found.phase in UP):
        return found
    return replace(found, phase="running" if one.running else "exited", pid=0)


def recorded(host: Host, name_or_id: str) -> Optional[Record]:
    """The record of a container that stays the one it is, whether it runs or not; None when an
    earlier task would make it, or put another one in its place.

    Raises NotFound when there is none, or would be none by then.
    """
    from .container_record import not_found, read_spec

    one = container(host, name_or_id)
    if one is None:
        raise not_found(name_or_id)
    found = one.record
    if found is None or not one.told:
        return found
    return found if one.spec == read_spec(host.layout, found.id) else None


def networks(host: Host) -> list[Network]:
    """Every network but the predefined ones without a record, by name, as it will be."""
    from . import network_record

    told = told_networks(host)
    recorded = network_record.networks(host.layout)
    if not told:
        return recorded
    known = {found.spec.name: found for found in recorded}
    found = [one for name, one in known.items() if name not in told]
    found += [with_spec(known.get(name), spec) for name, spec in told.kept()]
    return sorted(found, key=lambda one: one.spec.name)


def network(host: Host, name_or_id: str) -> Optional[Network]:
    """The network of a name, an id or an unambiguous start of one, as it will be; None when there
    is none.
    """
    from . import network_record

    found = network_record.seen(host, name_or_id)
    told = told_networks(host)
    if not told:
        return found
    name = found.spec.name if found is not None else name_or_id
    if name not in told:
        # The id of a network follows from its name, so one that is not there yet has one.
        name = next((one for one in told if network_record.is_id_of(name_or_id, one)), name)
    if name not in told:
        return found
    spec = told[name]
    return None if spec is None else with_spec(found, spec)


def with_spec(found: Optional[Network], spec: NetworkSpec) -> Network:
    """A network with a spec; what only its record would tell is left open."""
    from ..spec.network import Network
    from . import network_record

    if found is not None and found.spec.name == spec.name:
        return replace(found, spec=spec)
    return Network(network_record.network_id(spec.name), spec, network_record.interface(spec), "")
