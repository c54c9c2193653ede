# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers the filters of a list let pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    ps_filters,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.text import filters

NOW = 1767225600.0  # 2026-01-01T00:00:00Z


def document(
    name: str, day: int, status: str = "running", exit_code: int = 0, **more: Any
) -> dict[str, Any]:
    """An inspect document with what filters look at."""
    return {
        "Id": f"{name[0] * 4}{day:060x}",
        "Name": f"/{name}",
        "Created": f"2025-12-{day:02}T00:00:00.000000000Z",
        "Image": f"sha256:{name}",
        "State": {
            "Status": status,
            "Running": status in ("running", "paused", "restarting"),
            "ExitCode": exit_code,
            **({"Health": {"Status": more["health"]}} if "health" in more else {}),
        },
        "Config": {"Labels": more.get("labels"), "ExposedPorts": more.get("exposed")},
        "NetworkSettings": {
            "Ports": more.get("ports") or {},
            "Networks": {more.get("network", "bridge"): {"NetworkID": "aabbccdd"}},
        },
        "Mounts": more.get("mounts", []),
    }


SITE = {"Name": "site", "Source": "/var/lib/slipway/volumes/site/_data", "Destination": "/srv"}
BOUND = [{"HostIp": "0.0.0.0", "HostPort": "8080"}]
EVERYTHING = [
    document("web", 10, labels={"tier": "front", "env": "x"}, health="healthy",
             ports={"80/tcp": BOUND, "53/udp": BOUND, "443/tcp": None},
             exposed={"80/tcp": {}, "443/tcp": {}}, mounts=[SITE]),
    document("webapp", 12, labels={"tier": "back"}, network="backend"),
    document("job", 14, status="exited", exit_code=3),
    document("done", 16, status="exited"),
    document("fresh", 18, status="created"),
    document("still", 20, status="paused"),
]  # fmt: skip


def chosen(given: Mapping[str, Any], everything: bool = False) -> list[str]:
    found = ps_filters.choose(
        EVERYTHING, given, NOW, everything, lambda one, image: one["Image"] == f"sha256:{image}"
    )
    return [one["Name"][1:] for one in found]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["still", "webapp", "web"]),
        ({"name": "web"}, ["webapp", "web"]),
        ({"name": "^/web$"}, ["web"]),
        ({"name": ["^still", "app$"]}, ["still", "webapp"]),
        ({"label": "tier"}, ["webapp", "web"]),
        ({"label": ["tier=front", "env"]}, ["web"]),
        ({"label!": "tier"}, ["still"]),
        ({"status": "exited"}, ["done", "job"]),
        ({"status": ["created", "paused"]}, ["still", "fresh"]),
        ({"exited": 3}, ["job"]),
        ({"exited": ["0", "3"]}, ["done", "job"]),
        ({"health": "healthy"}, ["web"]),
        ({"health": "none"}, ["still", "webapp"]),
        ({"network": "backend"}, ["webapp"]),
        ({"network": "aabb"}, ["still", "webapp", "web"]),
        ({"volume": "site"}, ["web"]),
        ({"volume": "/srv"}, ["web"]),
        ({"publish": "80"}, ["web"]),
        ({"publish": "70-90/tcp"}, ["web"]),
        ({"publish": "80/udp"}, []),
        ({"publish": "53/udp"}, ["web"]),
        ({"publish": "443"}, []),
        ({"expose": "443"}, ["web"]),
        ({"id": "wwww"}, ["webapp", "web"]),
        ({"ancestor": "still"}, ["still"]),
        ({"before": "webapp"}, ["web"]),
        ({"since": "web"}, ["still", "webapp"]),
        ({"until": "2025-12-11"}, ["web"]),
        ({"is-task": False}, ["still", "webapp", "web"]),
        ({"is-task": True}, []),
        ({"name": "web", "label": "tier=back"}, ["webapp"]),
    ],
)
def test_what_filters_let_pass(given: Mapping[str, Any], names: list[str]) -> None:
    assert chosen(given) == names


def test_all_are_all() -> None:
    assert chosen({}, everything=True) == ["still", "fresh", "done", "job", "webapp", "web"]
    assert chosen({"name": "done"}, everything=True) == ["done"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"colour": "red"}, "unknown filter 'colour'; known filters: ancestor, before"),
        ({"status": "sleeping"}, "'sleeping' is not a valid status for a container"),
        ({"health": "well"}, "'well' is not a valid health for a container"),
        ({"exited": "never"}, "expected a number"),
        ({"name": "["}, "name '[' is not a regular expression"),
        ({"publish": "http"}, "'http' is not a port or port range"),
        ({"before": "nobody"}, "No such container: nobody"),
        ({"is-task": "x"}, "is-task is 'x', expected true or false"),
    ],
)
def test_what_is_no_filter(given: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(Error) as caught:
        chosen(given)
    assert complaint in str(caught.value)


def test_values_are_alternatives_and_booleans_are_words() -> None:
    assert filters.listed({"a": True, "b": [1, "x"]}, ["a", "b"]) == {
        "a": ["true"],
        "b": ["1", "x"],
    }
    assert filters.truth("a", ["false", "yes"])
