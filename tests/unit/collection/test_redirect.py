# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The redirect of community.docker's names reaches every module that has a counterpart here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.slipway.engine.plugins.plugin_utils._predictions import MERGING

TOP = Path(__file__).resolve().parents[3]
REDIRECT = TOP / "playbooks/files/community_docker"
#: Those whose names differ by more than ``docker_``. docker_stack is of a swarm, and none here.
OTHERWISE = {
    "docker_login": "registry_login",
    "docker_compose_v2": "compose",
    "docker_compose_v2_exec": "compose_exec",
    "docker_compose_v2_pull": "compose_pull",
    "docker_compose_v2_run": "compose_run",
    "current_container_facts": "current_container_facts",
    "docker_stack": "",
}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def here(name: str) -> str:
    return OTHERWISE.get(name, name.replace("docker_", "", 1))


def has(kind: str, name: str) -> bool:
    return (TOP / "plugins" / kind / f"{name}.py").exists()


def test_what_is_here_is_routed_and_the_rest_says_why_not() -> None:
    runtime = read(REDIRECT / "meta/runtime.yml")
    routing = runtime["plugin_routing"]
    for name, route in routing["modules"].items():
        if has("modules", here(name)):
            assert route == {"redirect": f"slipway.engine.{here(name)}"}, name
        else:
            assert route["tombstone"]["warning_text"], name
    routed = sorted(name for name in routing["modules"] if has("modules", here(name)))
    # As in community.docker, what needs no daemon takes no options about one.
    assert runtime["action_groups"]["docker"] == [n for n in routed if n.startswith("docker_")]


def test_connections_and_inventories_are_routed_or_say_why_not() -> None:
    routing = read(REDIRECT / "meta/runtime.yml")["plugin_routing"]
    expected = {"connection": {"docker", "docker_api"}, "inventory": {"docker_containers"}}
    for kind, names in expected.items():
        routed = {name: route for name, route in routing[kind].items() if "redirect" in route}
        assert set(routed) == names
        for route in routed.values():
            assert has(kind, route["redirect"].rpartition(".")[2])
        assert all(
            "redirect" in route or route["tombstone"]["warning_text"]
            for route in routing[kind].values()
        )


def test_every_module_names_its_action_plugin() -> None:
    """Also those whose plugin has their name: a task by another name finds it by this alone."""
    routes = read(TOP / "meta/runtime.yml")["plugin_routing"]["modules"]
    for path in (TOP / "plugins/modules").glob("*.py"):
        if path.stem != "library":
            own = path.stem if has("action", path.stem) else "container"
            assert routes[path.stem]["action_plugin"] == f"slipway.engine.{own}"


def test_the_group_undeclared_is_of_the_modules_that_have_the_option() -> None:
    declaring = [
        path.stem
        for path in (TOP / "plugins/modules").glob("*.py")
        if re.search(r"^  undeclared:$", path.read_text(), re.MULTILINE)
    ]
    groups = read(TOP / "meta/runtime.yml")["action_groups"]
    assert groups["undeclared"] == sorted(declaring)
    assert set(declaring) < set(groups["slipway"])
    assert sorted(map(here, MERGING)) == groups["undeclared"]
