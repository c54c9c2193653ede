# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of networks: ``networks/<id>/network.json``.

A network's id is the SHA-256 of its name, so the directory is the claim of the name (two makers
meet at the rename), a recreated network keeps its ID, and a check-mode run knows the id of a
network that is not there yet. The networks ``host``, ``none`` and ``bridge`` exist without a
record; ``bridge`` gets one, and its subnet, on its first use.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Optional

from ..base import clock, document, files
from ..base.errors import Error, NotFound
from ..base.layout import Layout
from ..base.regex import regex
from ..plan.plan import Host
from ..spec.container import DEFAULT_NETWORK
from ..spec.identifiers import is_name
from ..spec.network import Network, NetworkSpec

DEFAULT = DEFAULT_NETWORK

#: Names that exist on every host and cannot be removed.
PREDEFINED = (DEFAULT_NETWORK, "host", "none")

#: Drivers whose links have a parent interface on the host, and the option that has their mode.
PARENTED = {"macvlan": "macvlan_mode", "ipvlan": "ipvlan_mode"}

#: Docker's options, with our default bridge's own name.
BRIDGE_OPTION = "com.docker.network.bridge.name"
MTU_OPTION = "com.docker.network.driver.mtu"
ICC_OPTION = "com.docker.network.bridge.enable_icc"
HOST_IP_OPTION = "com.docker.network.bridge.host_binding_ipv4"
DEFAULT_OPTION = "com.docker.network.bridge.default_bridge"
PREFIX_OPTION = "com.docker.network.container_iface_prefix"
PARENT_OPTION = "parent"
_DEFAULT_BRIDGE = "slipway0"
_DEFAULT_MODES = {"macvlan": "bridge", "ipvlan": "l2"}

_ID_PREFIX = regex(r"\A[0-9a-f]{4,64}\Z", re.ASCII)
#: dev_valid_name() of the kernel, less what would need quoting; IFNAMSIZ is 16 with its NUL.
_INTERFACE = regex(r"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}\Z", re.ASCII)


def check_name(name: str) -> None:
    """Raise Error unless a text may be a network's name."""
    if not is_name(name):
        raise Error(
            f"{name[:60]!r} is not a network name",
            hint="use at most 128 letters, digits, '_', '.' and '-', first a letter or digit",
        )


def check_interface(name: str) -> None:
    """Raise Error unless a text may be a network interface's name."""
    if not _INTERFACE.match(name):
        raise Error(
            f"{name[:60]!r} is not an interface name",
            hint="use at most 15 letters, digits, '_', '.' and '-'",
        )


def network_id(name: str) -> str:
    """The id of the network of that name, whether it exists or not."""
    return hashlib.sha256(f"slipway network {name}".encode()).hexdigest()


def is_id_of(text: str, name: str) -> bool:
    """Whether a text is the start of the id of the network of that name."""
    return bool(_ID_PREFIX.match(text)) and network_id(name).startswith(text)


def bridge_name(name: str, driver_options: Mapping[str, str]) -> str:
    """The interface of a network: what its options say, or a name made from its id."""
    named = driver_options.get(BRIDGE_OPTION)
    if named:
        return named
    return _DEFAULT_BRIDGE if name == DEFAULT else f"sl-{network_id(name)[:10]}"


def interface(spec: NetworkSpec) -> str:
    """The interface of the host that a network needs: its bridge, or its links' parent.

    A macvlan or ipvlan network without a parent gets one of its own, which leads nowhere.
    """
    if spec.config_only or spec.driver not in ("bridge", *PARENTED):
        return ""
    if spec.driver in PARENTED:
        return spec.driver_options.get(PARENT_OPTION) or bridge_name(spec.name, {})
    return bridge_name(spec.name, spec.driver_options)


def parentless(spec: NetworkSpec) -> bool:
    """Whether a macvlan or ipvlan network is to have a parent of its own."""
    return spec.driver in PARENTED and not spec.driver_options.get(PARENT_OPTION)


def vlan(parent: str) -> Optional[tuple[str, int]]:
    """The interface and the VLAN that a parent such as ``eth0.50`` names; None for other names."""
    below, dot, number = parent.rpartition(".")
    if dot and below and number.isdecimal() and 1 <= int(number) <= 4094:
        return below, int(number)
    return None


def mode(spec: NetworkSpec) -> str:
    """The mode of a macvlan or ipvlan network's links; "" for other drivers."""
    if spec.driver not in PARENTED:
        return ""
    return spec.driver_options.get(PARENTED[spec.driver]) or _DEFAULT_MODES[spec.driver]


def mtu(network: Network) -> int:
    """The MTU of a network's links in bytes; 0 is that of their parent."""
    standard = "0" if network.spec.driver in PARENTED else "1500"
    return int(network.spec.driver_options.get(MTU_OPTION, standard))


def bridge_addresses(network: Network) -> list[str]:
    """The bridge's own addresses: each pool's gateway with its subnet's prefix length.

    A parent gets none: the gateway there is somebody else's.
    """
    if network.spec.driver != "bridge":
        return []
    return [
        f"{pool.gateway}/{pool.subnet.partition('/')[2]}"
        for pool in network.spec.pools
        if pool.gateway
    ]


def predefined(name: str) -> Optional[Network]:
    """A network that exists without a record; ``bridge`` has no pool then. None for other names."""
    if name not in PREDEFINED:
        return None
    driver = {"bridge": "bridge", "host": "host", "none": "null"}[name]
    bridge = _DEFAULT_BRIDGE if name == DEFAULT else ""
    return Network(network_id(name), NetworkSpec(name, driver=driver), bridge, "")


def find(layout: Layout, name_or_id: str) -> Optional[Network]:
    """The network of a name, an id or an unambiguous start of one; None when there is none."""
    if is_name(name_or_id):
        found = _read(layout, network_id(name_or_id)) or predefined(name_or_id)
        if found is not None:
            return found
    beginning = _beginning(layout, name_or_id)
    return _read(layout, beginning) if beginning else None


def identify(layout: Layout, name_or_id: str) -> Optional[str]:
    """The id of the network that ``find`` finds, though its record cannot be read."""
    if is_name(name_or_id):
        named = network_id(name_or_id)
        if name_or_id in PREDEFINED or (layout.network(named) / "network.json").exists():
            return named
    return _beginning(layout, name_or_id)


def _beginning(layout: Layout, text: str) -> Optional[str]:
    """The one id that begins with a text. Raises Error for several."""
    ids = [i for i in _ids(layout) if i.startswith(text)] if _ID_PREFIX.match(text) else []
    if len(ids) > 1:
        raise Error(
            f"{text} is ambiguous: {len(ids)} network IDs start with it", hint="use more of it"
        )
    return ids[0] if ids else None


def is_damaged(layout: Layout, network: str) -> bool:
    """Whether the record of the network of that id cannot be read."""
    try:
        _read(layout, network)
    except Error:
        return True
    return False


def seen(host: Host, name_or_id: str) -> Optional[Network]:
    """As ``find``, but read once where many things are observed."""
    return host.once(("network", name_or_id), lambda: find(host.layout, name_or_id))


def read(layout: Layout, name_or_id: str) -> Network:
    """As ``find``, but raises NotFound."""
    found = find(layout, name_or_id)
    if found is None:
        raise NotFound(
            f"No such network: {name_or_id[:128]}",
            hint="create it with slipway.engine.network",
        )
    return found


def networks(layout: Layout) -> list[Network]:
    """Every recorded network, by name; one that vanishes while we read is gone."""
    found = (_read(layout, network) for network in _ids(layout))
    return sorted((n for n in found if n is not None), key=lambda network: network.spec.name)


def readable(layout: Layout) -> list[Network]:
    """The networks whose records can be read, in no order."""
    found = (_read(layout, i) for i in _ids(layout) if not is_damaged(layout, i))
    return [network for network in found if network is not None]


def _ids(layout: Layout) -> list[str]:
    try:
        return [i for i in os.listdir(layout.networks) if len(i) == 64 and _ID_PREFIX.match(i)]
    except FileNotFoundError:
        return []


def _read(layout: Layout, network: str) -> Optional[Network]:
    try:
        return document.read(Network, layout.network(network) / "network.json")
    except FileNotFoundError:
        return None


def make(spec: NetworkSpec, owned: bool = True) -> Network:
    """A network as it will be recorded, created now; ``owned`` as in Network."""
    return Network(network_id(spec.name), spec, interface(spec), clock.now(), owned)


def write(layout: Layout, network: Network) -> None:
    """Publish a network's record, the first time with its whole directory in one rename."""
    value = document.to_json(network)
    target = layout.network(network.id)
    if not target.exists():
        with files.scratch(layout, "network") as staging:
            made = staging / network.id
            made.mkdir(mode=0o700)
            (made / "leases").mkdir(mode=0o700)
            files.write_json(made / "network.json", value)
            if files.publish(made, target):
                return
    files.write_json(target / "network.json", value)
    files.sweep_beside(target)


def remove(layout: Layout, network: str) -> None:
    """Remove a network's record and leases; one that is gone already is a success."""
    files.discard(layout, layout.network(network))
