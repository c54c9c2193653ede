# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Python 3.9 on a host lacks and ruff, which looks at the syntax, lets pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from support import CHECKOUT

#: What runs on hosts.
PLACES = ("plugins/module_utils", "plugins/modules", "roles")


def test_parents_of_a_path_are_no_list() -> None:
    """Slices and indices from the end came with Python 3.10."""
    found = []
    for place in PLACES:
        for path in (CHECKOUT / place).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Subscript)
                    and isinstance(node.value, ast.Attribute)
                    and node.value.attr == "parents"
                    and isinstance(node.slice, (ast.Slice, ast.UnaryOp))
                ):
                    found.append(f"{path}:{node.lineno}")
    assert found == []


def test_nothing_asks_for_its_package_while_it_is_loaded() -> None:
    """zipimport, which Ansible's modules are loaded by, sets it only after a module has run."""
    found = []
    for place in PLACES:
        for path in (CHECKOUT / place).rglob("*.py"):
            for node in _outside_of_functions(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Name) and node.id in ("__package__", "__spec__"):
                    found.append(f"{path}:{node.lineno}")
    assert found == []


def _outside_of_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from _outside_of_functions(child)
