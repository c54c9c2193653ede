# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks inside containers of this machine, and of hosts behind a real OpenSSH server."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, until
from support.inputs import images
from support.plays import Play, Run
from support.servers import sshd

from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount

CONNECTION = {
    "ansible_connection": "slipway.engine.container",
    "ansible_python_interpreter": "/usr/bin/python3",
}
CANARY = "canary-of-the-connection-7f3a"


@pytest.fixture(scope="module")
def ssh(sandbox: Path) -> Iterator[sshd.SshHost]:
    with sshd.ssh_host(sandbox / "ssh") as made:
        yield made


@dataclass
class Machine:
    """A host with the container ``web``, which has Python, and plays on it."""

    world: World
    directory: Path
    hosts: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def run(
        self, tasks: Sequence[Mapping[str, Any]], *arguments: str, hosts: str = "web"
    ) -> tuple[Run, list[dict[str, Any]]]:
        """Run tasks in containers; the run, and what each task returned."""
        answers = self.directory / "answers.json"
        answers.unlink(missing_ok=True)
        named = [{**task, "register": f"answer{n}"} for n, task in enumerate(tasks)]
        content = "{{ [" + ", ".join(task["register"] for task in named) + "] | to_json }}"
        copy = {"dest": str(answers), "content": content}
        keep = {"ansible.builtin.copy": copy, "delegate_to": "localhost", "run_once": True}
        inventory = self.directory / "hosts.json"
        here = {"ansible_python_interpreter": "/usr/bin/python3"}
        known = {"web": CONNECTION, "localhost": {**here, "ansible_connection": "local"}}
        inventory.write_text(json.dumps({"all": {"hosts": {**known, **self.hosts}}}))
        play = {"hosts": hosts, "gather_facts": False, "tasks": [*named, {**keep, "no_log": True}]}
        run = Play(self.directory, str(inventory)).plays([play], *arguments)
        if not answers.exists():
            return run, []
        found: list[dict[str, Any]] = json.loads(answers.read_text())
        return run, found

    def ok(
        self, tasks: Sequence[Mapping[str, Any]], *arguments: str, hosts: str = "web"
    ) -> list[dict[str, Any]]:
        run, found = self.run(tasks, *arguments, hosts=hosts)
        assert run.status == 0 and found, run.output
        return found


@pytest.fixture
def machine(world: World, sandbox: Path, tmp_path: Path) -> Machine:
    image = world.add_image("host", images.host_usr_tar(sandbox / "host-usr.tar"))
    mounts = (Mount("bind", "/usr", "/usr", read_only=True),)
    world.run("web", image=image, mounts=mounts, env={"OWN": "1"})
    return Machine(world, tmp_path)


def raw(command: str, **more: Any) -> dict[str, Any]:
    return {"ansible.builtin.raw": command, "failed_when": False, **more}


def command(line: str, **more: Any) -> dict[str, Any]:
    return {"ansible.builtin.shell": line, **more}


def test_commands_and_modules(machine: Machine) -> None:
    ping, mixed, own, app, inherited, facts, later = machine.ok(
        [
            {"ansible.builtin.ping": {}},
            raw("echo out; echo err >&2; printf 'ü\\377'; exit 5"),
            command("id -u; pwd; echo $OWN $HOME", args={"chdir": "/srv"}),
            command("id -un; echo ~", become=True, become_user="app"),
            command("id -un; id -un >&2", remote_user="app"),
            {"ansible.builtin.setup": {"gather_subset": "!all"}},
            {"ansible.builtin.command": "sleep 0.2", "async": 30, "poll": 1},
        ]
    )
    assert ping["ping"] == "pong"
    assert (mixed["rc"], mixed["stderr"]) == (5, "err\n")
    assert mixed["stdout"].startswith("out\nü")
    assert own["stdout"] == "0\n/srv\n1 /root"
    assert app["stdout"] == "app\n/home/app"
    assert (inherited["stdout"], inherited["stderr"]) == ("app", "app")
    assert facts["ansible_facts"]["ansible_user_id"] == "root"
    assert later["finished"] and later["rc"] == 0


@pytest.mark.parametrize("pipelining", [True, False])
def test_options(machine: Machine, pipelining: bool) -> None:
    given = {
        "ansible_pipelining": pipelining,
        "ansible_user": "app",
        "ansible_slipway_working_dir": "/var/tmp",
        "ansible_slipway_extra_env": {"A": "two\nlines 'and' \"$HOME\" \\", "B": "ü"},
    }
    another = {"become": True, "become_user": "nobody"}
    shown = machine.ok(
        [
            command('pwd; id -un; echo "$A$B"', vars=given),
            command("id -un", vars=given, become=True),
            # Ansible hands no files from one unprivileged user to another.
            command("id -un", vars={**given, "ansible_user": ""}, **another),
            raw("grep CapEff /proc/self/status", vars={"ansible_slipway_privileged": True}),
        ]
    )
    outputs = [answer["stdout"] for answer in shown]
    assert outputs[0] == "/var/tmp\napp\ntwo\nlines 'and' \"$HOME\" \\ü"
    assert outputs[1:3] == ["root", "nobody"]
    assert int(outputs[3].split()[1], 16) >> 21 & 1, "CAP_SYS_ADMIN"


def test_files(machine: Machine) -> None:
    """Larger than a piece, so that its pieces are put together."""
    data = os.urandom((32 << 20) + 3)
    big, back = machine.directory / "big", machine.directory / "back"
    big.write_bytes(data)
    (machine.directory / "empty").touch()
    odd = "/tmp/a 'b' \"ü\" \\ *"
    machine.ok(
        [
            {"ansible.builtin.copy": {"src": str(big), "dest": odd}},
            {"ansible.builtin.fetch": {"src": odd, "dest": str(back), "flat": True}},
            {
                "ansible.builtin.copy": {"src": f"{machine.directory}/empty", "dest": "/tmp/e"},
                "become": True,
                "become_user": "app",
            },
            command("test \"$(stat -c '%U %s' /tmp/e)\" = 'app 0'"),
        ]
    )
    assert back.read_bytes() == data
    run, dummy = machine.run(
        [{"ansible.builtin.fetch": {"src": "/nope", "dest": str(back), "flat": True}}]
    )
    assert run.status != 0 and "/nope" in run.output


def test_a_container_without_python(machine: Machine) -> None:
    machine.world.run("bare", user="33")
    machine.hosts["bare"] = {**CONNECTION, "ansible_host": "bare"}
    long = "x" * 60_000
    plain, other, large = machine.ok(
        [raw("id -u; cat"), raw("id -u", become=True), raw(f"printf %s {long} | wc -c")],
        hosts="bare",
    )
    assert (plain["stdout"], other["stdout"], large["stdout"]) == ("33\n", "0\n", "60000\n")


def test_become_by_a_program_in_the_container(machine: Machine) -> None:
    shim = '#!/bin/sh\nwhile [ "$1" != "${1#-}" ]; do [ "$1" != -u ] || shift; shift; done\n'
    content = {"dest": "/srv/sudo", "mode": "0755", "content": f'{shim}export BY=shim; exec "$@"\n'}
    inside = {"ansible_slipway_become_inside": True, "ansible_become_exe": "/srv/sudo"}
    shown = machine.ok(
        [{"ansible.builtin.copy": content}, command("echo $BY", become=True, vars=inside)]
    )
    assert shown[1]["stdout"] == "shim"


def unreachable(machine: Machine, said: str, hosts: str = "web", **variables: Any) -> None:
    run, dummy = machine.run([raw("true", vars=variables)], hosts=hosts)
    assert run.status != 0, run.output
    assert said in " ".join(run.output.split()), run.output


def test_what_cannot_be_reached_says_why(machine: Machine) -> None:
    unreachable(machine, "container nope on localhost: No such container", ansible_host="nope")
    unreachable(machine, "nobody-here", ansible_user="nobody-here")
    unreachable(machine, "is not a string, but 1", ansible_slipway_extra_env={"A": 1})
    unreachable(machine, "'a-b' is not a name", ansible_slipway_extra_env={"a-b": "x"})
    machine.world.slipway("pause", "web")
    unreachable(machine, "container web is paused")
    machine.world.slipway("unpause", "web")
    machine.world.slipway("stop", "web")
    unreachable(machine, "container web is not running")
    program = machine.world.layout.program / "current"
    program.rename(program.with_name("elsewhere"))
    try:
        unreachable(machine, "Create the container with slipway.engine.container first")
    finally:
        program.with_name("elsewhere").rename(program)


def test_logins_of_a_remote_host(machine: Machine, ssh: sshd.SshHost) -> None:
    careful = {"ansible_become_password": sshd.PASSWORD}
    machine.hosts |= {
        "deploy": ssh.variables(),
        "careful": {**ssh.variables(sshd.CAREFUL), **careful},
        "root": ssh.variables("root"),
    }
    data = os.urandom(100_000)
    (machine.directory / "data").write_bytes(data)
    copy = {"src": f"{machine.directory}/data", "dest": "/tmp/data"}
    both = (("deploy", True), ("careful", True), ("root", True), ("deploy", False))
    tasks = []
    for login, pipelining in both:
        back = f"{machine.directory}/back-{login}-{pipelining}"
        given = {"ansible_slipway_host": login, "ansible_pipelining": pipelining}
        todo = [
            command("id -un", become=True, become_user="app"),
            raw("echo out; echo err >&2; exit 3"),
            {"ansible.builtin.copy": copy},
            {"ansible.builtin.fetch": {"src": "/tmp/data", "dest": back, "flat": True}},
        ]
        tasks += [{**task, "vars": given} for task in todo]
    shown = machine.ok(tasks)
    for number, (login, pipelining) in enumerate(both):
        app, mixed, copied, dummy = shown[number * 4 : number * 4 + 4]
        assert app["stdout"] == "app" and copied["changed"] is (number == 0)
        assert (mixed["rc"], mixed["stdout"], mixed["stderr"]) == (3, "out\n", "err\n")
        assert (machine.directory / f"back-{login}-{pipelining}").read_bytes() == data


def test_one_ssh_connection_serves_all(machine: Machine, ssh: sshd.SshHost) -> None:
    """Tasks on the host and tasks in its container share what ControlPersist keeps."""
    log = ssh.directory / "log"
    variables = {**ssh.variables(), "ansible_control_path_dir": str(machine.directory / "cp")}
    machine.hosts |= {"h": variables, "web": {**CONNECTION, "ansible_slipway_host": "h"}}
    before = log.read_text().count("Accepted publickey")
    ping: dict[str, Any] = {"ansible.builtin.ping": {}}
    machine.ok([ping, {**ping, "delegate_to": "h"}, ping, {**ping, "loop": [1, 2]}])
    assert log.read_text().count("Accepted publickey") == before + 1


def test_a_container_that_is_delegated_to(machine: Machine, ssh: sshd.SshHost) -> None:
    machine.hosts |= {"h": ssh.variables(), "web": {**CONNECTION, "ansible_slipway_host": "h"}}
    hostname = command("cat /etc/hostname; id -un", delegate_to="web")
    (shown,) = machine.ok([hostname], hosts="h")
    record = machine.world.layout.names / "web"
    assert shown["stdout"] == f"{os.readlink(record)[-64:][:12]}\nroot"


def test_a_host_that_does_not_let_become_root(machine: Machine, ssh: sshd.SshHost) -> None:
    machine.hosts["h"] = {**ssh.variables(sshd.CAREFUL), "ansible_become": False}
    unreachable(machine, "slipway.engine requires root on h", ansible_slipway_host="h")
    machine.hosts["h"] = ssh.variables(sshd.CAREFUL)
    unreachable(machine, "Missing sudo password", ansible_slipway_host="h")
    unreachable(machine, "ssh", ansible_slipway_host="not-in-the-inventory.invalid")


def test_secrets_are_not_seen_by_others(machine: Machine, ssh: sshd.SshHost) -> None:
    """While a command waits, no process of the host has the value among its arguments."""
    machine.hosts["h"] = ssh.variables()
    given = {"ansible_slipway_host": "h", "ansible_slipway_extra_env": {"SECRET": CANARY}}
    script = "touch /srv/begun; while [ ! -e /srv/end ]; do sleep 0.05; done; test -n $SECRET"
    done: list[Run] = []
    worker = threading.Thread(
        target=lambda: done.append(machine.run([command(script, vars=given)], "-vvvv")[0])
    )
    worker.start()

    def inside(*words: str) -> bool:
        return machine.world.slipway("exec", "web", *words, check=False).returncode == 0

    until(lambda: inside("test", "-e", "/srv/begun") or done)
    seen = [path for path in Path("/proc").glob("[0-9]*/cmdline") if CANARY in _text(path)]
    inside("touch", "/srv/end")
    worker.join()
    assert done[0].status == 0, done[0].output
    assert not seen


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
