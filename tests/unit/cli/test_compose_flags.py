# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each verb and each flag of docker compose (5.x, docs/reference) is there, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import directory
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.compose import (
    converging,
    passing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.compose import (
    flags as compose_flags,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line import verbs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host

#: The flags of each verb, with the short one behind a slash where there is one.
DOCUMENTED = {
    "attach": "detach-keys index no-stdin sig-proxy",
    "build": "build-arg builder check compress force-rm memory/m no-cache no-rm parallel print"
    " progress provenance pull push quiet/q sbom ssh with-dependencies",
    "commit": "author/a change/c index message/m pause/p",
    "config": "environment format hash images lock-image-digests models networks no-consistency"
    " no-env-resolution no-interpolate no-normalize no-path-resolution output/o profiles quiet/q"
    " resolve-image-digests services variables volumes",
    "convert": "format hash images no-consistency no-interpolate no-normalize output/o profiles"
    " quiet/q resolve-image-digests services volumes",
    "cp": "all archive/a follow-link/L index",
    "create": "build force-recreate no-build no-recreate pull quiet-pull remove-orphans scale"
    " yes/y",
    "down": "remove-orphans rmi timeout/t volumes/v",
    "events": "json since until",
    "exec": "detach/d env/e index interactive/i no-tty/T privileged tty/t user/u workdir/w",
    "export": "index output/o",
    "images": "format quiet/q",
    "kill": "remove-orphans signal/s",
    "logs": "follow/f index no-color no-log-prefix since tail/n timestamps/t until",
    "ls": "all/a filter format quiet/q",
    "pause": "",
    "port": "index protocol",
    "ps": "all/a filter format no-trunc orphans quiet/q services status",
    "pull": "ignore-buildable ignore-pull-failures include-deps no-parallel parallel policy"
    " quiet/q",
    "push": "ignore-push-failures include-deps quiet/q",
    "restart": "no-deps timeout/t",
    "rm": "all/a force/f stop/s volumes/v",
    "run": "build cap-add cap-drop detach/d entrypoint env/e env-from-file interactive/i label/l"
    " name no-deps no-tty/T publish/p pull quiet/q quiet-build quiet-pull remove-orphans rm"
    " service-ports/P tty/t use-aliases user/u volume/v workdir/w",
    "scale": "no-deps",
    "start": "wait wait-timeout",
    "stats": "all/a format no-stream no-trunc",
    "stop": "timeout/t",
    "top": "",
    "unpause": "",
    "up": "abort-on-container-exit abort-on-container-failure always-recreate-deps attach"
    " attach-dependencies build detach/d exit-code-from force-recreate menu no-attach no-build"
    " no-color no-deps no-log-prefix no-recreate no-start pull quiet-build quiet-pull"
    " remove-orphans renew-anon-volumes/V scale timeout/t timestamps wait wait-timeout watch/w"
    " yes/y",
    "version": "format/f short",
    "volumes": "format quiet/q",
    "wait": "down-project",
}
#: Those before a verb.
GLOBAL = (
    "all-resources ansi compatibility dry-run env-file file no-ansi parallel profile progress"
    " project-directory project-name verbose"
)
REFUSED = set(passing.REFUSED)


@pytest.mark.parametrize("verb", DOCUMENTED)
def test_the_flags_of_a_verb(verb: str) -> None:
    found = {flag.name: flag.short for flag in directory.find(["compose", verb])[1].flags}
    for word in DOCUMENTED[verb].split():
        name, dummy, short = word.partition("/")
        assert name in found, f"{verb} --{name}"
        assert found[name] == short, f"{verb} -{short}"
    assert set(GLOBAL.split()) <= set(found)


def test_every_verb_is_there_or_refused() -> None:
    known = {
        name.partition(" ")[2]
        for file, group in directory.FILES.items()
        if group == "compose"
        for name in directory.load(file)
    }
    assert known == {*DOCUMENTED, *REFUSED}


@pytest.mark.parametrize("line", [f"compose {name} --no-up" for name in sorted(REFUSED)])
def test_what_is_refused_says_why(line: str, tmp_path: Path) -> None:
    name, verb, words = directory.find(line.split())
    host = Host(Layout(tmp_path, tmp_path, tmp_path))
    with pytest.raises(Error, match=passing.REFUSED[name.partition(" ")[2]]):
        verb.run(host, verbs.read(verb, name, ["--", *words]))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("compose up --watch", compose_flags.REFUSED_WATCH),
        ("compose up -w", compose_flags.REFUSED_WATCH),
        ("compose build -m 1g", "a build has the limits of whoever builds"),
        ("compose watch --no-up web", compose_flags.REFUSED_WATCH),
        ("compose publish --with-env shop:1", "not pushed to registries"),
        ("compose --dry-run ps", "it is for up, create and down"),
        ("compose --all-resources up", "it is for config"),
    ],
)
def test_flags_that_are_refused(line: str, why: str) -> None:
    name, verb, words = directory.find(line.split())
    with pytest.raises(verbs.Usage, match=why):
        verbs.read(verb, name, words)


@pytest.mark.parametrize("line", ["--dry-run up", "--dry-run create web", "--dry-run down -v"])
def test_flags_before_the_verb(line: str) -> None:
    name, verb, words = directory.find(["compose", *line.split()])
    assert verbs.read(verb, name, words).dry_run is True


def test_how_up_replaces_containers() -> None:
    def options(line: str) -> tuple[object, object]:
        name, verb, words = directory.find(["compose", "up", *line.split()])
        found = converging.asked(verbs.read(verb, name, words))
        return found["update"], found["drain_timeout"]

    assert options("-d web") == (None, None)
    assert options("--update start_first --drain-timeout 2.5") == ("start_first", 2.5)
    assert options("--update=stop_first --drain-timeout 0") == ("stop_first", 0.0)
    with pytest.raises(Error, match="--update: 'both' is neither start_first nor stop_first"):
        options("--update both")
    with pytest.raises(Error, match="--drain-timeout: expected seconds, got -1"):
        options("--drain-timeout -1")
