# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user whom sudo asks for a password, with pipelining and without."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from support.compare_predictions import changes, differences

from lab import declared
from lab.scenario import Scenario

_CLERK = "clerk"
_PASSWORD = 'it\'s $HOME "quoted"'
_SETUP = f"""
useradd --create-home --shell /bin/bash {_CLERK}
printf '%s\\n' {shlex.quote(f"{_CLERK}:{_PASSWORD}")} | chpasswd
cp -R /home/op/.ssh /home/{_CLERK}/
chown -R {_CLERK}: /home/{_CLERK}/.ssh
echo '{_CLERK} ALL=(ALL) ALL' >/etc/sudoers.d/{_CLERK}
"""


@pytest.fixture(scope="module")
def arguments(host: Scenario, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What ansible-playbook is told to be that user."""
    host.guest.tell(f"sudo sh -ec {shlex.quote(_SETUP)}")
    password: Path = tmp_path_factory.mktemp("password") / "password"
    password.write_text(f"{_PASSWORD}\n")
    return ["-e", f"ansible_user={_CLERK}", "--become-password-file", str(password)]


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "files"])
def test_a_password_for_sudo(
    host: Scenario,
    arguments: list[str],
    tasks: list[declared.Task],
    archive: Path,
    pipelining: bool,
) -> None:
    """Files come from the controller as the user, and tasks run as root."""
    name = f"clerk{pipelining:d}"
    load = {"src": str(archive), "name": f"{name}:1"}
    asked = [
        {"name": "Load", "slipway.engine.image_load": load},
        declared.container(name, f"{name}:1", "sleep 100000", network_mode="none"),
    ]
    foretold = host.run(asked, "--check", "--diff", *arguments, pipelining=pipelining)
    assert foretold.status == 0, foretold.output
    done = host.run(asked, "--diff", *arguments, pipelining=pipelining)
    assert done.status == 0, done.output
    assert done.changed == 2
    told, happened = ([dict(line) for line in run.record] for run in (foretold, done))
    assert differences(told, happened) == []
    again = host.run([*asked, *tasks], *arguments, pipelining=pipelining)
    assert again.status == 0, again.output
    assert changes([dict(line) for line in again.record]) == []


def test_without_the_password(host: Scenario, arguments: list[str]) -> None:
    """The error is that of sudo, and nothing was done."""
    task = declared.container("nobody", "busybox:1", "true", network_mode="none")
    done = host.run([task], *arguments[:2])
    assert done.status != 0
    assert "assword" in done.output
    assert "nobody" not in host.slipway("ps -a --format {{.Names}}").split()
