# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as a whole: described, listed, measured, cleaned up."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import containers
from support.containers import World
from support.converging import Task, apply, check
from support.plays import Play

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import prune
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Endpoint,
    Mount,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    NetworkSpec,
    Pool,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import (
    host_info,
    lists,
    parts,
    usage,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import store

OPTIONS: dict[str, Any] = {
    **dict.fromkeys(("containers", "images", "networks", "volumes"), True),
    **dict.fromkeys(f"{kind}_filters" for kind in ("containers", "images", "networks", "volumes")),
    "containers_all": True,
    "disk_usage": True,
    "verbose_output": False,
}


@pytest.fixture
def busy(world: World, busybox_tar: Path) -> World:
    """One container runs and has a volume, another has ended; one more image, one more volume."""
    site = Mount("volume", "site", "/srv")
    for name in ("site", "spare"):
        labels = {"keep": "yes"} if name == "spare" else {}
        store.ensure(world.layout, Volume(name, "2026-01-02T03:04:05Z", labels=labels))
    (store.data(world.layout, "spare") / "file").write_bytes(b"x" * 100_000)
    world.add_image("extra", busybox_tar, "LABEL tier=back")
    world.run("web", labels={"tier": "front"}, mounts=(site,))
    ended = world.run("job", "dd if=/dev/zero of=/big bs=1024 count=300 2>/dev/null; exit 3")
    containers.until(lambda: world.current(ended.id).phase == "exited")
    return world


def test_a_host_without_a_machine_id_has_an_id(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    known = ("/etc/machine-id", "/var/lib/dbus/machine-id")
    places = [path for path in known if os.path.exists(path)]
    for path in places:
        subprocess.run(["mount", "--bind", str(tmp_path / "empty"), path], check=True)
    found = host_info.gather(Host(layout), OPTIONS)["host_info"]
    for path in places:
        subprocess.run(["umount", path], check=True)
    assert found["ID"] == platform.node()


def test_a_host_is_described(busy: World, tmp_path: Path) -> None:
    host = Host(busy.layout)
    told = host_info.gather(host, OPTIONS)
    info = told["host_info"]
    counts = ("Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images")
    assert [info[key] for key in counts] == [2, 1, 0, 1, 2]
    assert info["KernelVersion"] == platform.release()
    assert info["NCPU"] == len(os.sched_getaffinity(0)) and info["MemTotal"] > 1 << 28
    assert info["Runtimes"][info["DefaultRuntime"]]["version"][0].isdigit()
    known = parts.advice(parts.all_parts())
    assert (info["Warnings"] or []) == ([known] if known else [])
    assert host.warnings == []
    assert {"conmon", "aardvark-dns"} < {part.name for part in parts.all_parts()}
    assert (told["can_talk_to_docker"], info["DockerRootDir"]) == (True, "/var/lib/slipway")

    brief = {key: [dict(one) for one in told[key]] for key in ("containers", "images")}
    assert [one["Names"] for one in brief["containers"]] == [["/job"], ["/web"]]
    assert set(brief["containers"][0]) == {
        *("Id", "Image", "Command", "Created", "Status", "Ports", "Names")
    }
    assert brief["containers"][0]["Status"].startswith("Exited (3) ")
    assert brief["containers"][1]["Image"] == "web:1"
    assert sorted(one["RepoTags"][0] for one in brief["images"]) == ["busybox:1", "extra:1"]
    assert [one["Name"] for one in told["networks"]] == ["bridge", "host", "none"]
    assert [one["Name"] for one in told["volumes"]] == ["site", "spare"]
    assert told["disk_usage"]["LayersSize"] > 100_000

    # Filters, each kind's own.
    def names(kind: str, given: dict[str, Any]) -> list[str]:
        found = {
            "images": lists.images,
            "networks": lists.networks,
            "volumes": lists.volumes,
        }[kind](host, given)
        return [str(one.get("Name") or one["RepoTags"][0]) for one in found]

    def running(given: dict[str, Any]) -> list[str]:
        return [one["Names"][0] for one in lists.containers(host, given)]

    assert (running({}), running({"exited": 3})) == (["/web"], ["/job"])
    assert running({"ancestor": "busybox:1", "volume": "site"}) == ["/web"]
    assert running({"ancestor": "nothing"}) == []
    # Both images are of the same layer, so a container of one descends from the other.
    assert running({"ancestor": "extra:1"}) == ["/web"]
    assert names("images", {"label": "tier=back"}) == ["extra:1"]
    assert names("images", {"reference": "busy*"}) == ["busybox:1"]
    assert names("images", {"dangling": True}) == []
    assert names("networks", {"type": "builtin", "driver": "null"}) == ["none"]
    assert names("networks", {"type": "custom"}) == []
    assert names("volumes", {"dangling": True}) == ["spare"]
    assert names("volumes", {"label!": "keep"}) == ["site"]
    for kind, given in (("images", {"color": 1}), ("networks", {"type": "x"})):
        with pytest.raises(Error):
            names(kind, given)

    # What each takes.
    whole = usage.document(host)
    sizes = {one["Names"][0]: one["SizeRw"] for one in whole["Containers"]}
    assert 300 << 10 <= sizes["/job"] <= 400 << 10 and sizes["/web"] < 50_000
    volumes = {one["Name"]: one["UsageData"] for one in whole["Volumes"]}
    assert volumes["site"] == {"Size": 0, "RefCount": 1}
    assert volumes["spare"]["RefCount"] == 0 and 100_000 <= volumes["spare"]["Size"] < 110_000
    # One layer, which both images have.
    assert all(one["SharedSize"] == one["Size"] == whole["LayersSize"] for one in whole["Images"])
    assert sorted(one["Containers"] for one in whole["Images"]) == [0, 2]

    # The modules, through Ansible.
    options = {"containers": True, "containers_filters": {"name": "we"}, "verbose_output": True}
    play = Play(tmp_path)
    done = play.tasks(
        [
            {"slipway.engine.host_info": options, "register": "told"},
            {
                "ansible.builtin.assert": {
                    "that": [
                        "told.containers | map(attribute='Names') == [['/web']]",
                        "told.containers[0].Labels.tier == 'front'",
                        "told.containers[0].Mounts[0].Name == 'site'",
                        "told.host_info.ContainersRunning == 1",
                        "'images' not in told and not told.changed",
                    ]
                }
            },
            {"slipway.engine.prune": {"builder_cache": True}, "register": "pruned"},
            {
                "ansible.builtin.assert": {
                    "that": [
                        "not pruned.changed and pruned.builder_cache_caches_deleted == []",
                        "pruned.builder_cache_space_reclaimed == 0",
                    ]
                }
            },
        ]
    )
    assert done.status == 0, done.output


def test_what_nobody_uses_goes(busy: World) -> None:
    layout = busy.layout
    for name in ("backend", "frontend"):
        spec = NetworkSpec(name, pools=(Pool(f"10.99.{len(name)}.0/24", f"10.99.{len(name)}.1"),))
        network_record.write(layout, network_record.make(spec))
    busy.create("last", network_mode="", networks=(Endpoint("frontend"),))
    kinds = ("containers", "networks", "images", "volumes")
    everything: dict[str, Any] = dict.fromkeys(kinds, True)
    everything["containers_filters"] = {"label!": "keep"}
    everything["images_filters"] = {"dangling": False}
    everything["volumes_filters"] = {"all": True}
    pruning = Task(prune.declare, prune.RESOURCE, everything)
    # Check, apply, apply, check: what only the stopped containers used goes with them.
    predicted: dict[str, dict[str, Any]] = {}
    foretold = check(layout, pruning, predicted)
    again = check(layout, pruning, predicted)
    done, told = apply(layout, pruning)
    assert foretold == done
    assert done.before == {
        "containers": ["job", "last"],
        "networks": ["backend", "frontend"],
        "images": ["extra:1"],
        "volumes": ["spare"],
    }
    assert (len(told["containers"]), told["volumes"]) == (2, ["spare"])
    assert (told["networks"], told["volumes_space_reclaimed"] >= 100_000) == (
        ["backend", "frontend"],
        True,
    )
    assert apply(layout, pruning)[0] == again == check(layout, pruning, {})
    assert not again.changed
    assert lists.networks(Host(layout), {"type": "custom"}) == []


def test_what_others_change_meanwhile_is_left_out(busy: World, busybox_tar: Path) -> None:
    """Between the plan of a prune and its steps others start, remove, use and make what it is
    about.
    """
    layout = busy.layout
    for name in ("backend", "frontend"):
        spec = NetworkSpec(name, pools=(Pool(f"10.99.{len(name)}.0/24", f"10.99.{len(name)}.1"),))
        network_record.write(layout, network_record.make(spec))
    other = busy.add_image("other", busybox_tar, "LABEL tier=other")
    kept, gone = busy.create("kept", "sleep 600"), busy.create("gone", "true")
    params = {
        **dict.fromkeys(("containers", "networks", "images", "volumes"), True),
        "images_filters": {"dangling": False},
        "volumes_filters": {"all": True},
    }
    declared, host = prune.declare(params), Host(layout)
    planned = prune.plan(declared, prune.observe(host, declared))
    assert [one.name for one in planned.have.containers] == ["gone", "job", "kept"]
    actions.start(host, kept.id)
    actions.remove(host, gone.id)
    late = busy.create(
        "late",
        "true",
        other,
        network_mode="",
        networks=(Endpoint("backend"),),
        mounts=(Mount("volume", "spare", "/srv"),),
    )
    prune.RESOURCE.carry_out(host, planned)
    prune.judge(host, planned, prune.observe(host, declared))
    told = prune.report(host, planned)
    names = {found.name for found in container_record.records(layout)}
    assert names == {"kept", "late", "web"}
    assert kept.id not in told["containers"] and gone.id not in told["containers"]
    assert (len(told["containers"]), told["networks"], told["volumes"]) == (1, ["frontend"], [])
    untagged = [one["Untagged"] for one in told["images"] if "Untagged" in one]
    assert untagged == ["extra:1"]
    assert "changed" not in told
    actions.remove(host, late.id)
    again, dummy = apply(layout, Task(prune.declare, prune.RESOURCE, params))
    assert again.before == {
        "containers": [],
        "networks": ["backend"],
        "images": ["other:1"],
        "volumes": ["spare"],
    }


def test_a_prune_that_left_out_everything_changed_nothing(world: World) -> None:
    host = Host(world.layout)
    kept = world.create("kept", "sleep 600")
    declared = prune.declare({"containers": True})
    planned = prune.plan(declared, prune.observe(host, declared))
    actions.start(host, kept.id)
    prune.RESOURCE.carry_out(host, planned)
    told = prune.report(host, planned)
    assert (told["changed"], told["containers"]) == (False, [])


def test_the_program_says_it_too(busy: World) -> None:
    def said(*words: str) -> str:
        return busy.slipway(*words).stdout.decode()

    lines = said("info").splitlines()
    assert lines[:4] == ["Containers: 2", " Running: 1", " Paused: 0", " Stopped: 1"]
    assert f"Kernel Version: {platform.release()}" in lines
    assert said("info", "--format", "{{.Images}} {{.Swarm.LocalNodeState}}") == "2 inactive\n"
    assert json.loads(said("system", "info", "-f", "json"))["ServerVersion"]

    version = said("version", "-f", "{{.Server.Version}}").strip()
    assert said("version").splitlines()[1].split() == ["Version:", version]
    named = [
        one["Name"] for one in json.loads(said("version", "-f", "json"))["Server"]["Components"]
    ]
    assert {"Engine", "conmon"} < set(named)

    rows = [line.split() for line in said("system", "df").splitlines()]
    assert rows[0] == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert [row[:3] for row in rows[1:3]] == [["Images", "2", "1"], ["Containers", "2", "1"]]
    assert rows[3][:4] == ["Local", "Volumes", "2", "1"]
    assert said("system", "df", "--format", "{{.Type}} {{.Reclaimable}}").splitlines()[2] == (
        f"Local Volumes {rows[3][4]} (100%)"
    )
    whole = said("system", "df", "-v")
    assert [line.split()[0] for line in whole.splitlines() if line.endswith(("web", "job"))]
    assert "spare" in whole

    assert busy.slipway("system", "prune", check=False).returncode == 1
    pruned = said("system", "prune", "-f", "--filter", "label=none")
    assert pruned == "Total reclaimed space: 0B\n"
    pruned = said("system", "prune", "-af", "--volumes")
    assert "Deleted Containers:" in pruned and "untagged: extra:1" in pruned
    assert said("ps", "-aq").count("\n") == 1 and said("volume", "ls", "-q").split() == [
        *("site", "spare")
    ]
