# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Python 3.9 on a host lacks and ruff, which looks at the syntax, lets pass."""

from __future__ import annotations

import ast

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
