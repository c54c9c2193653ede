# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every point of what is done to networks, volumes, logins and whole hosts (R1)."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import pytest
from support.containers import World, until
from support.converging import Task
from support.declaring import acting, isolated, task
from support.servers.registry import Registry
from support.stacks import stack

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    on_exit,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    watcher,
    watcher_process,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

from .. import tasks
from ..scene import Scene, perform, play
from ..state import watcher_pid
from ..tasks import gone

FIRST = {"update": "start_first", "drain_timeout": 0}
LAN: dict[str, Any] = {"name": "lan", "ipam_config": [{"subnet": "10.91.0.0/24"}]}


def doing(*given: Callable[[], Task]) -> Callable[[World], None]:
    def do(world: World) -> None:
        for one in given:
            perform(world.layout, one())

    return do


def lan(**given: Any) -> Task:
    return tasks.network(**{**LAN, **given})


def without_lan(world: World) -> Sequence[Task]:
    return [*gone("web", "db")(world), lan(state="absent")]


def on_lan(**given: Any) -> Task:
    return task("web", **{"networks": [{"name": "lan"}], "networks_cli_compatible": True, **given})


SCENES = [
    Scene("create network", lambda world: lan(), without_lan),
    Scene("remove network", lambda world: lan(state="absent"), without_lan, doing(lan)),
    Scene(
        "change network", lambda world: lan(ipam_config=[{"subnet": "10.92.0.0/24"}], force=True),
        without_lan, doing(lan, on_lan),
    ),
    Scene(
        "start on network", lambda world: on_lan(published_ports=["127.0.0.1:8099:80"]),
        without_lan, doing(lan),
    ),
    Scene(
        "replace, the new one first",
        lambda world: on_lan(published_ports=["127.0.0.1:8099:80"], env={"A": "2"}, **FIRST),
        without_lan, doing(lan, lambda: on_lan(published_ports=["127.0.0.1:8099:80"])),
    ),
    Scene(
        "connect", lambda world: on_lan(networks=[{"name": "lan"}, {"name": "wan"}]),
        lambda world: [*without_lan(world), tasks.network("wan", state="absent")],
        doing(lan, lambda: tasks.network("wan"), on_lan),
    ),
    Scene(
        "disconnect", lambda world: on_lan(purge_networks=True),
        lambda world: [*without_lan(world), tasks.network("wan", state="absent")],
        doing(lan, lambda: tasks.network("wan"),
              lambda: on_lan(networks=[{"name": "lan"}, {"name": "wan"}])),
    ),
    Scene(
        "create volume", lambda world: tasks.volume("data", labels={"a": "1"}),
        lambda world: [tasks.volume("data", state="absent")],
    ),
    Scene(
        "change volume", lambda world: tasks.volume("data", labels={"a": "2"}),
        lambda world: [tasks.volume("data", state="absent")],
        doing(lambda: tasks.volume("data", labels={"a": "1"})),
    ),
    Scene(
        "remove volume", lambda world: tasks.volume("data", state="absent"),
        lambda world: [tasks.volume("data", state="absent")],
        doing(lambda: tasks.volume("data", labels={"a": "1"})),
    ),
    Scene(
        "prune", lambda world: tasks.prune(containers=True, volumes=True, networks=True,
                                           volumes_filters={"all": True}),
        lambda world: [*without_lan(world), tasks.volume("data", state="absent")],
        doing(lan, lambda: tasks.volume("data"),
              lambda: isolated("web", state="present", volumes=["/data"]),
              lambda: isolated("db", state="present")),
    ),
    Scene(
        "stack", lambda world: stack(containers=[
            {"name": "web", "volumes": ["/data"]}, {"name": "db"}]),
        gone("web", "db"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
def test_killed(world: World, tmp_path: Path, scene: Scene) -> None:
    play(world, scene, tmp_path / "log")


def test_a_login_that_is_killed(
    world: World, tmp_path: Path, registries: Callable[..., Registry]
) -> None:
    registry = registries(username="anna", password="s3cret-word")

    def login(state: str = "present") -> Task:
        return tasks.login(registry.host, "anna", "s3cret-word", state, world.layout)

    # What there is of it once anybody logged in: an empty file and its lock.
    perform(world.layout, login())
    perform(world.layout, login("absent"))
    scene = Scene("login", lambda world: login(), lambda world: [login("absent")])
    play(world, scene, tmp_path / "log")
    scene = Scene("logout", lambda world: login("absent"), lambda world: [], doing(login))
    play(world, scene, tmp_path / "log")


def test_an_exit_hook_that_is_killed(world: World, tmp_path: Path) -> None:
    """Of a container that its policy starts again, and of one that is removed at its end."""

    def ended(**given: Any) -> Callable[[World], None]:
        def end(world: World) -> None:
            perform(world.layout, isolated("web", **given))
            found = world.current(container_record.by_name(world.layout, "web"))
            # Without its monitor nobody calls the hook; the one that is killed is ours.
            os.kill(found.conmon_pid, signal.SIGKILL)
            os.kill(found.pid, signal.SIGKILL)
            until(lambda: world.current(found.id).phase == "exited")

        return end

    def hook(world: World) -> None:
        found = world.recorded(container_record.by_name(world.layout, "web"))
        on_exit.exited(world.host, found.id, found.generation)

    def restarted(world: World) -> Task:
        return isolated("web", restart_policy="always")

    scene = Scene("hook restarts", restarted, gone("web"), ended(restart_policy="always"), hook)
    play(world, scene, tmp_path / "log")

    def removed(world: World) -> Task:
        return acting("web", state="absent", keep_volumes=False)

    going = ended(auto_remove=True, volumes=["/data"])
    scene = Scene("hook removes", removed, gone("web"), going, hook)
    play(world, scene, tmp_path / "log")


def test_a_watcher_that_is_killed(world: World, tmp_path: Path) -> None:
    def checked(world: World) -> Task:
        check = {"test": ["CMD", "true"], "interval": "200ms"}
        return isolated("web", healthcheck=check)

    def before(world: World) -> None:
        perform(world.layout, checked(world))
        pid = watcher_pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not watcher.listens(world.layout))

    def watches(world: World) -> None:
        taken = watcher_process._take(world.layout)
        assert taken is not None
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        watcher_process.watch(world.host, *taken)

    scene = Scene("watcher", checked, gone("web"), before, watches, timed=True)
    play(world, scene, tmp_path / "log")
