# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers on several networks: connected and disconnected while they run, found again by the
next task whatever happened in between.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from support import declaring
from support.containers import World, page
from support.converging import Task, apply, assert_play_is_predicted, check
from support.servers.laboratory import Space, wire

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions as lifecycle,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    reconnect,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import (
    attach,
    lease,
    synchronise,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import (
    container_side,
    probe,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import prune
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network_resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)

SERVE = "mkdir -p /www; echo here > /www/index.html; exec httpd -f -p 80 -h /www"

#: A client; how long it waits is how long an answer that should not come takes.
FETCH = (
    sys.executable,
    "-c",
    "import sys, urllib.request as u\n"
    "sys.stdout.write(u.urlopen(sys.argv[1], timeout=1).read().decode())",
)


def container(name: str, **given: Any) -> Task:
    """A task of the module container that serves a page."""
    return declaring.task(name, **{"command": ["sh", "-c", SERVE], **given})


def network(name: str, **given: Any) -> Task:
    return Task(network_declare.declare, network_resource.RESOURCE, {"name": name, **given})


def converge(world: World, *tasks: Task) -> list[list[str]]:
    """Check, apply, apply, check; the actions of each task."""
    predicted: dict[str, dict[str, Any]] = {}
    actions = [list(check(world.layout, task, predicted).actions) for task in tasks]
    for again in tasks:
        apply(world.layout, again)
    for again in tasks:
        outcome, dummy = apply(world.layout, again)
        assert outcome.actions == ()
        assert check(world.layout, again, {}).actions == ()
    return actions


def inside(world: World, name: str, *argv: str) -> str:
    """What a program says that is run in a container's network namespace."""
    found = world.current(container_record.by_name(world.layout, name))
    done = subprocess.run(
        ["nsenter", "--target", str(found.pid), "--net", *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def reaches(world: World, name: str, address: str) -> bool:
    url = f"http://[{address}]/" if ":" in address else f"http://{address}/"
    return inside(world, name, *FETCH, url) == "here\n"


def given(world: World, name: str) -> dict[str, Any]:
    """NetworkSettings.Networks, as docker inspect shows it."""
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
        documents,
    )

    found = documents.container(world.host, container_record.by_name(world.layout, name))
    networks: dict[str, Any] = found["NetworkSettings"]["Networks"]
    return networks


NETWORKS = (
    network("front", ipam_config=[{"subnet": "10.9.1.0/24"}, {"subnet": "fd00:9:1::/64"}]),
    network("back", ipam_config=[{"subnet": "10.9.2.0/24"}]),
    network("closed", ipam_config=[{"subnet": "10.9.3.0/24"}], internal=True),
)


def test_a_running_container_changes_its_networks(world: World) -> None:
    web = {"published_ports": ["8080:80"]}
    converge(world, *NETWORKS, container("db", networks=[{"name": "back"}]))
    converge(world, container("web", networks=[{"name": "front"}], **web))
    made = world.current(container_record.by_name(world.layout, "web"))
    db = given(world, "db")["back"]["IPAddress"]
    assert page(8080) == "here\n"
    assert not reaches(world, "web", db)
    # Another one, with all that can be said of it; its link is the next one.
    back = {
        "name": "back",
        "ipv4_address": "10.9.2.77",
        "mac_address": "02:42:00:00:00:77",
        "aliases": ["www"],
        "links": ["db:sql"],
        "driver_opts": {
            "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1"
        },
    }
    both = container("web", networks=[{"name": "front"}, back], **web)
    assert converge(world, both) == [["update container web (networks)"]]
    assert reaches(world, "web", db) and reaches(world, "db", "10.9.2.77")
    shown = inside(world, "web", "ip", "-o", "addr", "show", "eth1")
    assert "10.9.2.77/24" in shown
    assert "02:42:00:00:00:77" in inside(world, "web", "ip", "link", "show", "eth1")
    martians = "/proc/sys/net/ipv4/conf/eth1/log_martians"
    assert inside(world, "web", "cat", martians) == "1\n"
    assert given(world, "web")["back"]["IPAMConfig"] == {"IPv4Address": "10.9.2.77"}
    # The default route is that of both families, then of the first name; ports follow it.
    assert "default via 10.9.1.1 dev eth0" in inside(world, "web", "ip", "route")
    first = {"name": "back", **back, "gw_priority": 1}
    assert converge(world, container("web", networks=[{"name": "front"}, first], **web)) == [
        ["update container web (networks)"]
    ]
    routes = inside(world, "web", "ip", "route")
    assert "default via 10.9.2.1 dev eth1" in routes and routes.count("default") == 1
    assert "default via fd00:9:1::1 dev eth0" in inside(world, "web", "ip", "-6", "route")
    assert page(8080) == "here\n"
    ports = {p.container_ip for p in world.recorded(made.id).publications}
    assert ports == {"10.9.2.77", "fd00:9:1::2"}
    # A new address of the same network, and then only a network that leads nowhere.
    moved = {"name": "back", "ipv4_address": "10.9.2.78"}
    converge(world, container("web", networks=[{"name": "front"}, moved], **web))
    assert reaches(world, "db", "10.9.2.78") and not reaches(world, "db", "10.9.2.77")
    held = lease.leases(world.layout, network_record.network_id("back"))
    assert sorted(one.address for one in held) == ["10.9.2.2", "10.9.2.78"]
    closed = [{"name": "closed"}]
    with pytest.raises(Error, match="port 80/tcp cannot be published"):
        apply(world.layout, container("web", networks=closed, **web))
    assert page(8080) == "here\n"
    converge(world, container("db", networks=closed))
    assert "default" not in inside(world, "db", "ip", "route")
    assert "eth0" in inside(world, "db", "ip", "-o", "link")
    held = lease.leases(world.layout, network_record.network_id("back"))
    assert [one.address for one in held] == ["10.9.2.78"]
    # None at all, and back again: it is one container, and has been all the time.
    converge(world, container("web", network_mode="none", **web))
    assert "eth" not in inside(world, "web", "ip", "-o", "link")
    converge(world, container("web", networks=[{"name": "front"}], **web))
    assert page(8080) == "here\n"
    now = world.current(made.id)
    assert (now.generation, now.pid) == (made.generation, made.pid)
    # What it has it keeps when it starts anew.
    address = given(world, "web")["front"]["IPAddress"]
    apply(world.layout, container("web", networks=[{"name": "front"}], restart=True, **web))
    assert given(world, "web")["front"]["IPAddress"] == address


def test_what_fails_leaves_a_container_on_the_networks_it_had(world: World) -> None:
    converge(world, *NETWORKS, container("db", networks=[{"name": "back"}]))
    converge(world, container("web", networks=[{"name": "front"}]))
    taken = {"name": "back", "ipv4_address": "10.9.2.2"}
    before = world.recorded(container_record.by_name(world.layout, "web"))
    with pytest.raises(Conflict, match=r"10\.9\.2\.2 .* is in use by container db"):
        apply(world.layout, container("web", networks=[{"name": "closed"}, taken]))
    assert world.recorded(before.id) == before
    assert reaches(world, "web", given(world, "web")["front"]["IPAddress"])
    assert lease.leases(world.layout, network_record.network_id("closed")) == []
    # What fails when the record says otherwise already: a link of that name is there.
    inside(world, "web", "ip", "link", "add", "eth1", "type", "veth", "peer", "eth2")
    with pytest.raises(Error, match="connect eth1 to the network back"):
        apply(world.layout, container("web", networks=[{"name": "front"}, {"name": "back"}]))
    assert world.recorded(before.id) == before
    assert list(given(world, "web")) == ["front"]
    assert apply(world.layout, container("web", networks=[{"name": "front"}]))[0].actions == ()
    assert len(lease.leases(world.layout, network_record.network_id("back"))) == 1
    inside(world, "web", "ip", "link", "del", "eth1")
    with pytest.raises(Error, match="network nowhere does not exist"):
        apply(world.layout, container("web", networks=[{"name": "nowhere"}]))


def test_tasks_of_a_network_connect_containers(world: World) -> None:
    subnet = [{"subnet": "10.9.2.0/24"}]
    tasks = [
        network("back", ipam_config=subnet),
        container("one", networks=[{"name": "back"}]),
        container("two"),
        container("idle", state="present", networks=[{"name": "back"}]),
        network("back", ipam_config=subnet, connected=["two"], appends=True),
        network("back", ipam_config=subnet, connected=["one", "two"]),
        container("two", undeclared="keep"),
        network("back", ipam_config=subnet, connected=["two"]),
    ]
    assert_play_is_predicted(world.layout, tasks)
    assert sorted(given(world, "two")) == ["back", "bridge"]
    assert world.current(container_record.by_name(world.layout, "one")).phase == "running"
    assert "eth0" not in inside(world, "one", "ip", "-o", "link")
    assert apply(world.layout, tasks[-1])[0].actions == ()
    short = container_record.by_name(world.layout, "one")[:12]
    apply(world.layout, network("back", ipam_config=subnet, connected=[short], appends=True))
    assert reaches(world, "two", given(world, "one")["back"]["IPAddress"])
    outcome, result = apply(world.layout, network("back", ipam_config=subnet, connected=[]))
    assert sorted(outcome.actions) == [
        "disconnect container one from network back",
        "disconnect container two from network back",
    ]
    assert result["network"]["Containers"] == {}
    with pytest.raises(Error, match="cannot connect three: No such container: three"):
        apply(world.layout, network("back", ipam_config=subnet, connected=["three"]))
    apply(world.layout, network("back", ipam_config=subnet, connected=["one"]))
    with pytest.raises(Conflict, match="the running containers one are connected to it"):
        apply(world.layout, network("back", state="absent"))
    gone = [network("back", state="absent", force=True)]
    assert_play_is_predicted(world.layout, gone)
    assert world.current(container_record.by_name(world.layout, "one")).phase == "running"
    assert network_record.find(world.layout, "back") is None


def test_a_network_is_made_again_under_running_containers(world: World) -> None:
    subnet = [{"subnet": "10.9.2.0/24"}]
    converge(
        world,
        network("back", ipam_config=subnet),
        container("db", networks=[{"name": "back", "aliases": ["sql"]}]),
        container("web", networks=[{"name": "back"}], published_ports=["8080:80"]),
    )
    ids = container_record.all_ids(world.layout)
    before = {name: given(world, name)["back"]["IPAddress"] for name in ("db", "web")}
    pids = [world.current(i).pid for i in ids]
    wider = [{"subnet": "10.9.0.0/16", "gateway": "10.9.0.1"}]
    options = {"com.docker.network.driver.mtu": 1400, "com.docker.network.bridge.name": "br-own"}
    assert converge(
        world, network("back", ipam_config=wider, driver_options=options, labels={"a": "b"})
    ) == [["recreate network back (ipam_config, driver_options, labels), reconnecting db, web"]]
    assert {name: given(world, name)["back"]["IPAddress"] for name in before} == before
    assert "mtu 1400" in inside(world, "web", "ip", "link", "show", "eth0")
    assert "default via 10.9.0.1" in inside(world, "web", "ip", "route")
    assert reaches(world, "web", before["db"]) and page(8080) == "here\n"

    def asked(name: str) -> str:
        return inside(world, "web", "dig", "+short", "+timeout=2", name, "@10.9.0.1")

    assert before["db"] in asked("sql")
    db = container_record.by_name(world.layout, "db")
    lifecycle.rename(world.host, db, "store")
    assert before["db"] in asked("store") and synchronise.standing(world.layout)
    lifecycle.rename(world.host, db, "db")
    assert probe.exists("br-own") and not probe.exists(network_record.bridge_name("back", {}))
    # Elsewhere altogether only when told so.
    elsewhere = [{"subnet": "10.8.0.0/24"}]
    with pytest.raises(Conflict, match=f"the address {before['db']} of container db is not in any"):
        apply(world.layout, network("back", ipam_config=elsewhere))
    converge(world, network("back", ipam_config=elsewhere, force=True))
    assert given(world, "db")["back"]["IPAddress"].startswith("10.8.0.")
    assert reaches(world, "web", given(world, "db")["back"]["IPAddress"]) and page(8080) == "here\n"
    for task in (
        container("db", networks=[{"name": "back", "aliases": ["sql"]}]),
        container("web", networks=[{"name": "back"}], published_ports=["8080:80"]),
    ):
        assert apply(world.layout, task)[0].actions == ()
    # Whoever is killed between taking the bridge away and connecting again leaves what the next
    # run of either task finds.
    again = network("back", ipam_config=elsewhere, labels={"a": "c"}, internal=False)
    options = {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}
    bound = network("back", ipam_config=elsewhere, driver_options=options)
    for place, task in zip(("remade", "raised", "unplugged", "plugged"), (bound, again) * 2):
        _dying(place, lambda task=task: apply(world.layout, task))  # type: ignore[misc]  # a default
        assert apply(world.layout, task)[0].actions != (), place
        assert apply(world.layout, task)[0].actions == (), place
        assert reaches(world, "web", given(world, "db")["back"]["IPAddress"]), place
        assert page(8080) == "here\n"
        ports = world.recorded(container_record.by_name(world.layout, "web")).publications
        assert {p.host_ip for p in ports} == {"127.0.0.1" if task is bound else ""}, place
    # Containers that may not speak to one another, but with the host.
    converge(
        world,
        network(
            "back",
            ipam_config=elsewhere,
            driver_options={"com.docker.network.bridge.enable_icc": False},
        ),
    )
    assert not reaches(world, "web", given(world, "db")["back"]["IPAddress"])
    assert page(8080) == "here\n"
    # Where bridges filter, the firewall keeps them apart, and elsewhere the bridge.
    filtering = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    alone = filtering.exists() and filtering.read_text() != "0\n"
    (link,) = (
        a.host_link
        for a in world.recorded(container_record.by_name(world.layout, "web")).attachments
    )
    isolated = Path(f"/sys/class/net/{link}/brport/isolated").read_text()
    assert isolated == ("0\n" if alone else "1\n")
    assert [world.current(i).pid for i in ids] == pids


def _dying(name: str, do: Callable[[], Any]) -> None:
    """Do something in a process that is gone the moment it comes to a certain place."""

    def run() -> None:
        places: dict[str, Any] = {
            "recorded": (container_side, "disconnect"),
            "unplugged": (attach, "connect"),
            "plugged": (synchronise, "synchronise"),
            "ruled": (reconnect, "_give_back"),
            "remade": (network_record, "write"),
            "raised": (reconnect, "rejoin"),
        }
        module, function = places[name]
        setattr(module, function, lambda *given, **named: os._exit(9))
        do()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(30)
    assert process.exitcode == 9


def test_a_change_that_is_cut_short_is_finished_by_the_next_run(world: World) -> None:
    converge(world, *NETWORKS)
    front = container("web", networks=[{"name": "front"}], published_ports=["8080:80"])
    back = container("web", networks=[{"name": "back"}], published_ports=["8080:80"])
    converge(world, front)
    (container_id,) = container_record.all_ids(world.layout)
    pid = world.current(container_id).pid
    for place, task in zip(("recorded", "unplugged", "plugged", "ruled"), (back, front) * 2):
        _dying(place, lambda task=task: apply(world.layout, task))  # type: ignore[misc]  # a default
        outcome, dummy = apply(world.layout, task)
        assert [line.partition(" (")[0] for line in outcome.actions] in (
            ["repair container web"],
            [],
        ), place
        assert apply(world.layout, task)[0].actions == ()
        name = task.params["networks"][0]["name"]
        assert list(given(world, "web")) == [name]
        links = inside(world, "web", "ip", "-o", "link")
        assert "1: lo:" in links and "eth0" in links and "eth1" not in links, place
        gateway = "10.9.1.1" if name == "front" else "10.9.2.1"
        assert f"default via {gateway} dev eth0" in inside(world, "web", "ip", "route")
        other = "back" if name == "front" else "front"
        assert lease.leases(world.layout, network_record.network_id(other)) == []
        assert page(8080) == "here\n"
    assert world.current(container_id).pid == pid


def test_containers_are_neighbours_of_the_host_on_a_macvlan(world: World) -> None:
    lan = {
        "driver": "macvlan",
        "driver_options": {"parent": "lan0"},
        "ipam_config": [
            {"subnet": "192.0.2.0/24", "gateway": "192.0.2.1", "iprange": "192.0.2.192/27"}
        ],
    }
    with pytest.raises(Error, match="the parent interface lan0 does not exist on the host"):
        apply(world.layout, network("lan", **lan))
    assert network_record.find(world.layout, "lan") is None
    with Space() as neighbour:
        wire(None, neighbour, ("lan0", "eth0"), ("198.51.100.1/24", "192.0.2.1/24"))
        tasks = [
            network("lan", **lan),
            network("own", driver="macvlan", ipam_config=[{"subnet": "10.9.2.0/24"}]),
            container("one", networks=[{"name": "lan"}], published_ports=["8080:80"]),
            container("two", networks=[{"name": "own"}]),
            network("own", ipam_config=[{"subnet": "10.9.2.0/24"}], driver="macvlan"),
        ]
        assert_play_is_predicted(world.layout, tasks)
        for task in tasks:
            assert apply(world.layout, task)[0].actions == ()
        assert given(world, "one")["lan"]["IPAddress"] == "192.0.2.192"
        assert neighbour.run(*FETCH, "http://192.0.2.192/") == "here\n"
        assert "default via 192.0.2.1 dev eth0" in inside(world, "one", "ip", "route")
        assert world.recorded(container_record.by_name(world.layout, "one")).publications == ()
        assert "macvlan mode bridge" in inside(world, "one", "ip", "-d", "link", "show", "eth0")
        with pytest.raises(Conflict, match="is already the parent of the network lan"):
            apply(
                world.layout, network("other", driver="macvlan", driver_options={"parent": "lan0"})
            )
        # Live, beside a bridge, and in another mode.
        converge(world, container("two", networks=[{"name": "bridge"}, {"name": "lan"}]))
        assert reaches(world, "two", "192.0.2.192")
        private = {**lan, "driver_options": {"parent": "lan0", "macvlan_mode": "private"}}
        converge(world, network("lan", **private))
        assert not reaches(world, "two", "192.0.2.192")
        assert "macvlan mode private" in inside(world, "one", "ip", "-d", "link", "show", "eth0")
        pair = container("pair", networks=[{"name": "own"}])
        converge(world, container("two", networks=[{"name": "own"}]), pair)
        address = given(world, "pair")["own"]["IPAddress"]
        assert reaches(world, "two", address)
        # No bridge has an address for a name server, so hosts files give names.
        hosts = world.layout.container(container_record.by_name(world.layout, "two")) / "hosts"
        assert f"{address}\tpair " in hosts.read_text()
        for name in ("own", "lan"):
            apply(world.layout, network(name, state="absent", force=True))
        assert probe.exists("lan0") and not probe.exists(network_record.bridge_name("own", {}))


def test_the_program_has_the_verbs_of_networks(world: World) -> None:
    def said(*words: str) -> str:
        return world.slipway("network", *words).stdout.decode()

    def refused(*words: str) -> str:
        done = world.slipway("network", *words, check=False)
        assert done.returncode != 0
        return done.stderr.decode()

    subnets = ["--subnet", "10.9.2.0/24", "--subnet", "fd00:9:2::/64"]
    more = ["--gateway", "10.9.2.254", "--ip-range", "10.9.2.0/25", "--aux-address", "tap=10.9.2.2"]
    made = said("create", *subnets, *more, "--ipv6", "--label", "a=b", "-o", "com.docker.network."
                "driver.mtu=1400", "back").strip()  # fmt: skip
    assert made == network_record.network_id("back")
    assert said("create", "--internal", "closed")
    assert "network with name back already exists" in refused("create", "back")
    assert "no --subnet contains 10.8.0.1" in refused(
        "create", *subnets, "--gateway", "10.8.0.1", "x"
    )
    assert "overlay networks require a swarm" in refused("create", "-d", "overlay", "x")
    assert json.loads(said("inspect", "back", "--format", "{{json .IPAM.Config}}")) == [
        {
            "Subnet": "10.9.2.0/24",
            "IPRange": "10.9.2.0/25",
            "Gateway": "10.9.2.254",
            "AuxiliaryAddresses": {"tap": "10.9.2.2"},
        },
        {"Subnet": "fd00:9:2::/64", "Gateway": "fd00:9:2::1"},
    ]
    lines = said("ls").splitlines()
    assert lines[0].split() == ["NETWORK", "ID", "NAME", "DRIVER", "SCOPE"]
    assert [line.split()[1:] for line in lines[1:]] == [
        ["back", "bridge", "local"],
        ["bridge", "bridge", "local"],
        ["closed", "bridge", "local"],
        ["host", "host", "local"],
        ["none", "null", "local"],
    ]
    assert said("ls", "-q", "--no-trunc", "--filter", "label=a=b") == f"{made}\n"
    assert said("ls", "--filter", "type=custom", "--format", "{{.Name}}") == "back\nclosed\n"
    apply(world.layout, container("web", networks=[{"name": "closed"}]))
    addresses = ["--ip", "10.9.2.77", "--ip6", "fd00:9:2::77"]
    said("connect", *addresses, "--alias", "www", made[:12], "web")
    assert "is already connected to the network back" in refused("connect", "back", "web")
    with pytest.raises(Error, match=r"two of the networks back, .* are the same"):
        apply(world.layout, container("web", networks=[{"name": "back"}, {"name": made[:12]}]))
    (endpoint,) = json.loads(said("inspect", "back"))[0]["Containers"].values()
    assert {key: endpoint[key] for key in ("Name", "IPv4Address", "IPv6Address")} == {
        "Name": "web",
        "IPv4Address": "10.9.2.77/24",
        "IPv6Address": "fd00:9:2::77/64",
    }
    shown = given(world, "web")["back"]
    assert shown["IPAMConfig"] == {"IPv4Address": "10.9.2.77", "IPv6Address": "fd00:9:2::77"}
    assert shown["Aliases"] == ["www"] and shown["DNSNames"][:2] == ["web", "www"]
    assert (shown["Gateway"], shown["IPPrefixLen"]) == ("10.9.2.254", 24)
    assert "the running containers web are connected to it" in refused("rm", "back")
    assert "predefined" in refused("rm", "bridge")
    said("disconnect", "back", "web")
    assert "is not connected to the network back" in refused("disconnect", "back", "web")
    assert list(given(world, "web")) == ["closed"]
    # What nobody is on goes, in a task as well; what a stopped container is on stays.
    said("create", "old")
    apply(world.layout, container("web", state="stopped", networks=[{"name": "closed"}]))
    everything = {"networks": True, "networks_filters": {"label!": "a"}}
    tasks = [
        network("new", ipam_config=[{"subnet": "10.9.4.0/24"}]),
        Task(prune.declare, prune.RESOURCE, everything),
    ]
    assert_play_is_predicted(world.layout, tasks)
    assert said("ls", "--filter", "type=custom", "--format", "{{.Name}}") == "back\nclosed\n"
    with_containers = {"networks": True, "containers": True, "networks_filters": {"label!": "a"}}
    outcome, result = apply(world.layout, Task(prune.declare, prune.RESOURCE, with_containers))
    assert outcome.actions == ("remove container web", "remove 1 network")
    assert result["networks"] == ["closed"]
    assert said("prune", "--force") == "Deleted Networks:\nback\n"
    assert said("rm", "-f", "back") == "back\n"


NINE = {"subnet": "10.9.2.0/24"}
SIX = {"subnet": "fd00:9:2::/64"}

#: Option -> (a value, another one, what else the task says, whether it stays when it is left out).
#: A network keeps its subnets, and the families of addresses they are of.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool]] = {
    "driver": ({"driver": "macvlan"}, {"driver": "bridge"}, {}, False),
    "bridge name": (
        {"driver_options": {network_record.BRIDGE_OPTION: "br-one"}},
        {"driver_options": {network_record.BRIDGE_OPTION: "br-two"}},
        {},
        False,
    ),
    "mtu": (
        {"driver_options": {network_record.MTU_OPTION: 1400}},
        {"driver_options": {network_record.MTU_OPTION: 1300}},
        {},
        False,
    ),
    "masquerade": (
        {"driver_options": {"com.docker.network.bridge.enable_ip_masquerade": False}},
        {"driver_options": {"com.docker.network.bridge.enable_ip_masquerade": True}},
        {},
        False,
    ),
    "icc": (
        {"driver_options": {network_record.ICC_OPTION: False}},
        {"driver_options": {network_record.ICC_OPTION: True}},
        {},
        False,
    ),
    "host address": (
        {"driver_options": {network_record.HOST_IP_OPTION: "127.0.0.1"}},
        {"driver_options": {network_record.HOST_IP_OPTION: "127.0.0.2"}},
        {},
        False,
    ),
    "interface prefix": (
        {"driver_options": {network_record.PREFIX_OPTION: "net"}},
        {"driver_options": {network_record.PREFIX_OPTION: "lan"}},
        {},
        False,
    ),
    "macvlan mode": (
        {"driver_options": {"macvlan_mode": "private"}},
        {"driver_options": {"macvlan_mode": "vepa"}},
        {"driver": "macvlan"},
        False,
    ),
    "parent": (
        {"driver_options": {"parent": "lan0"}},
        {"driver_options": {"parent": "lan1"}},
        {"driver": "macvlan"},
        False,
    ),
    "subnet": ({"ipam_config": [NINE]}, {"ipam_config": [{"subnet": "10.8.0.0/24"}]}, {}, True),
    "several subnets": (
        {"ipam_config": [NINE, {"subnet": "10.8.0.0/24"}]},
        {"ipam_config": [NINE, SIX]},
        {},
        True,
    ),
    "gateway": (
        {"ipam_config": [{**NINE, "gateway": "10.9.2.7"}]},
        {"ipam_config": [{**NINE, "gateway": "10.9.2.8"}]},
        {},
        True,
    ),
    "iprange": (
        {"ipam_config": [{**NINE, "iprange": "10.9.2.0/25"}]},
        {"ipam_config": [{**NINE, "iprange": "10.9.2.128/25"}]},
        {},
        True,
    ),
    "aux_addresses": (
        {"ipam_config": [{**NINE, "aux_addresses": {"a": "10.9.2.9"}}]},
        {"ipam_config": [{**NINE, "aux_addresses": {"b": "10.9.2.9"}}]},
        {},
        True,
    ),
    "ipam_driver_options": (
        {"ipam_driver_options": {"a": "1"}},
        {"ipam_driver_options": {"a": "2"}},
        {"ipam_driver": "default"},
        False,
    ),
    "enable_ipv6": ({"enable_ipv6": True}, {"enable_ipv6": False}, {}, True),
    "enable_ipv4": (
        {"enable_ipv4": False},
        {"enable_ipv4": True},
        {"ipam_config": [SIX]},
        False,
    ),
    "internal": ({"internal": True}, {"internal": False}, {}, False),
    "attachable": ({"attachable": True}, {"attachable": False}, {"scope": "local"}, False),
    "labels": ({"labels": {"a": "1"}}, {"labels": {"a": "2"}}, {}, False),
    "config_only": ({"config_only": True}, {"config_only": False}, {}, False),
    "config_from": ({"config_from": "settings"}, {"config_from": "others"}, {}, False),
}


def test_every_option_of_a_network_is_set_changed_and_unset(world: World) -> None:
    """Check, apply, apply, check for each."""
    with contextlib.ExitStack() as wires:
        for number in (0, 1):
            space = wires.enter_context(Space())
            ends = (f"198.51.100.{4 * number + 1}/30", f"198.51.100.{4 * number + 2}/30")
            wire(None, space, (f"lan{number}", "eth0"), ends)
        converge(
            world,
            network("settings", config_only=True, internal=True, ipam_config=[NINE]),
            network("others", config_only=True, ipam_config=[NINE], labels={"a": "b"}),
        )
        for option, (first, second, beside, stays) in OPTIONS.items():
            apply(world.layout, network("web", **beside, **first))
            for given_now, actions in ((second, 1), (first, 1), (first, 0)):
                task = network("web", **beside, **given_now)
                foretold = check(world.layout, task, {})
                done, dummy = apply(world.layout, task)
                assert foretold == done, option
                assert len(done.actions) == actions, (option, done.actions)
                assert apply(world.layout, task)[0].actions == (), option
            kept = network("web", **beside, undeclared="keep")
            assert apply(world.layout, kept)[0].actions == (), option
            unset = network("web", **beside)
            foretold = check(world.layout, unset, {})
            done, dummy = apply(world.layout, unset)
            assert foretold == done, option
            assert (done.actions == ()) is stays, (option, done.actions)
            assert apply(world.layout, unset)[0].actions == (), option
            apply(world.layout, network("web", state="absent"))
        with pytest.raises(Conflict, match="the networks web take their settings from it"):
            apply(world.layout, network("web", config_from="settings"))
            apply(world.layout, network("settings", state="absent"))
        with pytest.raises(Error, match="it is config_only"):
            apply(world.layout, container("one", networks=[{"name": "settings"}]))
        for name in ("web", "settings", "others"):
            apply(world.layout, network(name, state="absent"))
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True)
        assert "sl-" not in links.stdout and "br-" not in links.stdout
        assert "lan0" in links.stdout and "lan1" in links.stdout
