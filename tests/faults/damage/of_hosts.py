# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do to the host of containers that run: rules, links, processes, mounts, /run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from support.containers import until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    watcher,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import running

from ..state import watcher_pid
from .suffering import Damage, Damaged, shell, zeros


def link(host: Damaged) -> str:
    return host.current().attachments[0].host_link


def bridge(host: Damaged) -> str:
    return host.current().attachments[0].bridge


def kill_monitor(host: Damaged) -> None:
    found = host.current()
    os.kill(found.conmon_pid, signal.SIGKILL)
    until(lambda: linux.process_start_time(found.conmon_pid) is None)


def kill_both(host: Damaged) -> None:
    found = host.current()
    kill_monitor(host)
    os.kill(found.pid, signal.SIGKILL)
    until(lambda: not running.is_running(found))


def kill_first(host: Damaged) -> None:
    found = host.current()
    os.kill(found.pid, signal.SIGKILL)
    until(lambda: host.world.recorded(found.id).phase == "exited")


def kill_watcher(host: Damaged) -> None:
    os.kill(watcher_pid(), signal.SIGKILL)
    until(lambda: not watcher.listens(host.layout))


def server_pid(host: Damaged) -> int:
    return int((host.layout.run / "dns" / "aardvark.pid").read_text())


def kill_server(host: Damaged) -> None:
    pid = server_pid(host)
    os.kill(pid, signal.SIGKILL)
    until(lambda: linux.process_start_time(pid) is None)


def stop_server(host: Damaged) -> None:
    """It is there, and answers nobody."""
    os.kill(server_pid(host), signal.SIGSTOP)


def unmount(host: Damaged) -> None:
    shell("umount", "--lazy", str(host.run / "rootfs"))


def edit_hosts(host: Damaged) -> None:
    path = host.kept / "hosts"
    path.write_text("127.0.0.1 localhost\n")


def wipe_run(host: Damaged) -> None:
    """All of /run/slipway, as a cleaner of temporary files does; what is mounted there is
    unmounted.
    """
    table = Path("/proc/self/mountinfo").read_text()
    places = [line.split(" ", 5)[4] for line in table.splitlines()]
    for place in sorted((p for p in places if p.startswith(f"{host.layout.run}/")), reverse=True):
        shell("umount", "--lazy", place)
    for path in host.layout.run.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def wipe_own_run(host: Damaged) -> None:
    unmount(host)
    shutil.rmtree(host.run)


def forget_runtime(host: Damaged) -> None:
    for path in host.layout.run.glob("runtime-*/"):
        shutil.rmtree(path)


def leave_group(host: Damaged) -> None:
    """Move the processes of the container to the root group, and remove its own."""
    groups = Path(f"/proc/{host.current().pid}/cgroup").read_text()
    for line in groups.splitlines():
        dummy, controllers, path = line.split(":", 2)
        for name in {controllers.removeprefix("name="), *controllers.split(","), "unified", ""}:
            top = Path("/sys/fs/cgroup") / name
            group = Path(f"{top}{path}")
            if path == "/" or not (group / "cgroup.procs").exists():
                continue
            for pid in (group / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    (top / "cgroup.procs").write_text(pid)
            with contextlib.suppress(OSError):
                group.rmdir()


def forward_nothing(host: Damaged) -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")


def nft(script: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=script.encode(), check=True, timeout=30)


def claims(host: Damaged) -> None:
    """Claims that name nobody."""
    starting = host.layout.run / "starting"
    starting.mkdir(exist_ok=True)
    (starting / ("a" * 64)).write_bytes(bytes(8))
    (starting / ("b" * 64)).write_text("1 1\n")


def delete_rule(host: Damaged) -> None:
    """The one that lets packets to published ports in."""
    argv = ["nft", "--json", "--handle", "list", "chain", "inet", "slipway", "forward"]
    listed = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
    rules = (entry["rule"] for entry in listed["nftables"] if "rule" in entry)
    handle = next(rule["handle"] for rule in rules if "dnat" in json.dumps(rule))
    nft(f"delete rule inet slipway forward handle {handle}")


HOSTS = [
    Damage("nft flush ruleset", lambda host: shell("nft", "flush", "ruleset"), "MENDED"),
    Damage("the table deleted", lambda host: nft("delete table inet slipway"), "MENDED"),
    Damage("the rules deleted, not the table", lambda host: nft("flush table inet slipway"),
           "MENDED"),
    Damage("a rule deleted", delete_rule, "MENDED"),
    Damage("a rule inserted that drops everything", lambda host: nft(
        "insert rule inet slipway forward drop"), "MENDED"),
    Damage("the bridge deleted", lambda host: shell("ip", "link", "delete", bridge(host)),
           "MENDED"),
    Damage("the bridge set down", lambda host: shell("ip", "link", "set", bridge(host), "down"),
           "MENDED"),
    Damage("the addresses of the bridge removed", lambda host: shell(
        "ip", "address", "flush", "dev", bridge(host)), "MENDED"),
    Damage("the veth deleted", lambda host: shell("ip", "link", "delete", link(host)), "MENDED"),
    Damage("the veth set down", lambda host: shell("ip", "link", "set", link(host), "down"),
           "MENDED"),
    Damage("the veth taken from the bridge", lambda host: shell(
        "ip", "link", "set", link(host), "nomaster"), "MENDED"),
    Damage("forwarding switched off", forward_nothing, "MENDED"),
    Damage("conmon killed", kill_monitor, "MENDED"),
    Damage("the first process killed", kill_first, "MENDED"),
    Damage("conmon and the first process killed", kill_both, "MENDED"),
    Damage("the root unmounted", unmount, "SPARED"),
    Damage("the hosts file emptied", edit_hosts, "SPARED"),
    Damage("the hosts file removed", lambda host: (host.kept / "hosts").unlink(), "MENDED"),
    Damage("resolv.conf removed", lambda host: (host.kept / "resolv.conf").unlink(), "MENDED"),
    Damage("the name server killed", kill_server, "MENDED"),
    Damage("the name server stopped", stop_server, "MENDED"),
    Damage("the files of the name server removed", lambda host: shutil.rmtree(
        host.layout.run / "dns"), "SPARED"),
    Damage("names.json of zeros", lambda host: zeros(host.layout.run / "names.json"), "MENDED"),
    Damage("the watcher killed", kill_watcher, "MENDED"),
    Damage("the fifo of the watcher removed", lambda host: watcher.fifo_path(
        host.layout).unlink(), "MENDED"),
    Damage("the control group removed", leave_group, "MENDED"),
    Damage("claims of nobody", claims, "SPARED"),
    Damage("the marker of the firewall of zeros", lambda host: zeros(
        host.layout.run / "firewall"), "SPARED"),
    Damage("the state of the OCI runtime removed", forget_runtime, "MENDED", shared=True),
    Damage("the run of the container removed", wipe_own_run, "MENDED"),
    Damage("/run/slipway removed", wipe_run, "MENDED", shared=True),
]  # fmt: skip
