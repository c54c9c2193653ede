# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks say of a connection to Docker's daemon: every module takes it, and says so."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
import yaml
from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.doc_fragments import docker_connection
from ansible_collections.slipway.engine.plugins.module_utils._task import CONNECTION

MODULES = CHECKOUT / "plugins" / "modules"
FRAGMENTS = docker_connection.ModuleDocFragment
BY_FRAGMENT: dict[str, dict[str, Any]] = {
    f"slipway.engine.docker_connection{suffix}": yaml.safe_load(text)["options"]
    for suffix, text in (
        ("", FRAGMENTS.DOCUMENTATION),
        (".ca", FRAGMENTS.CA),
        (".verify", FRAGMENTS.VERIFY),
    )
}
USERS = sorted(
    path.name
    for path in MODULES.glob("*.py")
    if re.search(r"\b_task\.(converge|inform)\(", path.read_text())
    # One that asks about the host it runs on has nothing to do with any engine.
    and "engine=False" not in path.read_text()
)


def test_the_fragments_are_the_options() -> None:
    documented = {name: value for part in BY_FRAGMENT.values() for name, value in part.items()}
    assert set(documented) == set(CONNECTION)
    for name, spec in CONNECTION.items():
        assert documented[name].get("aliases") == spec.get("aliases")
        assert documented[name]["type"] == spec["type"]


@pytest.mark.parametrize("name", USERS)
def test_every_module_says_that_it_takes_them(name: str) -> None:
    """A module has each option from a fragment, or an option of its own of that name."""
    tree = ast.parse((MODULES / name).read_text())
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    fragments = yaml.safe_load(str(constants["DOCUMENTATION"]))["extends_documentation_fragment"]
    told = {option for fragment in fragments for option in BY_FRAGMENT.get(fragment, ())}
    source = (MODULES / name).read_text()
    own = {option for option in ("ca_path", "validate_certs") if f'"{option}": {{' in source}
    assert told == set(CONNECTION) - own, f"{name}: see docker_connection.py"
