# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks on this machine as their users do, with the collection this tree is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import COLLECTIONS, TESTS, preloaded

#: Where collections lie that a benchmark compares this one with, if anywhere.
PEERS = [path for path in [os.environ.get("SLIPWAY_PEERS", "")] if path]


def has_peer(collection: str) -> bool:
    """Whether a collection such as community.docker is there to compare with."""
    below = Path("ansible_collections", *collection.split("."))
    return any((Path(path) / below).is_dir() for path in PEERS)


#: The host's own Python, with the libraries its distribution has.
INTERPRETER = "ansible_python_interpreter=/usr/bin/python3"


@dataclass(frozen=True)
class Run:
    """What came of a playbook: its exit status, all it printed, and what each task reported."""

    status: int
    output: str
    record: Sequence[Mapping[str, Any]]

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        return sum(any(item["changed"] for item in task["results"]) for task in self.record)


@dataclass(frozen=True)
class Play:
    """Runs plays against localhost, or the hosts of the file ``inventory``; ``directory`` is for
    the files of the runs.
    """

    directory: Path
    inventory: str = ""
    timeout_s: float = 300

    def tasks(self, tasks: Sequence[Mapping[str, Any]], *arguments: str) -> Run:
        """A play of these tasks; ``arguments`` are ansible-playbook's, such as ``--check``."""
        return self._run({"tasks": list(tasks)}, arguments)

    def role(self, name: str, variables: Mapping[str, Any], *arguments: str) -> Run:
        """A play of one role of the collection."""
        role = {"role": f"slipway.engine.{name}", **variables}
        return self._run({"roles": [role]}, arguments)

    def plays(self, plays: Sequence[Mapping[str, Any]], *arguments: str) -> Run:
        """A playbook of whole plays."""
        playbook = self.directory / "plays.yml"
        playbook.write_text(json.dumps(list(plays)))
        return self._start(str(playbook), arguments)

    def playbook(self, name: str, *arguments: str) -> Run:
        """A playbook: a file, or one of the collection by its whole name."""
        return self._start(name, arguments)

    def _run(self, content: Mapping[str, Any], arguments: Sequence[str]) -> Run:
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, **content}
        # JSON is YAML, so what stands in a test needs no quoting of its own.
        playbook = self.directory / "play.yml"
        playbook.write_text(json.dumps([play]))
        return self._start(str(playbook), arguments)

    def _start(self, playbook: str, arguments: Sequence[str]) -> Run:
        record = self.directory / "record.jsonl"
        record.write_text("")
        environment = {
            **self.environment(),
            "ANSIBLE_CALLBACK_PLUGINS": str(TESTS / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "SLIPWAY_RECORD": str(record),
        }
        status, output = self._ran(self.command(playbook, *arguments), environment)
        lines = record.read_text().splitlines()
        return Run(status, output, [json.loads(line) for line in lines])

    def _ran(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        python = Path(command[0]).parent / "python"
        if python.exists():
            return preloaded.run(str(python), command[1:], environment, self.timeout_s)
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=self.timeout_s,
        )
        return done.returncode, done.stdout

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """The command line of a run."""
        hosts = [self.inventory] if self.inventory else ["localhost,", "-e", INTERPRETER]
        return [program("ansible-playbook"), "-i", *hosts, *arguments, playbook]

    def environment(self) -> dict[str, str]:
        """What Ansible's programs are to find: this collection, and no configuration."""
        empty = self.directory / "ansible.cfg"
        empty.touch()
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(empty),
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(COLLECTIONS), *PEERS]),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "LC_ALL": "C.UTF-8",
        }


def program(name: str) -> str:
    """A program of Ansible's: where the ansible-playbook beside this Python is, or on PATH."""
    beside = (Path(sys.executable).parent / "ansible-playbook").resolve().parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed")
    return found
