# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying a plan out: what a plan relies on and the host lacks is an error, whatever is to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import converge
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import (
    Host,
    Plan,
    Resource,
    Step,
)

REGISTRY_IS_DOWN = "registry r.example: connection refused"


class Append(Step[list[str]]):
    """A step that records that it was done."""

    def __init__(self, done: list[str]) -> None:
        self.done = done

    def describe(self) -> str:
        return "append"

    def after(self, have: list[str]) -> list[str]:
        return [*have, "done"]

    def execute(self, host: Host) -> None:
        self.done.append("done")


def resource(done: list[str], acting: bool) -> Resource[Sequence[str], list[str]]:
    """One whose declaration is what its plan cannot meet."""

    def plan(declared: Sequence[str], have: list[str]) -> Plan[list[str]]:
        return Plan(have, (Append(done),) if acting else (), tuple(declared))

    def view(state: list[str]) -> dict[str, Any]:
        return {"state": list(state)}

    return Resource(
        observe=lambda host, declared: list(done),
        plan=plan,
        view=view,
        result=lambda host, found: {},
        lock=lambda declared: ("test", "one"),
    )


@pytest.mark.parametrize("acting", [True, False])
def test_what_is_unmet_is_an_error_before_anything_is_done(tmp_path: Path, acting: bool) -> None:
    done: list[str] = []
    with pytest.raises(Error, match="connection refused"):
        converge(
            Host(Layout(tmp_path, tmp_path, tmp_path)), resource(done, acting), [REGISTRY_IS_DOWN]
        )
    assert done == []


@pytest.mark.parametrize("acting", [True, False])
def test_a_plan_that_can_be_met_is_carried_out(tmp_path: Path, acting: bool) -> None:
    done: list[str] = []
    plan, found = converge(Host(Layout(tmp_path, tmp_path, tmp_path)), resource(done, acting), [])
    assert plan.changed is acting
    assert found == (["done"] if acting else [])
