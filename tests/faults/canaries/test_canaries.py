# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries in every place of a task that takes a secret, and nowhere else but where they belong
(R15).

A play is run at its most talkative; when all is tried, first in check mode. No canary may be in
what it prints, in the arguments of any program that is started, in the system log, or in a file
that is not for it; and in no file at all once everything was taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Callable

import pytest
from support.containers import World
from support.plays import Play
from support.servers.registry import Registry
from support.servers.system_log import listened_to

from .. import figures
from .given import NAMES, Given, canaries
from .watched import Run, files_with, holding, run

#: What a container has in its environment or in files of its own.
VARIABLES = {name for name in NAMES if name.endswith("-env")} | {"failing-build"}
FILES = {"secret-file", "binary-file", "stack-file", "compose-file"}
OPTIONS = {"volume-option", "mount-option"}
#: Containers have these for as long as they are there, and what makes one writes them there. Where
#: two processes talk, and what Ansible hands on, is theirs.
PLACES = {
    r"(pipe|socket):|/root/\.ansible/tmp/ansible-": None,
    r"env$": VARIABLES | {"stack-default"},
    r"/etc/slipway/\.?auth\.json": {"login-password"},
    r"/run/slipway/\.exec-": VARIABLES,
    r"/run/slipway/builds/secrets-": {"build-value", "build-file", "failing-build"},
    r"/run/slipway/(containers|runtime-crun)/[0-9a-f]{64}/\.?config\.json": VARIABLES,
    r"/run/slipway/containers/[0-9a-f]{64}/mounts/": FILES,
    r"/var/lib/slipway/(tmp/container-[^/]*|containers)/[0-9a-f]{64}/\.?spec\.json": (
        VARIABLES | FILES | OPTIONS
    ),
    r"/var/lib/slipway/(tmp/volume-[^/]*|volumes)/\w+/\.?volume\.json": OPTIONS,
    r"/var/lib/slipway/tmp/content-": {"copied"},
    r"/(var/lib|run)/slipway/containers/[0-9a-f]{64}/(upper|rootfs)/etc/secret$": {"copied"},
}


def astray(found: Iterable[tuple[str, str]]) -> list[str]:
    """The canaries, each with its place, that do not belong there."""
    return sorted(
        {
            f"{canary} is in {place}"
            for canary, place in found
            if not any(
                re.match(pattern, place) and (allowed is None or canary in allowed)
                for pattern, allowed in PLACES.items()
            )
        }
    )


def judged(done: Run, values: dict[str, str]) -> list[str]:
    """What is wrong with a run."""
    return [
        *(f"{name} is printed" for name in holding(done.output, values)),
        *astray((one.canary, one.place) for one in done.seen if "/output" not in one.place),
    ]


def test_canaries(
    world: World,
    tmp_path: Path,
    registries: Callable[..., Registry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = canaries()
    monkeypatch.setenv("GIVEN_TO_BUILD", values["build-env"])
    given = Given(values, tmp_path, registries)
    play = Play(tmp_path)
    kept = [world.layout.root, world.layout.run, world.layout.etc, Path.home() / ".ansible"]
    with listened_to() as log:
        checked = [run(play, given.tasks(), values, "--check")] if figures.WHOLE else []
        done = run(play, given.tasks(), values)
        found = files_with(kept, values)
        gone = run(play, given.undone(), values)
    runs = [*checked, done, gone]
    for one in runs:
        assert one.status == 0, one.output[-6000:]
    wrong = [line for one in runs for line in judged(one, values)]
    wrong += astray((name, str(path)) for name, path in found)
    wrong += [f"{name} is left in {path}" for name, path in files_with(kept, values)]
    wrong += [f"{name} is logged" for name in holding(b"\n".join(log).decode("latin-1"), values)]
    figures.note("R15", "canaries", 0 if wrong else len(values), len(values))
    programs, writes = (sum(getattr(one, what) for one in runs) for what in ("programs", "writes"))
    print(f"{len(values)} canaries, {programs} programs, {writes} writes, {len(log)} log lines")
    assert not wrong, "\n".join(wrong)
    # Those that have to fail did, and no others.
    failing = [task for task in given.tasks() if task.get("ignore_errors") is True]
    assert f"ignored={len(failing)} " in done.output, done.output[-300:]
    # What was looked at had them: each was written by somebody, and some are kept.
    assert {one.canary for one in done.seen} == {*values}
    assert {name for name, dummy in found} >= {"login-password", "new-secret-env", "secret-file"}
    assert programs > 500 and log
