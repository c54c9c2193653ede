# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets through the firewall: published ports, isolation, and the rows of docs/networking.md."""

from __future__ import annotations

import contextlib
import functools
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.containers import until
from support.servers.laboratory import ADVERTISE, PATIENCE_S, ask, serve, silent, without
from support.servers.segment import FAR_HOST, FAR_PEER, LAN_HOST, LAN_PEER, Host

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import (
    attach,
    synchronise,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.firewall import (
    chains,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import host_side
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import aardvark
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan import plan
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import network_record
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Port


@pytest.fixture
def host(layout: Layout) -> Iterator[Host]:
    made = Host(layout)
    yield made
    made.end()


def test_containers_of_one_network_reach_each_other_and_the_world(host: Host) -> None:
    host.far.serve("far", "tcp:80")
    web, client = host.container("web"), host.container("client")
    assert ask(client.space, web.address, 81) == ("web", client.address)
    # Masqueraded: the far host knows the container only by this host's address.
    assert ask(client.space, FAR_PEER, 80) == ("far", FAR_HOST)
    assert "64 bytes" in client.space.run("busybox", "ping", "-c1", "-W1", web.address)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_published_port_answers_from_everywhere(host: Host, protocol: str) -> None:
    web = host.container("web", ports=(Port(80, protocol, "", 8080),))
    beside = host.container("beside")
    # From a neighbour, whose address the container sees.
    assert ask(host.lan, LAN_HOST, 8080, protocol) == ("web", LAN_PEER)
    # From the host itself, by its address and by loopback.
    assert ask(None, LAN_HOST, 8080, protocol) == ("web", LAN_HOST)
    gateway = web.attachments[0].ipv4_gateway
    assert ask(None, "127.0.0.1", 8080, protocol) == ("web", gateway)
    assert ask(None, "127.0.0.2", 8080, protocol) == ("web", gateway)
    assert ask(None, gateway, 8080, protocol) == ("web", gateway)
    # From a container beside it, and from itself, by the host's address (hairpin).
    assert ask(beside.space, LAN_HOST, 8080, protocol) == ("web", gateway)
    assert ask(web.space, LAN_HOST, 8080, protocol) == ("web", gateway)
    web.end()
    host.containers.remove(web)
    assert silent(host.lan, LAN_HOST, 8080, protocol)
    assert silent(None, "127.0.0.1", 8080, protocol)


def test_a_client_that_goes_on_asking_finds_the_next_container(host: Host) -> None:
    """A UDP client with one port of its own, such as a collector of logs: its flow is remembered
    from before the port was published, and from the container before.
    """
    with contextlib.ExitStack() as held:
        asking = held.enter_context(
            subprocess.Popen(
                ["nsenter", f"--net=/proc/{host.lan.pid}/ns/net", sys.executable, "-c", _GOES_ON],
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        held.callback(asking.kill)
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asking\n"
        for name in ("one", "two"):
            made = host.container(name, ports=(Port(80, "udp", "", 8080),))
            answers: list[str] = []
            until(functools.partial(_heard, asking, answers, name))
            # Another container has its address meanwhile.
            made.end()
            host.containers.remove(made)
            host.container(f"after-{name}")


#: Asks from one port every few milliseconds, and writes who answers.
_GOES_ON = f"""
import json, socket
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.bind(("", 5000))
asking.settimeout(0.02)
said = None
while True:
    try:
        asking.sendto(b"?", ("{LAN_HOST}", 8080))
        if said is None:
            said = print("asking", flush=True) or ""
        name = json.loads(asking.recv(100))[0]
    except OSError:
        continue
    if name != said:
        said = name
        print(name, flush=True)
"""


def _heard(asking: subprocess.Popen[str], answers: list[str], name: str) -> bool:
    assert asking.stdout is not None
    if select.select([asking.stdout], [], [], 0)[0]:
        answers.append(asking.stdout.readline().strip())
    return name in answers


def test_loopback_of_the_host_itself_is_as_before(host: Host) -> None:
    """The rewriting of loopback sources concerns published ports and nothing else."""
    host.container("web", ports=(Port(80, "tcp", "", 8080),))
    server = serve(None, "own", "tcp:9000", "udp:9000")
    try:
        for source in ("127.0.0.1", "127.0.0.9"):
            for protocol, target in (
                ("tcp", "127.0.0.1"),
                ("tcp", "127.0.0.5"),
                ("udp", "127.0.0.1"),
            ):
                answer = ask(None, target, 9000, protocol, source)
                assert answer == ("own", source), (protocol, source, target)
        # A program that binds another address of the host before it asks loopback.
        assert ask(None, "127.0.0.1", 8080, source=LAN_HOST) == ("web", LAN_HOST)
    finally:
        server.kill()
        server.wait()
    for name in ("all", "default", "lan0", "slipway0"):
        with open(f"/proc/sys/net/ipv4/conf/{name}/route_localnet", encoding="ascii") as file:
            assert file.read().strip() == "0", name


def test_a_published_port_is_for_those_in_its_scope(host: Host) -> None:
    """For everybody else it looks as if nothing had published it."""
    host.network("six", "10.1.1.0/24", "fd00:6::/64")
    publics = ("198.51.100.0/24", "2001:db8::/64", "198.51.100.128/25")
    scopes = {"local": ("local",), "lan": ("lan",), "some": publics, "all": ()}
    host.lan.run("ip", "addr", "add", "10.9.9.2/24", "dev", "eth0")
    subprocess.run(["ip", "addr", "add", "10.9.9.1/24", "dev", "lan0"], check=True)
    for number, (name, scope) in enumerate(scopes.items()):
        ports = (Port(80, "tcp", "", 8080 + number), Port(80, "udp", LAN_HOST, 8080 + number))
        host.container(name, ("six",), ports, scope)
    beside = host.container("beside")
    ways = {
        "private": (host.lan, LAN_HOST, "tcp", "10.9.9.2"),
        "near": (host.lan, LAN_HOST, "tcp", ""),
        "near udp": (host.lan, LAN_HOST, "udp", ""),
        "near v6": (host.lan, "2001:db8::1", "tcp", ""),
        "far": (host.far, FAR_HOST, "tcp", ""),
    }
    allowed = {"local": set(), "lan": {"private"}, "some": {"far", "near v6"}, "all": set(ways)}
    for port, name in enumerate(scopes, 8080):
        assert ask(None, LAN_HOST, port) and ask(None, "127.0.0.1", port)
        assert ask(beside.space, LAN_HOST, port)
        for who, (space, address, protocol, source) in ways.items():
            patience_s = PATIENCE_S if who in allowed[name] else 0.3
            answer = ask(space, address, port, protocol, source, patience_s)
            assert bool(answer) is (who in allowed[name]), (name, who)
    rules = subprocess.run(
        ["nft", "list", "table", "inet", "slipway"], capture_output=True, check=True
    )
    assert b"limited4" in rules.stdout and b"sources6" in rules.stdout


@pytest.mark.parametrize("filtering", ["0", "1"])
def test_containers_of_a_network_without_icc_meet_by_published_ports_alone(
    host: Host, filtering: str
) -> None:
    """Whether bridges filter (br_netfilter, which a Docker beside us turns on) or not."""
    bridges = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    before = bridges.read_text() if bridges.exists() else ""
    if before:
        bridges.write_text(filtering)
    try:
        _meet_by_published_ports_alone(host)
    finally:
        if before:
            bridges.write_text(before)


def _meet_by_published_ports_alone(host: Host) -> None:
    option = {network_record.ICC_OPTION: "false"}
    host.network("apart", "10.1.1.0/24", driver_options=option)
    host.far.serve("far", "tcp:80")
    web = host.container("web", ("apart",), (Port(80, "tcp", "", 8080),))
    client = host.container("client", ("apart",))
    assert silent(client.space, web.address, 81)
    # Nor by the host, asked to route between the two.
    client.space.run("ip", "route", "add", web.address, "via", "10.1.1.1")
    assert silent(client.space, web.address, 81)
    assert ask(client.space, LAN_HOST, 8080) == ("web", "10.1.1.1")
    assert ask(client.space, FAR_PEER, 80) == ("far", FAR_HOST)


def test_a_port_published_on_loopback_stays_there(host: Host) -> None:
    """CVE-2020-8558: a neighbour routes 127.0.0.1 through this host."""
    host.container("web", ports=(Port(80, "tcp", "127.0.0.1", 8080),))
    assert ask(None, "127.0.0.1", 8080) is not None
    assert silent(None, LAN_HOST, 8080)
    assert silent(host.lan, LAN_HOST, 8080)
    host.lan.run("sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1")
    host.lan.run("ip", "route", "flush", "table", "local", "dev", "lo")
    host.lan.run("ip", "route", "add", "127.0.0.1", "via", LAN_HOST, "dev", "eth0", "src", LAN_PEER)
    assert silent(host.lan, "127.0.0.1", 8080)


def test_a_port_published_on_one_address_is_on_no_other(host: Host) -> None:
    host.container("web", ports=(Port(80, "tcp", LAN_HOST, 8080), Port(81, "tcp", FAR_HOST, 8080)))
    assert ask(host.lan, LAN_HOST, 8080) == ("web", LAN_PEER)
    assert ask(host.far, FAR_HOST, 8080) == ("web", FAR_PEER)
    assert silent(None, "127.0.0.1", 8080)


def test_unpublished_ports_are_unreachable_from_the_segment(host: Host) -> None:
    """Docker 28's hardening: the neighbour knows a route, and the host forwards."""
    web = host.container("web", ports=(Port(80, "tcp", "", 8080),))
    for port in (80, 81):
        assert silent(host.lan, web.address, port)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    # The control: without the table nothing else stops the neighbour.
    assert ask(host.lan, web.address, 81) == ("web", LAN_PEER)
    assert not synchronise.standing(host.layout)
    assert attach.damage(plan.Host(host.layout), web.record) == ("the firewall",)
    assert synchronise.synchronise(host.layout).firewall
    assert synchronise.standing(host.layout)
    assert silent(host.lan, web.address, 81)
    assert ask(host.lan, LAN_HOST, 8080) == ("web", LAN_PEER)


def test_rules_flushed_from_the_table_are_noticed(host: Host) -> None:
    host.container("web")
    assert synchronise.standing(host.layout)
    subprocess.run(["nft", "flush", "table", "inet", "slipway"], check=True)
    assert not synchronise.standing(host.layout)
    assert synchronise.synchronise(host.layout).firewall
    assert not synchronise.synchronise(host.layout).firewall


def test_transit_traffic_is_not_hijacked(host: Host) -> None:
    """CVE-2025-67499: a neighbour asks somebody else's port 8080 through this host."""
    host.container("web", ports=(Port(80, "tcp", "", 8080),))
    host.far.serve("far", "tcp:8080")
    assert ask(host.lan, FAR_PEER, 8080) == ("far", LAN_PEER)


def test_networks_are_isolated_but_for_published_ports(host: Host) -> None:
    host.network("blue", "10.1.1.0/24")
    host.network("red", "10.1.2.0/24")
    web = host.container("web", ("blue",), (Port(80, "tcp", "", 8080),))
    stranger = host.container("stranger", ("red",))
    assert silent(stranger.space, web.address, 80)
    assert silent(stranger.space, web.address, 81)
    assert ask(stranger.space, LAN_HOST, 8080) is not None
    both = host.container("both", ("blue", "red"))
    assert ask(both.space, web.address, 81) == ("web", both.address)
    assert ask(both.space, stranger.address, 81) is not None


def test_internal_networks_have_no_way_out_or_in(host: Host) -> None:
    host.network("inside", "10.1.1.0/24", internal=True)
    host.far.serve("far", "tcp:80")
    web, client = host.container("web", ("inside",)), host.container("client", ("inside",))
    assert ask(client.space, web.address, 80) == ("web", client.address)
    assert "default" not in client.space.run("ip", "route")
    # A container with the right to change its routes gains nothing.
    client.space.run("ip", "route", "add", "default", "via", "10.1.1.1")
    assert silent(client.space, FAR_PEER, 80)
    assert silent(host.lan, web.address, 80)
    # Its only server is the network's own, which forwards nothing (test_network_names.py).
    resolv = (host.layout.container(web.id) / "resolv.conf").read_text()
    assert re.findall("^nameserver.*", resolv, re.M) == ["nameserver 10.1.1.1"]


def test_ipv6_is_published_and_isolated_alike(host: Host) -> None:
    host.network("six", "10.1.1.0/24", "fd00:6::/64")
    web = host.container("web", ("six",), (Port(80, "tcp", "", 8080),))
    client = host.container("client", ("six",))
    assert ask(client.space, web.address6, 81) == ("web", client.address6)
    assert ask(host.lan, "2001:db8::1", 8080) == ("web", "2001:db8::2")
    assert ask(None, "2001:db8::1", 8080) == ("web", "2001:db8::1")
    assert ask(None, "::1", 8080) == ("web", "fd00:6::1")
    assert ask(client.space, "2001:db8::1", 8080) == ("web", "fd00:6::1")
    assert silent(host.lan, web.address6, 81)
    # An address of one interface is named with its zone. It is taken, and others are kept off it.
    subprocess.run(["ip", "addr", "add", "fe80::77/64", "dev", "lan0", "nodad"], check=True)
    host.container("near", ("six",), (Port(80, "tcp", "fe80::77%lan0", 8081),))
    # Its link may come later, and then has it alone.
    host.container("early", ("six",), (Port(80, "tcp", "fe80::77%nowhere", 8082),))
    with pytest.raises(Error, match="2001:db8::99: that is not an address of this host"):
        host.container("lost", ("six",), (Port(80, "tcp", "2001:db8::99", 8083),))
    with pytest.raises(Error, match="8081/tcp"):
        host.container("again", ("six",), (Port(80, "tcp", "fe80::77%lo", 8081),))


def test_without_an_ipv6_subnet_there_is_no_ipv6(host: Host) -> None:
    """CVE-2024-32473, and no router advertisement is believed (CVE-2020-13401)."""
    web = host.container("web")
    assert web.space.run("ip", "-6", "addr", "show", "dev", "eth0") == ""
    assert web.space.run("cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra") == "0\n"
    for name in ("slipway0", web.attachments[0].host_link):
        for sysctl, value in (("accept_ra", "0"), ("disable_ipv6", "1")):
            with open(f"/proc/sys/net/ipv6/conf/{name}/{sysctl}", encoding="ascii") as file:
                assert file.read().strip() == value, (name, sysctl)


def test_a_router_that_a_container_pretends_to_be_is_believed_by_nobody(host: Host) -> None:
    """CVE-2020-13401, CVE-2020-10749: a router advertisement, sent to all nodes of the link."""
    host.network("six", "10.1.1.0/24", "fd00:6::/64")
    rogue, peer = host.container("rogue", ("six",)), host.container("peer", ("six",))
    bridge = rogue.attachments[0].bridge

    def routes() -> tuple[str, str, str]:
        own = subprocess.run(["ip", "-6", "route"], capture_output=True, text=True, check=True)
        addresses = subprocess.run(
            ["ip", "-6", "addr", "show", bridge], capture_output=True, check=True
        )
        return own.stdout, addresses.stdout.decode(), peer.space.run("ip", "-6", "route")

    before = routes()
    for dummy in range(3):
        rogue.space.run(sys.executable, "-c", ADVERTISE)
    assert routes() == before
    # The control: the packet is one that hosts believe where they are told to.
    peer.space.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra")
    rogue.space.run(sys.executable, "-c", ADVERTISE)
    until(lambda: "2001:db8:bad::/64" in peer.space.run("ip", "-6", "route"))


def test_published_forms_by_family(host: Host) -> None:
    """An address of the host leads to the container's address of its own family, or is refused."""
    host.network("six", "10.1.1.0/24", "fd00:6::/64")
    ports = (
        Port(80, "tcp", "2001:db8::1", 8080),
        Port(80, "tcp", "::", 8081),
        Port(80, "tcp", "0.0.0.0", 8082),
        Port(81, "udp", LAN_HOST, 8083),
        Port(80, "udp", "::1", 8084),
    )
    web = host.container("web", ("six",), ports)
    for port, six, four in ((8080, True, False), (8081, True, False), (8082, False, True)):
        for address, expected in (("2001:db8::1", six), (LAN_HOST, four)):
            patience_s = PATIENCE_S if expected else 0.4
            assert bool(ask(host.lan, address, port, patience_s=patience_s)) is expected, port
    assert ask(None, "::1", 8084, "udp") == ("web", "fd00:6::1")
    assert silent(host.lan, "2001:db8::1", 8084, "udp")
    assert len(web.record.publications) == len(ports)
    # Of a container without IPv6, what the kernel cannot forward is not in its table: the watcher
    # has it served (test_network_proxy.py), TCP and UDP alone.
    with pytest.raises(Error, match="no address 2001:db8::1 can forward to"):
        host.container("four", ports=(Port(80, "sctp", "2001:db8::1", 9090),))
    host.container("six-to-four", ports=(Port(80, "tcp", "2001:db8::1", 9092),))
    table = ["nft", "list", "table", "inet", "slipway"]
    rules = subprocess.run(table, capture_output=True, text=True, check=True).stdout
    assert "9091" not in rules and "9092" not in rules and "8080" in rules
    host.container("any", ports=(Port(80, "tcp", "", 9091),))
    assert ask(host.lan, LAN_HOST, 9091) is not None and silent(host.lan, "2001:db8::1", 9091)


def test_sctp_is_published_where_the_kernel_has_it_or_not(host: Host) -> None:
    """Its translation needs no socket of that kind, so the rules stand on every host."""
    host.container("web", ports=(Port(80, "sctp", "", 8080), Port(80, "tcp", "", 8080)))
    table = ["nft", "list", "map", "inet", "slipway", "any4_port"]
    rules = subprocess.run(table, capture_output=True, text=True, check=True).stdout
    assert "sctp . 8080 : 80" in rules and "tcp . 8080 : 80" in rules


def test_large_packets_pass_at_the_networks_own_mtu(host: Host) -> None:
    host.network("small", "10.1.1.0/24", driver_options={network_record.MTU_OPTION: "1400"})
    host.far.serve("far", "tcp:80")
    web, client = host.container("web", ("small",)), host.container("client", ("small",))
    for name in (web.attachments[0].host_link, web.attachments[0].bridge):
        assert Path(f"/sys/class/net/{name}/mtu").read_text() == "1400\n"
    assert "mtu 1400" in web.space.run("ip", "link", "show", "eth0")
    ping = ("busybox", "ping", "-c1", "-W1", "-s")
    # 1372 and 28 bytes of headers are 1400; one more goes in fragments, also to the world outside.
    for size in ("1372", "1373", "4000"):
        for address in (web.address, FAR_PEER):
            assert "1 packets received" in client.space.run(*ping, size, address)


def test_a_users_own_rules_are_consulted_first_and_stay(host: Host) -> None:
    web = host.container("web", ports=(Port(80, "tcp", "", 8080),))
    mark = f"meta mark set meta mark | {chains.ACCEPT_MARK:#x}"
    rules = f"""
        table inet slipway_user {{
            chain forward {{
                type filter hook forward priority filter - 20;
                meta l4proto tcp ct original proto-dst 8080 drop
                ip daddr {web.address} tcp dport 81 {mark}
            }}
        }}
    """
    subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True)
    host.container("another", ports=(Port(80, "tcp", "", 8081),))
    assert silent(host.lan, LAN_HOST, 8080)
    assert ask(host.lan, web.address, 81) == ("web", LAN_PEER)
    assert ask(host.lan, LAN_HOST, 8081) == ("another", LAN_PEER)
    subprocess.run(["nft", "delete", "table", "inet", "slipway_user"], check=True)


def test_a_bridge_or_link_that_was_deleted_is_reported_and_restored(host: Host) -> None:
    web, client = host.container("web"), host.container("client")
    host_side.delete_link("slipway0")
    seen = attach.damage(plan.Host(host.layout), web.record)
    assert seen == ("the bridge slipway0 of the network bridge",)
    for container in (web, client):
        attach.connect(host.layout, container.space.pid, container.attachments)
        assert attach.damage(plan.Host(host.layout), container.record) == ()
    assert ask(client.space, web.address, 81) == ("web", client.address)
    host_side.delete_link(web.attachments[0].host_link)
    assert attach.damage(plan.Host(host.layout), web.record) == ("its link to the network bridge",)
    attach.connect(host.layout, web.space.pid, web.attachments)
    assert ask(client.space, web.address, 81) == ("web", client.address)


def test_names_follow_containers_on_their_networks(host: Host) -> None:
    """On a host without a name server, hosts files give them."""
    program = aardvark.program()
    assert program is not None
    with without(program):
        _names_follow(host)


def _names_follow(host: Host) -> None:
    host.network("blue", "10.1.1.0/24")
    web = host.container("web", ("blue",))
    inode = (host.layout.container(web.id) / "hosts").stat().st_ino
    assert web.hosts().startswith("127.0.0.1\tlocalhost\n")
    assert "10.1.1.2\tweb\n" in web.hosts()
    with open(host.layout.container(web.id) / "hosts", "a", encoding="utf-8") as file:
        file.write("203.0.113.9\town-entry\n")
    client = host.container("client", ("blue",))
    assert f"10.1.1.3\tclient {client.id[:12]}\n" in web.hosts()
    assert f"10.1.1.2\tweb {web.id[:12]}\n" in client.hosts()
    assert "203.0.113.9\town-entry\n" in web.hosts()
    assert (host.layout.container(web.id) / "hosts").stat().st_ino == inode
    client.end()
    host.containers.remove(client)
    assert "client" not in web.hosts()
    # The default network gives no names but a container's own, as Docker's does not.
    assert "client2" not in host.container("other").hosts()
