# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running Docker or Podman has, as tasks. Only the engine is asked; nothing is changed.

A container is compared with its image: what it has from there is not declared, so that a later
image may say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable

from ....base.errors import Error, NotFound
from ....base.regex import regex
from ..play.objects import add_container, add_network, add_volume
from ..play.play import Play
from . import host_config, mount_config, network_config, process_config
from .api import Engine

#: Networks that an engine has by itself.
_BUILT_IN = frozenset(("bridge", "host", "none", "podman", "ingress", "docker_gwbridge"))
#: What the network of a container is called that asks for none.
_DEFAULT = frozenset(("", "default", "bridge", "podman", "slirp4netns", "pasta", "private"))
_ID = regex(r"\A[0-9a-f]{64}\Z")
#: Labels that an engine or a tool puts on what it makes.
_LABELS_OF_TOOLS = ("com.docker.compose.", "io.podman.compose.", "com.docker.volume.anonymous")

#: Variables that podman shows of every container.
_PODMANS_VARIABLES = frozenset(("HOME", "HOSTNAME", "PATH", "TERM", "container"))

_STATES = {"paused": "paused", "created": "created", "exited": "stopped", "stopped": "stopped",
           "dead": "stopped", "configured": "created"}  # fmt: skip


def declare(play: Play, engine: Engine, names: Sequence[str]) -> None:
    """Declare the containers named, or all, with what they use. Raises NotFound and Error."""
    found = _Found(play, engine, names)
    for network in found.networks():
        _unless_refused(play, f"network {network['Name']}", found.network, network)
    for volume in found.volumes():
        found.volume(volume)
    for container in found.containers:
        _unless_refused(play, container["Name"].lstrip("/"), found.container, container)


def _unless_refused(
    play: Play,
    name: str,
    make: Callable[[Mapping[str, Any]], None],
    found: Mapping[str, Any],
) -> None:
    """Declare one; that it cannot be here is no reason to leave out the others."""
    try:
        make(found)
    except Error as exc:
        play.note(name, f"it is left out: {exc}")


class _Found:
    def __init__(self, play: Play, engine: Engine, names: Sequence[str]) -> None:
        self.play, self.engine, self.chosen = play, engine, bool(names)
        self.podman = engine.podman()
        self.info = engine.info()
        self.containers = []
        for one in engine.containers(names):
            name = one["Name"].lstrip("/")
            if one.get("IsInfra") or (self.podman and name.endswith("-infra")):
                play.note(name, "it only holds a pod's namespaces, and there are no pods here")
            else:
                self.containers.append(one)
        self.names = {one["Id"]: one["Name"].lstrip("/") for one in self.containers}

    # --- networks and volumes ----------------------------------------------------------------

    def networks(self) -> Iterator[Mapping[str, Any]]:
        used = {name for one in self.containers for name in _networks(one)}
        for network in self.engine.networks():
            name = network["Name"]
            if name in _BUILT_IN or (self.chosen and name not in used):
                continue
            if network.get("Scope") not in (None, "", "local"):
                self.play.note(f"network {name}", "it is left out: it is of a swarm")
            else:
                yield network

    def network(self, found: Mapping[str, Any]) -> None:
        name, fixed = found["Name"], list(_addresses(self.containers, found["Name"]))
        asked = network_config.options(found, self.podman, fixed)
        labels = _own(found.get("Labels"))
        add_network(self.play, name, {**asked, **({"labels": labels} if labels else {})})

    def volumes(self) -> Iterator[Mapping[str, Any]]:
        used = {one.get("Name") for found in self.containers for one in found.get("Mounts") or ()}
        for volume in self.engine.volumes():
            if not _anonymous(volume["Name"]) and (not self.chosen or volume["Name"] in used):
                yield volume

    def volume(self, found: Mapping[str, Any]) -> None:
        name, options = found["Name"], found.get("Options") or {}
        add_volume(self.play, name, found.get("Driver") or "", options, _own(found.get("Labels")))
        if not options and found.get("Mountpoint"):
            self._move(name, name, found["Mountpoint"])

    def _move(self, volume: str, there: str, source: str) -> None:
        """Its data is that of a volume there, which containers may be writing to."""
        running = [
            one["Name"].lstrip("/")
            for one in self.containers
            if _running(one) and there in {mount.get("Name") for mount in one.get("Mounts") or ()}
        ]
        self.play.moved.append({"volume": volume, "source": source, "used_by": running})

    # --- containers --------------------------------------------------------------------------

    def container(self, found: Mapping[str, Any]) -> None:
        name, config, host = found["Name"].lstrip("/"), found["Config"], found["HostConfig"]
        try:
            image = self.engine.image(found["Image"])
        except NotFound:
            image = {}
            self.play.note(name, "its image is gone, so all that it had of it is declared")
        own = image.get("Config") or {}
        options: dict[str, Any] = {"image": self._image(name, found, image)}
        options |= process_config.options(config, own)
        env = _pairs(config.get("Env"))
        had = _pairs(own.get("Env"))
        made_by_podman = _PODMANS_VARIABLES if self.podman else frozenset()
        options["env"] = {
            key: value
            for key, value in env.items()
            if had.get(key) != value and (key in had or key not in made_by_podman)
        }
        labels, given = config.get("Labels") or {}, own.get("Labels") or {}
        options["labels"] = {
            key: value for key, value in _own(labels).items() if given.get(key) != value
        }
        options |= host_config.options(host, self.podman)
        if host_config.unsaid_access(host):
            self.play.note(
                name,
                "what it may do with its devices is not told, so the play has all of it (rwm)",
            )
        options |= self._shared(host, options)
        options |= self._defaults(name, host, options)
        options |= self._network_options(found, config, host)
        options["published_ports"] = host_config.published(host, self.podman)
        exposed = set(config.get("ExposedPorts") or ()) - set(own.get("ExposedPorts") or ())
        options["exposed_ports"] = sorted(exposed - set(host.get("PortBindings") or ()))
        options |= self._mounts(name, found, own)
        state = (found.get("State") or {}).get("Status", "running")
        if state in _STATES:
            options["state"] = _STATES[state]
        self.play.containers.append(
            {"name": name, "image": options["image"], "image_id": found["Image"],
             "running": _running(found)}
        )  # fmt: skip
        add_container(self.play, name, options)

    def _image(self, name: str, found: Mapping[str, Any], image: Mapping[str, Any]) -> str:
        """What it is pulled by: the name it was made with, while that is the image's."""
        asked = str(found["Config"].get("Image") or found.get("ImageName") or "")
        names = [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
        names = [one for one in names if "<none>" not in one]
        if asked and not _ID.match(asked.rpartition(":")[2]):
            tagged = asked if ":" in asked.rpartition("/")[2] or "@" in asked else f"{asked}:latest"
            ends = [one.rpartition("/")[2] for one in names]
            if image and tagged not in names and tagged.rpartition("/")[2] not in ends:
                self.play.note(name, f"{asked} is another image by now than the one it runs")
            return asked
        if names:
            return str(names[0])
        self.play.note(name, "its image has no name: save it there, and load it with image_load")
        return found["Image"] if ":" in found["Image"] else f"sha256:{found['Image']}"

    def _shared(self, host: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """The containers whose namespaces or volumes it has, by name instead of id."""
        found: dict[str, Any] = {}
        for option in ("pid_mode", "ipc_mode"):
            kind, dummy, other = str(options.get(option, "")).partition(":")
            if kind == "container":
                found[option] = f"container:{self.names.get(other, other)}"
        if options.get("volumes_from"):
            parts = (str(text).partition(":") for text in options["volumes_from"])
            found["volumes_from"] = [
                f"{self.names.get(one, one)}{colon}{mode}" for one, colon, mode in parts
            ]
        return found

    def _defaults(
        self, name: str, host: Mapping[str, Any], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What depends on how the engine is set up: cgroups, logs."""
        found: dict[str, Any] = {}
        if not self.podman and str(self.info.get("CgroupVersion", "1")) == "1":
            # There, a view of the host's groups is nobody's choice.
            found["cgroupns_mode"] = None
        log = host.get("LogConfig") or {}
        usual = {None, "", self.info.get("LoggingDriver")}
        # Podman calls its own file by Docker's name, and journald is what it takes by itself.
        usual |= {"json-file", "k8s-file", "journald", "passthrough"} if self.podman else set()
        if log.get("Type") not in usual:
            found["log_driver"] = log["Type"]
        given = {key: str(value) for key, value in (log.get("Config") or {}).items()}
        if given and not self.podman:
            found |= {"log_driver": log["Type"], "log_options": given}
        return found

    def _network_options(
        self, found: Mapping[str, Any], config: Mapping[str, Any], host: Mapping[str, Any]
    ) -> dict[str, Any]:
        options: dict[str, Any] = {}
        mode = str(host.get("NetworkMode") or "")
        kind, dummy, other = mode.partition(":")
        if kind in ("container", "ns"):
            return {"network_mode": f"container:{self.names.get(other, other)}"}
        if mode in ("host", "none"):
            return {"network_mode": mode}
        hostname = config.get("Hostname") or ""
        if hostname and not found["Id"].startswith(hostname):
            options["hostname"] = hostname
        if config.get("Domainname"):
            options["domainname"] = config["Domainname"]
        if config.get("MacAddress"):
            options["mac_address"] = config["MacAddress"]
        there = _networks(found)
        if there and set(there) - _DEFAULT:
            first = [mode] if mode in there else []
            order = [*first, *(name for name in there if name not in first)]
            options["networks"] = [self._endpoint(found, name, there[name]) for name in order]
        return options

    def _endpoint(
        self, found: Mapping[str, Any], name: str, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        own = {found["Name"].lstrip("/"), found["Id"][:12]}
        ipam = given.get("IPAMConfig") or {}
        endpoint: dict[str, Any] = {"name": "bridge" if name == "podman" else name}
        endpoint["ipv4_address"] = ipam.get("IPv4Address")
        endpoint["ipv6_address"] = ipam.get("IPv6Address")
        endpoint["aliases"] = [one for one in given.get("Aliases") or () if one not in own]
        endpoint["links"] = given.get("Links")
        endpoint["driver_opts"] = given.get("DriverOpts")
        return {key: value for key, value in endpoint.items() if value}

    def _mounts(
        self, name: str, found: Mapping[str, Any], own: Mapping[str, Any]
    ) -> dict[str, Any]:
        asked = {one.get("Target"): one for one in found["HostConfig"].get("Mounts") or () if one}
        volumes, mounts = [], []
        inherited = self._inherited(found)
        for one in found.get("Mounts") or ():
            target, kind = one["Destination"], one.get("Type") or "bind"
            if (target, one.get("Name") or one.get("Source")) in inherited:
                continue
            if kind == "tmpfs":
                if target in asked:
                    mounts.append(mount_config.tmpfs(asked[target]))
                continue
            more = mount_config.suboptions(asked.get(target) or {})
            source = one.get("Name") if kind == "volume" else one.get("Source")
            if kind == "volume" and _anonymous(str(source)):
                source = self._named(name, target, one)
            if more:
                given = {"type": kind, "source": source, "target": target, **more}
                mounts.append({**given, **({} if one.get("RW", True) else {"read_only": True})})
                continue
            volumes.append(mount_config.volume(str(source), one))
        return {"volumes": sorted(volumes), "mounts": mounts}

    def _inherited(self, found: Mapping[str, Any]) -> set[tuple[str, Any]]:
        """The mounts that a container has of those of its --volumes-from."""
        sources = {text.partition(":")[0] for text in found["HostConfig"].get("VolumesFrom") or ()}
        return {
            (mount["Destination"], mount.get("Name") or mount.get("Source"))
            for one in self.containers
            if sources & {one["Id"], one["Name"].lstrip("/")}
            for mount in one.get("Mounts") or ()
        }

    def _named(self, name: str, target: str, mount: Mapping[str, Any]) -> str:
        """An anonymous volume gets a name, as its data could not be moved otherwise."""
        called = f"{name}-{re.sub('[^a-zA-Z0-9]+', '-', target).strip('-')}"
        self.play.note(name, f"the anonymous volume at {target} is the volume {called} here")
        add_volume(self.play, called, "", {}, {})
        if mount.get("Source"):
            self._move(called, mount["Name"], mount["Source"])
        return called


def _running(found: Mapping[str, Any]) -> bool:
    state = (found.get("State") or {}).get("Status", "running")
    return state in ("running", "paused", "restarting")


def _networks(found: Mapping[str, Any]) -> Mapping[str, Any]:
    networks: Mapping[str, Any] = (found.get("NetworkSettings") or {}).get("Networks") or {}
    return networks


def _addresses(containers: Iterable[Mapping[str, Any]], network: str) -> Iterator[str]:
    """The addresses that containers ask for on a network."""
    for one in containers:
        given = (_networks(one).get(network) or {}).get("IPAMConfig") or {}
        yield from (value for value in map(given.get, ("IPv4Address", "IPv6Address")) if value)


def _own(labels: Any) -> dict[str, str]:
    """The labels that somebody chose."""
    return {
        key: value for key, value in (labels or {}).items() if not key.startswith(_LABELS_OF_TOOLS)
    }


def _anonymous(name: str) -> bool:
    return bool(_ID.match(name))


def _pairs(texts: Any) -> dict[str, str]:
    return {name: value for name, dummy, value in (text.partition("=") for text in texts or ())}
