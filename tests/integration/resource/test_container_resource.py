# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container as tasks see it: declared, checked, changed, rolled back, refused, repaired."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import COLLECTIONS
from support.containers import World, page, until
from support.converging import Task, apply, assert_play_is_predicted, check
from support.declaring import acting, converge, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    container_copy_into,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network_resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)

SERVE = "mkdir -p /www; echo page $PAGE > /www/index.html; exec httpd -f -p 80 -h /www"


def file(container: str, path: str, content: str, **given: Any) -> Task:
    optional = ("path", "mode", "owner_id", "group_id", "force")
    params = {**dict.fromkeys(optional), "container": container, "container_path": path}
    return Task(
        container_copy_into.declare,
        container_copy_into.RESOURCE,
        {**params, "content": content, **given},
    )


def test_declared_again_changed_and_removed(world: World) -> None:
    (first,) = converge(world, task("web", env={"A": "1"}, labels={"x": "y"}))
    (same,) = converge(world, task("web", env={"A": "1"}, labels={"x": "y"}))
    assert same == first
    (second,) = converge(world, task("web", env={"A": "2"}, labels={"x": "y"}))
    assert second != first
    (third,) = converge(world, task("web", env={"A": "2"}, restart_policy="always"))
    assert third != second, "the label is no longer declared, so it does not exist"
    assert container_record.read_spec(world.layout, third).labels == {}
    (fourth,) = converge(world, task("web", env={"A": "2"}))
    assert fourth == third, "a restart policy is changed in the container as it is"
    assert container_record.read_spec(world.layout, third).restart_policy.name == "no"
    assert converge(world, task("web", state="absent")) == []


def test_tasks_without_an_image_only_act(world: World) -> None:
    (made,) = converge(world, task("web", labels={"x": "y"}, volumes=["data:/data"]))
    before = container_record.read_spec(world.layout, made)
    for state, phase in (("stopped", "exited"), ("started", "running")):
        assert converge(world, acting("web", state=state)) == [made]
        assert world.current(made).phase == phase
    assert container_record.read_spec(world.layout, made) == before
    apply(world.layout, acting("web", restart=True))
    assert world.current(made).generation == 3
    with pytest.raises(Error, match="container db does not exist, and the task specifies no image"):
        apply(world.layout, acting("db"))


def test_present_leaves_it_running_or_not(world: World) -> None:
    (made,) = converge(world, task("web", state="present"))
    assert world.current(made).phase == "created"
    converge(world, task("web"))
    (made,) = converge(world, task("web", state="present", labels={"a": "b"}))
    assert world.current(made).phase == "running"


def test_a_moved_image_recreates(world: World, busybox_tar: Path) -> None:
    (first,) = converge(world, task("web"))
    moved = world.add_image("busybox", busybox_tar, "LABEL release=2")
    assert check(world.layout, task("web"), {}).actions == ("recreate container web (image)",)
    (second,) = converge(world, task("web"))
    assert container_record.read_spec(world.layout, second).image_id == moved.id
    assert first != second


def test_a_failing_update_leaves_the_old_one_running(world: World) -> None:
    options = {"published_ports": ["127.0.0.1:8080:80"], "env": {"PAGE": "old"}}
    (old,) = converge(world, task("web", command=["sh", "-c", SERVE], **options))
    assert page(8080) == "page old\n"
    serve = ["sh", "-c", SERVE]
    # Only the kernel knows, so it is seen when the new one starts.
    unknown = {"net.ipv4.nope": "1"}
    with pytest.raises(Error, match="the old one was restarted"):
        apply(world.layout, task("web", command=serve, sysctls=unknown, **options))
    with pytest.raises(Error, match='"/no/such" is not in the image'):
        apply(world.layout, task("web", command=["/no/such"], **options))
    assert container_record.all_ids(world.layout) == [old]
    assert page(8080) == "page old\n"


def test_a_container_that_fails_at_once_is_an_error_with_its_last_words(world: World) -> None:
    dies = task("web", command=["sh", "-c", "echo cannot open database; exit 3"])
    with pytest.raises(
        Error,
        match=r"^container web exited with 3 right after its start; last log lines: cannot "
        "open database",
    ):
        until(lambda: apply(world.layout, dies)[0].actions == () and False)


def test_a_container_that_did_its_work_is_none(world: World) -> None:
    outcome, dummy = apply(world.layout, task("job", command=["true"]))
    assert outcome.changed


@pytest.mark.parametrize("name", ["a/b", "a\nb", "x" * 300, "", "-x", "über"])
def test_bad_names(world: World, name: str) -> None:
    with pytest.raises(Error, match="is not a container name"):
        apply(world.layout, task(name))
    assert container_record.all_ids(world.layout) == []


def test_a_taken_port_is_named_before_anything_is_made(world: World) -> None:
    want = task("web", published_ports=["8080:80"])
    with socket.create_server(("0.0.0.0", 8080)):
        with pytest.raises(Error, match="port 8080/tcp on the host is already in use by process"):
            apply(world.layout, want)
        assert container_record.all_ids(world.layout) == []
    converge(world, want)
    with pytest.raises(Error, match="in use by container web"):
        apply(world.layout, task("other", published_ports=["8080:80"]))
    assert len(container_record.all_ids(world.layout)) == 1


def test_a_command_that_is_not_in_the_image_leaves_nothing(world: World) -> None:
    with pytest.raises(Error, match='the command "/no/such" is not in the image'):
        apply(world.layout, task("web", command=["/no/such"]))
    assert container_record.all_ids(world.layout) == []
    assert list(world.layout.names.iterdir()) == []
    converge(world, task("web"))


def test_what_a_task_relies_on_is_named_before_anything_is_made(world: World) -> None:
    lacking = task("web", networks=[{"name": "nowhere"}])
    with pytest.raises(Error, match=r"network nowhere does not exist; create it with"):
        apply(world.layout, lacking)
    with pytest.raises(Error, match=r"Cannot find image with name absent, and pull=never"):
        apply(world.layout, task("web", image="absent"))
    assert container_record.all_ids(world.layout) == []
    # In check mode both are warnings: an earlier task may have made them.
    assert check(world.layout, lacking, {}).changed


@contextlib.contextmanager
def without(*programs: str) -> Iterator[None]:
    """A host that lacks these programs: empty files that nobody may execute lie over them."""
    covered = []
    for name in programs:
        path = subprocess.run(["which", name], capture_output=True, text=True, check=True)
        target = str(Path(path.stdout.strip()).resolve())
        subprocess.run(["mount", "--bind", "/dev/null", target], check=True)
        covered.append(target)
    try:
        yield
    finally:
        for target in covered:
            subprocess.run(["umount", target], check=True)


@pytest.mark.parametrize(
    ("programs", "why"),
    [
        (("crun", "runc"), "crun"),
        (("conmon",), "conmon is not installed"),
        (("nft",), "nft is not installed"),
    ],
)
def test_a_host_that_lacks_a_part(world: World, programs: tuple[str, ...], why: str) -> None:
    with without(*programs):
        with pytest.raises(Error, match=why) as caught:
            apply(world.layout, task("web"))
        assert "slipway.engine.host" in str(caught.value)
        assert container_record.all_ids(world.layout) == []
    converge(world, task("web"))


def test_a_kernel_without_overlayfs(world: World) -> None:
    (made,) = converge(world, task("web", state="present"))
    start = ["/usr/bin/python3", str(zipapp.program(world.layout)), "start", "web"]
    # The kernel's answer to a filesystem it does not know, mount(2).
    injected = ["strace", "-f", "-qq", "-e", "trace=mount", "-e", "inject=mount:error=ENODEV"]
    done = subprocess.run([*injected, *start], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "this kernel has no overlayfs" in done.stderr
    assert world.current(made).phase == "created"
    converge(world, task("web"))


def test_a_flushed_firewall_and_a_deleted_bridge_are_repaired(world: World) -> None:
    want = task(
        "web",
        command=["sh", "-c", SERVE],
        env={"PAGE": "one"},
        published_ports=["127.0.0.1:8080:80"],
    )
    (made,) = converge(world, want)
    attachment = world.current(made).attachments[0]
    for damage in (["nft", "flush", "ruleset"], ["ip", "link", "del", attachment.bridge]):
        subprocess.run(damage, check=True)
        predicted = check(world.layout, want, {})
        assert predicted.actions, damage
        done, dummy = apply(world.layout, want)
        assert done == predicted
        assert page(8080) == "page one\n"
        assert check(world.layout, want, {}).actions == ()
    assert container_record.all_ids(world.layout) == [made], "repaired, not recreated"


def test_a_restored_firewall_is_reported_once_in_a_play(world: World) -> None:
    play = [task("web"), task("db")]
    converge(world, *play)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    assert_play_is_predicted(world.layout, play)


#: A second run as the module does it, importing what the module imports.
SECOND_RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
converging = with_program(decide.RESOURCE)
host, declared = Host(Layout.default()), decide.declare(json.loads(sys.argv[2]))
plan = converging.plan(declared, converging.observe(host, declared))
assert plan.actions == [], plan.actions
converging.result(host, plan.have)
print(*sys.modules)
"""


def test_a_second_run_imports_nothing_that_acts(world: World) -> None:
    want = task("web", published_ports=["8080:80"])
    converge(world, want)
    argv = [sys.executable, "-c", SECOND_RUN, str(COLLECTIONS), json.dumps(want.params)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = done.stdout.split()
    prefix = "ansible_collections.slipway.engine.plugins.module_utils._runtime"
    assert f"{prefix}.resource.container.observe" in imported
    acting = (
        "image.transfer",
        "image.layer.unpack",
        "container.lifecycle.actions",
        "container.engine.conmon",
    )
    for name in ("requests", "pyroute2", "ctypes", *(f"{prefix}.{part}" for part in acting)):
        assert name not in imported


def test_labels_of_an_image_are_data_and_steer_nothing(world: World, busybox_tar: Path) -> None:
    """CVE-2026-53488, CVE-2024-3154: annotations tell OCI runtimes what to do, labels must not."""
    labels = {"run.oci.handler": "krun", "run.oci.hooks.stdout": "/etc/canary"}
    changes = [f"LABEL {name}={value}" for name, value in labels.items()]
    world.add_image("steering", busybox_tar, *changes, "LABEL restart_policy=always")
    (made,) = converge(world, task("web", image="steering:1"))
    config = json.loads((world.layout.run_container(made) / "config.json").read_bytes())
    assert not set(labels) & set(config.get("annotations", {}))
    assert container_record.read_spec(world.layout, made).restart_policy.name == "no"
    document = json.loads(world.slipway("inspect", "web").stdout)[0]
    assert document["Config"]["Labels"].items() >= labels.items()
    assert document["HostConfig"]["RestartPolicy"]["Name"] == "no"


def test_files_in_a_container(world: World) -> None:
    converge(world, task("web", volumes=["site:/srv"]))
    for path in ("/etc/motd", "/srv/index.html"):
        converge(world, file("web", path, "hello\n", mode="0640", owner_id=33))
        shown = world.slipway("inspect", "web").stdout
        pid = world.current(container_record.by_name(world.layout, "web")).pid
        written = Path(f"/proc/{pid}/root{path}")
        assert (written.read_text(), written.stat().st_mode & 0o7777) == ("hello\n", 0o640)
        assert written.stat().st_uid == 33
        assert b"hello" not in shown
    with pytest.raises(Error, match="is a directory"):
        apply(world.layout, file("web", "/etc", "x"))
    kept, dummy = apply(world.layout, file("web", "/etc/motd", "other", force=False))
    assert not kept.changed
    apply(world.layout, acting("web", state="stopped"))
    converge(world, file("web", "/etc/motd", "while it is stopped\n"))
    converge(world, acting("web", state="started"))
    pid = world.current(container_record.by_name(world.layout, "web")).pid
    assert Path(f"/proc/{pid}/root/etc/motd").read_text() == "while it is stopped\n"


def test_a_link_in_a_container_leads_nowhere_else(world: World, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    script = f"mkdir -p /d; ln -s {canary} /d/file; ln -s {tmp_path} /up; exec sleep 1000"
    converge(world, task("web", command=["sh", "-c", script]))
    until(lambda: world.slipway("ps").stdout)
    for path in ("/d/file", "/up/canary"):
        with contextlib.suppress(Error):
            apply(world.layout, file("web", path, "written"))
    assert canary.read_text() == "untouched"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["canary"]


def test_a_whole_play_is_predicted_on_a_fresh_host(world: World) -> None:
    pool = [{"subnet": "10.55.0.0/24", "gateway": None, "iprange": None, "aux_addresses": None}]
    network = Task(
        network_declare.declare,
        network_resource.RESOURCE,
        {
            **dict.fromkeys(
                ("driver", "internal", "enable_ipv6", "driver_options", "labels", "scope")
            ),
            "name": "back",
            "state": "present",
            "ipam_config": pool,
            "force": False,
        },
    )
    joined = {"networks": [{"name": "back", "ipv4_address": "10.55.0.9"}]}
    converge(
        world,
        network,
        task("db", **joined),
        task("app", networks=[{"name": "back"}], env={"DB": "db"}),
        file("app", "/etc/motd", "hello\n"),
    )
