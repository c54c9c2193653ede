# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running Docker or Podman has, as tasks. Only the engine is asked; nothing is changed.

A container is compared with its image: what it has from there is not declared, so that a later
image may say otherwise.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable

from ....base.errors import Error, NotFound
from ....base.regex import regex
from ..play.objects import add_container, add_network, add_volume
from ..play.play import Play
from . import host_config, process_config
from .api import Engine

#: Networks that an engine has by itself.
_BUILT_IN = frozenset(("bridge", "host", "none", "podman", "ingress", "docker_gwbridge"))
#: What the network of a container is called that asks for none.
_DEFAULT = frozenset(("", "default", "bridge", "podman", "slirp4netns", "pasta", "private"))
#: Where engines take the subnets of networks from that name none.
_POOLS = tuple(
    map(ipaddress.ip_network, ("172.16.0.0/12", "192.168.0.0/16", "10.88.0.0/15", "10.90.0.0/16"))
)
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
        name, options = found["Name"], dict(found.get("Options") or {})
        asked: dict[str, Any] = {}
        if found.get("Driver") != "bridge":
            asked["driver"] = found.get("Driver")
        if self.podman:
            options = {key: value for key, value in options.items() if key in ("parent", "mode")}
        if options:
            asked["driver_options"] = options
        pools = [_pool(one) for one in (found.get("IPAM") or {}).get("Config") or ()]
        fixed = list(_addresses(self.containers, name))
        kept = [one for one in pools if self._chosen_subnet(one, fixed)]
        if kept:
            asked["ipam_config"] = kept
        if found.get("EnableIPv4") is False:
            asked["enable_ipv4"] = False
        if found.get("EnableIPv6"):
            asked["enable_ipv6"] = True
        for key, option in (("Internal", "internal"), ("ConfigOnly", "config_only")):
            if found.get(key):
                asked[option] = True
        source = (found.get("ConfigFrom") or {}).get("Network")
        if source:
            asked["config_from"] = source
        labels = _own(found.get("Labels"))
        add_network(self.play, name, {**asked, **({"labels": labels} if labels else {})})

    def _chosen_subnet(self, pool: Mapping[str, Any], fixed: Iterable[str]) -> bool:
        """Whether somebody chose a subnet: it has a range or reserved addresses, an address in it
        is given to a container, or no engine would have taken it by itself.
        """
        subnet = ipaddress.ip_network(pool["subnet"], strict=False)
        if set(pool) - {"subnet", "gateway"}:
            return True
        if any(ipaddress.ip_address(one) in subnet for one in fixed):
            return True
        return not any(
            subnet.version == one.version and subnet.subnet_of(one)  # type: ignore[arg-type]
            for one in _POOLS
        )

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
                    mounts.append(_tmpfs(asked[target]))
                continue
            more = _suboptions(asked.get(target) or {})
            source = one.get("Name") if kind == "volume" else one.get("Source")
            if kind == "volume" and _anonymous(str(source)):
                source = self._named(name, target, one)
            if more:
                given = {"type": kind, "source": source, "target": target, **more}
                mounts.append({**given, **({} if one.get("RW", True) else {"read_only": True})})
                continue
            modes = [] if one.get("RW", True) else ["ro"]
            words = str(one.get("Mode") or "").split(",")
            # Docker shows the first of them of every volume that has a name.
            relabel = ("z", "Z") if kind == "bind" else ()
            modes += [word for word in words if word in ("nocopy", *relabel)]
            if kind == "bind" and one.get("Propagation") not in (None, "", "rprivate", "private"):
                modes.append(one["Propagation"])
            volumes.append(":".join([str(source), target, *([",".join(modes)] if modes else [])]))
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


def _pool(found: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Subnet": "subnet", "Gateway": "gateway", "IPRange": "iprange",
             "AuxiliaryAddresses": "aux_addresses", "AuxAddress": "aux_addresses"}  # fmt: skip
    return {names[key]: value for key, value in found.items() if key in names and value}


def _own(labels: Any) -> dict[str, str]:
    """The labels that somebody chose."""
    return {
        key: value for key, value in (labels or {}).items() if not key.startswith(_LABELS_OF_TOOLS)
    }


def _anonymous(name: str) -> bool:
    return bool(_ID.match(name))


def _pairs(texts: Any) -> dict[str, str]:
    return {name: value for name, dummy, value in (text.partition("=") for text in texts or ())}


def _tmpfs(asked: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "tmpfs", "target": asked["Target"]}
    options = asked.get("TmpfsOptions") or {}
    if options.get("SizeBytes"):
        found["tmpfs_size"] = str(options["SizeBytes"])
    if options.get("Mode"):
        found["tmpfs_mode"] = f"{options['Mode']:o}"
    return {**found, **({"read_only": True} if asked.get("ReadOnly") else {})}


def _suboptions(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a --mount says that volumes cannot."""
    bind, volume = asked.get("BindOptions") or {}, asked.get("VolumeOptions") or {}
    found: dict[str, Any] = {}
    for one, key, option in (
        (bind, "NonRecursive", "non_recursive"),
        (bind, "CreateMountpoint", "create_mountpoint"),
        (bind, "ReadOnlyNonRecursive", "read_only_non_recursive"),
        (bind, "ReadOnlyForceRecursive", "read_only_force_recursive"),
        (volume, "NoCopy", "no_copy"),
        (volume, "Subpath", "subpath"),
        (volume, "Labels", "labels"),
    ):
        if one.get(key):
            found[option] = one[key]
    if found and bind.get("Propagation") not in (None, "", "rprivate"):
        found["propagation"] = bind["Propagation"]
    return found
