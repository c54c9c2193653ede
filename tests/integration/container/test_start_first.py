# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing a container that is started before the old one stops: no request is lost."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Mapping
from typing import Any

import pytest
from support.containers import World, until
from support.converging import Task, apply, check
from support.declaring import acting, task
from support.dying import killed
from support.servers import traffic
from support.servers.laboratory import unfiltered_bridges
from support.servers.segment import add_network

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    handover,
    replacement,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.beside import (  # noqa: E501
    StartFirst,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    journal,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare,
    observe,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Port
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import users

PORT = 18080
KINDS = traffic.KINDS
#: Looks a name up for every request, and writes down who answered.
ASKER = """
import socket, time
while True:
    try:
        with socket.create_connection(('shop', 80), 5) as asking:
            asking.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n')
            print(asking.recv(4096).decode().split()[-1], flush=True)
    except OSError:
        print('lost', flush=True)
    time.sleep(0.005)
"""


def service(word: str, late_s: float = 0.0, refuses: bool = False, **given: Any) -> Task:
    """A task that declares the service of tests/support/servers/traffic.py."""
    usual = {
        "command": traffic.command(word, late_s, refuses),
        "volumes": traffic.VOLUMES,
        "published_ports": [f"{PORT}:80", f"{PORT}:80/udp"],
        "stop_signal": "TERM",
        "update": "start_first",
        "drain_timeout": 4,
    }
    return task("web", **{**usual, **given})


def begun(world: World, **given: Any) -> str:
    """The service as it is before, once it answers. Returns its id."""
    apply(world.layout, service("old", **given))
    until(lambda: answer() == "old")
    return container_record.by_name(world.layout, "web")


def answer(port: int = PORT) -> str:
    try:
        return traffic.Http("127.0.0.1", port, kept=False)(0)
    except OSError:
        return ""


def assert_none_lost(found: Mapping[str, Any], *words: str) -> None:
    for kind, one in found.items():
        assert (one["lost"], one["errors"]) == (0, []), (kind, one)
        assert sorted(one["answers"]) == sorted(words), (kind, one)


def test_no_request_is_lost(world: World) -> None:
    old = begun(world)
    wanted = service("new", late_s=1)
    with traffic.clients("127.0.0.1", PORT, KINDS) as found:
        foretold = check(world.layout, wanted, {})
        outcome, dummy = apply(world.layout, wanted)
    assert outcome == foretold
    assert foretold.actions == ("recreate container web (command), starting the new one first",)
    assert_none_lost(found, "old", "new")
    (new,) = container_record.all_ids(world.layout)
    assert new != old
    assert container_record.by_name(world.layout, "web") == new
    assert world.recorded(new).standby == ""
    assert not journal.pending(world.layout)
    assert check(world.layout, wanted, {}).actions == ()


def test_what_is_not_healthy_never_gets_a_request(world: World) -> None:
    old = begun(world)
    before = world.current(old)
    ill = {"test": ["CMD", "false"], "interval": "200ms", "retries": 2}
    with traffic.clients("127.0.0.1", PORT, KINDS) as found, pytest.raises(Error) as caught:
        apply(world.layout, service("new", healthcheck=ill))
    assert str(caught.value).startswith(
        "the new container web did not become ready to serve, and the old one keeps running:"
        " container web is unhealthy"
    )
    assert_none_lost(found, "old")
    assert container_record.all_ids(world.layout) == [old]
    now = world.current(old)
    assert (now.pid, now.started_at, now.standby) == (before.pid, before.started_at, "")
    assert not journal.pending(world.layout)


def test_it_is_healthy_before_it_gets_a_request(world: World) -> None:
    begun(world)
    # The check is what makes the file, the second time it is made.
    test = "test -e /tmp/once && touch /tmp/well; touch /tmp/once; test -e /tmp/well"
    check_ = {"test": ["CMD-SHELL", test], "interval": "300ms", "retries": 9}
    seen = []
    real = handover.turn

    def turn(host: Any, name: str, to: str, other: str) -> None:
        seen.append((answer(), world.slipway("exec", to, "ls", "/tmp").stdout.split()))
        real(host, name, to, other)

    handover.turn = turn
    try:
        with traffic.clients("127.0.0.1", PORT, KINDS) as found:
            apply(world.layout, service("new", healthcheck=check_))
    finally:
        handover.turn = real
    assert seen == [("old", [b"once", b"well"])]
    assert_none_lost(found, "old", "new")


def test_both_at_once_are_named_once(world: World) -> None:
    """While the new one stands beside the old one, who uses a volume and a network is one name."""
    add_network(world.layout, "front", "10.91.7.0/24")
    given = {"networks": [{"name": "front"}], "volumes": [*traffic.VOLUMES, "data:/data"]}
    begun(world, **given)
    seen = []
    real = handover.turn

    def turn(host: Any, name: str, to: str, other: str) -> None:
        declared = declare.declare({"name": "front", "state": "absent"})
        (user,) = observe.observe(host, declared).users
        seen.append((user.name, user.running, len(user.addresses)))
        with pytest.raises(Conflict, match="volume data is in use by container web; remove"):
            users.remove(host, "data")
        real(host, name, to, other)
        rows = world.slipway("ps", "--no-trunc", "--format", "{{.ID}} {{.Status}}").stdout
        told = dict(row.split(" ", 1) for row in rows.decode().splitlines())
        assert "standing by" in told[other] and "standing by" not in told[to]

    handover.turn = turn
    try:
        apply(world.layout, service("new", share_volumes=True, **given))
    finally:
        handover.turn = real
    assert seen == [("web", True, 2)]
    world.slipway("rm", "-f", "-v", "web")
    world.slipway("volume", "rm", "data")


def test_what_does_not_listen_does_not_take_over(world: World) -> None:
    old = begun(world)
    with traffic.clients("127.0.0.1", PORT, KINDS) as found, pytest.raises(Error) as caught:
        apply(world.layout, service("new", refuses=True, healthy_wait_timeout=1))
    assert "it does not listen on port 80/tcp, port 80/udp, where the running one" in str(
        caught.value
    )
    assert_none_lost(found, "old")
    assert container_record.all_ids(world.layout) == [old]


def test_a_client_that_keeps_its_udp_port_reaches_the_new_one(world: World) -> None:
    begun(world)
    ask = traffic.Datagrams("127.0.0.1", PORT, kept=True)
    assert ask(1) == "old"
    apply(world.layout, service("new"))
    assert ask(2) == "new"
    # Whoever takes over from that one has flows of its own again.
    apply(world.layout, service("newer"))
    assert ask(3) == "newer"
    # One that is stopped first is found as well.
    apply(world.layout, service("newest", update="stop_first"))
    until(lambda: answer() == "newest")
    assert ask(4) == "newest"
    apply(world.layout, acting("web", restart=True))
    until(lambda: answer() == "newest")
    assert ask(5) == "newest"


def test_a_connection_is_cut_when_its_time_is_over(world: World) -> None:
    old = begun(world)
    with socket.create_connection(("127.0.0.1", PORT)) as idle:
        apply(world.layout, service("new", drain_timeout=0.2))
        assert container_record.all_ids(world.layout) != [old]
        assert idle.recv(1) == b""


def test_a_name_leads_to_one_that_runs(world: World) -> None:
    add_network(world.layout, "front", "10.91.7.0/24")
    serves = ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]
    on_front = {
        "networks": [{"name": "front", "aliases": ["shop"]}],
        # Without a published port nothing else says when it serves.
        "published_ports": [],
        "healthcheck": {"test": serves, "interval": "200ms", "retries": 50},
    }
    apply(world.layout, service("old", **on_front))
    asking = task(
        "asker",
        command=["/usr/bin/python3", "-c", ASKER],
        volumes=traffic.VOLUMES,
        networks=[{"name": "front"}],
    )
    apply(world.layout, asking)
    until(lambda: "old" in world.log("asker"))
    # Until the first answer the server may not have listened.
    lost = world.log("asker").count("lost")
    with unfiltered_bridges():
        apply(world.layout, service("new", **on_front))
        until(lambda: "new" in world.log("asker"))
    assert world.log("asker").count("lost") == lost
    assert set(world.log("asker").split()) <= {"old", "new", "lost"}


def test_a_random_port_is_kept(world: World) -> None:
    apply(world.layout, service("old", published_ports=["80"]))
    (before,) = world.recorded(container_record.by_name(world.layout, "web")).publications
    until(lambda: answer(before.host_port) == "old")
    apply(world.layout, service("new", published_ports=["80"]))
    assert answer(before.host_port) == "new"


def test_what_cannot_be_shared_is_said_before_anything_is_touched(
    world: World, tmp_path: Any
) -> None:
    add_network(world.layout, "front", "10.91.7.0/24")
    address = {"name": "front", "ipv4_address": "10.91.7.9", "mac_address": "02:42:0a:5b:07:09"}
    given: dict[str, Any] = {
        "networks": [address],
        "volumes": [*traffic.VOLUMES, "data:/data", f"{tmp_path}:/there", f"{tmp_path}:/ro:ro"],
    }
    old = begun(world, **given)
    before = world.current(old)
    for more in ({}, {"share_volumes": True}):
        with pytest.raises(Error) as caught:
            apply(world.layout, service("new", **given, **more))
        said = str(caught.value)
        assert said.startswith("container web: update: start_first is not possible: both would")
        assert "the address 10.91.7.9 on the network front" in said
        assert "the address 02:42:0a:5b:07:09 on the network front" in said
        assert ("write to the volume data" in said) == (not more)
        assert (f"write to the path {tmp_path}" in said) == (not more)
        assert world.current(old) == before
    # Another address, and volumes that may be shared.
    free = {**given, "networks": [{"name": "front"}], "share_volumes": True}
    apply(world.layout, service("new", **free))
    assert answer() == "new"
    kept = {**free, "share_volumes": False, "volumes": [*traffic.VOLUMES, "/more"]}
    kept["keep_volumes"] = True
    apply(world.layout, service("new", **{**kept, "update": "stop_first"}))
    until(lambda: answer() == "new")
    with pytest.raises(Error, match="write to the volume at /more"):
        apply(world.layout, service("newer", **kept))
    assert answer() == "new"
    world.slipway("rm", "-f", "-v", "web")
    world.slipway("volume", "rm", "data")


def test_a_port_that_a_process_serves_cannot_be_handed_over(world: World) -> None:
    given = {"published_ports": [f"[::1]:{PORT}:80"]}
    apply(world.layout, service("old", **given))
    old = container_record.by_name(world.layout, "web")
    with pytest.raises(Error, match=rf"port {PORT}/tcp on ::1 is served by a process"):
        apply(world.layout, service("new", **given))
    assert container_record.all_ids(world.layout) == [old]


def test_killed_anywhere_one_of_the_two_serves(world: World) -> None:
    serve = "mkdir /www; echo {} > /www/index.html; exec httpd -f -p 80 -h /www"
    options: dict[str, Any] = {"network_mode": "", "ports": (Port(80, host_port=PORT),)}

    def run(word: str) -> container_record.Record:
        made = world.run("web", serve.format(word), **options)
        until(lambda: page() == word)
        return made

    def page() -> str:
        return answer().strip()

    old = run("old")
    spec = world.spec("web", serve.format("new"), **options)
    first = StartFirst(ready_timeout_s=60, drain_s=0)
    ends = set()
    after = 0
    while True:
        act = functools.partial(
            replacement.swap, world.host, old.id, spec, world.image, True, start_first=first
        )
        if not killed(act, after):
            break
        # Whoever was killed leaves clients one that serves them.
        served = page()
        assert served in ("old", "new"), after
        replacement.recover_all(world.host)
        (left,) = container_record.all_ids(world.layout)
        assert os.listdir(world.layout.names) == ["web"]
        now = world.current(left)
        assert (now.phase, now.name, now.standby) == ("running", "web", "")
        assert page() == ("old" if left == old.id else "new"), after
        assert not journal.pending(world.layout)
        if left == old.id:
            assert now.pid == old.pid, "it never stopped"
        else:
            actions.remove(world.host, left, force=True)
            old = run("old")
        ends.add(left == now.id and served)
        after += 1 if after < 8 else 5
    assert not world.host.warnings
    assert ends == {"old", "new"}, "it was killed both before and after ports were turned"
    assert page() == "new"


def test_a_paused_or_stopped_one_is_replaced_as_before(world: World) -> None:
    apply(world.layout, service("old", state="stopped"))
    wanted = service("new", state="present")
    assert check(world.layout, wanted, {}).actions == ("recreate container web (command)",)
    apply(world.layout, acting("web", state="started"))
    apply(world.layout, acting("web", paused=True))
    assert check(world.layout, service("new"), {}).actions[0] == "recreate container web (command)"
