# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and ports of real containers, from a task's options to what is found inside."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, page, until
from support.converging import Task, apply, assert_play_is_predicted
from support.declaring import converge, task
from support.servers.segment import add_network

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
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import processes
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network_resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Endpoint,
    Port,
)

SERVE = "hostname > /tmp/index.html; exec httpd -f -p 80 -h /tmp"


def test_names_and_ports_of_a_container(world: World) -> None:
    add_network(world.layout, "blue", "10.1.1.0/24")
    place = {"network_mode": "", "networks": (Endpoint("blue"),)}
    known = {"network_mode": "", "networks": (Endpoint("blue", aliases=("www",)),)}
    ranged = (Port(80, "tcp", "127.0.0.1", 9000, 9001),)
    web = world.run("web", SERVE, hostname="web.example.org", ports=ranged, publish_all=True,
                    exposed_ports=("80/tcp", "81/tcp", "82/udp"), **known)  # fmt: skip
    second = world.run("second", SERVE, ports=ranged, **place)
    # The first free port of a range; of what is exposed and not named, any.
    assert (page(9000), page(9001)) == ("web.example.org\n", f"{second.id[:12]}\n")
    chosen = {(p.container_port, p.protocol): p.host_port for p in web.publications}
    assert chosen.keys() == {(80, "tcp"), (81, "tcp"), (82, "udp")} and chosen[80, "tcp"] == 9000
    with pytest.raises(Conflict, match="no free tcp port from 9000 to 9001 on the host"):
        world.run("third", SERVE, ports=ranged, **place)

    look = "cat /etc/hosts /etc/resolv.conf; ping -c1 www; ping -c1 web; exec sleep 99"
    client = world.run("client", look, extra_hosts={"up": "host-gateway", "db": "192.0.2.7"},
                       dns_search=("corp.test",), dns_options=("timeout:1",), **place)  # fmt: skip
    address = web.attachments[0].ipv4_address.partition("/")[0]
    answered = f"64 bytes from {address}"
    log = until(lambda: world.log(client.id).count(answered) == 2 and world.log(client.id))
    for line in (
        "127.0.0.1\tlocalhost", "10.1.1.1\tup", "192.0.2.7\tdb",
        f"{client.attachments[0].ipv4_address.partition('/')[0]}\t{client.id[:12]}",
        "nameserver 10.1.1.1", "options ndots:0", "search corp.test", "options timeout:1",
    ):  # fmt: skip
        assert f"{line}\n" in log, line

    inspected = json.loads(world.slipway("inspect", "client").stdout)[0]["HostConfig"]
    assert inspected["DnsSearch"] == ["corp.test"] and inspected["DnsOptions"] == ["timeout:1"]
    assert inspected["ExtraHosts"] == ["db:192.0.2.7", "up:host-gateway"]

    # Chosen ports stay, and names come back with their containers.
    assert actions.stop(world.host, web.id, timeout_s=0).phase == "exited"
    again = actions.start(world.host, web.id)
    assert {(p.container_port, p.protocol): p.host_port for p in again.publications} == chosen
    assert page(9000) == "web.example.org\n"
    server = int((world.layout.run / "dns" / "aardvark.pid").read_text())
    for made in (client, second, web):
        actions.remove(world.host, made.id, force=True)
    assert not Path(f"/proc/{server}/cmdline").exists() or not _arguments(server)


def _arguments(pid: int) -> bytes:
    """Empty for a process that ended and that nobody has waited for yet."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_task_about_names_and_ports_is_predicted_and_settles(world: World) -> None:
    """Check, apply, apply, check: the first prediction holds, and then nothing is left to do."""
    add_network(world.layout, "blue", "10.1.1.0/24")
    given: dict[str, Any] = {
        "command": ["sh", "-c", SERVE], "networks": [{"name": "blue", "aliases": ["www"]}],
        "hostname": "front", "domainname": "example.org", "exposed_ports": ["81", "82/udp"],
        "published_ports": ["9000-9003:80", "all"], "default_host_ip": "127.0.0.1",
        "publish_scope": ["lan"], "dns_servers": ["192.0.2.53"], "dns_opts": ["timeout:1"],
        "dns_search_domains": ["."], "etc_hosts": {"up": "host-gateway"},
    }  # fmt: skip
    made = task("web", **given)
    assert_play_is_predicted(world.layout, [made])
    assert apply(world.layout, made)[0].actions == ()
    found = json.loads(world.slipway("inspect", "web").stdout)[0]
    ports = found["NetworkSettings"]["Ports"]
    assert ports["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "9000"}]
    assert ports["81/tcp"] and ports["82/udp"]
    assert page(9000) == "front\n"
    home = world.layout.container(found["Id"])
    assert "10.1.1.2\tfront.example.org front\n" in (home / "hosts").read_text()
    zone = next(
        path for path in (world.layout.run / "dns").iterdir() if path.name != "aardvark.pid"
    )
    assert f" web,www,{found['Id'][:12]} 192.0.2.53\n" in zone.read_text()
    # Who leaves the options out has none of it any more.
    made = task("web", **{key: given[key] for key in ("command", "networks")})
    assert_play_is_predicted(world.layout, [made])
    found = json.loads(world.slipway("inspect", "web").stdout)[0]
    assert found["HostConfig"]["Dns"] == [] and not any(found["NetworkSettings"]["Ports"].values())


def test_a_link_is_to_a_container_that_exists(world: World) -> None:
    place = {"network_mode": "", "networks": (Endpoint("bridge", links=("db:sql",)),)}
    db = world.run("db", network_mode="")
    client = world.run("client", "cat /etc/hosts; exec sleep 99", **place)
    line = f"{db.attachments[0].ipv4_address.partition('/')[0]}\tsql db {db.id[:12]}\n"
    assert until(lambda: line in world.log(client.id))
    # An address that changes is followed.
    hosts = world.layout.container(client.id) / "hosts"
    actions.remove(world.host, db.id, force=True)
    assert "sql" not in hosts.read_text()
    world.run("taking-its-address", network_mode="")
    other = world.run("db", network_mode="")
    address = other.attachments[0].ipv4_address.partition("/")[0]
    assert f"{address}\tsql db " in hosts.read_text()


def test_what_the_host_gives_in_its_own_network(world: World) -> None:
    look = "cat /etc/hosts; echo; cat /etc/resolv.conf; exec sleep 99"
    found = world.run("host", look, network_mode="host", extra_hosts={"db": "192.0.2.7"})
    log = until(lambda: "192.0.2.7\tdb\n" in world.log(found.id) and world.log(found.id))
    assert Path("/etc/hosts").read_text().strip().splitlines()[0] in log
    assert Path("/etc/resolv.conf").read_text().strip() in log
    alone = world.run("alone", look, network_mode="none", dns_servers=("192.0.2.53",))
    assert "nameserver 192.0.2.53\n" in until(lambda: world.log(alone.id))
    with pytest.raises(Error, match="host name"):
        world.run("forged", extra_hosts={"a b": "192.0.2.7"}, network_mode="none")


def network(name: str, **given: Any) -> Task:
    return Task(network_declare.declare, network_resource.RESOURCE, {"name": name, **given})


@pytest.mark.parametrize("length", [12, 64])
def test_an_id_names_its_network(world: World, length: int) -> None:
    converge(world, network("blue"))
    text = network_record.network_id("blue")[:length]
    assert apply(world.layout, network(text))[0].actions == ()
    assert apply(world.layout, network(text, state="absent"))[0].changed
    assert network_record.find(world.layout, "blue") is None
    # What finds nothing stays a success; so does too short a beginning.
    assert not apply(world.layout, network(text, state="absent"))[0].changed
    converge(world, network("blue"))
    assert not apply(world.layout, network(text[:11], state="absent"))[0].changed


@pytest.mark.parametrize("how", ["killed", "rebooted"])
def test_containers_that_died_unseen_are_not_on_their_networks(world: World, how: str) -> None:
    """Their records still say running: the kernel knows better, for tasks and for neighbours."""
    layout = world.layout
    blue = network("blue", ipam_config=[{"subnet": "10.1.1.0/24"}])
    converge(world, blue)
    # By a process that ends: while this one goes on, what it started counts as being started.
    world.slipway("run", "-d", "--name=c1", "--net=blue", "-p=9000:80", "busybox:1", "sleep", "99")
    found = world.current(container_record.by_name(layout, "c1"))
    if how == "killed":
        os.kill(found.conmon_pid, signal.SIGKILL)
        until(lambda: not conmon_files.alive(layout, found.id))
    os.kill(found.pid, signal.SIGKILL)
    until(lambda: not processes.alive(found.pid, found.pid_start))
    if how == "rebooted":
        until(lambda: container_record.read_record(layout, found.id).phase == "exited")
        # A pid of the boot before may be anybody's now.
        claimed = dataclasses.replace(found, boot_id="another", pid=os.getpid())
        container_record.write_record(layout, claimed)

    assert json.loads(world.slipway("network", "inspect", "blue").stdout)[0]["Containers"] == {}
    converge(world, dataclasses.replace(blue, params={**blue.params, "connected": ["c1"]}))
    # What it had published is free for others, though nobody wrote down its end.
    serve = {"command": ["sh", "-c", SERVE], "published_ports": ["9000:80"]}
    converge(world, task("c2", networks=[{"name": "blue"}], hostname="second", **serve))
    assert page(9000) == "second\n"
    with pytest.raises(Conflict, match="running containers c2 are"):
        apply(layout, network("blue", state="absent"))
    actions.remove(world.host, container_record.by_name(layout, "c2"), force=True)
    with pytest.raises(Conflict, match="stopped containers c1 are"):
        apply(layout, network("blue", state="absent"))
    converge(world, network("blue", state="absent", force=True))
    with contextlib.suppress(NotFound):
        actions.remove(world.host, found.id, force=True)
