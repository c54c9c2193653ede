# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tour of docs/tour.md: every command it shows is run, and every task of playbooks/tour.yml.

Docker Hub is a registry on loopback with images of busybox (support/servers/hub.py). A step that
fails does not end the walk; in the end the features that it shows fail by their names.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import pytest
from e2e.features import OPTIONS, ROWS
from e2e.tour_steps import SCREENS, SHOWN, Shows, documented
from support import CHECKOUT
from support.containers import World
from support.plays import Play
from support.screens import screen
from support.servers import hub
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import keys

PASSWORD = "canary-31fe"
STEP_S, WALK_S = 120, 900


@dataclass(frozen=True)
class Place:
    """Where the tour is walked: what stands for Docker Hub, the registry to push to, the second
    host, and a directory with the files.
    """

    layout: Layout
    directory: Path
    registry: str
    website: str
    second: Layout

    @property
    def program(self) -> str:
        return f"/usr/bin/python3 {zipapp.program(self.layout)}"

    def here(self, command: str) -> str:
        """A command of the page, with what it names outside replaced by what there is here."""
        command = command.replace("https://example.org/", f"http://{self.website}/")
        return re.sub(r"^(slipway search .*)\bmysql$", rf"\g<1>{self.website}/mysql", command)


@pytest.fixture(scope="module")
def filled(registry: Registry, busybox_tar: Path, sandbox: Path) -> Registry:
    hub.fill(registry.host, sandbox / "hub", busybox_tar.read_bytes())
    return registry


@pytest.fixture
def place(
    world: World,
    filled: Registry,
    registries: Callable[..., Registry],
    busybox_tar: Path,
    tmp_path: Path,
) -> Iterator[Place]:
    """The hosts of the tour. The images that belong to the world are not of the tour, and stay."""
    mirrored = {"mirrors": [filled.host]}
    settings = json.dumps({"registries": {"docker.io": mirrored, "gcr.io": mirrored}})
    second = Layout(tmp_path / "second/lib", tmp_path / "second/run", tmp_path / "second/etc")
    for layout in (world.layout, second):
        layout.etc.mkdir(parents=True, exist_ok=True)
        (layout.etc / "registries.json").write_text(settings)
    shutil.copytree(CHECKOUT / "playbooks/files/tour", tmp_path / "tour")
    with hub.website(busybox_tar.read_bytes()) as address:
        theirs = registries(username="you", password=PASSWORD).host
        made = Place(world.layout, tmp_path / "tour", theirs, address, second)
        _programs(made, tmp_path / "bin")
        yield made


def _programs(place: Place, directory: Path) -> None:
    """slipway, and an ssh that reaches the second host."""
    directory.mkdir()
    second = f"--root {place.second.root} --run {place.second.run} --etc {place.second.etc}"
    for name, line in (
        ("slipway", f'exec {place.program} "$@"'),
        ("ssh", f'shift 2; exec {place.program} {second} "$@"'),
    ):
        (directory / name).write_text(f"#!/bin/sh\n{line}\n")
        (directory / name).chmod(0o755)


def _environment(place: Place) -> dict[str, str]:
    programs = f"{place.directory.parent}/bin:{os.environ['PATH']}"
    given = {"REGISTRY": place.registry, "PASSWORD": PASSWORD, "COSIGN_PASSWORD": "passphrase"}
    return {**os.environ, **given, "PATH": programs}


@pytest.mark.timeout(WALK_S)
def test_at_the_prompt(place: Place) -> None:
    failed: dict[str, str] = {}
    for step in documented():
        try:
            complaint = _take(place, step.command)
        except (AssertionError, subprocess.TimeoutExpired) as exc:
            complaint = str(exc)
        if complaint:
            failed[step.command] = complaint
    _judge(failed)


def _take(place: Place, command: str) -> str:
    """Do one step. Returns what is wrong, or nothing."""
    wanted, deadline = SHOWN.get(command, Shows()), time.monotonic() + STEP_S
    while True:
        status, output = (_typed if command in SCREENS else _run)(place, command)
        shown = re.search(wanted.pattern, output)
        if shown or not wanted.waits or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if status != wanted.status:
        return f"exits with {status}, not {wanted.status}: {output}"
    return "" if shown else f"shows nothing like {wanted.pattern!r}: {output}"


def _typed(place: Place, command: str) -> tuple[int, str]:
    """Run a command at a terminal. Returns its exit status and what it showed in the end."""
    assignments = [f"{name}={value}" for name, value in _environment(place).items()]
    shell = ["sh", "-c", f"cd {shlex.quote(str(place.directory))} && {place.here(command)}"]
    with screen(["/usr/bin/env", *assignments, *shell]) as shown:
        for typed, awaited in SCREENS[command]:
            shown.type(typed)
            shown.expect(awaited, STEP_S)
        return shown.end(STEP_S), shown.shown.decode(errors="replace")


def _run(place: Place, command: str) -> tuple[int, str]:
    """Run a command without a terminal. Returns its exit status and what it wrote."""
    done = subprocess.run(
        ["sh", "-c", place.here(command)],
        cwd=place.directory,
        env=_environment(place),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=STEP_S,
    )
    return done.returncode, done.stdout


@pytest.mark.timeout(WALK_S)
def test_in_ansible(place: Place, world: World) -> None:
    pair = keys.generate("passphrase")
    key = place.directory / "key"
    for end, text in (("key", pair.private), ("pub", pair.public)):
        key.with_suffix(f".{end}").write_text(text)
    variables = {
        "tour_registry": place.registry,
        "tour_username": "you",
        "tour_password": PASSWORD,
        "tour_key": str(key),
        "tour_passphrase": "passphrase",
        "tour_directory": str(place.directory / "host"),
        "tour_hub": place.website,
        "tour_rootfs": f"http://{place.website}/rootfs.tar",
    }
    given = place.directory / "variables.json"
    given.write_text(json.dumps(variables))
    play = Play(place.directory.parent, _inventory(place), WALK_S)
    run = play.playbook(str(_going_on(place)), "-e", f"@{given}")
    ran = {task["task"]: task["status"] for task in run.record}
    named = {step.task for step in documented() if step.task}
    failed = [task for task in {*ran, *named} if ran.get(task, "was not run") != "ok"]
    if failed or run.status:
        print(run.output)
    _judge(
        {
            step.command: f"{step.task}: {ran.get(step.task, 'was not run')}"
            for step in documented()
            if step.task in failed
        }
    )
    assert (run.status, failed) == (0, [])
    assert PASSWORD not in run.output


def _going_on(place: Place) -> Path:
    """The playbook, with plays that go on after a task that failed."""
    copied = place.directory.parent / "playbooks"
    shutil.copytree(CHECKOUT / "playbooks", copied)
    playbook = copied / "tour.yml"
    text = playbook.read_text()
    playbook.write_text(
        text.replace("  gather_facts: false\n", "  gather_facts: false\n  ignore_errors: true\n")
    )
    return playbook


def _inventory(place: Place) -> str:
    """Two hosts: this one, and one whose directories of slipway are other ones of this."""
    python = place.directory.parent / "python-of-the-second"
    pairs = zip(
        (place.second.root, place.second.run, place.second.etc),
        (place.layout.root, place.layout.run, place.layout.etc),
    )
    lines = []
    for ours, theirs in pairs:
        ours.mkdir(parents=True, exist_ok=True)
        lines.append(f"mount --bind {ours} {theirs}")
    inner = " && ".join([*lines, 'exec /usr/bin/python3 "$@"'])
    python.write_text(f'#!/bin/sh\nexec unshare --mount sh -c {shlex.quote(inner)} python "$@"\n')
    python.chmod(0o755)
    inventory = place.directory.parent / "hosts"
    inventory.write_text(
        "[all:vars]\nansible_connection=local\n[all]\n"
        "first ansible_python_interpreter=/usr/bin/python3\n"
        f"second ansible_python_interpreter={python}\n"
    )
    return str(inventory)


def _judge(failed: dict[str, str]) -> None:
    """Fail with the features that do not work, and with what did not."""
    features = [row for row, shown in ROWS.items() if any(re.search(shown, one) for one in failed)]
    complaints = "\n\n".join(f"{step}\n  {why[-1500:]}" for step, why in failed.items())
    assert not failed, f"features that do not work: {features}\n\n{complaints}"


def test_each_feature_is_shown_and_each_step_is_of_one() -> None:
    commands = [step.command for step in documented()]
    assert len(commands) > 150
    unseen = [row for row, shown in ROWS.items() if not any(re.search(shown, c) for c in commands)]
    assert not unseen
    assert not [c for c in commands if not any(re.search(shown, c) for shown in ROWS.values())]
    assert set(SHOWN) | set(SCREENS) <= set(commands)


def test_each_option_is_shown() -> None:
    words = [shlex.split(step.command, posix=False) for step in documented()]
    shown = {
        (command, word.partition("=")[0])
        for line in words
        for command in OPTIONS
        if f" {command} " in f" {' '.join(line)} "
        for word in line
    }
    wanted = {(command, one) for command, found in OPTIONS.items() for one in found.split()}
    assert not wanted - shown


def test_the_page_names_the_modules_of_its_tasks() -> None:
    text = (CHECKOUT / "playbooks/tour.yml").read_text()
    found = dict(re.findall(r"- name: (.*)\n\s+([a-z_.]+):\n", text))
    for step in documented():
        if step.task:
            module = step.module if "." in step.module else f"slipway.engine.{step.module}"
            assert found.get(step.task) == module, step.task
