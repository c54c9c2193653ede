# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two containers cannot share while one replaces the other, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.beside import (  # noqa: E501
    clashes,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    Endpoint,
    Mount,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import Attachment

MAC = "02:42:0a:00:00:05"
HELD = Attachment("n1", "front", "br", "sv0", "eth0", MAC, "10.0.0.5/24", ipv6_address="fd00::5/64")


def made(**given: Any) -> ContainerSpec:
    return ContainerSpec("web", "busybox:1", "", **given)


def bind(source: str, **given: Any) -> Mount:
    return Mount("bind", source, "/to", **given)


def volume(name: str, **given: Any) -> Mount:
    return Mount("volume", name, "/to", **given)


#: What the new one has, what the old one has, what is said.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "nothing": ({}, {}, []),
    "both on the host's network": (
        {"network_mode": "host"},
        {"network_mode": "host"},
        ["both would listen on the same ports, because of network_mode: host"],
    ),
    "in another's network": (
        {"network_mode": "container:db"},
        {"network_mode": "container:db"},
        ["both would listen on the same ports, because of network_mode: container:db"],
    ),
    "on the host's network from now on": ({"network_mode": "host"}, {}, []),
    "without networks": ({"network_mode": "none"}, {"network_mode": "none"}, []),
    "its address": (
        {"networks": (Endpoint("front", "10.0.0.5"),)},
        {},
        ["both would have the address 10.0.0.5 on the network front"],
    ),
    "its other addresses": (
        {"networks": (Endpoint("front", "", "fd00::5", "02:42:0A:00:00:05"),)},
        {},
        [
            "both would have the address fd00::5 on the network front",
            "both would have the address 02:42:0A:00:00:05 on the network front",
        ],
    ),
    "another address": ({"networks": (Endpoint("front", "10.0.0.6"),)}, {}, []),
    "its address on another network": ({"networks": (Endpoint("back", "10.0.0.5"),)}, {}, []),
    "a volume": (
        {"mounts": (volume("data"),)},
        {"mounts": (volume("data"),)},
        ["both would write to the volume data"],
    ),
    "a volume that one reads": (
        {"mounts": (volume("data", read_only=True),)}, {"mounts": (volume("data"),)}, [],
    ),
    "a volume that the old one reads": (
        {"mounts": (volume("data"),)}, {"mounts": (volume("data", read_only=True),)}, [],
    ),
    "another volume": ({"mounts": (volume("data"),)}, {"mounts": (volume("more"),)}, []),
    "parts of a volume": (
        {"mounts": (volume("data", subpath="a"),)}, {"mounts": (volume("data", subpath="ab"),)}, [],
    ),
    "a part of it and all of it": (
        {"mounts": (volume("data", subpath="a"),)},
        {"mounts": (volume("data"),)},
        ["both would write to the volume data"],
    ),
    "a directory within the other": (
        {"mounts": (bind("/srv/data"),)},
        {"mounts": (bind("/srv"),)},
        ["both would write to the path /srv/data"],
    ),
    "a directory beside the other": (
        {"mounts": (bind("/srv/data"),)}, {"mounts": (bind("/srv/dat"),)}, [],
    ),
    "a socket": (
        {"mounts": (bind("/run/x.sock"),)}, {"mounts": (bind("/run/x.sock"),)}, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_clashes(name: str) -> None:
    new, old, expected = CASES[name]
    assert clashes(made(**new), made(**old), [HELD], [], shares=False) == expected
    of_mounts = [text for text in expected if "would write" in text]
    rest = [text for text in expected if text not in of_mounts]
    assert clashes(made(**new), made(**old), [HELD], [], shares=True) == rest


def test_volumes_without_a_name() -> None:
    said = ["both would write to the volume at /data"]
    assert clashes(made(), made(), [], ["/data"], shares=False) == said
    assert clashes(made(), made(), [], ["/data"], shares=True) == []
