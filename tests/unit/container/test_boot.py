# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of host is told to start its containers when it comes up."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    boot,
)

COMMAND = "/var/lib/slipway/program/current supervise boot"


@pytest.mark.parametrize(
    ("kind", "mark", "path", "mode", "line", "link"),
    [
        (
            "systemd",
            "run/systemd/system/",
            "etc/systemd/system/slipway-boot.service",
            0o644,
            f"ExecStart=-{COMMAND}",
            "etc/systemd/system/multi-user.target.wants/slipway-boot.service",
        ),
        (
            "OpenRC",
            "sbin/openrc-run",
            "etc/init.d/slipway-boot",
            0o755,
            f"    {COMMAND}",
            "etc/runlevels/default/slipway-boot",
        ),
        ("cron", "etc/cron.d/", "etc/cron.d/slipway", 0o644, f"@reboot root {COMMAND}", ""),
    ],
)
def test_each_kind(
    tmp_path: Path, kind: str, mark: str, path: str, mode: int, line: str, link: str
) -> None:
    target = tmp_path / mark
    target.parent.mkdir(parents=True)
    target.mkdir() if mark.endswith("/") else target.touch()
    if kind == "OpenRC":
        (tmp_path / "run/openrc").mkdir(parents=True)
        (tmp_path / "run/openrc/softlevel").touch()
    asked = boot.arrangement(Layout.default(), tmp_path)
    assert asked is not None and asked.kind == kind
    assert bool(asked.marks) is bool(asked.inquiry) is (kind != "cron")
    assert not boot.stands(asked)
    for shown in asked.marks[:1]:
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.touch()
    for dummy in range(2):
        boot.arrange(asked)
        assert boot.stands(asked)
    assert (COMMAND.replace("boot", "shutdown") in asked.content) is (kind != "cron")
    # What is only enabled is not stopped when the host goes down: it has to run.
    assert any("start" in command for command in asked.commands) is (kind != "cron")
    made = tmp_path / path
    assert stat.S_IMODE(made.stat().st_mode) == mode
    assert line in made.read_text().splitlines()
    if link:
        assert (tmp_path / link).resolve() == made
        (tmp_path / link).unlink()
        assert not boot.stands(asked), "it was disabled"
        boot.arrange(asked)
    made.write_text("older")
    assert not boot.stands(asked)


def test_a_masked_unit_stays_masked(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    asked = boot.arrangement(Layout.default(), tmp_path)
    assert asked is not None
    asked.path.parent.mkdir(parents=True)
    os.symlink("/dev/null", asked.path)
    boot.arrange(asked)
    assert os.readlink(asked.path) == "/dev/null"


def test_a_unit_that_is_masked_until_the_next_boot_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    asked = boot.arrangement(Layout.default(), tmp_path)
    assert asked is not None
    asked = dataclasses.replace(asked, inquiry=("false",))
    boot.arrange(asked)
    assert not boot.stands(asked)
    os.symlink("/dev/null", tmp_path / "run/systemd/system/slipway-boot.service")
    assert boot.stands(asked)


def test_what_the_last_boot_left_out_is_not_in_force(tmp_path: Path) -> None:
    unit, mark, told = tmp_path / "unit", tmp_path / "mark", tmp_path / "told"
    asked = boot.Arrangement("any", unit, "", marks=(mark,), inquiry=("test", "-e", str(told)))
    boot.arrange(asked)
    assert not boot.stands(asked)
    told.touch()
    assert boot.stands(asked), "the init knows better than the mark"
    told.unlink()
    mark.symlink_to("nowhere")
    assert boot.stands(asked)


def test_openrc_that_did_not_boot_the_host_is_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "sbin").mkdir()
    (tmp_path / "sbin/openrc-run").touch()
    asked = boot.arrangement(Layout.default(), tmp_path)
    assert asked is not None
    boot.arrange(asked)
    assert boot.stands(asked) and not asked.commands


def test_openrc_needs_nothing_that_a_distribution_calls_otherwise(tmp_path: Path) -> None:
    (tmp_path / "sbin").mkdir()
    (tmp_path / "sbin/openrc-run").touch()
    asked = boot.arrangement(Layout.default(), tmp_path)
    assert asked is not None
    depends = asked.content.partition("depend() {")[2].partition("}")[0]
    words = [line.split() for line in depends.splitlines()]
    assert not [line for line in words if line[:1] == ["need"]]
    (after,) = (line for line in words if line[:1] == ["after"])
    assert {"localmount", "mountall.sh"} <= set(after)


def test_it_is_in_force_at_once(tmp_path: Path) -> None:
    done = tmp_path / "done"
    asked = boot.Arrangement("any", tmp_path / "unit", "", commands=(("touch", str(done)),))
    boot.enforce(asked)
    assert done.exists()
    with pytest.raises(Error, match=r"does not start its containers.*false failed.*service unit"):
        boot.enforce(dataclasses.replace(asked, commands=(("false",),)))


def test_a_host_with_none_of_them_and_other_places(tmp_path: Path) -> None:
    assert boot.arrangement(Layout.default(), tmp_path) is None
    (tmp_path / "etc/cron.d").mkdir(parents=True)
    other = boot.arrangement(Layout(tmp_path / "r", Path("/run/x"), Path("/etc/x")), tmp_path)
    assert other is not None
    assert f"{tmp_path}/r/program/current --root={tmp_path}/r --run=/run/x" in other.content
