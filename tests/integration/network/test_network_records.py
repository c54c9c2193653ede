# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks on a real host: leases under concurrency, converging, ports that are taken, and time."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.servers.laboratory import serve
from support.servers.segment import as_running

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import (
    attach,
    lease,
    synchronise,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import (
    host_side,
    probe,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import zones
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide,
    declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    Endpoint,
    Port,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Attachment,
    NetworkSpec,
    Pool,
)

PROCESSES = 20


@pytest.fixture
def host(layout: Layout) -> Iterator[Host]:
    yield Host(layout)
    for found in container_record.records(layout):
        container_record.write_record(layout, dataclasses.replace(found, phase="exited"))
    for network in network_record.networks(layout):
        for container_id in set(lease.holders(layout, network.id).values()):
            lease.release(layout, network.id, container_id)
        host_side.delete_link(network.bridge)
        network_record.remove(layout, network.id)
    synchronise.synchronise(layout)


def converge(host: Host, name: str, **params: Any) -> list[str]:
    """Observe, plan, apply, and observe that the host is as planned and stays so. The actions."""
    declared = declare.declare({"name": name, **params})
    made = decide.RESOURCE.plan(declared, decide.RESOURCE.observe(host, declared))
    made.apply(host)
    found = decide.RESOURCE.observe(host, declared)
    assert decide.view(found) == decide.view(made.want)
    assert not decide.RESOURCE.plan(declared, found).steps
    return made.actions


def container(
    host: Host, name: str, phase: str = "created", **record_fields: Any
) -> container_record.Record:
    """A container that is only a record."""
    container_id = (name.encode().hex() + "0" * 64)[:64]
    directory = host.layout.container(container_id)
    directory.mkdir(mode=0o700, exist_ok=True)
    found = container_record.Record(container_id, name, "", (), phase=phase, **record_fields)
    if phase == "running":
        found = as_running(found, os.getpid())
    container_record.write_record(host.layout, found)
    container_record.claim_name(host.layout, name, container_id)
    return found


def test_a_network_is_made_changed_made_again_and_removed(host: Host) -> None:
    subnet = [{"subnet": "10.9.0.0/24"}]
    assert converge(host, "web", ipam_config=subnet) == ["create network web"]
    bridge = network_record.bridge_name("web", {})
    assert probe.stands(bridge, ["10.9.0.1/24"])
    assert converge(host, "web", ipam_config=subnet) == []
    assert converge(host, "web", labels={"a": 1}) == ["update network web (labels)"]
    assert converge(host, "web") == ["update network web (labels)"]
    assert converge(host, "web", internal=True) == ["recreate network web (internal)"]
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        assert file.read() == "1\n"
    found = network_record.read(host.layout, "web")
    assert found.spec.pools[0].subnet == "10.9.0.0/24"
    assert network_record.read(host.layout, found.id[:8]) == found
    document = decide.result(host, decide.observe(host, declare.declare({"name": "web"})))
    assert document["network"]["IPAM"]["Config"] == [
        {"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.1"}
    ]
    assert converge(host, "web", state="absent") == ["remove network web"]
    assert not probe.exists(bridge)
    assert converge(host, "web", state="absent") == []
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, check=True).stdout
    assert b"slipway" not in tables


def test_what_somebody_took_away_is_reported_and_restored(host: Host) -> None:
    converge(host, "web", ipam_config=[{"subnet": "10.9.0.0/24"}, {"subnet": "fd00:9::/64"}])
    bridge = network_record.bridge_name("web", {})
    subprocess.run(["ip", "link", "del", bridge], check=True)
    assert converge(host, "web") == [f"repair network web (the bridge {bridge})"]
    subprocess.run(["ip", "addr", "flush", "dev", bridge], check=True)
    assert converge(host, "web") == [f"repair network web (the bridge {bridge})"]
    subprocess.run(["ip", "link", "set", bridge, "down"], check=True)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    assert converge(host, "web") == [f"repair network web (the bridge {bridge}, the firewall)"]


def test_taken_subnets_and_interfaces_are_refused_by_name(host: Host) -> None:
    converge(host, "web", ipam_config=[{"subnet": "10.9.0.0/24"}])
    subprocess.run(["ip", "link", "add", "other0", "type", "veth", "peer", "other1"], check=True)
    try:
        subprocess.run(["ip", "addr", "add", "10.8.0.1/24", "dev", "other0"], check=True)
        for name in ("other0", "other1"):
            subprocess.run(["ip", "link", "set", name, "up"], check=True)
        for subnet, owner in (
            ("10.9.0.0/25", "10.9.0.0/24 of network web"),
            ("10.8.0.0/16", "10.8.0.0/24 of the host's route by other0"),
        ):
            with pytest.raises(Conflict, match=owner):
                converge(host, "clash", ipam_config=[{"subnet": subnet}])
        with pytest.raises(Conflict, match="interface other0"):
            options = {network_record.BRIDGE_OPTION: "other0"}
            converge(host, "clash", driver_options=options)
        assert network_record.find(host.layout, "clash") is None
        assert probe.exists("other0")
    finally:
        host_side.delete_link("other0")


def test_a_used_network_is_kept(host: Host) -> None:
    converge(host, "web")
    user = container(host, "db")
    attach.attach(host.layout, user.id, [Endpoint("web")])
    with pytest.raises(Conflict, match="stopped containers db"):
        converge(host, "web", state="absent")
    container_record.write_record(host.layout, as_running(user, os.getpid()))
    with pytest.raises(Conflict, match="running containers db"):
        converge(host, "web", state="absent")
    container_record.write_record(host.layout, dataclasses.replace(user, phase="exited"))


def test_a_container_keeps_its_addresses_for_as_long_as_it_exists(host: Host) -> None:
    converge(host, "web", ipam_config=[{"subnet": "10.9.0.0/29"}, {"subnet": "fd00:9::/64"}])
    made = {name: container(host, name) for name in ("a", "b", "c")}
    first = {n: attach.attach(host.layout, c.id, [Endpoint("web")]) for n, c in made.items()}
    assert [f[0].ipv4_address for f in first.values()] == [
        "10.9.0.2/29", "10.9.0.3/29", "10.9.0.4/29",
    ]  # fmt: skip
    assert first["a"][0].ipv6_address == "fd00:9::2/64"
    assert first["a"][0].mac_address == "02:42:0a:09:00:02"
    again = {n: attach.attach(host.layout, c.id, [Endpoint("web")]) for n, c in made.items()}
    assert again == first
    # An address rests before it is given away again.
    attach.release(host.layout, made["a"])
    other = container(host, "d")
    assert attach.attach(host.layout, other.id, [Endpoint("web")])[0].ipv4_address == "10.9.0.5/29"
    with pytest.raises(Conflict, match=r"10\.9\.0\.3 .* is in use by container b"):
        attach.attach(host.layout, other.id, [Endpoint("web", ipv4_address="10.9.0.3")])
    with pytest.raises(Conflict, match="it is the gateway"):
        attach.attach(host.layout, other.id, [Endpoint("web", ipv4_address="10.9.0.1")])
    with pytest.raises(Error, match="is not in the network web"):
        attach.attach(host.layout, other.id, [Endpoint("web", ipv4_address="10.8.0.1")])
    moved = attach.attach(host.layout, other.id, [Endpoint("web", ipv4_address="10.9.0.2")])
    assert moved[0].ipv4_address == "10.9.0.2/29"
    network = network_record.read(host.layout, "web")
    held = lease.held_by(host.layout, network.id, other.id)
    assert sorted(held) == ["10.9.0.2", "fd00:9::5"]
    for name in ("e", "f"):
        attach.attach(host.layout, container(host, name).id, [Endpoint("web")])
    with pytest.raises(Error, match="no free address left"):
        attach.attach(host.layout, container(host, "g").id, [Endpoint("web")])
    with pytest.raises(NotFound, match="No such network: nowhere"):
        attach.attach(host.layout, made["a"].id, [Endpoint("web"), Endpoint("nowhere")])
    assert lease.held_by(host.layout, network.id, made["a"].id) == []


def _take_many(number: int, wanted: tuple[str, ...], out: Any) -> None:
    layout = Layout.default()
    taken = []
    for turn in range(5):
        container_id = f"{number:02x}{turn:02x}" + "0" * 60
        for name in wanted:
            found = lease.acquire(layout, network_record.read(layout, name), container_id)
            taken.append((name, found.ipv4))
        if turn % 2:
            lease.release(layout, network_record.network_id(wanted[0]), container_id)
    out.put(taken)


def test_no_address_is_given_twice_under_concurrency(host: Host) -> None:
    """20 processes take addresses on two networks, and give some back, all at once."""
    converge(host, "one")
    converge(host, "two", ipam_config=[{"subnet": "10.9.0.0/24"}])
    out: Any = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=_take_many, args=(number, ("one", "two"), out))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    taken = [pair for dummy in processes for pair in out.get(timeout=60)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len(taken) == PROCESSES * 10
    # Nothing of the second network was given back, so each address was given once.
    second = [address for name, address in taken if name == "two"]
    assert len(second) == len(set(second)) == PROCESSES * 5
    for name, count in (("one", PROCESSES * 3), ("two", PROCESSES * 5)):
        assert len(lease.holders(host.layout, network_record.network_id(name))) == count


def _claim_port(number: int, out: Any, over: Any) -> None:
    layout = Layout.default()
    container_id = f"{number:02x}" + "c" * 62
    layout.container(container_id).mkdir(mode=0o700)
    attachments = attach.attach(layout, container_id, [Endpoint("web")])
    found = container_record.Record(container_id, f"c{number}", "", (), attachments=attachments)
    container_record.write_record(layout, found)
    try:
        with synchronise.claim(
            layout, container_id, [Port(80, "tcp", "", 8080)], attachments
        ) as ports:
            container_record.write_record(layout, dataclasses.replace(found, publications=ports))
        out.put(number)
        # A claim lasts as long as its process while the container is not running.
        over.wait(60)
    except Conflict as exc:
        out.put(str(exc))


def test_one_of_many_gets_a_port(host: Host) -> None:
    converge(host, "web")
    out: Any = multiprocessing.Queue()
    over = multiprocessing.Event()
    processes = [multiprocessing.Process(target=_claim_port, args=(n, out, over)) for n in range(8)]
    for process in processes:
        process.start()
    answers = [out.get(timeout=60) for dummy in processes]
    over.set()
    for process in processes:
        process.join()
    winners = [answer for answer in answers if isinstance(answer, int)]
    assert len(winners) == 1
    expected = f"port 8080/tcp on the host is already in use by container c{winners[0]}"
    assert all(expected in answer for answer in answers if isinstance(answer, str))


def _endpoint(host: Host, found: container_record.Record) -> tuple[Attachment, ...]:
    return attach.attach(host.layout, found.id, [Endpoint("web")])


@pytest.mark.parametrize("reuse", [0, 1])
def test_connections_of_a_server_that_is_gone_take_no_port(host: Host, reuse: int) -> None:
    converge(host, "web")
    found = container(host, "one")
    attachments = _endpoint(host, found)
    asked = [Port(80, "tcp", "", 9100 + reuse)]
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        server.bind(("127.0.0.1", 9100 + reuse))
        with pytest.raises(Conflict, match="in use by another program"):
            synchronise.resolve(host.layout, found.id, asked, attachments)
        server.listen()
        with socket.create_connection(server.getsockname()) as client:
            # Who closes first keeps the connection in TIME_WAIT, here on the port itself.
            server.accept()[0].close()
            assert client.recv(1) == b""
        with pytest.raises(Conflict, match="in use by process"):
            synchronise.resolve(host.layout, found.id, asked, attachments)
    with pytest.raises(OSError, match="in use"), socket.socket() as plain:
        plain.bind(("127.0.0.1", 9100 + reuse))
    assert synchronise.resolve(host.layout, found.id, asked, attachments)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_that_is_taken_is_an_error_that_names_its_holder(host: Host, protocol: str) -> None:
    converge(host, "web")
    one, two = container(host, "one"), container(host, "two")
    first, second = _endpoint(host, one), _endpoint(host, two)
    asked = [Port(80, protocol, "", 8080)]
    ports = synchronise.resolve(host.layout, one.id, asked, first)
    assert [(p.host_port, p.container_ip) for p in ports] == [(8080, "172.17.0.2")]
    running = dataclasses.replace(as_running(one, os.getpid()), publications=ports)
    container_record.write_record(host.layout, running)
    for host_ip in ("", "0.0.0.0", "127.0.0.1"):
        with pytest.raises(Conflict, match="in use by container one"):
            synchronise.resolve(host.layout, two.id, [Port(81, protocol, host_ip, 8080)], second)
    # The container that is replaced does not stand in the way of its successor.
    assert synchronise.resolve(host.layout, two.id, asked, second, exempt=[one.id])
    # Other protocols have ports of their own.
    other = {"tcp": "udp", "udp": "tcp"}[protocol]
    assert synchronise.resolve(host.layout, two.id, [Port(80, other, "", 8080)], second)
    with pytest.raises(Conflict, match="in use by this container"):
        twice = [Port(80, protocol, "", 9000), Port(81, protocol, "127.0.0.1", 9000)]
        synchronise.resolve(host.layout, two.id, twice, second)
    server = serve(None, "own", f"{protocol}:9001")
    try:
        with pytest.raises(Conflict, match=rf"in use by process {server.pid} \(python"):
            synchronise.resolve(host.layout, two.id, [Port(80, protocol, "", 9001)], second)
    finally:
        server.kill()
        server.wait()
    with pytest.raises(Error, match="is not an address of this host"):
        synchronise.resolve(host.layout, two.id, [Port(80, protocol, "203.0.113.9", 80)], second)


def _start_slowly(name: str, ready: Any, go_on: Any) -> None:
    host = Host(Layout.default())
    found = container(host, name)
    attachments = attach.attach(host.layout, found.id, [Endpoint("web")])
    spec = ContainerSpec(name, name, name, hostname=name)
    zones.prepare(host.layout, found.id, spec, attachments)
    with synchronise.claim(
        host.layout, found.id, [Port(80, "tcp", "", 8080)], attachments
    ) as ports:
        found = dataclasses.replace(found, attachments=attachments, publications=ports)
        container_record.write_record(host.layout, found)
    synchronise.synchronise(host.layout, starting=[found])
    ready.set()
    go_on.wait(30)


def test_a_container_that_is_being_started_keeps_its_rules(host: Host) -> None:
    """Another process synchronises in between; a start that died leaves nothing."""
    converge(host, "web")
    ready, go_on = multiprocessing.Event(), multiprocessing.Event()
    starter = multiprocessing.Process(target=_start_slowly, args=("slow", ready, go_on))
    starter.start()
    assert ready.wait(30)
    assert not synchronise.synchronise(host.layout).firewall
    other = container(host, "other")
    with pytest.raises(Conflict, match="in use by container slow"):
        asked = [Port(80, "tcp", "", 8080)]
        synchronise.resolve(host.layout, other.id, asked, _endpoint(host, other))
    starter.kill()
    starter.join()
    assert not synchronise.standing(host.layout)
    assert synchronise.synchronise(host.layout).firewall
    assert list((host.layout.run / "starting").iterdir()) == []


def test_random_ports_are_free_and_stay_the_same(host: Host) -> None:
    converge(host, "web")
    one = container(host, "one")
    attachments = _endpoint(host, one)
    ports = synchronise.resolve(
        host.layout, one.id, [Port(80), Port(81), Port(80, "udp")], attachments
    )
    assert len({(p.protocol, p.host_port) for p in ports}) == 3
    assert all(32768 <= p.host_port <= 60999 for p in ports)
    container_record.write_record(host.layout, dataclasses.replace(one, publications=ports))
    # It is stopped now, and asks for the same again.
    again = synchronise.resolve(
        host.layout, one.id, [Port(80), Port(81), Port(80, "udp")], attachments
    )
    assert again == ports
    with socket.socket() as busy:
        busy.bind(("0.0.0.0", ports[0].host_port))
        busy.listen()
        moved = synchronise.resolve(host.layout, one.id, [Port(80)], attachments)
        assert moved[0].host_port != ports[0].host_port


def test_ports_need_a_network_with_a_way_in(host: Host) -> None:
    converge(host, "web", internal=True)
    one = container(host, "one")
    with pytest.raises(Error, match="port 80/tcp cannot be published"):
        synchronise.resolve(host.layout, one.id, [Port(80, "tcp", "", 80)], _endpoint(host, one))


def test_a_host_without_nft_says_so(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import process

    monkeypatch.setattr(process, "_PATH", "/nonexistent")
    with pytest.raises(NotFound, match="the program nft is not installed"):
        converge(host, "web")
    assert network_record.find(host.layout, "web") is None
    assert not probe.exists(network_record.bridge_name("web", {}))


def test_a_second_run_forks_nothing_and_imports_no_pyroute2(host: Host) -> None:
    converge(host, "web")
    script = (
        "import sys; from {m}.base.layout import Layout; from {m}.plan.plan import Host;"
        "from {m}.network import synchronise; from {m}.resource.network import decide, declare;"
        "h = Host(Layout.default()); d = declare.declare({{'name': 'web'}});"
        "assert not decide.plan(d, decide.observe(h, d)).steps;"
        "synchronise.synchronise(h.layout);"
        "assert not [n for n in sys.modules if n.startswith('pyroute2')]"
    ).format(m="ansible_collections.slipway.engine.plugins.module_utils._runtime")
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=execve", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("execve(") == 1, done.stderr


def test_default_network_is_made_on_first_use(host: Host) -> None:
    assert network_record.read(host.layout, "bridge").spec.pools == ()
    assert network_record.networks(host.layout) == []
    one = container(host, "one")
    assert attach.attach(host.layout, one.id, [], "host") == ()
    assert network_record.networks(host.layout) == []
    given = attach.attach(host.layout, one.id, [])
    assert given[0].bridge == "slipway0"
    assert given[0].ipv4_address == "172.17.0.2/16"
    assert network_record.read(host.layout, "bridge").spec == NetworkSpec(
        "bridge", pools=(Pool("172.17.0.0/16", "172.17.0.1"),)
    )
    with pytest.raises(Error, match="network_mode: none"):
        attach.attach(host.layout, one.id, [Endpoint("none")])
