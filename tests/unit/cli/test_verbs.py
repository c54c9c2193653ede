# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines: read as Docker's library reads them, every verb found, help that says it all."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import (
    directory,
    help,
    main,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.verbs import (
    FILTER,
    FLOAT,
    INT,
    LIST,
    STRING,
    STRINGS,
    Arguments,
    Flag,
    Help,
    Usage,
    Verb,
    read,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import trace
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host

HOST = Host(Layout.default())


def nothing(host: Host, arguments: Arguments) -> int:
    return 0


FLAGS = (
    Flag("interactive", "i"),
    Flag("tty", "t"),
    Flag("sig-proxy", default=True),
    Flag("publish", "p", LIST),
    Flag("cap-add", "", STRINGS),
    Flag("name", "", STRING),
    Flag("memory-swap", "", INT),
    Flag("cpus", "c", FLOAT),
    Flag("filter", "f", FILTER),
    Flag("pull", "", STRING, default="missing", choices=("always", "missing", "never")),
)
RUN = Verb(nothing, "Run it", "IMAGE [COMMAND] [ARG...]", FLAGS, stops=True, failure=125)
RM = Verb(nothing, "Remove", "CONTAINER [CONTAINER...]", FLAGS)


@pytest.mark.parametrize(
    ("words", "values", "operands"),
    [
        ("img", {"interactive": False, "sig-proxy": True, "pull": "missing", "publish": []}, "img"),
        ("-it img", {"interactive": True, "tty": True}, "img"),
        ("-itp80:80 img", {"tty": True, "publish": ["80:80"]}, "img"),
        ("-p=80 -p 81 --publish 82 --publish=83 x", {"publish": ["80", "81", "82", "83"]}, "x"),
        ("--sig-proxy=false -i=false -t=1 x", {"sig-proxy": False, "tty": True}, "x"),
        ("--memory-swap -1 x", {"memory-swap": -1}, "x"),
        ("--name --odd x", {"name": "--odd"}, "x"),
        ("--cap-add a,b --cap-add=c x", {"cap-add": ["a", "b", "c"]}, "x"),
        ("-c 1.5 x", {"cpus": 1.5}, "x"),
        ("-f label=a=b -f label=c -f Name=x y",
         {"filter": {"label": ["a=b", "c"], "name": ["x"]}}, "y"),
        ("-i x -t --nope -- y", {"interactive": True, "tty": False}, "x -t --nope -- y"),
        ("-- -t", {"tty": False}, "-t"),
        ("-", {}, "-"),
        ("--name= x", {"name": ""}, "x"),
    ],
)  # fmt: skip
def test_words_are_read_as_docker_reads_them(
    words: str, values: dict[str, Any], operands: str
) -> None:
    found = read(RUN, "run", words.split())
    assert {name: found[name] for name in values} == values
    assert found.operands == operands.split()


def test_what_was_given_is_known() -> None:
    found = read(RUN, "run", ["--name", "", "-t=false", "x"])
    assert found.given == {"name", "tty"}
    assert not found.tty and found.sig_proxy


def test_flags_may_stand_behind_operands() -> None:
    found = read(RM, "rm", ["a", "-t", "b", "--", "-c"])
    assert (found.operands, found.tty) == (["a", "b", "-c"], True)


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        ("--nope x", 125, "unknown flag: --nope\nSee 'slipway run --help'."),
        ("-iz x", 125, "unknown shorthand flag: 'z' in -iz\n"),
        ("--name", 125, "flag needs an argument: --name\n"),
        ("-ip", 125, "flag needs an argument: 'p' in -ip\n"),
        ("--memory-swap=1G x", 125, 'invalid argument "1G" for "--memory-swap" flag'),
        ("--tty=perhaps x", 125, 'invalid argument "perhaps" for "-t, --tty" flag'),
        ("--pull=often x", 125, 'invalid argument "often" for "--pull" flag'),
        ("-f label x", 125, 'invalid argument "label" for "-f, --filter" flag: bad format of'),
        ("", 1, "\"slipway run\" requires at least 1 argument.\nSee 'slipway run --help'.\n\n"),
    ],
)
def test_what_is_not_understood_is_said(words: str, status: int, complaint: str) -> None:
    with pytest.raises(Usage) as caught:
        read(RUN, "run", words.split())
    assert str(caught.value).startswith(complaint)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("operands", "bounds"),
    [
        ("", (0, 0)),
        ("CONTAINER", (1, 1)),
        ("CONTAINER NEW_NAME", (2, 2)),
        ("CONTAINER [CONTAINER...]", (1, None)),
        ("IMAGE [COMMAND] [ARG...]", (1, None)),
        ("CONTAINER [ps OPTIONS...]", (1, None)),
        ("CONTAINER [PRIVATE_PORT[/PROTO]]", (1, 2)),
        ("file|URL|- [REPOSITORY[:TAG]]", (1, 2)),
        ("NAME[:TAG|@DIGEST]", (1, 1)),
        ("[VOLUME]", (0, 1)),
    ],
)
def test_the_usage_says_how_many_operands_there_may_be(
    operands: str, bounds: tuple[int, Any]
) -> None:
    assert Verb(nothing, "", operands).bounds() == bounds


@pytest.mark.parametrize("words", [["--help"], ["-i", "--help"], ["-h"]])
def test_help_is_asked_for(words: list[str]) -> None:
    with pytest.raises(Help):
        read(RUN, "run", words)


def test_every_verb_is_found_by_its_name() -> None:
    for file, names in directory.FILES.items():
        table = directory.load(file)
        assert {name.split()[0] for name in table} >= set(names.split()), file
        for name, verb in table.items():
            assert directory.find([*name.split(), "rest"]) == (name, verb, ["rest"]), (file, name)
    for group, inner in directory.ALIASES.items():
        for verb_name in inner:
            if f"{group} {verb_name}" not in help.everything():
                pytest.fail(f"there is no {verb_name} that {group} {verb_name} could be")


def test_every_file_of_verbs_is_in_the_table() -> None:
    here = Path(directory.__file__).parent
    files = {
        ".".join(path.relative_to(here).with_suffix("").parts)
        for path in here.rglob("*.py")
        if "\nVERBS" in path.read_text()
    }
    assert files == set(directory.FILES)
    tree = ast.parse(Path(main.__file__).read_text())
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert {file.rpartition(".")[2] for file in files} <= imported


def test_groups_know_other_words() -> None:
    for other, name in (("image list", "image ls"), ("container list", "container ls")):
        assert directory.find(other.split())[:2] == directory.find(name.split())[:2]
    assert directory.find(["container", "remove", "x"])[1:] == directory.find(["rm", "x"])[1:]
    assert directory.find(["--version"])[0] == "version"


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["nope"], 1, "slipway: 'nope' is not a slipway command."),
        (["image", "nope"], 1, "slipway: 'image nope' is not a slipway command."),
        (["--nope"], 125, "unknown flag: --nope"),
    ],
)
def test_a_verb_that_is_none(words: list[str], status: int, complaint: str) -> None:
    with pytest.raises(Usage) as caught:
        directory.find(words)
    assert str(caught.value).startswith(complaint)
    assert caught.value.status == status


def test_help_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([]) == 0
    whole = capsys.readouterr().out
    assert "\nUsage:  slipway COMMAND\n" in whole
    assert "supervise" not in whole
    for name, verb in help.everything().items():
        assert main.main([*name.split(), "--help"]) == 0
        shown = capsys.readouterr().out
        assert shown.splitlines()[1].startswith(f"Usage:  slipway {name}"), name
        assert verb.text and f"\n{verb.text}\n" in shown, name
        for flag in verb.flags:
            assert flag.text, f"{name}: --{flag.name} has no text"
            assert flag.hidden or f"--{flag.name}" in shown
        assert len({flag.name for flag in verb.flags}) == len(verb.flags), name
        shorts = [flag.short for flag in verb.flags if flag.short]
        assert len(set(shorts)) == len(shorts), name
        if " " not in name:
            assert f"  {name} " in whole


def test_help_looks_like_dockers(capsys: pytest.CaptureFixture[str]) -> None:
    main.main(["kill", "--help"])
    assert capsys.readouterr().out == (
        "\nUsage:  slipway kill [OPTIONS] CONTAINER [CONTAINER...]\n\n"
        "Kill one or more running containers\n\nOptions:\n"
        '  -s, --signal string   Signal to send to the container (default "KILL")\n'
    )
    main.main(["image", "--help"])
    assert "\nUsage:  slipway image COMMAND\n" in capsys.readouterr().out


def test_debug_is_taken_before_the_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_on", False)
    assert main.main(["--debug", "help"]) == 0
    assert trace._on
    assert main.main(["-D", "--root", "/nowhere", "--help"]) == 0
