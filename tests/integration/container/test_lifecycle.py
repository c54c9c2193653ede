# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that live and die: with the real overlayfs, OCI runtime, conmon and nftables."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, fetch, page, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    conmon_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    incarnation,
    replacement,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import (
    liveness,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Endpoint,
    Mount,
    Port,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    NetworkSpec,
    Pool,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import (
    store as volume_store,
)

SERVE = "mkdir -p /www; echo page of $NAME > /www/index.html; exec httpd -f -p 80 -h /www"


def test_a_life(world: World) -> None:
    made = world.create("web", "echo out; echo err >&2; exec sleep 1000")
    assert (made.phase, len(made.id)) == ("created", 64)
    started = actions.start(world.host, made.id)
    assert started.phase == "running"
    assert started.generation == 1
    assert liveness.is_running(world.layout, started)
    assert world.recorded(made.id) == started == world.current(made.id)
    assert actions.start(world.host, made.id) == started
    until(lambda: world.log("web") == "out\nerr\n")

    stopped = actions.stop(world.host, made.id)
    assert (stopped.phase, stopped.exit_code, stopped.pid) == ("exited", 137, 0)
    assert stopped.finished_at > stopped.started_at
    assert not Path(f"/proc/{started.pid}").exists()
    assert not world.layout.run_container(made.id).exists()
    assert actions.stop(world.host, made.id).phase == "exited"

    again = actions.restart(world.host, made.id)
    assert (again.phase, again.generation) == ("running", 2)
    with pytest.raises(Conflict, match="web is running"):
        actions.remove(world.host, made.id)
    actions.remove(world.host, made.id, force=True)
    with pytest.raises(NotFound):
        actions.identify(world.host, "web")
    with pytest.raises(NotFound):
        actions.start(world.host, made.id)
    assert os.listdir(world.layout.containers) == os.listdir(world.layout.run_containers) == []


@pytest.mark.parametrize(
    ("script", "options", "timeout_s", "code"),
    [
        ("trap 'exit 7' TERM; while :; do sleep 0.05; done", {"stop_signal": None}, None, 7),
        ("trap 'exit 8' USR1; while :; do sleep 0.05; done", {"stop_signal": "USR1"}, 5, 8),
        ("trap '' TERM; while :; do sleep 0.05; done", {"stop_signal": "TERM"}, 0.3, 137),
        ("trap 'exit 7' TERM; while :; do sleep 0.05; done", {"stop_signal": "TERM"}, 0, 137),
    ],
)
def test_stopping_honours_signal_and_grace(
    world: World, script: str, options: dict[str, Any], timeout_s: Any, code: int
) -> None:
    running = world.run("web", f"echo ready; {script}", **options)
    until(lambda: "ready" in world.log("web"))
    assert actions.stop(world.host, running.id, timeout_s).exit_code == code


def test_kill_sends_a_signal_and_sigkill_is_for_good(world: World) -> None:
    script = "trap 'echo got HUP' HUP; echo ready; while :; do sleep 0.05; done"
    running = world.run("web", script)
    until(lambda: "ready" in world.log("web"))
    assert actions.kill(world.host, running.id, "HUP").phase == "running"
    until(lambda: "got HUP" in world.log("web"))
    assert actions.kill(world.host, running.id).exit_code == 137
    with pytest.raises(Conflict, match="is not running"):
        actions.kill(world.host, running.id)


def test_a_command_that_is_not_in_the_image_leaves_nothing_half_made(world: World) -> None:
    made = world.create("web", command=("/no/such", "thing"))
    with pytest.raises(Error, match='the command "/no/such" is not in the image'):
        actions.start(world.host, made.id)
    found = world.recorded(made.id)
    assert (found.phase, found.pid) == ("created", 0)
    assert "/no/such" in found.error
    assert not world.layout.run_container(made.id).exists()
    # The task makes none of it stay, and the next try with the cause removed is a plain one.
    actions.remove(world.host, made.id)
    world.run("web")


def test_a_name_belongs_to_one_container(world: World) -> None:
    first = world.create("web", mounts=(Mount("anonymous", "", "/x"),))
    with pytest.raises(
        Conflict, match=f"the container name web is already in use by container {first.id[:12]}"
    ):
        world.create("web", mounts=(Mount("anonymous", "", "/x"),))
    assert container_record.all_ids(world.layout) == [first.id]
    assert len(os.listdir(world.layout.volumes)) == 1
    with pytest.raises(Error, match="is not a container name"):
        world.create("a/b")


def test_makers_of_one_name_at_the_same_time(world: World) -> None:
    outcomes: list[str] = []

    def make() -> None:
        try:
            outcomes.append(world.create("web").id)
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=make) for dummy in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("conflict") == 7
    assert len(container_record.all_ids(world.layout)) == 1


def test_a_published_port_serves_and_a_taken_one_is_named(world: World) -> None:
    options = {"network_mode": "", "env": {"NAME": "web"}, "ports": (Port(80, host_port=8080),)}
    made = world.create("web", SERVE, **options)
    with socket.create_server(("0.0.0.0", 8080)):
        with pytest.raises(
            Conflict, match="port 8080/tcp on the host is already in use by process"
        ):
            actions.start(world.host, made.id)
        assert world.recorded(made.id).publications == ()
    actions.start(world.host, made.id)
    assert page(8080) == "page of web\n"
    actions.stop(world.host, made.id)
    with pytest.raises(OSError, match="refused"):
        fetch(8080)


def test_what_is_mounted(world: World, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "file").write_text("of the host")
    (tmp_path / "dir").mkdir()
    missing = tmp_path / "made" / "for it"
    mounts = (
        Mount("bind", str(tmp_path / "file"), "/deep/down/file", read_only=True),
        Mount("bind", str(tmp_path / "dir"), "/dir"),
        Mount("bind", str(missing), "/missing"),
        Mount("volume", "data", "/data"),
    )
    script = (
        "cat /deep/down/file; echo x > /dir/x; echo y > /missing/y; echo z > /data/z;"
        " echo no > /deep/down/file; cat /proc/mounts > /dir/mounts; exec sleep 1000"
    )
    running = world.run("web", script, mounts=mounts)
    until((tmp_path / "dir" / "mounts").exists)
    assert "of the host" in world.log("web")
    assert "Read-only file system" in world.log("web")
    assert (tmp_path / "dir" / "x").read_text() == "x\n"
    assert (missing / "y").read_text() == "y\n"
    actions.remove(world.host, running.id, volumes=True, force=True)
    # A named volume is nobody's and stays.
    assert (volume_store.data(world.layout, "data") / "z").read_text() == "z\n"
    volume_store.remove(world.layout, "data")


def test_a_mount_of_the_wrong_kind_is_an_error(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    made = world.create("web", mounts=(Mount("bind", str(tmp_path / "file"), "/etc"),))
    with pytest.raises(Error, match="/etc is a directory in the image, but the source is a file"):
        actions.start(world.host, made.id)


@pytest.fixture
def volume_image_tar(sandbox: Path, busybox_tar: Path) -> Path:
    """Busybox with content at /srv/data, owned by somebody."""
    root = sandbox / "volume-image"
    if not root.exists():
        root.mkdir()
        subprocess.run(["tar", "-xf", str(busybox_tar), "-C", str(root)], check=True)
        data = root / "srv" / "data"
        data.mkdir(parents=True)
        (data / "seed").write_text("from the image")
        (data / "link").symlink_to("/etc/passwd")
        os.chown(data / "seed", 33, 33)
        os.chown(data, 33, 34)
        data.chmod(0o750)
        subprocess.run(["tar", "-cf", f"{root}.tar", "-C", str(root), "."], check=True)
    return Path(f"{root}.tar")


def test_a_volume_starts_with_what_the_image_holds(world: World, volume_image_tar: Path) -> None:
    image = world.add_image("seeded", volume_image_tar, "VOLUME /srv/data")
    running = world.run("web", image=image)
    [name] = running.anonymous_volumes
    data = volume_store.data(world.layout, name)
    found = data.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (33, 34, 0o750)
    assert (data / "seed").read_text() == "from the image"
    assert (data / "seed").stat().st_uid == 33
    assert os.readlink(data / "link") == "/etc/passwd"
    (data / "seed").write_text("changed")
    actions.restart(world.host, running.id)
    assert (data / "seed").read_text() == "changed"

    # The named volume is filled once; nocopy keeps it empty.
    mounts = (Mount("volume", "kept", "/srv/data", copy_up=False),)
    other = world.run("other", image=image, mounts=mounts)
    assert other.anonymous_volumes == ()
    assert list(volume_store.data(world.layout, "kept").iterdir()) == []
    actions.remove(world.host, running.id, volumes=True, force=True)
    assert not data.exists()


def test_an_interrupted_copy_is_started_over(world: World, volume_image_tar: Path) -> None:
    image = world.add_image("seeded", volume_image_tar)
    made = world.create("web", image=image, mounts=(Mount("volume", "data", "/srv/data"),))
    found = volume_store.find(world.layout, "data")
    assert found is not None
    volume_store._write(world.layout, dataclasses.replace(found, phase="filling"))
    (volume_store.data(world.layout, "data") / "half").touch()
    actions.start(world.host, made.id)
    names = sorted(os.listdir(volume_store.data(world.layout, "data")))
    assert names == ["link", "seed"]


def test_links_of_the_image_lead_nowhere_on_the_host(
    world: World, sandbox: Path, busybox_tar: Path
) -> None:
    canary = sandbox / "canary"
    canary.mkdir(exist_ok=True)
    root = sandbox / "hostile"
    root.mkdir()
    subprocess.run(["tar", "-xf", str(busybox_tar), "-C", str(root)], check=True)
    for name in ("etc", "dev", "proc"):
        subprocess.run(["rm", "-rf", str(root / name)], check=True)
    for name in ("etc", "dev", "work", "data", "vol", "srv/deep"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(canary)
    subprocess.run(["tar", "-cf", f"{root}.tar", "-C", str(root), "."], check=True)
    image = world.add_image("hostile", Path(f"{root}.tar"), "WORKDIR /work/below", "VOLUME /vol/a")
    mounts = (
        Mount("bind", str(sandbox / "canary"), "/data/bound"),
        Mount("volume", "inner", "/srv/deep/er"),
    )
    running = world.run("web", "pwd; exec sleep 1000", image=image, mounts=mounts)
    until(lambda: world.log("web"))
    assert list(canary.iterdir()) == []
    actions.remove(world.host, running.id, volumes=True, force=True)
    volume_store.remove(world.layout, "inner")
    assert list(canary.iterdir()) == []


def test_a_swap_moves_the_port_and_keeps_the_name(world: World) -> None:
    options = {"network_mode": "", "ports": (Port(80, host_port=8080),)}
    old = world.run("web", SERVE, env={"NAME": "old"}, **options)
    assert page(8080) == "page of old\n"
    spec = world.spec("web", SERVE, env={"NAME": "new"}, **options)
    new = replacement.swap(world.host, old.id, spec, world.image, start=True)
    assert new.id != old.id
    assert actions.identify(world.host, "web") == new.id
    assert (new.name, container_record.read_spec(world.layout, new.id)) == ("web", spec)
    assert container_record.all_ids(world.layout) == [new.id]
    assert page(8080) == "page of new\n"


def test_a_swap_moves_a_fixed_address(world: World) -> None:
    network = network_record.make(NetworkSpec("front", pools=(Pool("10.77.0.0/24", "10.77.0.1"),)))
    network_record.write(world.layout, network)
    options = {
        "network_mode": "",
        "networks": (Endpoint("front", ipv4_address="10.77.0.9", aliases=("www",)),),
    }
    old = world.run("web", **options)
    spec = world.spec("web", command=("/no/such",), **options)
    with pytest.raises(Error, match="the old one was restarted"):
        replacement.swap(world.host, old.id, spec, world.image, start=True)
    back = world.current(old.id)
    assert (back.phase, back.attachments[0].ipv4_address) == ("running", "10.77.0.9/24")
    spec = world.spec("web", SERVE, env={"NAME": "web"}, **options)
    new = replacement.swap(world.host, old.id, spec, world.image, start=True)
    assert new.attachments[0].ipv4_address == "10.77.0.9/24"
    # Its peers know it by name and alias.
    peer = world.run(
        "peer",
        "until wget -q -O - http://www/; do sleep 0.1; done; exec sleep 1000",
        network_mode="",
        networks=(Endpoint("front"),),
    )
    until(lambda: "page of web" in world.log(peer.id))


def test_a_swap_that_fails_brings_the_old_one_back(world: World) -> None:
    options = {"network_mode": "", "ports": (Port(80, host_port=8080),)}
    old = world.run("web", SERVE, env={"NAME": "old"}, **options)
    assert page(8080) == "page of old\n"
    spec = world.spec("web", command=("/no/such",), **options)
    with pytest.raises(Error, match=r"did not start, and the old one was restarted: .*/no/such"):
        replacement.swap(world.host, old.id, spec, world.image, start=True)
    assert container_record.all_ids(world.layout) == [old.id]
    assert world.current(old.id).phase == "running"
    assert world.current(old.id).name == "web"
    assert page(8080) == "page of old\n"


def test_renaming(world: World) -> None:
    running = world.run("web")
    world.create("other")
    with pytest.raises(Conflict, match="the container name other is already in use"):
        actions.rename(world.host, running.id, "other")
    assert actions.rename(world.host, running.id, "site").name == "site"
    assert actions.identify(world.host, "site") == running.id
    assert container_record.read_spec(world.layout, running.id).name == "site"
    with pytest.raises(NotFound):
        actions.identify(world.host, "web")


def test_network_modes(world: World) -> None:
    show = "ls /sys/class/net | tr '\\n' ' '; cat /sys/class/net/lo/operstate; exec sleep 1000"
    world.run("none", show, network_mode="none")
    world.run("host", show, network_mode="host")
    first = world.run("first", show, network_mode="")
    world.run("second", show, network_mode="container:first")
    until(lambda: world.log("second"))
    assert world.log("none").split()[:1] == ["lo"]
    assert world.log("first").split()[:2] == ["eth0", "lo"]
    assert world.log("second") == world.log("first")
    spaces = [os.readlink(f"/proc/{world.current(_id(world, n)).pid}/ns/net") for n in _NAMES]
    assert spaces[0] == os.readlink("/proc/self/ns/net")
    assert spaces[1] == spaces[2]
    actions.stop(world.host, first.id)
    with pytest.raises(Error, match="it shares the network of first, which is not running"):
        actions.restart(world.host, _id(world, "second"))


_NAMES = ("host", "first", "second")


def _id(world: World, name: str) -> str:
    return actions.identify(world.host, name)


#: The library's package, for code that runs in a process of its own.
RUNTIME = "ansible_collections.slipway.engine.plugins.module_utils._runtime"


def _elsewhere(world: World, statement: str) -> list[str]:
    """A command line that acts on the installation from a process of its own."""
    path = next(p for p in sys.path if p.endswith(".build/collections"))
    code = (
        f"import sys; sys.path.insert(0, {path!r})\n"
        f"from {RUNTIME}.container.lifecycle import actions\n"
        f"from {RUNTIME}.base.layout import Layout\n"
        f"from {RUNTIME}.plan.plan import Host\n"
        f"host = Host(Layout.default())\n{statement}\n"
    )
    return [sys.executable, "-c", code]


def test_it_outlives_the_session_that_started_it(world: World) -> None:
    made = world.create("web")
    start = _elsewhere(world, f"actions.start(host, {made.id!r}); print('up', flush=True); input()")
    session = subprocess.Popen(
        start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert session.stdout is not None and session.stdin is not None
    assert session.stdout.readline() == b"up\n"
    os.killpg(session.pid, signal.SIGHUP)
    os.killpg(session.pid, signal.SIGKILL)
    session.wait()
    session.stdout.close()
    session.stdin.close()
    time.sleep(0.1)
    assert world.current(made.id).phase == "running"
    running = world.recorded(made.id)
    assert os.getsid(running.conmon_pid) not in (session.pid, os.getsid(0))
    assert actions.stop(world.host, made.id).exit_code == 137


def test_nothing_but_its_streams_is_open_inside(world: World) -> None:
    with open("/dev/null") as leaky:
        os.set_inheritable(leaky.fileno(), True)
        running = world.run("web", command=("sleep", "1000"))
    until(lambda: Path(f"/proc/{running.pid}/comm").read_text() == "sleep\n")
    assert sorted(os.listdir(f"/proc/{running.pid}/fd")) == ["0", "1", "2"]


def test_it_can_be_stopped_without_its_monitor(world: World) -> None:
    running = world.run("web")
    os.kill(running.conmon_pid, signal.SIGKILL)
    until(lambda: not conmon_files.alive(world.layout, running.id))
    assert world.current(running.id).phase == "running"
    assert actions.stop(world.host, running.id).exit_code == liveness.UNSEEN_EXIT
    assert actions.start(world.host, running.id).phase == "running"


@pytest.mark.parametrize("after_ms", [0, 6, 12, 18, 24, 30, 40, 50])
def test_a_start_that_is_killed_is_made_good_by_the_next(world: World, after_ms: int) -> None:
    made = world.create("web", network_mode="", ports=(Port(80, host_port=8080),))
    bomb = (
        "import os, signal, threading, time\n"
        f"from {RUNTIME}.network.link import codec\n"
        "codec.preload().join()\n"
        f"wait = {after_ms} / 1000\n"
        "threading.Thread(target=lambda: (time.sleep(wait), os.kill(os.getpid(), 9))).start()\n"
    )
    victim = _elsewhere(world, f"{bomb}actions.start(host, {made.id!r})\ntime.sleep(9)")
    subprocess.run(victim, check=False, timeout=30)
    for garbage in world.layout.tmp.iterdir():
        # What is half made lies here, and is garbage by definition.
        files.remove_tree(garbage)
    again = actions.start(world.host, made.id)
    assert again.phase == "running"
    assert liveness.is_running(world.layout, again)
    assert actions.stop(world.host, made.id).phase == "exited"


@pytest.fixture
def slow_runtime() -> Iterator[None]:
    """OCI runtimes that take their time to create; the sandbox has its own /usr/local/bin."""
    wrappers = []
    for name in ("crun", "runc"):
        real = shutil.which(name, path="/usr/sbin:/usr/bin")
        wrapper = Path("/usr/local/bin", name)
        if real is None or wrapper.exists():
            continue
        wrapper.write_text(f'#!/bin/sh\ncase "$*" in *" create "*) sleep 0.4; esac\n{real} "$@"\n')
        wrapper.chmod(0o755)
        wrappers.append(wrapper)
    yield
    for wrapper in wrappers:
        wrapper.unlink()


def test_a_creation_in_flight_does_not_disturb_the_next(world: World, slow_runtime: None) -> None:
    """Its starter is killed while the OCI runtime creates, and the next start comes at once."""
    made = world.create("web")
    statement = f"actions.start(host, {made.id!r})\nimport time; time.sleep(9)"
    victim = subprocess.Popen(_elsewhere(world, statement))
    until(
        lambda: any(
            b"create" in argv and made.id.encode() in argv for argv in incarnation._command_lines()
        )
    )
    victim.kill()
    victim.wait()
    assert actions.start(world.host, made.id).generation == 2


def test_many_starters_start_it_once(world: World) -> None:
    made = world.create("web")
    start = _elsewhere(world, f"print(actions.start(host, {made.id!r}).pid)")
    starters = [subprocess.Popen(start, stdout=subprocess.PIPE) for dummy in range(4)]
    pids = {starter.communicate(timeout=30)[0] for starter in starters}
    assert pids == {f"{world.current(made.id).pid}\n".encode()}
    assert world.recorded(made.id).generation == 1


def test_a_running_container_costs_one_monitor(world: World) -> None:
    running = world.run("web")
    status = Path(f"/proc/{running.conmon_pid}/status").read_text()
    resident_kib = int(next(line for line in status.splitlines() if "VmRSS" in line).split()[1])
    assert resident_kib < 4096
    parent = Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()[1]
    assert int(parent) == running.conmon_pid
