# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, asked with real resolvers: dig, and getaddrinfo of glibc and of musl."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.containers import until
from support.servers.laboratory import silent, without
from support.servers.segment import FAR_HOST, FAR_PEER, LAN_HOST, Container, Host

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import (
    attach,
    synchronise,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import aardvark
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan import plan
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Endpoint,
    Port,
)

#: Writes what getaddrinfo says of a name, an address a line.
_LOOKUP = r"""
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
int main(int argc, char **argv) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char text[NI_MAXHOST];
    int code = getaddrinfo(argv[1], 0, &hints, &found);
    if (code) { puts(gai_strerror(code)); return 1; }
    for (; found; found = found->ai_next) {
        getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
        puts(text);
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def lookups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same program with the resolver of each C library."""
    place = tmp_path_factory.mktemp("lookup")
    (place / "lookup.c").write_text(_LOOKUP)
    made = {}
    for library, compiler in (("glibc", ["gcc"]), ("musl", ["musl-gcc", "-static"])):
        made[library] = str(place / library)
        argv = [*compiler, "-o", made[library], str(place / "lookup.c")]
        subprocess.run(argv, check=True, capture_output=True)
    return made


class Upstream:
    """The name server of the host's provider, far away: a dnsmasq that writes down who asks."""

    def __init__(self, host: Host, place: Path) -> None:
        self.log = place / "queries"
        argv = ["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--log-queries"]
        argv += [f"--log-facility={self.log}", f"--listen-address={FAR_PEER}", "--bind-interfaces"]
        argv += ["--address=/example.test/203.0.113.7", "--address=/example.test/2001:db8:7::7"]
        argv += ["--address=/#/", "--user=root"]
        enter = ["nsenter", "--target", str(host.far.pid), "--net"]
        self._process = subprocess.Popen([*enter, *argv], stderr=subprocess.DEVNULL)
        until(lambda: self.log.exists() and "started" in self.log.read_text())

    def asked(self, name: str) -> list[str]:
        """From where a name was asked for."""
        return re.findall(rf"query\[\w+\] {re.escape(name)} from (\S+)", self.log.read_text())

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def host(layout: Layout) -> Iterator[Host]:
    made = Host(layout)
    yield made
    made.end()


@pytest.fixture
def upstream(host: Host, tmp_path: Path) -> Iterator[Upstream]:
    """The host asks it."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {FAR_PEER}\nsearch corp.invalid\n")
    subprocess.run(
        ["mount", "--bind", str(tmp_path / "resolv.conf"), "/etc/resolv.conf"], check=True
    )
    made = Upstream(host, tmp_path)
    try:
        yield made
    finally:
        made.end()
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)


def dig(container: Container, *words: str) -> list[str]:
    """The answers to a question that a container puts to the server in its resolv.conf."""
    return container.run("dig", "+short", "+time=2", "+tries=1", *words).split()


def test_containers_know_one_another_by_every_resolver(
    host: Host, upstream: Upstream, lookups: dict[str, str]
) -> None:
    host.network("blue", "10.1.1.0/24", "fd00:b::/64")
    host.network("red", "10.1.2.0/24")
    web = host.container("web", (Endpoint("blue", aliases=("www", "shared")),))
    client = host.container(
        "client", ("blue",), extra_hosts={"up": "host-gateway"}, domainname="example.org"
    )
    stranger = host.container("stranger", (Endpoint("red", aliases=("shared",)),))
    both = host.container("both", ("blue", "red"))
    for container in (web, client, stranger, both):
        assert container.warnings == ()
    assert "nameserver 10.1.1.1\nnameserver fd00:b::1\noptions ndots:0\n" in client.resolv()
    assert client.resolv().endswith("search corp.invalid\n")
    assert "web" not in client.hosts()
    assert f"\n{client.address}\tclient.example.org client\n" in client.hosts()
    for name in ("web", "WEB", "www", "shared", web.id[:12], "web."):
        assert dig(client, name) == ["10.1.1.2"], name
    assert dig(client, "web", "AAAA") == [web.address6]
    assert dig(client, "@fd00:b::1", "web") == ["10.1.1.2"]
    assert "web." in dig(client, "-x", "10.1.1.2")
    # Nothing of another network, and all of both for who is on both.
    assert dig(client, "stranger") == [] and dig(stranger, "web") == []
    assert dig(both, "stranger") == ["10.1.2.2"]
    assert sorted(dig(both, "shared")) == ["10.1.1.2", "10.1.2.2"]
    # A name without an address of the family is no name that does not exist (musl asks for both).
    assert "NOERROR" in stranger.run("dig", "+time=2", "stranger", "AAAA")
    # The rest is forwarded.
    assert dig(client, "example.test") == ["203.0.113.7"]
    assert set(upstream.asked("example.test")) == {FAR_HOST}
    for library, program in lookups.items():
        assert client.run(program, "www").split().count("10.1.1.2") == 1, library
        assert web.address6 in client.run(program, "www"), library
        assert stranger.run(program, "stranger").split() == ["10.1.2.2"], library
        assert "203.0.113.7" in client.run(program, "example.test"), library
        assert "." not in client.run(program, "nobody"), library
        assert client.run(program, "up").split()[-1] in ("10.1.1.1", "fd00:b::1"), library
    # Whoever goes is forgotten, whoever stays is known; nobody is left: no server either.
    web.end()
    host.containers.remove(web)
    assert dig(client, "web") == [] and dig(client, "client") == [client.address]
    for container in list(host.containers):
        container.end()
        host.containers.remove(container)
    assert not (host.layout.run / "dns").exists()


def test_a_container_asks_its_own_servers(host: Host, upstream: Upstream, tmp_path: Path) -> None:
    host.network("blue", "10.1.1.0/24")
    host.lan.run("ip", "addr", "add", "192.0.2.53/24", "dev", "eth0")
    other = host.container(
        "other", ("blue",), dns_servers=("192.0.2.53",), dns_search=("corp.test",),
        dns_options=("ndots:3",),
    )  # fmt: skip
    assert "nameserver 10.1.1.1\n# slipway: end\n" in other.resolv()
    assert other.resolv().endswith("search corp.test\noptions ndots:3\n")
    log = tmp_path / "other"
    argv = ["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--listen-address=192.0.2.53"]
    argv += ["--bind-interfaces", "--address=/corp.test/203.0.113.9", f"--log-facility={log}"]
    argv += ["--user=root"]
    enter = ["nsenter", "--target", str(host.lan.pid), "--net"]
    with subprocess.Popen([*enter, *argv], stderr=subprocess.DEVNULL) as server:
        try:
            until(lambda: log.exists() and "started" in log.read_text())
            assert dig(other, "a.corp.test") == ["203.0.113.9"]
            assert "203.0.113.9" in other.run("getent", "ahosts", "b")
        finally:
            server.kill()
    assert upstream.asked("a.corp.test") == []
    # On the default network there is no server of ours: the container asks its own itself.
    plain = host.container("plain", dns_servers=("192.0.2.53",))
    assert "nameserver 192.0.2.53\n" in plain.resolv()
    assert f"nameserver {FAR_PEER}\n" in host.container("default").resolv()


def test_nothing_of_an_internal_network_is_asked_outside(host: Host, upstream: Upstream) -> None:
    """CVE-2024-29018."""
    host.network("inside", "10.1.1.0/24", internal=True)
    host.network("out", "10.1.2.0/24")
    web, client = host.container("web", ("inside",)), host.container("client", ("inside",))
    asking = host.container("asking", ("inside",), dns_servers=(FAR_PEER,))
    assert dig(client, "web") == [web.address]
    for container in (client, asking):
        container.space.run("ip", "route", "add", "default", "via", "10.1.1.1")
        servers = " ".join(("10.1.1.1", "10.1.2.1", LAN_HOST, FAR_PEER))
        question = "dig +time=1 +tries=1 leak.example.test"
        script = f"for server in {servers}; do {question} @$server & done; wait"
        answers = container.run("sh", "-c", script)
        assert answers.count("DiG") == 4 and "203.0.113.7" not in answers
    assert upstream.asked("leak.example.test") == []
    # Who is also on an ordinary network asks there, and knows the names of both.
    both = host.container("both", ("inside", "out"))
    assert "nameserver 10.1.2.1" in both.resolv() and "10.1.1.1" not in both.resolv()
    assert dig(both, "web") == [web.address] and dig(both, "example.test") == ["203.0.113.7"]


def test_a_name_server_answers_its_own_network_only(host: Host) -> None:
    host.network("blue", "10.1.1.0/24", "fd00:b::/64")
    host.network("red", "10.1.2.0/24")
    web, stranger = host.container("web", ("blue",)), host.container("stranger", ("red",))
    own = host.container("own", ("blue",), (Port(80, "udp", "", 53), Port(80, "tcp", "", 53)))
    assert own.warnings == ()
    question = ["+short", "+time=1", "+tries=1", "web"]
    # Though a container publishes port 53, the others ask their server.
    assert dig(web, "web") == [web.address]
    script = "for s in 10.1.1.1 fd00:b::1; do dig @$s +time=1 +tries=1 web & done; wait"
    assert stranger.run("dig", "@10.1.1.1", *question).count("timed out") == 1
    assert host.lan.run("sh", "-c", script).count("timed out") == 2
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    # The control: without the table the neighbour would be told.
    assert web.address in host.lan.run("dig", "@10.1.1.1", *question)
    synchronise.synchronise(host.layout)
    assert silent(host.lan, "10.1.1.1", 53, "udp")


def test_who_has_port_53_is_named_and_hosts_files_take_over(host: Host, tmp_path: Path) -> None:
    host.network("blue", "10.1.1.0/24")
    host.network("red", "10.1.2.0/24")
    log = tmp_path / "log"
    argv = ["dnsmasq", "--no-daemon", "--no-resolv", "--listen-address=10.1.1.1", "--user=root"]
    argv += ["--bind-interfaces", f"--log-facility={log}"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as server:
        try:
            until(lambda: log.exists() and "started" in log.read_text())
            web, client = host.container("web", ("blue",)), host.container("client", ("blue",))
            (warning,) = client.warnings
            assert f"port 53 of 10.1.1.1 is in use by process {server.pid} (dnsmasq)" in warning
            assert f"{web.address}\tweb {web.id[:12]}\n" in client.hosts()
            assert "nameserver 10.1.1.1" not in client.resolv()
            # Nothing is missing that could be had, and the other network has its server.
            assert attach.damage(plan.Host(host.layout), client.record) == ()
            other = host.container("other", ("red",))
            assert dig(other, "other") == [other.address]
            assert f"{web.address}\tweb {web.id[:12]}\n" in client.hosts()
        finally:
            server.kill()
    # Once the port is free, whatever is synchronised next moves the network to its server.
    host.container("another", ("red",))
    assert "\tweb " not in client.hosts() and dig(client, "web") == [web.address]


def test_a_name_server_that_ended_is_reported_and_restored(host: Host) -> None:
    host.network("blue", "10.1.1.0/24")
    web, client = host.container("web", ("blue",)), host.container("client", ("blue",))
    with open(host.layout.container(client.id) / "hosts", "a", encoding="utf-8") as file:
        file.write("203.0.113.9\town-entry\n")
    pid = int((host.layout.run / "dns" / "aardvark.pid").read_text())
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    until(lambda: dig(client, "web") != [web.address])
    assert attach.damage(plan.Host(host.layout), client.record) == ("the name server",)
    synchronise.synchronise(host.layout)
    assert attach.damage(plan.Host(host.layout), client.record) == ()
    assert dig(client, "web") == [web.address]
    # Where it is taken away, hosts files say what it said, and it comes back with the program.
    program = aardvark.program()
    assert program is not None
    with contextlib.ExitStack() as lacking:
        lacking.enter_context(without(program))
        synchronise.synchronise(host.layout)
        assert f"{web.address}\tweb {web.id[:12]}\n" in client.hosts()
        assert "203.0.113.9\town-entry\n" in client.hosts()
        assert attach.damage(plan.Host(host.layout), client.record) == ()
        assert not (host.layout.run / "dns").exists()
    synchronise.synchronise(host.layout)
    assert "\tweb " not in client.hosts() and dig(client, "web") == [web.address]


def test_a_slow_host_has_a_name_server_too() -> None:
    """Each question is answered 60 ms later, which is longer than the first patience."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.53", 53))
        server.settimeout(15)
        done = threading.Event()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while not done.is_set():
                    question, asker = server.recvfrom(512)
                    time.sleep(0.06)
                    # An answer, and one record of it.
                    head = question[:2] + b"\x84\x00" + question[4:6] + b"\0\1" + question[8:]
                    with contextlib.suppress(ConnectionError):
                        server.sendto(head, asker)

        answering = threading.Thread(target=serve, daemon=True)
        answering.start()
        found = aardvark._await(["127.0.0.53", "127.0.0.54"], "mark")
        done.set()
        # Its thread must not wait for a question when the number of the file is free again.
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        answering.join()
    # Where nothing listens, it is given up soon after.
    assert found == {"127.0.0.53"}


def test_a_name_server_that_was_late_is_asked_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing comes through to it until later; then whoever looks finds it, and it is used."""
    host.network("blue", "10.1.1.0/24")
    deaf = """
    table inet deaf {
        chain questions { type filter hook input priority 0; udp dport 53 drop; }
    }
    """
    subprocess.run(["nft", "-f", "-"], input=deaf, text=True, check=True)
    with monkeypatch.context() as impatient:
        impatient.setattr(aardvark, "_READY_S", 1.0)
        web, client = host.container("web", ("blue",)), host.container("client", ("blue",))
    assert "aardvark-dns does not answer on 10.1.1.1" in client.warnings[0]
    assert f"{web.address}\tweb {web.id[:12]}\n" in client.hosts()
    assert attach.damage(plan.Host(host.layout), client.record) == (), "no more could be had"
    subprocess.run(["nft", "delete", "table", "inet", "deaf"], check=True)
    # Who only looks waits for an answer for a fifth of a second, which a busy host may take.
    until(lambda: attach.damage(plan.Host(host.layout), client.record) == ("the name server",))
    # It has read its files, and answers nobody while it reads them again: it is not told to.
    told: list[int] = []
    tell = os.kill

    def noted(pid: int, what: int) -> None:
        told.append(what)
        tell(pid, what)

    monkeypatch.setattr(os, "kill", noted)

    def repaired() -> bool:
        synchronise.synchronise(host.layout)
        return attach.damage(plan.Host(host.layout), client.record) == ()

    until(repaired)
    assert signal.SIGHUP not in told
    assert "\tweb " not in client.hosts() and dig(client, "web") == [web.address]


def test_links_give_names_on_the_default_network(host: Host) -> None:
    db = host.container("db")
    client = host.container("client", (Endpoint("bridge", links=("db:sql",)),))
    assert f"{db.address}\tsql db {db.id[:12]}\n" in client.hosts()
    assert "client" not in db.hosts()
    db.end()
    host.containers.remove(db)
    assert "sql" not in client.hosts()
