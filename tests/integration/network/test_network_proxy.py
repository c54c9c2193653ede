# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports published on IPv6 addresses for containers that have none: served by a process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.containers import World, until
from support.converging import apply, check
from support.declaring import acting, converge, task
from support.servers.segment import add_network

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    documents,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    watcher,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Port,
    RestartPolicy,
)

#: Says how much it was sent, once its client has nothing more to say.
COUNT = "while true; do nc -l -p 80 -e wc -c; done"
ECHO = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 80))
while True:
    server.sendto(*server.recvfrom(100))
"""
LINK = "fe80::77%near0"
TOLD = b"x" * 3_000_000


@pytest.fixture
def link() -> Iterator[None]:
    """A link of the host with the address LINK."""
    with _linked():
        yield


@contextlib.contextmanager
def _linked() -> Iterator[None]:
    for words in (
        ("link", "add", "near0", "type", "veth", "peer", "name", "near1"),
        ("link", "set", "near0", "up"),
        ("link", "set", "near1", "up"),
        ("addr", "add", "fe80::77/64", "dev", "near0", "nodad"),
    ):
        subprocess.run(["ip", *words], check=True)
    yield
    subprocess.run(["ip", "link", "del", "near0"], check=True)


def _count(address: str, port: int, told: bytes = TOLD) -> str:
    """What COUNT answers; "" where nobody does."""
    try:
        with socket.create_connection((address, port), timeout=20) as asking:
            asking.sendall(told)
            asking.shutdown(socket.SHUT_WR)
            answer = b""
            while True:
                data = asking.recv(100)
                if not data:
                    return answer.decode().strip()
                answer += data
    except OSError:
        return ""


def _counts(address: str, port: int) -> bool:
    return _count(address, port) == str(len(TOLD))


def _await_count(address: str, port: int) -> None:
    until(lambda: _counts(address, port))


def _open(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=20).close()
    except OSError:
        return False
    return True


def _proxies() -> list[int]:
    """The processes of this sandbox that serve ports."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            comm = Path(f"/proc/{pid}/comm").read_text()
            ours = os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
        except OSError:
            continue
        if ours and comm == "slipway-proxy\n":
            found.append(int(pid))
    return found


def test_every_form_is_served_while_its_container_runs(world: World, link: None) -> None:
    ports = ["[::1]:9001:80", "[::]:9002:80", f"[{LINK}]:9003:80", "127.0.0.1:9004:80"]
    web = task("web", command=["sh", "-c", COUNT], published_ports=ports)
    (container_id,) = converge(world, web)
    # Open once the task is done; the server within may take a moment.
    assert all(_open(address, port) for address, port in (("::1", 9001), ("::1", 9002)))
    for address, port in (("::1", 9001), ("::1", 9002), (LINK, 9002), (LINK, 9003)):
        _await_count(address, port)
    assert not _open(LINK, 9001) and not _open("::1", 9003)
    # What the kernel can do is left to it, and one process serves the rest.
    _await_count("127.0.0.1", 9004)
    assert len(_proxies()) == 1
    shown = documents.container(world.host, container_id)["NetworkSettings"]["Ports"]["80/tcp"]
    assert {"HostIp": "::1", "HostPort": "9001"} in shown and len(shown) == 4
    assert "[::1]:9001->80/tcp" in world.slipway("ps").stdout.decode()

    # Its ports are free for what takes its place, at once.
    actions.restart(world.host, container_id)
    assert _open("::1", 9001)
    _await_count("::1", 9001)
    again = task(
        "web", command=["sh", "-c", COUNT], published_ports=["[::1]:9001:80"], env={"NEW": "1"}
    )
    (container_id,) = converge(world, again)
    assert _open("::1", 9001) and not _open("::1", 9002)
    _await_count("::1", 9001)

    actions.stop(world.host, container_id)
    until(lambda: not _open("::1", 9001) and not _proxies())
    until(lambda: not watcher.listens(world.layout))
    assert not watcher.lost(world.layout)


def test_udp_answers_from_the_address_that_was_asked(world: World, link: None) -> None:
    ports = (Port(80, "udp", "::", 9001),)
    web = world.run("web", network_mode="", ports=ports)
    subprocess.run(["ip", "addr", "add", "fd00:77::1/64", "dev", "near0", "nodad"], check=True)
    subprocess.run(["ip", "addr", "add", "fd00:77::2/64", "dev", "near0", "nodad"], check=True)
    inside = ["nsenter", "--target", str(web.pid), "--net", sys.executable, "-c", ECHO]
    with (
        subprocess.Popen(inside) as echo,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking,
    ):
        asking.settimeout(0.2)
        asking.bind(("fd00:77::2", 0))

        def answered() -> object:
            asking.sendto(b"hello", ("fd00:77::1", 9001))
            try:
                return asking.recvfrom(100)
            except OSError:
                return None

        try:
            data, source = until(answered)
        finally:
            echo.kill()
    assert (data, source[:2]) == (b"hello", ("fd00:77::1", 9001))


def test_a_port_in_use_is_an_error_before_anything_is_touched(world: World) -> None:
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::1", 9001))
        other.listen()
        web = task("web", command=["sh", "-c", COUNT], published_ports=["[::1]:9001:80"])
        with pytest.raises(Error, match=f"port ::1:9001/tcp .* process {os.getpid()}"):
            apply(world.layout, web)
    assert not container_record.all_ids(world.layout)
    first = world.run("first", COUNT, network_mode="", ports=(Port(80, "tcp", "::", 9001),))
    with pytest.raises(Conflict, match="in use by container first"):
        world.run("second", COUNT, network_mode="", ports=(Port(80, "tcp", "::1", 9001),))
    with pytest.raises(Error, match="no address ::1 can forward to"):
        world.run("third", COUNT, network_mode="", ports=(Port(80, "sctp", "::1", 9002),))
    # It is free as soon as its container has ended.
    actions.stop(world.host, first.id)
    world.run("fourth", COUNT, network_mode="", ports=(Port(80, "tcp", "::1", 9001),))
    _await_count("::1", 9001)


def test_the_address_of_a_link_is_waited_for(world: World) -> None:
    """It may come after the container, as at boot; other ports of the container do not wait."""
    ports = [f"[{LINK}]:9002:80", "[::1]:9001:80"]
    web = task("web", command=["sh", "-c", COUNT], published_ports=ports)
    host, declared = Host(world.layout), web.declare(web.params)
    plan = web.resource.plan(declared, web.resource.observe(host, declared))
    assert web.resource.foreseen(host, plan).unmet == ()
    assert f"9002/tcp is served on {LINK} as soon as this host has" in host.warnings[0]
    (made,) = converge(world, web)
    _await_count("::1", 9001)
    assert not _open(LINK, 9002)
    with _linked():
        _await_count(LINK, 9002)
        assert converge(world, web) == [made]
    with pytest.raises(Error, match=r"192.0.2.9: that is not an address of this host"):
        apply(world.layout, task("web", published_ports=["192.0.2.9:9002:80"]))


def test_it_comes_back(world: World) -> None:
    """After the end of its container, of the process that serves and of the watcher."""
    web = world.run(
        "web",
        COUNT,
        network_mode="",
        ports=(Port(80, "tcp", "::1", 9001),),
        restart_policy=RestartPolicy("always"),
    )
    _await_count("::1", 9001)
    os.kill(web.pid, signal.SIGKILL)
    until(lambda: world.recorded(web.id).generation == 2)
    _await_count("::1", 9001)
    until(lambda: len(_proxies()) == 1)
    (proxy,) = _proxies()
    os.kill(proxy, signal.SIGKILL)
    until(lambda: _proxies() not in ([], [proxy]))
    _await_count("::1", 9001)
    (proxy,) = _proxies()
    parent = int(Path(f"/proc/{proxy}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    until(lambda: not _proxies() and not watcher.listens(world.layout))
    assert not _open("::1", 9001)
    assert "its watcher" in str(check(world.layout, acting("web"), {}).actions)
    assert not _open("::1", 9001)
    apply(world.layout, acting("web"))
    assert _open("::1", 9001)
    _await_count("::1", 9001)


def test_it_follows_a_container_to_other_networks(world: World) -> None:
    """Without a restart, and to a network that lets the kernel do it."""
    add_network(world.layout, "blue", "10.1.1.0/24")
    add_network(world.layout, "six", "10.1.2.0/24", "fd00:6::/64")
    given = {"command": ["sh", "-c", COUNT], "published_ports": ["[::1]:9001:80"]}
    (container_id,) = converge(world, task("web", **given, networks=[{"name": "bridge"}]))
    _await_count("::1", 9001)
    before = world.recorded(container_id)
    converge(world, task("web", **given, networks=[{"name": "blue"}]))
    after = world.recorded(container_id)
    assert (after.pid, after.publications == before.publications) == (before.pid, False)
    _await_count("::1", 9001)
    converge(world, task("web", **given, networks=[{"name": "six"}]))
    assert world.recorded(container_id).pid == before.pid
    until(lambda: not _proxies() and not watcher.listens(world.layout))


def test_no_process_serves_what_the_kernel_does(world: World) -> None:
    world.run("web", COUNT, network_mode="", ports=(Port(80, "tcp", "", 9001),))
    _await_count("127.0.0.1", 9001)
    assert not _proxies() and not watcher.listens(world.layout)
