# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What options of a container do, seen from inside it and from its control groups."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import serving
from support.containers import World
from support.converging import Task, apply, assert_play_is_predicted, check
from support.declaring import isolated as task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    execute,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.root import (
    confinement,
    rootfs,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    documents,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import platform
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import process
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import (
    converge as carry_out,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
)

UNIFIED = Path("/sys/fs/cgroup/cgroup.controllers").exists()


@pytest.fixture(params=["runc", "crun"])
def runtime(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each OCI runtime: both are told the same, and have to do the same."""
    with serving(str(request.param)):
        yield str(request.param)


def converge(world: World, made: Task) -> str:
    """Check, apply, apply again: the prediction held, and the second run found nothing to do."""
    assert_play_is_predicted(world.layout, [made])
    assert apply(world.layout, made)[0].actions == ()
    return container_record.by_name(world.layout, made.params["name"])


def inside(world: World, container_id: str, script: str, **request: Any) -> str:
    """What a shell in a container prints."""
    asked = execute.Request(("sh", "-c", script), **request)
    done = execute.run(world.host, container_id, asked)
    assert done.returncode == 0, (script, done.stderr)
    return done.stdout.decode().strip()


def main_process(world: World, container_id: str, file: str) -> str:
    """A file below /proc of the container's first process, seen from the host."""
    return Path(f"/proc/{world.current(container_id).pid}/{file}").read_text()


def cgroup(world: World, container_id: str, v1: str, v2: str) -> str:
    """A file of the container's control group: ``controller/name`` of v1, or that of v2."""
    for line in main_process(world, container_id, "cgroup").splitlines():
        dummy, controllers, path = line.split(":", 2)
        if UNIFIED and not controllers:
            return Path(f"/sys/fs/cgroup{path}/{v2}").read_text().strip()
        kind, dummy, name = v1.partition("/")
        if not UNIFIED and kind in controllers.split(","):
            return Path(f"/sys/fs/cgroup/{kind}{path}/{name}").read_text().strip()
    raise AssertionError(f"there is no control group with {v1}")


def test_the_process_and_its_rights(world: World, sandbox: Path, runtime: str) -> None:
    (sandbox / "variables").write_text("# a comment\nFROM_FILE=a b\nBOTH=file\n")
    filtered = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 42},
            {"names": ["getpid"], "action": "SCMP_ACT_ERRNO", "includes": {"arches": ["mips"]}},
        ],
    }
    (sandbox / "filter.json").write_text(json.dumps(filtered))
    made = task(
        "web",
        runtime=runtime,
        env={"BOTH": "task"},
        env_file=str(sandbox / "variables"),
        hostname="here",
        domainname="example.com",
        user="8:12",
        groups=["7", "1234"],
        working_dir="/a/b",
        init=True,
        interactive=True,
        command=["cat"],
        stop_signal="SIGQUIT",
        cap_drop=["CHOWN"],
        capabilities=["NET_ADMIN"],
        read_only=False,
        security_opts=["no-new-privileges", f"seccomp={sandbox}/filter.json"],
        sysctls={"kernel.shmmni": 77, "net.ipv4.ip_forward": "1"},
        cgroupns_mode="private",
        ulimits=["nofile:64:128", "core=0"],
        oom_score_adj=333,
        shm_size="1M",
        devices=["/dev/null:/dev/nothing", "/dev/loop0:/dev/disk:r"],
        device_cgroup_rules=["c 10:200 r"],
    )
    web = converge(world, made)
    assert inside(world, web, "echo $FROM_FILE, $BOTH") == "a b, task"
    assert inside(world, web, "hostname; cat /proc/sys/kernel/domainname") == "here\nexample.com"
    assert inside(world, web, "id -u; id -g; pwd") == "8\n12\n/a/b"
    status = dict(line.split(":\t", 1) for line in main_process(world, web, "status").splitlines())
    assert status["Uid"].split() == ["8"] * 4
    assert status["Groups"].split() == ["7", "12", "1234"]
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    bounding = int(status["CapBnd"], 16)
    assert not bounding & 1, "CAP_CHOWN was dropped"
    assert bounding & 1 << 12, "CAP_NET_ADMIN was added"
    assert inside(world, web, "cat /proc/1/cmdline | tr '\\0' ' '") == "/dev/init -- cat"
    assert "cat" in inside(world, web, "cat /proc/[0-9]*/comm").split()
    assert not (world.layout.container(web) / "upper/dev/init").exists(), "nothing is left of it"
    assert (
        inside(world, web, "cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward") == "77\n1"
    )
    assert "0::/\n" in inside(world, web, "cat /proc/self/cgroup") + "\n"
    limits = main_process(world, web, "limits")
    assert "Max open files            64                   128" in limits
    assert "Max core file size        0                    0" in limits
    assert main_process(world, web, "oom_score_adj").strip() == "333"
    assert inside(world, web, "df -k /dev/shm | tail -n1").split()[1] == "1024"
    assert inside(world, web, "cat /dev/nothing") == ""
    assert inside(world, web, "test -b /dev/disk && : < /dev/disk && echo read", user="0") == "read"
    with pytest.raises(AssertionError, match="not permitted"):
        inside(world, web, ": > /dev/disk", user="0")
    with pytest.raises(AssertionError, match="No message"):
        inside(world, web, "mkdir /tmp/x")
    found = documents.container(world.host, web)
    config, host = found["Config"], found["HostConfig"]
    assert (config["Hostname"], config["Domainname"], config["User"]) == (
        "here",
        "example.com",
        "8:12",
    )
    assert config["OpenStdin"] and host["Init"] and config["StopSignal"] == "SIGQUIT"
    assert host["Ulimits"][1] == {"Name": "nofile", "Soft": 64, "Hard": 128}
    assert host["SecurityOpt"][0] == "no-new-privileges" and host["OomScoreAdj"] == 333
    assert host["ShmSize"] == 1 << 20 and host["GroupAdd"] == ["1234", "7"]
    assert host["Devices"][0]["CgroupPermissions"] == "r"

    # What a file says is part of what was declared.
    (sandbox / "variables").write_text("FROM_FILE=other\n")
    (sandbox / "filter.json").write_text(json.dumps({**filtered, "syscalls": []}))
    assert check(world.layout, made, {}).actions == ("recreate container web (env, security_opts)",)


def test_limits_are_set_and_changed_in_the_running_container(world: World, runtime: str) -> None:
    first: dict[str, Any] = {
        "runtime": runtime,
        "memory": "64M",
        "memory_reservation": "32M",
        "memory_swap": "96M",
        "cpus": 0.5,
        "cpu_shares": 512,
        "cpuset_cpus": "0",
        "cpuset_mems": "0",
        "pids_limit": 50,
        "cgroup_parent": "/slipway/options",
        "device_read_bps": [{"path": "/dev/loop0", "rate": "1M"}],
        "device_write_iops": [{"path": "/dev/loop0", "rate": 20}],
    }
    if not UNIFIED:
        first |= {"memory_swappiness": 10, "oom_killer": True, "blkio_weight": 300}
    web = converge(world, task("web", **first))

    def limits() -> tuple[str, ...]:
        return (
            cgroup(world, web, "memory/memory.limit_in_bytes", "memory.max"),
            cgroup(world, web, "memory/memory.soft_limit_in_bytes", "memory.low"),
            cgroup(world, web, "cpu/cpu.cfs_quota_us", "cpu.max").split()[0],
            cgroup(world, web, "cpuset/cpuset.cpus", "cpuset.cpus"),
            cgroup(world, web, "pids/pids.max", "pids.max"),
        )

    assert limits() == ("67108864", "33554432", "50000", "0", "50")
    assert "/slipway/options/" in main_process(world, web, "cgroup")
    if not UNIFIED:
        assert cgroup(world, web, "memory/memory.memsw.limit_in_bytes", "") == str(96 << 20)
        assert cgroup(world, web, "memory/memory.swappiness", "") == "10"
        assert cgroup(world, web, "memory/memory.oom_control", "").startswith("oom_kill_disable 1")
        assert cgroup(world, web, "cpu/cpu.shares", "") == "512"
        for name, rate in (("read_bps", 1 << 20), ("write_iops", 20)):
            assert cgroup(world, web, f"blkio/blkio.throttle.{name}_device", "") == f"7:0 {rate}"
        assert cgroup(world, web, "blkio/blkio.bfq.weight", "") == "300"
    pid = world.current(web).pid
    second = {
        **first,
        "memory": "128M",
        "memory_swap": "256M",
        "memory_reservation": "48M",
        "cpus": 1.5,
        "cpu_shares": 256,
        "cpuset_cpus": "0-1",
        "pids_limit": 60,
    }
    if not UNIFIED:
        second["blkio_weight"] = 200
    assert converge(world, task("web", **second)) == web
    assert limits() == ("134217728", "50331648", "150000", "0-1", "60")
    assert UNIFIED or cgroup(world, web, "blkio/blkio.bfq.weight", "") == "200"
    fixed = ("runtime", "cgroup_parent", "oom_killer", "device_read_bps", "device_write_iops")
    kept = {option: first[option] for option in (*fixed, "memory_swappiness") if option in first}
    assert converge(world, task("web", **kept)) == web, "without limits it goes on as it is"
    memory, reserved, quota, cpus, pids = limits()
    assert int(memory) > 1 << 60 or memory == "max"
    assert int(reserved) > 1 << 60 or reserved == "0"
    assert quota in ("-1", "max", "819200000") and pids in ("max", str(1 << 22))
    assert cpus == Path("/sys/devices/system/cpu/online").read_text().strip()
    assert world.current(web).pid == pid, "it ran all the time"

    # What the kernel refuses changes nothing.
    converge(world, task("web", **kept, memory="64M"))
    inside(world, web, "mount -t tmpfs x /mnt 2>/dev/null; head -c 20000000 /dev/zero > /dev/shm/x")
    with pytest.raises(Error, match="container web: its limits cannot be changed"):
        apply(world.layout, task("web", **kept, memory="8M"))
    assert container_record.read_spec(world.layout, web).memory_bytes == 64 << 20
    assert world.current(web).pid == pid
    apply(world.layout, task("web", state="absent"))
    for group in ("slipway/options", "*/slipway/options"):
        for left in Path("/sys/fs/cgroup").glob(group):
            os.rmdir(left)


def test_namespaces_are_shared(world: World, runtime: str) -> None:
    db = converge(world, task("db", runtime=runtime, ipc_mode="shareable", shm_size="2M"))
    inside(world, db, "echo mine > /dev/shm/note")
    shared = {
        "pid_mode": "container:db",
        "ipc_mode": "container:db",
        "network_mode": "container:db",
    }
    app = converge(world, task("app", runtime=runtime, **shared))
    for kind in ("pid", "ipc", "net"):
        one, other = (os.readlink(f"/proc/{world.current(i).pid}/ns/{kind}") for i in (db, app))
        assert one == other
    assert inside(world, app, "cat /dev/shm/note") == "mine"
    assert inside(world, app, "cat /proc/1/cmdline | tr '\\0' ' '") == "sleep 1000"
    alone = converge(world, task("alone", runtime=runtime, ipc_mode="none"))
    assert inside(world, alone, "ls /dev/shm 2>/dev/null || echo none") == "none"
    own = dict.fromkeys(("pid_mode", "ipc_mode", "uts"), "host")
    host = converge(world, task("host", runtime=runtime, init=True, **own))
    assert inside(world, host, "cat /etc/hostname") == socket.gethostname()
    assert inside(world, host, "hostname") == socket.gethostname()
    for kind in ("pid", "ipc", "uts"):
        ours = os.readlink(f"/proc/self/ns/{kind}")
        assert os.readlink(f"/proc/{world.current(host).pid}/ns/{kind}") == ours
    with pytest.raises(Error, match="alone, which is private"):
        apply(world.layout, task("more", ipc_mode="container:alone"))
    apply(world.layout, task("db", image=None, command=None, state="stopped"))
    with pytest.raises(Error, match="the processes of db, which is not running"):
        apply(world.layout, task("more", pid_mode="container:db"))
    assert not list(world.layout.run.glob("containers/*/shm")) or not os.path.ismount(
        next(world.layout.run.glob("containers/*/shm"))
    )


def test_what_the_host_lacks_is_named(world: World) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"devices": ["/etc/passwd"]}, "/etc/passwd is not a device on this host"),
        ({"device_read_bps": [{"path": "/dev/null", "rate": "1M"}]}, "not a whole disk"),
        ({"runtime": "/no/such/runtime"}, "/no/such/runtime is not installed"),
        ({"security_opts": ["apparmor=mine"]}, "requires AppArmor"),
        ({"env_file": "/no/such/file"}, "env_file: the file /no/such/file"),
        ({"groups": ["nobody-of-that-name"]}, "no group"),
    ]
    for given, why in cases:
        with pytest.raises(Error, match=why):
            apply(world.layout, task("web", **given))
        assert container_record.all_ids(world.layout) == []
    made = check(world.layout, task("web", env_file="/no/such/file"), {})
    assert made.actions == ("create and start container web",), "an earlier task may make it"
    apply(world.layout, task("web"))
    for option, value in (("env_file", "/no/such/file"), ("security_opts", ["seccomp=/nope.json"])):
        with pytest.raises(Error, match="does not exist on the host"):
            apply(world.layout, task("web", undeclared="keep", **{option: value}))


def test_partitions_have_no_rates(world: World, tmp_path: Path) -> None:
    """The kernel limits whole disks; this is said before a container is stopped for it."""
    disk, node = tmp_path / "disk", tmp_path / "node"
    disk.write_bytes(b"")
    os.truncate(disk, 8 << 20)
    loop = process.run(["losetup", "--find", "--show", str(disk)]).stdout.decode().strip()
    name = Path(loop).name
    try:
        process.run(["addpart", loop, "1", "2048", "4096"])
        numbers = Path(f"/sys/block/{name}/{name}p1/dev").read_text("ascii").split(":")
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(*map(int, numbers)))
        web = converge(world, task("web", device_read_bps=[{"path": loop, "rate": "1M"}]))
        pid = world.current(web).pid
        partition = task("web", device_read_bps=[{"path": str(node), "rate": "1M"}])
        with pytest.raises(Error, match=f"{node} is not a whole disk of this host"):
            apply(world.layout, partition)
        assert world.current(web).pid == pid
        process.run(["delpart", loop, "1"])
    finally:
        process.run(["losetup", "--detach", loop])


def test_a_limit_that_linux_lost_is_ignored_with_a_warning(world: World) -> None:
    host, asked = Host(world.layout), task("web", kernel_memory="8M")
    carry_out(host, asked.resource, asked.declare(asked.params))
    assert len(host.warnings) == 1 and "kernel_memory is ignored" in host.warnings[0]
    web = container_record.by_name(world.layout, "web")
    assert "KernelMemory" not in documents.container(host, web)["HostConfig"]
    assert converge(world, task("web", kernel_memory="6M")) == web
    with pytest.raises(Error, match="storage_opts is not supported: it is supported only for"):
        apply(world.layout, task("web", storage_opts={"size": "12m"}))


def test_files_of_names_have_the_containers_label(tmp_path: Path) -> None:
    context = "system_u:object_r:container_file_t:s0:c1,c2"
    for name in ("resolv.conf", "hostname", "hosts"):
        (tmp_path / name).touch()
    rootfs.label_names(tmp_path, "")
    with pytest.raises(OSError):
        os.getxattr(tmp_path / "hosts", "security.selinux")
    rootfs.label_names(tmp_path, context)
    for name in ("resolv.conf", "hostname", "hosts"):
        assert os.getxattr(tmp_path / name, "security.selinux") == context.encode() + b"\0"


def test_an_image_for_another_platform_does_not_serve(world: World) -> None:
    own = platform.host_platform()
    web = converge(world, task("web", platform=str(own)))
    for spelled in ("linux", own.architecture):
        assert converge(world, task("web", platform=spelled)) == web
    with pytest.raises(Error, match="for linux/s390x, and pull=never"):
        apply(world.layout, task("web", platform="linux/s390x"))
    with pytest.raises(Error, match="not a platform"):
        apply(world.layout, task("web", platform="linux//"))
    assert world.current(container_record.by_name(world.layout, "web")).phase == "running"


def test_a_start_that_fails_leaves_no_control_group(world: World, runtime: str) -> None:
    wrong: list[dict[str, Any]] = [{"command": ("/no/such",)}]
    if runtime == "crun" and not UNIFIED:
        # It has made the groups by the time the kernel says that there is no such node of memory.
        wrong.append({"cpuset_mems": "77"})
    for given in wrong:
        made = world.create("web", runtime=runtime, **given)
        with pytest.raises(Error, match="container web"):
            actions.start(world.host, made.id)
        for group in (f"*/slipway/{made.id}", f"slipway/{made.id}"):
            assert not list(Path("/sys/fs/cgroup").glob(group))
        actions.remove(world.host, made.id)


def test_a_runtime_of_ones_own(world: World, sandbox: Path) -> None:
    """It makes the container, and is asked again for everything that comes after."""
    own = oci_runtime.choose(world.layout)
    script = sandbox / "mine"
    script.write_text(f'#!/bin/sh\necho "$@" >> {sandbox}/asked\nexec {own.path} "$@"\n')
    script.chmod(0o755)
    web = converge(world, task("web", runtime=str(script), memory="64M"))
    converge(world, task("web", runtime=str(script), memory="32M"))
    assert inside(world, web, "echo here") == "here"
    apply(world.layout, task("web", state="absent"))
    asked = (sandbox / "asked").read_text()
    for verb in (" create ", " start ", " update ", " exec ", " delete "):
        assert verb in asked
    assert f"{world.layout.run}/runtime-mine" in asked


def test_the_apparmor_profile_is_loaded_when_it_is_not(layout: Layout, tmp_path: Path) -> None:
    """With a program in the place of apparmor_parser, since no kernel here has AppArmor."""
    switch = tmp_path / "sys/module/apparmor/parameters/enabled"
    switch.parent.mkdir(parents=True)
    switch.write_text("Y\n")
    spec = ContainerSpec("web", "busybox", "")
    parser = Path("/usr/local/bin/apparmor_parser")
    parser.write_text(f'#!/bin/sh\nfor last; do :; done\ncat "$last" > {tmp_path}/loaded\n')
    parser.chmod(0o755)
    try:
        found = confinement.enforced(layout, spec, tmp_path)
        assert found.apparmor == confinement.PROFILE
        assert (tmp_path / "loaded").read_text() == confinement.PROFILE_TEXT
        # What was compiled of it serves the next boot, unless the file is another one by then.
        kept = layout.root / "apparmor" / confinement.PROFILE
        made = kept.stat()
        confinement.prepare(layout, tmp_path)
        assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
        kept.write_text("older")
        confinement.prepare(layout, tmp_path)
        assert (tmp_path / "loaded").read_text() == confinement.PROFILE_TEXT
        parser.write_text("#!/bin/sh\necho no such profile >&2; exit 1\n")
        with pytest.raises(Error, match=r"cannot be loaded: .*no such profile"):
            confinement.enforced(layout, spec, tmp_path)
    finally:
        parser.unlink()
    if process.which("apparmor_parser") is None:
        assert confinement.enforced(layout, spec, tmp_path).apparmor == "", "as with Docker"
