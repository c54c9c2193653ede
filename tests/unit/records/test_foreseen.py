# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded or predicted, as tables: what is recorded, what earlier tasks said, a question, and its
answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import NotFound
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    foreseen,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.container_record import (  # noqa: E501
    Phase,
    Record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    NetworkSpec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume

WEB, DB = "a1" * 32, "a2" * 32
IMAGE = "docker.io/library/busybox:1"
ID = "sha256:" + "1" * 64
SPECS = {name: ContainerSpec(name, IMAGE, ID) for name in ("web", "db", "new")}
#: The container web with another command: what a task would make of it.
OTHER = ContainerSpec("web", IMAGE, ID, command=("true",))
FRONT, BACK = NetworkSpec("front"), NetworkSpec("back")
INTERNAL = NetworkSpec("front", internal=True)
FRONT_ID, BACK_ID = network_record.network_id("front"), network_record.network_id("back")

Predicted = dict[str, dict[str, Any]]


def _phase(container_id: str, name: str, phase: Phase) -> Record:
    """A record whose process is that of this test where its phase claims one."""
    if phase not in container_record.UP:
        return Record(container_id, name, "", (), phase)
    pid, start = os.getpid(), linux.process_start_time(os.getpid()) or 0
    return Record(container_id, name, "", (), phase, 1, pid, start, pid, linux.boot_id())


def _host(
    layout: Layout, phases: dict[str, Phase], networks: Iterable[NetworkSpec], predicted: Predicted
) -> Host:
    """A host on which these containers and networks are recorded."""
    for directory in (layout.containers, layout.names, layout.networks, layout.tmp):
        directory.mkdir(parents=True, exist_ok=True)
    for name, phase in phases.items():
        container_id = {"web": WEB, "db": DB}[name]
        layout.container(container_id).mkdir()
        container_record.write_spec(layout, container_id, SPECS[name])
        container_record.write_record(layout, _phase(container_id, name, phase))
        os.symlink(container_id, layout.names / name)
    for spec in networks:
        network_record.write(layout, network_record.make(spec))
    return Host(layout, predicted=predicted)


def told(*specs: ContainerSpec, gone: Iterable[str] = (), **how: Any) -> Predicted:
    said: dict[str, Any] = {one.name: foreseen.as_container(one, **how) for one in specs}
    return {"container": {**said, **dict.fromkeys(gone)}}


def drawn(*specs: NetworkSpec, gone: Iterable[str] = ()) -> Predicted:
    said: dict[str, Any] = {one.name: foreseen.as_network(one) for one in specs}
    return {"network": {**said, **dict.fromkeys(gone)}}


Q = Callable[[Host], Any]


def container(text: str) -> Q:
    """What foreseen.container answers: what it is, whether it runs or is paused, id, and whether
    there is a record and a task that said so.
    """

    def asked(host: Host) -> Any:
        found = foreseen.container(host, text)
        return None if found is None else _shown(found)

    return asked


def _shown(found: foreseen.Container) -> tuple[Any, ...]:
    phase = "paused" if found.paused else "up" if found.running else "down"
    record = "" if found.record is None else found.record.id
    return found.spec.name, found.spec.command, phase, found.id, record, found.told


def recorded(text: str) -> Q:
    """The id of the record that foreseen.recorded answers, None, or "not found"."""

    def asked(host: Host) -> Any:
        try:
            found = foreseen.recorded(host, text)
        except NotFound:
            return "not found"
        return None if found is None else found.id

    return asked


def all_containers(host: Host) -> Any:
    return [_shown(found) for found in foreseen.containers(host)]


def phases(host: Host) -> Any:
    return {found.name: found.phase for found in foreseen.records(host)}


def network(text: str) -> Q:
    """Of foreseen.network: its name, whether it is internal, its id and whether it is recorded."""

    def asked(host: Host) -> Any:
        found = foreseen.network(host, text)
        if found is None:
            return None
        return found.spec.name, found.spec.internal, found.id, bool(found.created)

    return asked


def all_networks(host: Host) -> Any:
    return [(found.spec.name, found.spec.internal) for found in foreseen.networks(host)]


#: The containers and networks that are recorded, what earlier tasks said, the question, the answer.
Case = tuple[dict[str, Phase], tuple[NetworkSpec, ...], Predicted, Q, Any]
RUNS: dict[str, Phase] = {"web": "running"}
WEB_RUNS = ("web", None, "up", WEB, WEB, False)
CASES: dict[str, Case] = {
    # A container, by name, id and the start of one.
    "none": ({}, (), {}, container("web"), None),
    "runs": (RUNS, (), {}, container("web"), WEB_RUNS),
    "runs, by id": (RUNS, (), {}, container(WEB), WEB_RUNS),
    "runs, by the start of its id": (RUNS, (), {}, container(WEB[:6]), WEB_RUNS),
    "paused": (
        {"web": "paused"}, (), {}, container("web"), ("web", None, "paused", WEB, WEB, False)
    ),
    "waits for its next start": ({"web": "restarting"}, (), {}, container("web"), WEB_RUNS),
    "ended": ({"web": "exited"}, (), {}, container("web"), ("web", None, "down", WEB, WEB, False)),
    "another is told of": (RUNS, (), told(SPECS["db"], running=True), container("web"), WEB_RUNS),
    "made": (
        {}, (), told(SPECS["new"], running=True), container("new"),
        ("new", None, "up", "", "", True),
    ),
    "made, not started": (
        {}, (), told(SPECS["new"], running=False), container("new"),
        ("new", None, "down", "", "", True),
    ),
    "made, paused": (
        {}, (), told(SPECS["new"], running=True, paused=True), container("new"),
        ("new", None, "paused", "", "", True),
    ),
    "replaced": (
        RUNS, (), told(OTHER, running=True), container("web"),
        ("web", ("true",), "up", "", WEB, True),
    ),
    "replaced, by the id of the old one": (
        RUNS, (), told(OTHER, running=True), container(WEB),
        ("web", ("true",), "up", "", WEB, True),
    ),
    "stopped": (
        RUNS, (), told(SPECS["web"], running=False, container_id=WEB), container("web"),
        ("web", None, "down", WEB, WEB, True),
    ),
    "removed": (RUNS, (), told(gone=["web"]), container("web"), None),
    "removed, by id": (RUNS, (), told(gone=["web"]), container(WEB), None),
    "removed, by the start of its id": (RUNS, (), told(gone=["web"]), container("a1"), None),
    "none, removed": ({}, (), told(gone=["web"]), container("web"), None),
    # The record of one that stays.
    "record of none": ({}, (), {}, recorded("web"), "not found"),
    "record of one that runs": (RUNS, (), {}, recorded("web"), WEB),
    "record of one to be stopped": (
        RUNS, (), told(SPECS["web"], running=False, container_id=WEB), recorded("web"), WEB
    ),
    "record of one to be replaced": (RUNS, (), told(OTHER, running=True), recorded("web"), None),
    "record of one to be made": (
        {}, (), told(SPECS["new"], running=True), recorded("new"), None
    ),
    "record of one to be removed": (RUNS, (), told(gone=["web"]), recorded("web"), "not found"),
    "record of one to be removed, by id": (
        RUNS, (), told(gone=["web"]), recorded(WEB), "not found"
    ),
    # All of them.
    "all of none": ({}, (), {}, all_containers, []),
    "all": (
        {**RUNS, "db": "exited"}, (), {}, all_containers,
        [WEB_RUNS, ("db", None, "down", DB, DB, False)],
    ),
    "all, one removed and one made": (
        {**RUNS, "db": "exited"}, (), told(SPECS["new"], running=True, gone=["web"]),
        all_containers,
        [("db", None, "down", DB, DB, False), ("new", None, "up", "", "", True)],
    ),
    "all, one replaced": (
        RUNS, (), told(OTHER, running=True), all_containers,
        [("web", ("true",), "up", "", WEB, True)],
    ),
    "records of all": (
        {**RUNS, "db": "exited"}, (), {}, phases, {"web": "running", "db": "exited"}
    ),
    "records of all, one stopped and one removed": (
        {**RUNS, "db": "exited"}, (), told(SPECS["web"], running=False, gone=["db"]), phases,
        {"web": "exited"},
    ),
    "records of all, one started": (
        {"web": "exited"}, (), told(SPECS["web"], running=True), phases, {"web": "running"}
    ),
    "records of all, one that stays paused": (
        {"web": "paused"}, (), told(SPECS["web"], running=True, paused=True), phases,
        {"web": "paused"},
    ),
    "records of all, one made": (
        RUNS, (), told(SPECS["new"], running=True), phases, {"web": "running"}
    ),
    # A network, by name, id and the start of one.
    "no network": ({}, (), {}, network("front"), None),
    "network": ({}, (FRONT,), {}, network("front"), ("front", False, FRONT_ID, True)),
    "network by id": ({}, (FRONT,), {}, network(FRONT_ID), ("front", False, FRONT_ID, True)),
    "network by the start of its id": (
        {}, (FRONT,), {}, network(FRONT_ID[:8]), ("front", False, FRONT_ID, True)
    ),
    "network made": ({}, (), drawn(BACK), network("back"), ("back", False, BACK_ID, False)),
    "network made, by id": (
        {}, (), drawn(BACK), network(BACK_ID), ("back", False, BACK_ID, False)
    ),
    "network made, by the start of its id": (
        {}, (), drawn(BACK), network(BACK_ID[:8]), ("back", False, BACK_ID, False)
    ),
    "network changed": (
        {}, (FRONT,), drawn(INTERNAL), network("front"), ("front", True, FRONT_ID, True)
    ),
    "network changed, by id": (
        {}, (FRONT,), drawn(INTERNAL), network(FRONT_ID), ("front", True, FRONT_ID, True)
    ),
    "network removed": ({}, (FRONT,), drawn(gone=["front"]), network("front"), None),
    "network removed, by id": ({}, (FRONT,), drawn(gone=["front"]), network(FRONT_ID), None),
    "another network removed": (
        {}, (FRONT, BACK), drawn(gone=["back"]), network("front"),
        ("front", False, FRONT_ID, True),
    ),
    "predefined network": (
        {}, (), {}, network("host"), ("host", False, network_record.network_id("host"), False)
    ),
    "predefined network, others told of": (
        {}, (), drawn(BACK), network("host"),
        ("host", False, network_record.network_id("host"), False),
    ),
    # All of them, by name.
    "networks": ({}, (FRONT, BACK), {}, all_networks, [("back", False), ("front", False)]),
    "networks, one made": (
        {}, (FRONT,), drawn(BACK), all_networks, [("back", False), ("front", False)]
    ),
    "networks, one changed and one removed": (
        {}, (FRONT, BACK), drawn(INTERNAL, gone=["back"]), all_networks, [("front", True)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_there(tmp_path: Path, case: str) -> None:
    recorded_containers, recorded_networks, predicted, question, answer = CASES[case]
    layout = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    host = _host(layout, recorded_containers, recorded_networks, predicted)
    assert question(host) == answer


def test_one_whose_process_is_gone_has_ended(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    host = _host(layout, RUNS, (), {})
    found = container_record.read_record(layout, WEB)
    pid, start = os.getpid(), found.pid_start + 1
    container_record.write_record(
        layout, Record(WEB, "web", "", (), "running", 1, pid, start, 0, found.boot_id)
    )
    assert phases(host) == {"web": "exited"}
    assert container("web")(host) == ("web", None, "down", WEB, WEB, False)
    stays = foreseen.recorded(host, "web")
    assert stays is not None and stays.phase == "exited"


#: What is said in the words of a task, and what comes back of it.
IMAGE_SAID = {"web:1": foreseen.as_image("sha256:1", "sha256:2"), "old:1": None}
SAID: dict[str, tuple[dict[str, Any], Callable[[Host], Any], dict[str, Any]]] = {
    "image": (
        IMAGE_SAID, foreseen.told_images,
        {"web:1": foreseen.Image("sha256:1", "sha256:2"), "old:1": None},
    ),
    "untagged image": (
        {"?mark": foreseen.as_image("", "?mark")}, foreseen.told_untagged,
        {"?mark": foreseen.Image("", "?mark")},
    ),
    "registry": (
        {"r/web:1": "sha256:2", "r/new:1": ""}, foreseen.told_registries,
        {"r/web:1": "sha256:2", "r/new:1": ""},
    ),
    "archive": (
        {"/a.tar": foreseen.as_archive((foreseen.Packed("sha256:1", ("web:1",)),))},
        foreseen.told_archives,
        {"/a.tar": (foreseen.Packed("sha256:1", ("web:1",)),)},
    ),
    "volume": (
        {"data": foreseen.as_volume({"type": "tmpfs"}, {"a": "b"}), "old": None},
        foreseen.told_volumes,
        {"data": Volume("data", "", driver_options={"type": "tmpfs"}, labels={"a": "b"}),
         "old": None},
    ),
    "build output": (
        foreseen.as_output("/out", "sha256:1")["build output"], foreseen.told_outputs,
        {"/out": "sha256:1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAID)
def test_what_is_said_is_understood(tmp_path: Path, kind: str) -> None:
    said, asked, understood = SAID[kind]
    host = Host(Layout(tmp_path, tmp_path, tmp_path), predicted={kind: said})
    found = asked(host)
    assert dict(found) == understood
    assert {name for name in found if found.gone(name)} == {
        name for name, value in understood.items() if value is None
    }
    assert dict(found.kept()) == {k: v for k, v in understood.items() if v is not None}
    assert not asked(Host(host.layout)) and "other" not in found
    assert not found.gone("other") and found.get("other") is None


STANDS: dict[str, tuple[Mapping[str, dict[str, Any]], Callable[[Host], bool]]] = {
    "program": (foreseen.PROGRAM, foreseen.program_stands),
    "firewall": (foreseen.FIREWALL, foreseen.firewall_stands),
    "watcher": (foreseen.WATCHER, foreseen.watcher_runs),
    "boot": (foreseen.BOOT, foreseen.boot_stands),
}


@pytest.mark.parametrize("what", STANDS)
def test_what_stands_by_an_earlier_task(tmp_path: Path, what: str) -> None:
    said, asked = STANDS[what]
    layout = Layout(tmp_path, tmp_path, tmp_path)
    assert asked(Host(layout, predicted=said))
    assert not asked(Host(layout))


def test_secrets_come_back_and_are_not_in_what_is_said(tmp_path: Path) -> None:
    spec = ContainerSpec("web", IMAGE, ID, secret_env={"TOKEN": "s3cret"})
    said = told(spec, running=True)
    assert "s3cret" not in str(said)
    found = foreseen.container(Host(Layout(tmp_path, tmp_path, tmp_path), predicted=said), "web")
    assert found is not None and found.spec == spec
