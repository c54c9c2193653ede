# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of containers: names and forms of community.docker's docker_containers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.plugin_utils import _container_facts as facts

ID = "0123456789abcdef" * 4
FOUND: dict[str, Any] = {
    "Id": ID,
    "Name": "/web",
    "State": {"Running": True},
    "Config": {"Image": "shop/web:1", "Labels": {"com.docker.stack.namespace": "shop"}},
    "HostConfig": {"NetworkMode": "shop"},
    "NetworkSettings": {
        "Ports": {
            "22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "2222"}],
            "80/tcp": [{"HostIp": "192.0.2.1", "HostPort": "8080"}],
            "90/tcp": None,
        }
    },
}


def test_variables() -> None:
    assert facts.brief(FOUND, "server") == {
        "docker_name": "web",
        "docker_short_id": ID[:13],
        "slipway_host": "server",
    }
    full = facts.full(FOUND)
    assert full["docker_name"] == "/web" and full["docker_stack"] == "shop"
    assert full["docker_hostconfig"] == {"NetworkMode": "shop"} and full["docker_id"] == ID
    assert "docker_service" not in full


@pytest.mark.parametrize(
    ("key", "slug"),
    [("HostConfig", "docker_hostconfig"), ("A b-c", "docker_a_b-c"), ("_X", "docker_x")],
)
def test_names_of_variables(key: str, slug: str) -> None:
    assert facts.slug(key) == slug


@pytest.mark.parametrize(
    ("port", "address", "published"),
    [(22, "127.0.0.1", "2222"), (80, "192.0.2.1", "8080"), (90, "", 0), (1, "", 0)],
)
def test_published_ports(port: int, address: str, published: object) -> None:
    assert facts.published(FOUND, port, "127.0.0.1") == {
        "ansible_ssh_host": address,
        "ansible_ssh_port": published,
    }


def test_groups_of_the_old_script() -> None:
    expected = ["image_shop/web:1", "stack_shop", ID, "web", ID[:13]]
    assert facts.legacy_groups(FOUND) == [*expected, "running"]
    stopped = {**FOUND, "State": {"Running": False}, "Config": {}}
    assert facts.legacy_groups(stopped) == [ID, "web", ID[:13], "stopped"]
