# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of the module compose and the file say of replacing containers: the task wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    declare,
    options,
)

FIRST, LAST = ({"update_config": {"order": order}} for order in ("start-first", "stop-first"))

#: The file's word, the task's, and whether the new one starts first, both may write to the same
#: volumes, and how long connections go on.
CASES: list[tuple[dict[str, Any], dict[str, Any], tuple[bool, bool, float]]] = [
    ({}, {}, (False, False, 10.0)),
    (FIRST, {}, (True, True, 10.0)),
    (LAST, {}, (False, False, 10.0)),
    ({}, {"update": "start_first"}, (True, False, 10.0)),
    (FIRST, {"update": "start_first"}, (True, True, 10.0)),
    (LAST, {"update": "start_first"}, (True, False, 10.0)),
    (FIRST, {"update": "stop_first"}, (False, False, 10.0)),
    (FIRST, {"drain_timeout": 3.5}, (True, True, 3.5)),
    ({}, {"update": "start_first", "drain_timeout": 0}, (True, False, 0.0)),
]


@pytest.mark.parametrize(("deploy", "given", "wanted"), CASES)
def test_who_says_how_containers_are_replaced(
    deploy: dict[str, Any], given: dict[str, Any], wanted: tuple[bool, bool, float], tmp_path: Path
) -> None:
    layout = Layout(tmp_path, tmp_path, tmp_path)
    definition = {"services": {"a": {"image": "i", "network_mode": "none", "deploy": deploy}}}
    params = {**options.defaults(), "project_name": "p", "definition": definition, **given}
    found = declare.of_project(declare.asked_of(params, {}), params, layout)
    [declared] = [one.declared for one in found.stack.members if one.kind == "container"]
    assert (declared.start_first, declared.share_volumes, declared.drain_s) == wanted
