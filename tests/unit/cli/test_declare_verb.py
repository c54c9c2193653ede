# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb declare at the prompt: what its pages show is what it prints; files, errors."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest
from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.main import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def declare(*words: str) -> int:
    return main(["--root", "/nowhere", "--run", "/nowhere", "declare", *words])


def blocks(page: str, kind: str) -> list[str]:
    text = (CHECKOUT / "docs" / page).read_text()
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_page_about_docker(capsys: pytest.CaptureFixture[str]) -> None:
    line = shlex.split(blocks("from-docker.md", "sh")[0])
    assert line[:2] == ["slipway", "declare"]
    assert declare(*line[2:]) == 0
    out, err = capsys.readouterr()
    assert out == blocks("from-docker.md", "text")[0]
    assert err == "slipway: web: --annotation is left out: nothing here stands for it\n"


def test_the_page_about_compose(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, wanted = blocks("from-compose.md", "text")
    Path("compose.yaml").write_text(given)
    monkeypatch.setenv("DB_PASSWORD", "geheim")
    assert declare("compose.yaml") == 0
    assert capsys.readouterr().out == wanted


def test_the_page_about_quadlet(capsys: pytest.CaptureFixture[str]) -> None:
    given, wanted = blocks("from-podman.md", "text")
    Path("units").mkdir()
    for name, text in re.findall(r"^# (\S+)\n(.*?)(?=^# |\Z)", given, re.MULTILINE | re.DOTALL):
        (Path("units") / name).write_text(text)
    assert declare("units") == 0
    assert capsys.readouterr().out == wanted


def test_lines_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("docker run --name a i\npodman run --name b j\n"))
    assert declare("--hosts", "web,db", "-") == 0
    out = capsys.readouterr().out
    assert "hosts: web,db\n" in out
    assert out.count("slipway.engine.container:") == 2


def test_tasks_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert declare("--tasks", "docker", "run", "--name", "a", "-e", "PASSWORD=x", "i") == 0
    out = capsys.readouterr().out
    assert "# Set these variables; they hold secrets: a_password\n- name: Container a\n" in out
    assert "hosts:" not in out and "geheim" not in out


def test_a_new_file_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--output", "play.yml", "docker", "run", "--name", "a", "i"]
    assert declare(*words) == 0
    assert Path("play.yml").stat().st_mode & 0o777 == 0o600
    assert Path("play.yml").read_text().startswith("---\n")
    assert declare(*words) == 1
    assert capsys.readouterr().err == (
        "slipway: play.yml exists; remove it, or name another file\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing is named; name a file, a line of docker run, or --from docker"),
        (["nowhere.yaml"], "nowhere.yaml: no such file, and no line of docker or podman"),
        (["empty"], "empty has no units of Quadlet; name the files to read"),
        (["--from", "lxc"], "'lxc' is not an engine; use docker, podman or a socket's path"),
        (["--from", "/nowhere.sock"], "the engine at /nowhere.sock does not answer"),
        (["docker", "pull", "i"], "a line of docker pull has nothing to declare"),
        (["docker", "run", "--nonsense", "i"], "unknown flag: --nonsense"),
    ],
)
def test_one_sentence_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    Path("empty").mkdir()
    assert declare(*words) in (1, 125)
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
