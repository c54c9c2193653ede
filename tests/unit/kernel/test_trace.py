# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SLIPWAY_TRACE shows, and what it never shows."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import process, trace
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import (
    Host,
    Plan,
    Step,
)

SECRET = "s3cret-canary"


class Greet(Step[str]):
    def describe(self) -> str:
        return "greet\x1b[2J somebody"

    def after(self, have: str) -> str:
        return "greeted"

    def execute(self, host: Host) -> None:
        process.run(["cat"], stdin=SECRET.encode(), env={"PASSWORD": SECRET})


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_on", False)
    trace.enable()


@pytest.mark.usefixtures("traced")
def test_steps_and_programs_are_shown_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    Plan("", (Greet(),)).apply(Host(Layout.default()))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=3)[2:] for line in lines] == [
        ["...", "step     greet\\x1b[2J somebody"],
        [lines[1].split()[2], "run      cat"],
        [lines[2].split()[2], "step     greet\\x1b[2J somebody"],
    ]
    assert all(re.match(r"trace +\d+\.\d +(\.\.\.|\d+\.\d) ", line) for line in lines)


@pytest.mark.usefixtures("traced")
def test_nothing_secret_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Greet().execute(Host(Layout.default()))
    child = process.spawn(["true"], env={"PASSWORD": SECRET})
    assert child.wait() == 0
    shown = capsys.readouterr().err
    assert "run      cat" in shown and "start    true" in shown
    assert SECRET not in shown


@pytest.mark.usefixtures("traced")
def test_failures_are_marked_and_long_words_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Error), trace.timed("step", "fail"):
        raise Error("no")
    with trace.timed("run", "sh", "-c", "x" * 1000):
        pass
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("step     fail (Error)")
    assert len(second) < 200


@pytest.mark.parametrize("value, on", [("1", True), ("", False), ("0", False)])
def test_the_environment_switches_it_on(value: str, on: bool) -> None:
    code = f"from {trace.__name__} import timed\nwith timed('run', 'a'): pass"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"SLIPWAY_TRACE": value, "PYTHONPATH": ":".join(sys.path)},
        stderr=subprocess.PIPE,
        check=True,
    )
    assert (b"run      a" in done.stderr) is on
    assert on or done.stderr == b""
