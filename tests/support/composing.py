# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the module compose, as a play has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import installing
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    decide,
    declare,
    options,
)
from support.converging import Task

#: What a service of tests has.
SERVICE = "image: busybox:1, pull_policy: never, command: sleep 1000, stop_signal: KILL"


def compose(layout: Layout, directory: Path, text: str = "", **given: Any) -> Task:
    """A task of the module compose on the files of a directory, first written if there is a text,
    as an installation has it; ``around`` are the variables around it.
    """
    around = given.pop("around", {})
    if text:
        (directory / "compose.yaml").write_text(text)
    params = {**options.defaults(), "project_src": str(directory), "project_name": "shop", **given}

    def read(params: Mapping[str, Any]) -> declare.Declared:
        return declare.of_project(declare.asked_of(params, around), params, layout)

    resource = installing.with_program(decide.RESOURCE, decide.needs_program)
    return Task(read, resource, params)
