# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose projects on a real host: several services, secrets, scale, what left, and the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.composing import SERVICE, compose
from support.containers import World
from support.converging import Outcome, Task, apply, check, unmet

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    running as running_records,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network_decide,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    decide as volume_decide,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    declare as volume_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    options as volume_options,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import (
    store as volume_store,
)

SHOP = f"""
services:
  db:
    {{{SERVICE}, volumes: ['data:/data'], secrets: [token], networks: [back],
     configs: [{{source: conf, target: /etc/conf, mode: 0440, uid: '5'}}],
     healthcheck: {{test: [CMD, 'true'], interval: 100ms}}}}
  web:
    {{{SERVICE}, networks: [back, front], scale: 2,
     depends_on: {{db: {{condition: service_healthy, restart: true}},
                  job: {{condition: service_completed_successfully}}}}}}
  job: {{{SERVICE.replace("sleep 1000", "touch /data/done")}, volumes: ['data:/data'],
        network_mode: none, depends_on: [db]}}
  tool: {{{SERVICE}, profiles: [tools], network_mode: none}}
networks: {{back: {{ipam: {{config: [{{subnet: 10.86.0.0/24}}]}}}}, front: }}
volumes: {{data: }}
secrets: {{token: {{environment: TOKEN}}}}
configs: {{conf: {{content: "x=1\\n"}}}}
"""


def predicted(world: World, task: Task) -> tuple[Outcome, dict[str, Any]]:
    """Check, apply and apply again: the prediction held, and the second run changes nothing."""
    foretold = check(world.layout, task, {})
    done, told = apply(world.layout, task)
    assert done == foretold
    again, dummy = apply(world.layout, task)
    assert (again.changed, again.actions) == (False, ())
    return done, told


def there(world: World) -> set[str]:
    return set(os.listdir(world.layout.names))


def running(world: World) -> set[str]:
    found = running_records.records(world.layout)
    return {record.name for record in found if record.phase == "running"}


def inside(world: World, name: str, *command: str) -> str:
    return world.slipway("exec", name, *command).stdout.decode()


def test_a_project(world: World, tmp_path: Path) -> None:
    around = {"TOKEN": "canary-7f3a"}
    done, told = predicted(world, compose(world.layout, tmp_path, SHOP, around=around))
    assert running(world) == {"shop-db-1", "shop-web-1", "shop-web-2"}
    assert there(world) == {"shop-db-1", "shop-web-1", "shop-web-2", "shop-job-1"}
    assert {one.spec.name for one in network_record.networks(world.layout)} == {
        "shop_back", "shop_front"
    }  # fmt: skip
    assert [one.name for one in volume_store.volumes(world.layout)] == ["shop_data"]
    assert inside(world, "shop-db-1", "ls", "/data") == "done\n"
    assert inside(world, "shop-db-1", "cat", "/run/secrets/token") == "canary-7f3a"
    assert inside(world, "shop-db-1", "stat", "-c", "%a %u", "/etc/conf") == "440 5\n"
    assert "10.86.0." in inside(world, "shop-web-2", "nslookup", "db")
    labels = container_record.read_labels(
        world.layout, container_record.by_name(world.layout, "shop-web-2")
    )
    assert labels == {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "2",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project.working_dir": str(tmp_path),
        "com.docker.compose.project.config_files": str(tmp_path / "compose.yaml"),
        "com.docker.compose.depends_on": (
            "db:service_healthy:true,job:service_completed_successfully:false"
        ),
    }
    assert {one["Name"]: one["State"] for one in told["containers"]} == {
        "shop-db-1": "running", "shop-job-1": "exited", "shop-web-1": "running",
        "shop-web-2": "running",
    }  # fmt: skip
    assert told["containers"][0]["Health"] == "healthy"
    assert told["actions"][-1]["what"] == "container"
    assert {one["what"] for one in told["actions"]} == {"container", "network", "volume"}
    assert told["images"][0]["Repository"] == "busybox"
    assert "canary" not in str((done, told))

    # Another secret is seen without being shown; what depends on its service is restarted.
    before = {name: container_record.by_name(world.layout, name) for name in there(world)}
    around = {"TOKEN": "canary-0000"}
    done, told = predicted(world, compose(world.layout, tmp_path, around=around))
    assert inside(world, "shop-db-1", "cat", "/run/secrets/token") == "canary-0000"
    assert "canary" not in str((done, told))
    after = {name: container_record.by_name(world.layout, name) for name in there(world)}
    assert {name for name in after if after[name] != before[name]} == {"shop-db-1"}
    assert "restart container shop-web-1" in done.actions

    # Fewer, more, and what left the files.
    done, dummy = predicted(world, compose(world.layout, tmp_path, scale={"web": 1}, around=around))
    assert done.actions == ("stop and remove container shop-web-2",)
    done, dummy = predicted(world, compose(world.layout, tmp_path, scale={"web": 3}, around=around))
    assert running(world) >= {"shop-web-1", "shop-web-2", "shop-web-3"}
    text = SHOP.replace("  job:", "  other:").replace(
        ",\n                  job: {condition: service_completed_successfully}", ""
    )
    done, told = predicted(world, compose(world.layout, tmp_path, text, around=around))
    assert told["orphans"] == ["container shop-job-1"]
    assert "shop-job-1" in there(world)
    done, told = predicted(
        world, compose(world.layout, tmp_path, remove_orphans=True, around=around)
    )
    assert (done.actions, told["orphans"]) == (("remove container shop-job-1",), [])

    # Some of the services
    stop = compose(world.layout, tmp_path, state="stopped", services=["web"], dependencies=False,
                   around=around)  # fmt: skip
    predicted(world, stop)
    assert running(world) == {"shop-db-1"}
    tool = compose(world.layout, tmp_path, services=["tool"], around=around)
    predicted(world, tool)
    assert running(world) == {"shop-db-1", "shop-tool-1"}

    # The end: volumes stay, and go
    predicted(world, compose(world.layout, tmp_path, state="absent", around=around))
    assert there(world) == set()
    assert list(network_record.networks(world.layout)) == []
    assert [one.name for one in volume_store.volumes(world.layout)] == ["shop_data"]
    end = compose(world.layout, tmp_path, state="absent", remove_volumes=True, around=around)
    predicted(world, end)
    assert list(volume_store.volumes(world.layout)) == []


def test_an_override_file_and_a_state(world: World, tmp_path: Path) -> None:
    text = f"services: {{a: {{{SERVICE}, network_mode: none, environment: {{A: 1, B: 1}}}}}}"
    (tmp_path / "compose.override.yaml").write_text("services: {a: {environment: [B=2]}}")
    predicted(world, compose(world.layout, tmp_path, text))
    assert inside(world, "shop-a-1", "sh", "-c", "echo $A $B") == "1 2\n"
    generation = world.recorded(container_record.by_name(world.layout, "shop-a-1")).generation
    done, dummy = apply(world.layout, compose(world.layout, tmp_path, state="restarted"))
    assert done.actions == ("restart container shop-a-1",)
    found = world.recorded(container_record.by_name(world.layout, "shop-a-1"))
    assert found.generation == generation + 1
    before = found.id
    apply(world.layout, compose(world.layout, tmp_path, recreate="always"))
    assert container_record.by_name(world.layout, "shop-a-1") != before
    predicted(world, compose(world.layout, tmp_path, state="stopped", timeout=0))
    assert running(world) == set()


def test_a_definition_in_the_play(world: World, tmp_path: Path) -> None:
    service = {"image": "busybox:1", "pull_policy": "never", "command": ["sleep", "1000"],
               "stop_signal": "KILL", "network_mode": "none"}  # fmt: skip
    given = {"project_src": None, "definition": {"services": {"a": service}}}
    predicted(world, compose(world.layout, tmp_path, **given))
    assert running(world) == {"shop-a-1"}


def test_a_build(world: World, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox:1\nRUN echo made > /made\n")
    text = "services: {a: {build: ., command: sleep 1000, stop_signal: KILL, network_mode: none}}"
    predicted(world, compose(world.layout, tmp_path, text))
    assert inside(world, "shop-a-1", "cat", "/made") == "made\n"
    (tmp_path / "Dockerfile").write_text("FROM busybox:1\nRUN echo again > /made\n")
    assert apply(world.layout, compose(world.layout, tmp_path))[0].actions == ()
    apply(world.layout, compose(world.layout, tmp_path, build="always"))
    assert inside(world, "shop-a-1", "cat", "/made") == "again\n"
    end = compose(world.layout, tmp_path, state="absent", remove_images="local")
    done, dummy = predicted(world, end)
    assert len(done.actions) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: {image: busybox:1, mem_limit: 1x, ports: ['x'], typo: 1}}",
         ["services.a.mem_limit: '1x' is not valid", "services.a.ports: 'x' is not valid",
          "services.a.typo: unknown key"]),
        ("services: {a: {image: busybox:1, depends_on: [b]}, b: {image: i, depends_on: [a]}}",
         ["services: wait for one another: shop-"]),
        ("services: {a: {image: busybox:1, storage_opt: {size: 1g}}}",
         ["services.a.storage_opt: is left out: put data"]),
        ("services: {a: {image: busybox:1, networks: [n]}}\n"
         "networks: {n: {ipam: {config: [{subnet: x}]}}}",
         ["networks.n"]),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_places_before_anything_is_touched(
    world: World, tmp_path: Path, text: str, said: list[str]
) -> None:
    task = compose(world.layout, tmp_path, text)
    with pytest.raises(Error) as found:
        task.declare(task.params)
    for line in said:
        assert line in str(found.value)
    assert str(found.value).startswith("project shop: ")


def test_a_service_that_fails(world: World, tmp_path: Path) -> None:
    bad = SERVICE.replace("sleep 1000", "sh -c 'exit 3'")
    text = (
        f"services: {{a: {{{bad}, network_mode: none}}, "
        f"b: {{{SERVICE}, network_mode: none, "
        "depends_on: {a: {condition: service_completed_successfully}}}}"
    )
    task = compose(world.layout, tmp_path, text)
    with pytest.raises(Error) as found:
        apply(world.layout, task)
    assert str(found.value).startswith("project shop: ")
    assert "shop-a-1" in str(found.value)
    assert running(world) == set()


def test_what_is_external_is_there_or_an_error(world: World, tmp_path: Path) -> None:
    text = (
        f"services: {{a: {{{SERVICE}, volumes: ['theirs:/t'], networks: [net]}}, "
        f"b: {{{SERVICE}, volumes: ['unused:/t'], networks: [], profiles: [b]}}}}\n"
        "volumes: {theirs: {external: true, name: their-data}, unused: {external: true}}\n"
        "networks: {net: {external: true, name: their-net}}"
    )
    task = compose(world.layout, tmp_path, text)
    lines = (
        "volumes.theirs: the external volume their-data does not exist",
        "networks.net: the external network their-net does not exist",
    )
    missing = unmet(world.layout, task, {})
    for line in lines:
        assert line in missing
    with pytest.raises(Error) as found:
        apply(world.layout, task)
    for line in lines:
        assert line in str(found.value)
    assert "unused" not in str(found.value)
    assert not list(volume_store.volumes(world.layout)) and not there(world)

    # What earlier tasks of a check-mode run would make is there.
    predicted: dict[str, Any] = {}
    volume = {name: one.get("default") for name, one in volume_options.ARGUMENT_SPEC.items()}
    volume |= {"volume_name": "their-data", "state": "present"}
    makers = (
        Task(volume_declare.declare, volume_decide.RESOURCE, volume),
        Task(network_declare.declare, network_decide.RESOURCE, {"name": "their-net"}),
    )
    for made in makers:
        check(world.layout, made, predicted)
    assert unmet(world.layout, task, predicted) == ""
    for made in makers:
        apply(world.layout, made)
    apply(world.layout, task)
    assert running(world) == {"shop-a-1"}
    # The end of the project leaves them where they are.
    apply(world.layout, compose(world.layout, tmp_path, state="absent", remove_volumes=True))
    assert [one.name for one in volume_store.volumes(world.layout)] == ["their-data"]
    assert {one.spec.name for one in network_record.networks(world.layout)} == {"their-net"}
