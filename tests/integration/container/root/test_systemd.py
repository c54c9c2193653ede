# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole system in a container: Debian's own systemd as process 1, without a privilege."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import serving
from support.containers import World, until
from support.converging import apply
from support.declaring import converge, task
from support.fetched import debian_root

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    capabilities,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    cgroup_layout,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux

#: What the kernel shows of process 1, and systemd of itself.
_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


@pytest.fixture(params=["runc", "crun"])
def runtime(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each OCI runtime: both are told the same, and have to do the same."""
    with serving(str(request.param)):
        yield str(request.param)


def _inside(world: World, name: str, script: str) -> str:
    done = world.slipway("exec", name, "sh", "-c", script, check=False)
    return done.stdout.decode().strip()


def _system(world: World, name: str) -> str:
    """The state of a system once it is up; degraded is one in which some unit failed."""

    def settled() -> str:
        found = _inside(world, name, "systemctl is-system-running --wait")
        return found if found in ("running", "degraded") else ""

    return str(until(settled))


def _system_task(name: str, **given: Any) -> Any:
    defaults = {"image": "debian:1", "command": "/sbin/init", "stop_signal": None}
    return task(name, **{**defaults, "network_mode": "none", **given})


def test_systemd_is_a_process_like_others(world: World, runtime: str) -> None:
    """It starts its units, has no capability more than others, ends when asked, and starts anew."""
    world.add_image("debian", debian_root.archive(), "VOLUME /sys/fs/cgroup")
    declared = _system_task("system", restart_policy="unless-stopped")
    (found,) = converge(world, declared)
    assert _system(world, "system") == "running"
    assert _inside(world, "system", "systemd-run --quiet --wait --pipe echo of a unit") == (
        "of a unit"
    )
    assert "/init.scope" in _inside(world, "system", "cat /proc/1/cgroup")
    bounding = int(_inside(world, "system", "grep CapBnd /proc/1/status").split()[1], 16)
    assert not bounding >> capabilities.CAPABILITIES.index("CAP_SYS_ADMIN") & 1
    shown = _inside(world, "system", "cat /proc/self/mountinfo")
    for place in ("/run", "/run/lock", "/tmp", "/var/log/journal"):
        assert f" {place} rw,nosuid,nodev" in shown, place
    modes = _inside(world, "system", "stat -c %a /run /run/lock /tmp")
    assert modes.split() == ["755", "1777", "1777"], "as the image has them"
    assert _inside(world, "system", "tr '\\0' '\\n' </proc/1/environ | grep ^container=") == (
        "container=slipway"
    )
    assert _inside(world, "system", "cat /etc/machine-id") == found[:32]

    document = world.slipway(
        "inspect", "--format", "{{.Config.StopSignal}} {{.Config.SystemdMode}}", "system"
    )
    assert document.stdout.decode().split() == ["SIGRTMIN+3", "true"]

    # A reboot is an end that the policy follows with a start; the boot id tells one from the other.
    before = _inside(world, "system", _BOOT_ID)
    assert len(before) == 36 and before != linux.boot_id()
    world.slipway("exec", "system", "systemctl", "reboot", check=False)
    until(lambda: _inside(world, "system", _BOOT_ID) not in ("", before))
    assert _system(world, "system") == "running"
    assert apply(world.layout, declared)[0].actions == ()

    ended = actions.stop(world.host, found, 60)
    assert ended.exit_code == 0, "it was not killed"


def test_it_writes_no_limit_and_no_group_but_its_own(world: World) -> None:
    """Control groups of v1 stay as they are shown to any container: read-only, or not at all."""
    world.add_image("debian", debian_root.archive())
    (found,) = converge(world, _system_task("system", memory="256M"))
    assert _system(world, "system") == "running"
    writable = [
        mount
        for mount in linux.mountinfo(world.current(found).pid)
        if mount.fstype.startswith("cgroup") and "rw" in mount.options.split(",")
    ]
    assert [mount.root for mount in writable if mount.target != "/sys/fs/cgroup"] == []
    (own,) = writable
    assert own.target == "/sys/fs/cgroup" and found in own.root
    if cgroup_layout.read().mode == "hybrid":
        assert _inside(world, "system", "ls /sys/fs/cgroup | grep ^memory.max") == ""


def test_the_volume_that_older_playbooks_declare(world: World) -> None:
    """It gives a container its own control groups, not the host's, and nothing else of systemd."""
    volume = "/sys/fs/cgroup:/sys/fs/cgroup:rw"
    declared = task("own", volumes=[volume], cgroupns_mode="host", network_mode="none")
    (found,) = converge(world, declared)
    assert _inside(world, "own", "cd /sys/fs/cgroup && mkdir mine && rmdir mine && echo made")
    groups = [mount for mount in linux.mountinfo(world.current(found).pid) if mount.root != "/"]
    assert any(found in mount.root for mount in groups if mount.target == "/sys/fs/cgroup")
    assert _inside(world, "own", "ls -d /sys/fs/cgroup/slipway") == "", "not those of others"
    shown = world.slipway("inspect", "--format", "{{.HostConfig.Binds}} {{.Mounts}}", "own")
    assert shown.stdout.decode().strip() == f"[{volume}] []"


def test_what_is_not_systemd_is_left_alone(world: World, busybox_tar: Path, tmp_path: Path) -> None:
    """An init of another kind would neither know the signal nor miss its files in /run."""
    other = tmp_path / "other.tar"
    other.write_bytes(busybox_tar.read_bytes())
    link = tarfile.TarInfo("sbin/init")
    link.type, link.linkname = tarfile.SYMTYPE, "../bin/busybox"
    with tarfile.open(other, "a") as archive:
        archive.addfile(link)
    image = world.add_image("other", other)
    made = world.create("other", image=image, command=("/sbin/init",))
    assert not made.systemd
    asked = world.create("asked", image=image, command=("/sbin/init",), systemd="always")
    assert asked.systemd
