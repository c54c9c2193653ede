# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers mount: every kind and form, seen from inside, from the host and in inspect."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, until
from support.converging import Task, apply, assert_play_is_predicted, check
from support.declaring import acting
from support.declaring import isolated as task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    documents,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import prune
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume
from ansible_collections.slipway.engine.plugins.module_utils._runtime.tree import selinux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import store as volumes


@pytest.fixture
def place(sandbox: Path, request: pytest.FixtureRequest) -> Path:
    """A directory of the host for one test."""
    made = sandbox / f"mounts-{request.node.name[:30]}"
    made.mkdir()
    return made


def inside(world: World, name: str, script: str) -> str:
    """What a script says in the mounts of a running container, both streams."""
    pid = world.current(container_record.by_name(world.layout, name)).pid
    done = subprocess.run(
        ["nsenter", f"--target={pid}", "--mount", "--root", "/bin/sh", "-c", script],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return (done.stdout + done.stderr).decode()


def test_every_kind_of_mount(world: World, place: Path) -> None:
    (place / "file").write_text("a file\n")
    (place / "tree" / "below").mkdir(parents=True)
    volumes.ensure(world.layout, Volume("parts", ""))
    part = volumes.data(world.layout, "parts") / "a" / "b"
    part.mkdir(parents=True)
    (part / "in").write_text("a part\n")
    (part.parent / "out").symlink_to("/a/b")
    given: dict[str, Any] = {
        "volumes": [
            f"{place}/file:/file:ro",
            f"{place}/made:/made",
            "data:/data",
            "/anonymous",
        ],
        "mounts": [
            {"target": "/tree", "type": "bind", "source": f"{place}/tree", "read_only": True},
            {"target": "/part", "source": "parts", "subpath": "a/b"},
            {"target": "/linked", "source": "parts", "subpath": "a/out/in"},
            {"target": "/image", "type": "image", "source": "busybox:1"},
            {"target": "/programs", "type": "image", "source": "busybox:1", "subpath": "bin"},
            {"target": "/memory", "type": "tmpfs", "tmpfs_size": "1M", "tmpfs_mode": "0700"},
            {"target": "/labelled", "source": "labelled", "labels": {"a": "b"}},
        ],
        "tmpfs": ["/run:size=64k,exec", "/tmp", "/root:mode=0711,ro"],
    }
    assert_play_is_predicted(world.layout, [task("web", **given), task("web", **given)])
    assert inside(world, "web", "cat /file /part/in /linked; ls /programs | grep -x busybox") == (
        "a file\na part\na part\nbusybox\n"
    )
    for path in ("/file", "/tree/x", "/image/x", "/programs/x", "/root/x"):
        assert "Read-only file system" in inside(world, "web", f"echo > {path}")
    for path in ("/data", "/anonymous", "/made", "/part", "/memory", "/run", "/tmp"):
        assert inside(world, "web", f"echo mine > {path}/x; cat {path}/x") == "mine\n"
    assert (place / "made" / "x").read_text() == "mine\n"
    assert (part / "x").read_text() == "mine\n"
    assert inside(world, "web", "stat -c %a /memory /tmp /root; stat -fc '%b %S' /memory /run") == (
        "700\n1777\n711\n256 4096\n16 4096\n"
    )
    pid = world.current(container_record.by_name(world.layout, "web")).pid
    options = {entry.target: entry.options.split(",") for entry in linux.mountinfo(pid)}
    assert "noexec" not in options["/run"]
    for path in ("/tmp", "/root"):
        assert {"noexec", "nosuid", "nodev"} <= set(options[path])
    assert {"nosuid", "nodev", "ro"} <= set(options["/image"])

    found = documents.container(world.host, container_record.by_name(world.layout, "web"))
    shown = {entry["Destination"]: entry for entry in found["Mounts"]}
    assert {path: entry["Type"] for path, entry in shown.items()} == {
        "/anonymous": "volume", "/data": "volume", "/file": "bind", "/image": "image",
        "/labelled": "volume", "/linked": "volume", "/made": "bind", "/memory": "tmpfs",
        "/part": "volume", "/programs": "image", "/root": "tmpfs", "/run": "tmpfs",
        "/tmp": "tmpfs", "/tree": "bind",
    }  # fmt: skip
    assert [path for path, entry in shown.items() if not entry["RW"]] == [
        "/file", "/image", "/programs", "/root", "/tree",
    ]  # fmt: skip
    assert found["HostConfig"]["Binds"] == [
        "data:/data:rw", f"{place}/file:/file:ro", f"{place}/made:/made:rw",
    ]  # fmt: skip
    assert found["HostConfig"]["Tmpfs"]["/run"] == "exec,size=65536"
    assert {entry["Target"] for entry in found["HostConfig"]["Mounts"]} == {
        "/tree", "/part", "/linked", "/image", "/programs", "/labelled",
    }  # fmt: skip
    labelled = volumes.find(world.layout, "labelled")
    assert labelled is not None and labelled.labels == {"a": "b"}

    # The same in the other form is no change, and what is left out is gone.
    moved = {**given, "volumes": [*given["volumes"][:2], "/anonymous"]}
    moved["mounts"] = [*given["mounts"], {"target": "/data", "source": "data"}]
    assert not check(world.layout, task("web", **moved), {}).changed
    assert not check(
        world.layout, task("web", volumes=["data:/data"], undeclared="keep"), {}
    ).changed
    outcome, dummy = apply(world.layout, task("web", volumes=["data:/data"]))
    assert outcome.actions == ("recreate container web (volumes)",)
    assert inside(world, "web", "ls -d /file /part /image 2>&1 | grep -c such") != "0\n"
    assert inside(world, "web", "cat /data/x") == "mine\n"
    assert linux.mountinfo()[-1].target.endswith("/rootfs"), "what was put together is gone"


def test_a_missing_source(world: World, place: Path) -> None:
    bind = {"target": "/data", "type": "bind", "source": f"{place}/none"}
    with pytest.raises(
        Error, match=r"none does not exist, .* /data; create it, or set create_mount"
    ):
        apply(world.layout, task("web", mounts=[bind]))
    assert not (place / "none").exists()
    assert container_record.all_ids(world.layout) == []
    apply(world.layout, task("web", mounts=[bind], state="present"))
    made = [{**bind, "create_mountpoint": True}]
    # The container was made without that, and it is enough to start it with it.
    outcome, dummy = apply(world.layout, task("web", mounts=made))
    assert outcome.actions == ("update container web (volumes)", "start container web")
    assert (place / "none").is_dir()
    assert not apply(world.layout, task("web", mounts=made))[0].changed
    with pytest.raises(Error, match="'x' does not exist in the volume v"):
        part = [{"target": "/data", "source": "v", "subpath": "x"}]
        apply(world.layout, task("other", mounts=part))
    with pytest.raises(Error, match=r"image docker\.io/library/no:1, whose volumes it uses"):
        apply(
            world.layout,
            task("other", mounts=[{"target": "/i", "type": "image", "source": "no:1"}]),
        )


def test_mounts_in_mounts(world: World, place: Path) -> None:
    (place / "config").write_text("the file\n")
    script = "mkdir -p /out/in/deep; echo outer > /out/in/deep/hidden; exec sleep 1000"
    world.run("maker", script, mounts=(Mount("volume", "outer", "/out"),))
    data = volumes.data(world.layout, "outer")
    until((data / "in" / "deep" / "hidden").exists)
    apply(
        world.layout,
        task(
            "web",
            volumes=[
                "outer:/out",
                "inner:/out/in/deep",
                f"{place}/config:/out/new/config:ro",
                "top:/memory/top",
            ],
            tmpfs=["/memory", "/out/in/deep/scratch"],
        ),
    )
    assert inside(world, "web", "ls -A /out/in/deep; cat /out/new/config") == "scratch\nthe file\n"
    assert "Read-only" in inside(world, "web", "echo > /out/new/config")
    inside(world, "web", "echo inner > /out/in/deep/x; echo top > /memory/top/x")
    assert (volumes.data(world.layout, "inner") / "x").read_text() == "inner\n"
    assert (volumes.data(world.layout, "top") / "x").read_text() == "top\n"
    assert (data / "in" / "deep" / "hidden").read_text() == "outer\n"
    assert not (data / "in" / "deep" / "x").exists()
    # The places are made in the volume, as Docker makes them; nothing of it lies in the image's.
    assert (data / "new" / "config").read_text() == ""
    upper = world.layout.container(container_record.by_name(world.layout, "web")) / "upper"
    assert sorted(os.listdir(upper)) == ["dev", "etc", "memory", "out", "proc", "sys"]
    assert os.listdir(upper / "out") == []
    with pytest.raises(
        Error, match=r"/out/no/such cannot be mounted: Read-only .* create it there"
    ):
        apply(world.layout, task("ro", volumes=["outer:/out:ro", "inner:/out/no/such"]))


@contextlib.contextmanager
def shared(place: Path) -> Iterator[Path]:
    """A mount of the host that spreads what is mounted below it."""
    linux.mount(place, place, None, linux.MS_BIND)
    linux.mount(None, place, None, linux.MS_SHARED)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--recursive", str(place)], check=True)


def test_propagation_and_how_deep_read_only_goes(world: World, place: Path) -> None:
    with shared(place):
        for name in ("early", "late"):
            (place / name).mkdir()
        linux.mount("tmpfs", place / "early", "tmpfs")
        source = {"type": "bind", "source": str(place)}
        ro = {**source, "read_only": True}
        mounts = [
            {**source, "target": "/private"},
            {**source, "target": "/slave", "propagation": "rslave"},
            {**source, "target": "/shared", "propagation": "rshared"},
            {**source, "target": "/flat", "non_recursive": True},
            {**ro, "target": "/ro"},
            {**ro, "target": "/forced", "read_only_force_recursive": True},
            {**ro, "target": "/shallow", "read_only_non_recursive": True},
        ]
        apply(world.layout, task("web", mounts=mounts, capabilities=["SYS_ADMIN"]))
        said = inside(
            world,
            "web",
            "for d in private slave flat ro forced shallow; do echo > /$d/early/x && echo $d; done",
        )
        assert [line for line in said.splitlines() if ":" not in line] == [
            "private", "slave", "flat", "shallow",
        ]  # fmt: skip
        assert said.count("Read-only file system") == 2
        linux.mount("tmpfs", place / "late", "tmpfs")
        (place / "late" / "seen").touch()
        assert inside(world, "web", "ls /private/late /slave/late /shared/late").split() == [
            "/private/late:", "/shared/late:", "seen", "/slave/late:", "seen",
        ]  # fmt: skip
        inside(world, "web", "mkdir /shared/from; mount -t tmpfs tmpfs /shared/from")
        assert os.path.ismount(place / "from"), "what is mounted inside is seen on the host"
        apply(world.layout, task("web", state="absent"))


def test_a_driver_that_makes_no_volumes(world: World, busybox_tar: Path) -> None:
    """It matters where a volume is to be made, the image's included, and is shown otherwise."""
    made = task("web", volume_driver="nfs", volumes=["/tmp:/tmp"])
    assert_play_is_predicted(world.layout, [made, made])
    web = container_record.by_name(world.layout, "web")
    assert documents.container(world.host, web)["HostConfig"]["VolumeDriver"] == "nfs"
    pid = world.current(web).pid
    world.add_image("keeps", busybox_tar, "VOLUME /srv")
    for given, where in (({"volumes": ["a:/a"]}, "/a"), ({"image": "keeps:1"}, "/srv")):
        with pytest.raises(Error, match=f"unknown volume driver 'nfs' for the volume at {where}"):
            apply(world.layout, task("web", volume_driver="nfs", **given))
        with pytest.raises(Error, match=f"unknown volume driver 'nfs' for the volume at {where}"):
            apply(world.layout, task("other", volume_driver="nfs", state="present", **given))
    assert world.current(web).pid == pid
    assert os.listdir(world.layout.volumes) == []


def test_volumes_from(world: World, place: Path) -> None:
    given = ["data:/data", f"{place}:/host", "/own"]
    apply(world.layout, task("base", volumes=given, tmpfs=["/tmp"]))
    play = [
        task("other", volumes_from=["base:ro"], volumes=["mine:/data"]),
        task("other", volumes_from=["base:ro"], volumes=["mine:/data"]),
        task("base", state="absent"),
        task("other", volumes_from=["base:ro"], volumes=["mine:/data"], restart=True),
    ]
    assert_play_is_predicted(world.layout, play)
    # What it has from the other one it keeps, also the volume without a name.
    assert inside(world, "other", "echo > /data/x; ls /data") == "x\n"
    for path in ("/host", "/own"):
        assert "Read-only" in inside(world, "other", f"echo > {path}/x")
    with pytest.raises(Error, match="container base, whose volumes it uses, does not exist"):
        apply(world.layout, task("third", volumes_from=["base"]))
    apply(world.layout, task("other", state="absent"))
    apply(world.layout, Task(prune.declare, prune.RESOURCE, {"volumes": True}))
    assert sorted(one.name for one in volumes.volumes(world.layout)) == ["data", "mine"]


def test_an_image_that_is_mounted_is_in_use(world: World, busybox_tar: Path) -> None:
    other = world.add_image("tools", busybox_tar, "LABEL a=b")
    image = [{"target": "/tools", "type": "image", "source": "tools:1"}]
    apply(world.layout, task("web", mounts=image))
    params = {"name": "tools", "tag": "1", "force": False, "prune": True}
    removal = Task(image_remove.declare, image_remove.RESOURCE, params)
    with pytest.raises(Error, match="is used by container web"):
        apply(world.layout, removal)
    pruned = Task(
        prune.declare, prune.RESOURCE, {"images": True, "images_filters": {"dangling": False}}
    )
    assert not check(world.layout, pruned, {}).changed
    assert store.find(world.layout, other.id) is not None
    actions.remove(world.host, container_record.by_name(world.layout, "web"), force=True)
    assert check(world.layout, removal, {}).changed


def test_labels_of_selinux(place: Path) -> None:
    (place / "a" / "b").mkdir(parents=True)
    (place / "a" / "link").symlink_to("/etc")
    outside = place.parent / "outside"
    outside.touch()
    (place / "out").symlink_to(outside)
    context = "system_u:object_r:container_file_t:s0:c1,c2"
    fd = os.open(place, os.O_PATH | os.O_DIRECTORY)
    try:
        selinux.relabel(fd, str(place), "", private=True)
        with pytest.raises(OSError):
            os.getxattr(place, "security.selinux")
        selinux.relabel(fd, str(place), context, private=False)
        for path in (place, place / "a", place / "a" / "b", place / "a" / "link"):
            value = os.getxattr(path, "security.selinux", follow_symlinks=False)
            assert value == b"system_u:object_r:container_file_t:s0\0"
        with pytest.raises(OSError):
            os.getxattr(outside, "security.selinux")
        # A volume has it for all containers, and is gone through once.
        selinux.share(fd, "")
        os.setxattr(place / "a", "security.selinux", b"own\0")
        selinux.share(fd, context)
        assert os.getxattr(place / "a", "security.selinux") == b"own\0"
        os.removexattr(place, "security.selinux")
        selinux.share(fd, context)
        assert os.getxattr(place / "a", "security.selinux").endswith(b":s0\0")
        selinux.relabel(fd, str(place), context, private=True)
        assert os.getxattr(place / "a", "security.selinux") == context.encode() + b"\0"
        for kept in ("/", "/etc", "/usr", "/home/../home", "/var/lib/"):
            with pytest.raises(Error, match="cannot be relabelled for a container"):
                selinux.relabel(fd, kept, context, private=False)
    finally:
        os.close(fd)


def test_one_that_has_all_of_the_host_keeps_no_other(world: World) -> None:
    """Its view of / is put together on the host, with the roots of others in it."""
    apply(world.layout, task("one", volumes=["/tmp:/tmp"]))
    apply(world.layout, task("all", volumes=["/:/host:ro"]))
    apply(world.layout, acting("one", state="absent", force_kill=True))
    left = container_record.all_ids(world.layout)
    assert left == [container_record.by_name(world.layout, "all")]
    assert world.current(left[0]).phase == "running"
    apply(world.layout, acting("all", state="absent", force_kill=True))
