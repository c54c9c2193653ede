# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What images and other containers do to lead a mount astray, and what comes of it: nothing."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import bundles, racing
from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    LockTimeout,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import store


@pytest.fixture
def canary(sandbox: Path) -> Iterator[Path]:
    """A directory of the host that nothing may reach."""
    made = sandbox / "canary-of-mounts"
    (made / "deep").mkdir(parents=True, exist_ok=True)
    (made / "secret").write_text("secret\n")
    yield made
    assert sorted(os.listdir(made)) == ["deep", "secret"]
    assert (made / "secret").read_text() == "secret\n"
    assert [e.target for e in linux.mountinfo() if e.target.startswith(str(made))] == []


def test_a_volume_that_is_swapped_while_others_start(world: World, canary: Path) -> None:
    # CVE-2021-30465, and the subpaths of Kubernetes (CVE-2021-25741).
    for subpath, rounds in ((False, 60), (True, 40)):
        found = racing.race(world, canary, rounds, subpath)
        assert found.started + found.refused == rounds
        assert found.started > rounds // 2


def hostile(world: World, sandbox: Path, tar: Path, links: dict[str, str], *changes: str) -> World:
    """The world with an image ``hostile`` in which these paths are links."""
    root = sandbox / "hostile-mounts"
    if root.exists():
        subprocess.run(["rm", "-rf", str(root)], check=True)
    root.mkdir()
    subprocess.run(["tar", "-xf", str(tar), "-C", str(root)], check=True)
    for path, target in links.items():
        subprocess.run(["rm", "-rf", str(root / path)], check=True)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    subprocess.run(["tar", "-cf", f"{root}.tar", "-C", str(root), "."], check=True)
    world.image = world.add_image("hostile", Path(f"{root}.tar"), *changes)
    return world


@pytest.mark.parametrize("name", ["runc", "crun"])
def test_links_at_every_kind_of_target(
    world: World, sandbox: Path, busybox_tar: Path, canary: Path, name: str
) -> None:
    up = "../" * 12
    links = {
        "volume": str(canary),
        "bound": f"{up}{canary}",
        "file": f"{canary}/secret",
        "memory": str(canary / "deep"),
        "image": str(canary),
        "part": str(canary / "part"),
        "declared": "/etc",
        "work": f"{canary}/made",
        "etc/resolv.conf": f"{canary}/secret",
        "loop": "loop",
    }
    changes = ("VOLUME /declared", "VOLUME /volume/declared", "WORKDIR /work/below")
    hostile(world, sandbox, busybox_tar, links, *changes)
    (sandbox / "a-file").write_text("mine\n")
    store.ensure(world.layout, Volume("parts", ""))
    (store.data(world.layout, "parts") / "x").mkdir()
    (store.data(world.layout, "parts") / "out").symlink_to(canary)
    mounts = (
        Mount("volume", "named", "/volume/named"),
        Mount("bind", str(sandbox / "a-file"), "/bound/a/file"),
        Mount("bind", str(sandbox / "a-file"), "/file"),
        Mount("tmpfs", "", "/memory/of/mine"),
        Mount("volume", "parts", "/part", subpath="x"),
    )
    script = "pwd; cat /file; exec sleep 1000"
    with bundles.serving(name):
        running = world.run("web", script, mounts=mounts, runtime=name)
    assert running.runtime == name
    said = until(lambda: world.log(running.id).endswith("mine\n") and world.log(running.id))
    assert said == f"{canary}/made/below\nmine\n"
    # Each of them lies where its link leads within the container's own root.
    targets = {entry.target for entry in linux.mountinfo(running.pid)}
    assert {
        f"{canary}/named",
        f"{canary}/declared",
        f"{canary}/a/file",
        # A link that leads nowhere is no place for a file, and makes way for it.
        "/file",
        f"{canary}/deep/of/mine",
        f"{canary}/part",
        "/etc",
        "/etc/resolv.conf",
    } <= targets
    # What the image's /etc has was copied into the volume that was declared, and nothing else.
    [declared] = [
        name
        for name in running.anonymous_volumes
        if (store.data(world.layout, name) / "passwd").exists()
    ]
    copied = (store.data(world.layout, declared) / "passwd").read_text()
    assert copied != Path("/etc/passwd").read_text()
    for target, why in (
        (
            Mount("volume", "parts", "/t", subpath="out/secret"),
            "'out/secret' does not exist in the",
        ),
        (Mount("volume", "named", "/loop/x"), "Too many levels of symbolic links"),
    ):
        made = world.create("other", mounts=(target,))
        with pytest.raises(Error, match=why):
            actions.start(world.host, made.id)
        actions.remove(world.host, made.id)


@pytest.mark.parametrize("path", ["/proc", "/sys", "/proc/self/fd", "/"])
def test_no_link_leads_a_mount_over_what_protects_the_host(
    world: World, sandbox: Path, busybox_tar: Path, path: str
) -> None:
    hostile(world, sandbox, busybox_tar, {"declared": path}, "VOLUME /declared")
    made = world.create("web")
    with pytest.raises(Error, match="is not allowed as a mount point"):
        actions.start(world.host, made.id)
    assert world.current(made.id).phase == "created"


def test_the_top_of_a_volume_is_no_link(world: World, canary: Path) -> None:
    made = world.create("web", mounts=(Mount("volume", "data", "/data"),))
    data = store.data(world.layout, "data")
    data.rmdir()
    data.symlink_to(canary)
    with pytest.raises(Error, match=r"volume data: .*/_data is not a directory"):
        actions.start(world.host, made.id)


@pytest.fixture
def seeded(sandbox: Path) -> Path:
    """A root with much at /srv: files with owners, modes, names for one another, attributes."""
    root = sandbox / "seeded"
    if not root.exists():
        (root / "srv" / "many").mkdir(parents=True)
        for number in range(1500):
            (root / "srv" / "many" / str(number)).write_text(str(number) * 50)
        (root / "srv" / "setuid").touch()
        os.chown(root / "srv" / "setuid", 7, 8)
        (root / "srv" / "setuid").chmod(0o4755)
        os.link(root / "srv" / "setuid", root / "srv" / "again")
        (root / "srv" / "link").symlink_to("/etc/shadow")
        os.mkfifo(root / "srv" / "fifo", 0o600)
        os.setxattr(root / "srv" / "setuid", "user.note", b"kept")
        os.chown(root / "srv", 5, 6)
        (root / "srv").chmod(0o2750)
    return root


def _copies(directory: Path) -> bool:
    """Whether a cp into a directory runs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes().endswith(b"/.\0%s\0" % os.fsencode(directory)):
                return True
    return False


def test_a_copy_that_was_killed_is_made_again(layout: Layout, seeded: Path) -> None:
    store.ensure(layout, Volume("data", ""))
    data = store.data(layout, "data")
    child = multiprocessing.get_context("fork").Process(
        target=store.fill, args=(layout, "data", seeded, "/srv")
    )
    child.start()
    until(lambda: any(data.iterdir()))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    found = store.find(layout, "data")
    assert found is not None and found.phase == "filling", "it was caught at it"
    # Its cp goes on, and holds the lock, or it would go on beside the next one.
    went_on = _copies(data)
    with contextlib.suppress(LockTimeout), files.lock(data.parent / "lock", deadline_s=0):
        assert not (went_on and _copies(data)), "the lock is free, and somebody still copies"
    (data / "half").touch()
    store.fill(layout, "data", seeded, "/srv")
    found = store.find(layout, "data")
    assert found is not None and found.phase == "ready"
    assert sorted(os.listdir(data)) == ["again", "fifo", "link", "many", "setuid"]
    assert len(os.listdir(data / "many")) == 1500
    top, setuid = data.stat(), (data / "setuid").stat()
    assert (top.st_uid, top.st_gid, top.st_mode & 0o7777) == (5, 6, 0o2750)
    assert (setuid.st_uid, setuid.st_gid, setuid.st_mode & 0o7777) == (7, 8, 0o4755)
    assert (data / "again").stat().st_ino == setuid.st_ino
    assert os.getxattr(data / "setuid", "user.note") == b"kept"
    assert os.readlink(data / "link") == "/etc/shadow"
    # It is made once: what the containers made of it stays.
    (data / "many" / "0").write_text("theirs")
    store.fill(layout, "data", seeded, "/srv")
    assert (data / "many" / "0").read_text() == "theirs"
