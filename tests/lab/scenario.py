# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays against a guest: checked first, run, and run again, as an unprivileged user with sudo."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.compare_predictions import changes, differences
from support.plays import Play, Run

from lab.guest import TIMEOUT_S, Guest

#: Ansible's own patience: the first login after a boot takes up to 20 s.
_TIMEOUT = "120"


class Scenario:
    """What is done to a guest, and what is asked of it."""

    def __init__(self, guest: Guest, directory: Path) -> None:
        self.guest = guest
        self.directory = directory

    def run(
        self, tasks: Sequence[Mapping[str, Any]], *arguments: str, pipelining: bool = True
    ) -> Run:
        """Run these tasks on the guest. Returns what came of it."""
        return self._play(pipelining).plays([self._of(tasks)], *arguments)

    def role(self, name: str, *arguments: str) -> Run:
        """Apply a role of the collection."""
        play = {"hosts": "all", "become": True, "gather_facts": False}
        return self._play(True).plays([{**play, "roles": [f"slipway.engine.{name}"]}], *arguments)

    def converge(self, tasks: Sequence[Mapping[str, Any]], pipelining: bool = True) -> Run:
        """Check, run, run again: the prediction held, and the second run found nothing to do.
        Returns what the first run did.
        """
        foretold = self.run(tasks, "--check", "--diff", pipelining=pipelining)
        assert foretold.status == 0, foretold.output
        done = self.run(tasks, "--diff", pipelining=pipelining)
        assert done.status == 0, done.output
        assert differences(_lines(foretold), _lines(done)) == []
        self.unchanged(tasks, pipelining=pipelining)
        return done

    def unchanged(self, tasks: Sequence[Mapping[str, Any]], pipelining: bool = True) -> None:
        """A run of these tasks changes nothing."""
        again = self.run(tasks, pipelining=pipelining)
        assert again.status == 0, again.output
        assert changes(_lines(again)) == []

    def begin(self, tasks: Sequence[Mapping[str, Any]]) -> subprocess.Popen[bytes]:
        """Begin a run that nobody will see the end of."""
        play = self._play(True)
        playbook = self.directory / "cut.yml"
        playbook.write_text(json.dumps([self._of(tasks)]))
        return subprocess.Popen(
            play.command(str(playbook)),
            env=play.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def slipway(self, words: str) -> str:
        """What the program says on the guest."""
        return self.guest.tell(f"sudo slipway {words}")

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.slipway(f"inspect {name}"))[0]
        return found

    def _of(self, tasks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"hosts": "all", "become": True, "gather_facts": False, "tasks": list(tasks)}

    def _play(self, pipelining: bool) -> Play:
        os.environ["ANSIBLE_PIPELINING"] = str(pipelining)
        os.environ["ANSIBLE_TIMEOUT"] = _TIMEOUT
        hosts = self.directory / "hosts"
        hosts.write_text(f"{self.guest.inventory()}\n")
        return Play(self.directory, str(hosts), 4 * TIMEOUT_S)


def _lines(run: Run) -> list[dict[str, Any]]:
    return [dict(line) for line in run.record]
