# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's process imports of the collection before it forks one for each task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import ansible
import pytest

COLLECTIONS = Path(__file__).resolve().parents[3] / ".build" / "collections"
ENGINE = "ansible_collections.slipway.engine.plugins"
#: What reading a playbook does of it, then what the process that was forked does.
LOOK = f"""
import json, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([sys.argv[1]])
from ansible.parsing.mod_args import ModuleArgsParser
from ansible.plugins.loader import action_loader
ModuleArgsParser({{sys.argv[2]: {{}}}}).parse()
before = {{name for name in sys.modules if name.startswith("{ENGINE}.")}}
action_loader.get("slipway.engine.container", class_only=True)
after = {{name for name in sys.modules if name.startswith("{ENGINE}.")}}
print(json.dumps([sorted(before), sorted(after - before)]))
"""


@pytest.mark.parametrize("name", ["stack", "container", "network"])
def test_a_task_imports_nothing_but_its_plugin(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(COLLECTIONS), f"slipway.engine.{name}"],
        env={**os.environ, "PYTHONPATH": str(Path(ansible.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    before, after = json.loads(done.stdout)
    assert f"{ENGINE}.plugin_utils._predictions" in before
    assert after == [f"{ENGINE}.action.container"]
    # What few tasks need is not there at all.
    assert f"{ENGINE}.plugin_utils._teller" not in before
