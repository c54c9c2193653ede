# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes as tasks and people see them: declared, mounted, shared, refused, pruned."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support import COLLECTIONS, compare_predictions
from support.containers import World, until
from support.converging import Task, apply, assert_play_is_predicted, check
from support.declaring import isolated
from support.plays import Play

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import prune
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    decide as volume_resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import store, users

TMPFS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=0750,nosuid,nodev,noexec"}


def volume(name: str, **given: Any) -> Task:
    """A task of the module volume."""
    return Task(volume_resource.declare, volume_resource.RESOURCE, {"volume_name": name, **given})


def container(name: str, **given: Any) -> Task:
    """A task of the module container that only makes it, and keeps its volumes as tasks do."""
    unset = dict.fromkeys(("command", "stop_signal"))
    return isolated(name, **{**unset, "state": "present", "keep_volumes": True, **given})


def pruning(**given: Any) -> Task:
    return Task(prune.declare, prune.RESOURCE, {"volumes": True, **given})


def mounted(layout: Layout, name: str) -> bool:
    return any(entry.target == str(store.data(layout, name)) for entry in linux.mountinfo())


def names(layout: Layout) -> list[str]:
    return [found.name for found in store.volumes(layout)]


def test_a_play_of_volumes_and_containers_is_predicted(world: World) -> None:
    play = [
        volume("data", labels={"a": "1"}),
        volume("data", labels={"a": "1"}),
        volume("data", labels={"a": "2"}),
        volume("data", labels={"b": "3"}, undeclared="keep"),
        volume("data"),
        volume("spare", driver_options=TMPFS, labels={"keep": "yes"}),
        container("web", volumes=["data:/data", "made:/made"]),
        # A container made it, so it is there.
        volume("made"),
        pruning(),
        pruning(volumes_filters={"all": True, "label!": "keep"}),
        container("web", state="absent"),
        volume("made", state="absent"),
        volume("made", state="absent"),
        pruning(volumes_filters={"all": True}),
        pruning(volumes_filters={"all": True}),
    ]
    assert_play_is_predicted(world.layout, play)
    assert names(world.layout) == []


def test_declared_again_and_made_again(world: World) -> None:
    layout = world.layout
    outcome, told = apply(layout, volume("data", labels={"a": "b"}))
    assert outcome.changed
    assert set(told["volume"]) == {
        "CreatedAt", "Driver", "Labels", "Mountpoint", "Name", "Options", "Scope",
    }  # fmt: skip
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", told["volume"]["CreatedAt"])
    assert told["volume"]["Labels"] == {"a": "b"}
    (store.data(layout, "data") / "kept").touch()
    assert not apply(layout, volume("data", labels={"a": "b"}))[0].changed
    outcome, told = apply(layout, volume("data", labels={"a": "c"}))
    assert told["volume"]["Labels"] == {"a": "c"}
    assert outcome.actions == ("update volume data (labels)",)
    assert (store.data(layout, "data") / "kept").exists()

    # Other options are another volume: said, and done only where that is wanted.
    host = Host(layout)
    other = volume("data", driver_options=TMPFS, labels={"a": "c"})
    observed = volume_resource.RESOURCE.observe(host, other.declare(other.params))
    assert volume_resource.plan(other.declare(other.params), observed).reasons == (
        "driver_options",
    )
    assert not apply(layout, other)[0].changed
    assert "recreate: options-changed" in host.warnings[0]
    changing = volume("data", driver_options=TMPFS, recreate="options-changed")
    assert check(layout, changing, {}).actions == ("remove volume data", "create volume data")
    assert apply(layout, changing)[0].changed
    assert not apply(layout, changing)[0].changed
    assert not (store.data(layout, "data") / "kept").exists()
    assert apply(layout, volume("data", recreate="always"))[0].changed


def test_one_in_use_is_neither_removed_nor_made_again(world: World) -> None:
    layout = world.layout
    apply(layout, container("web", volumes=["data:/data"]))
    for task in (volume("data", state="absent"), volume("data", recreate="always")):
        with pytest.raises(Conflict, match="volume data is in use by container web; remove"):
            check(layout, task, {})
        with pytest.raises(Conflict, match="volume data is in use by container web; remove"):
            apply(layout, task)
    assert apply(layout, pruning(volumes_filters={"all": True}))[1]["volumes"] == []


@pytest.mark.parametrize("runtime", oci_runtime.CANDIDATES)
def test_what_options_name_is_mounted_while_it_is_used(
    world: World, sandbox: Path, runtime: str
) -> None:
    layout = world.layout
    shared = sandbox / "shared"
    shared.mkdir(exist_ok=True)
    bind = {"type": "none", "device": str(shared), "o": "bind,ro"}
    apply(layout, volume("memory", driver_options=TMPFS))
    apply(layout, volume("host", driver_options=bind))
    mounts = (Mount("volume", "memory", "/memory"), Mount("volume", "host", "/host"))
    script = "echo one > /memory/file; touch /host/x 2>&1 | sed s/^/said:/; exec sleep 1000"
    one = world.run("one", script, mounts=mounts, runtime=runtime)
    assert mounted(layout, "memory")
    until(lambda: "said:touch: /host/x: Read-only file system" in world.log(one.id))
    # What a volume's options forbid stays forbidden: tmpfs has nosuid, nodev and noexec here.
    mountinfo = Path(f"/proc/{one.pid}/mountinfo").read_text()
    assert re.search(r" /memory rw,nosuid,nodev,noexec", mountinfo)
    two = world.run(
        "two", "stat -c %a /memory; cat /memory/file; exec sleep 1000", mounts=mounts,
        runtime=runtime,
    )  # fmt: skip
    until(lambda: world.log(two.id) == "750\none\n")
    assert not list(shared.iterdir())
    actions.stop(world.host, one.id)
    assert mounted(layout, "memory"), "the other container uses it"
    actions.stop(world.host, two.id)
    until(lambda: not mounted(layout, "memory") and not mounted(layout, "host"))
    assert list(store.data(layout, "memory").iterdir()) == []
    actions.start(world.host, two.id)
    actions.remove(world.host, two.id, force=True)
    assert not mounted(layout, "memory")
    (shared / "precious").touch()
    actions.remove(world.host, one.id)
    apply(layout, volume("host", state="absent"))
    assert (shared / "precious").exists(), "only what was mounted goes, not what it showed"
    (shared / "precious").unlink()


def test_a_mount_that_fails_names_volume_and_options(world: World) -> None:
    layout = world.layout
    options = {"type": "none", "device": "/no/such", "o": "bind"}
    apply(layout, volume("lost", driver_options=options))
    made = world.create("web", mounts=(Mount("volume", "lost", "/lost"),))
    with pytest.raises(Error) as caught:
        actions.start(world.host, made.id)
    assert str(caught.value).startswith(
        "volume lost cannot be mounted (type: none, device: /no/such, o: bind): No such file"
    )
    assert world.current(made.id).phase == "created"


def test_many_make_the_same_volume_at_once(world: World) -> None:
    done: list[Volume] = []

    def make(number: int) -> None:
        done.append(store.ensure(world.layout, Volume("one", f"{number}")))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 16
    assert len({found.created for found in done}) == 1


def test_anonymous_ones_go_when_asked_and_unused(world: World) -> None:
    layout, mounts = world.layout, (Mount("anonymous", "", "/data"),)
    kept, gone = (world.create(name, mounts=mounts) for name in ("kept", "gone"))
    [first], [second] = kept.anonymous_volumes, gone.anonymous_volumes
    assert users.users(world.host) == {first: ("kept",), second: ("gone",)}
    actions.remove(world.host, gone.id, volumes=True)
    actions.remove(world.host, kept.id)
    store.ensure(layout, Volume("named", "2026-01-01T00:00:00.000000000Z"))
    assert apply(layout, pruning())[1]["volumes"] == [first]
    assert names(layout) == ["named"]
    assert os.listdir(layout.locks) == [] or not any(
        first in one for one in os.listdir(layout.locks)
    )


def test_the_verbs(world: World) -> None:
    def said(*arguments: str) -> list[str]:
        return world.slipway("volume", *arguments).stdout.decode().splitlines()

    assert said("create", "--label", "tier=db", "data") == ["data"]
    assert said("create", "data") == ["data"]
    [random] = said("create", "-o", "type=tmpfs", "-o", "device=tmpfs", "--opt", "o=size=1m")
    assert re.fullmatch("[0-9a-f]{64}", random)
    world.create("web", mounts=(Mount("volume", "data", "/data"),))
    heading, *rows = said("ls")
    assert re.fullmatch(r"DRIVER +VOLUME NAME", heading)
    assert [row.split() for row in rows] == sorted([["local", random], ["local", "data"]])
    assert said("ls", "-q", "--filter", "dangling=true") == [random]
    assert said("ls", "-q", "-f", "label=tier=db", "-f", "name=dat") == ["data"]
    assert said("ls", "--format", "{{.Name}} {{.Links}}", "-f", "dangling=false") == ["data 1"]
    [shown] = json.loads("".join(said("inspect", random)))
    assert shown["Options"] == {"device": "tmpfs", "o": "size=1m", "type": "tmpfs"}
    assert shown["Labels"] == {"com.docker.volume.anonymous": ""}
    assert said("inspect", "-f", "{{.Mountpoint}}", "data") == [
        str(store.data(world.layout, "data"))
    ]
    refused = world.slipway("volume", "rm", "data", "none", check=False)
    assert refused.returncode == 1
    assert refused.stderr.decode().splitlines() == [
        "slipway: volume data is in use by container web; remove them first",
        "slipway: No such volume: none",
    ]
    assert said("prune", "--force") == [
        "Deleted Volumes:", random, "", "Total reclaimed space: 0B",
    ]  # fmt: skip
    actions.remove(world.host, container_record.by_name(world.layout, "web"))
    assert said("rm", "data") == ["data"]
    assert said("ls", "-q") == []
    refused = world.slipway("volume", "ls", "--filter", "size=1", check=False)
    assert b"unknown filter 'size'; known filters: dangling, driver, label" in refused.stderr


SECOND_RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import decide
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
host, declared = Host(Layout.default()), decide.declare(json.loads(sys.argv[2]))
plan = decide.RESOURCE.plan(declared, decide.RESOURCE.observe(host, declared))
assert plan.actions == [], plan.actions
decide.RESOURCE.result(host, plan.have)
print(*sys.modules)
"""


def test_a_second_run_reads_one_record(layout: Layout) -> None:
    want = volume("data", driver_options=TMPFS)
    apply(layout, want)
    argv = [sys.executable, "-c", SECOND_RUN, str(COLLECTIONS), json.dumps(want.params)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    prefix = "ansible_collections.slipway.engine.plugins.module_utils._runtime"
    imported = done.stdout.split()
    assert f"{prefix}.volume.store" in imported
    for name in ("requests", "pyroute2", "ctypes", f"{prefix}.records.container_record"):
        assert name not in imported


def test_a_play_of_the_modules(world: World, tmp_path: Path) -> None:
    """Through Ansible itself: what check mode foretells, what is done, and that it is done once."""

    def task(module: str, **options: Any) -> dict[str, Any]:
        return {"name": module, f"slipway.engine.{module}": options, "register": "result"}

    def same(condition: str) -> dict[str, Any]:
        return {"ansible.builtin.assert": {"that": condition}, "when": "not ansible_check_mode"}

    cifs = {"type": "cifs", "device": "//nas/x", "o": "username=u,password=s3cret"}
    web = {"name": "web", "image": "busybox:1", "state": "present", "network_mode": "none"}
    volumes = ["data:/data", "made:/made:ro", "/own"]
    standing = [
        task("volume", name="data", labels={"a": "b"}),
        same("result.volume.Labels == {'a': 'b'} and result.volume.Driver == 'local'"),
        task("volume", name="share", driver_options=cifs),
        task("container", **web, volumes=volumes, tmpfs=["/run:size=1m"],
             mounts=[{"target": "/nas", "source": "nas", "volume_options": cifs}]),
        same("result.container.Mounts | map(attribute='Destination') | sort"
             " == ['/data', '/made', '/nas', '/own', '/run']"),
        task("volume_info", name="made"),
        same("result.exists and result.volume.Mountpoint is match('/var/lib/slipway/volumes/')"),
    ]  # fmt: skip
    ending = [
        task("prune", volumes=True, volumes_filters={"all": True}),
        same("result.volumes == ['share']"),
        task("container", name="web", state="absent", keep_volumes=False),
        task("volume", name="made", state="absent"),
        same("result.volume is none"),
        task("prune", volumes=True),
        same("result.volumes == []"),
        task("prune", volumes=True, volumes_filters={"all": True}),
        same("result.volumes == ['data', 'nas']"),
    ]
    play = Play(tmp_path)
    foretold = play.tasks([*standing, *ending], "--check", "--diff", "-vvv")
    assert foretold.status == 0, foretold.output
    first = play.tasks(standing, "--diff", "-vvv")
    for output in (foretold.output, first.output):
        assert "username=u,password=********" in output
        assert "s3cret" not in output
    assert first.status == 0, first.output
    again = play.tasks(standing)
    assert (again.status, again.changed) == (0, 0), again.output
    diffs = [
        [item["diff"] for task in run.record for item in task["results"]] for run in (first, again)
    ]
    assert any(diffs[0]) and not any(diffs[1]), "a diff is for those who ask for one"
    done = play.tasks(ending, "--diff")
    assert done.status == 0, done.output
    whole = [dict(one) for one in [*first.record, *done.record]]
    assert compare_predictions.differences([dict(one) for one in foretold.record], whole) == []
    assert names(world.layout) == []
