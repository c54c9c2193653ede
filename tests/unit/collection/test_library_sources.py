# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a host: all that runs there, and nothing that only people read."""

from __future__ import annotations

import ast

from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.module_utils import _keeping
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.plugin_utils import _sources

PLUGINS = CHECKOUT / "plugins"
SOURCES = _sources.of_hosts(PLUGINS)
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}


def _statements(source: bytes) -> list[str]:
    """The statements of a file with their lines, but for a module's documentation."""
    return [
        f"{node.lineno} {ast.dump(node)}"
        for node in ast.parse(source).body
        if not (isinstance(node, ast.Assign) and _names(node) & DOCUMENTATION)
    ]


def _names(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def test_what_runs_is_sent_as_it_is() -> None:
    tops = [*(PLUGINS / "modules").glob("*.py"), *(PLUGINS / "module_utils").rglob("*.py")]
    files = {str(path.relative_to(PLUGINS)): path.read_bytes() for path in tops}
    assert set(SOURCES) == set(files)
    for name, source in files.items():
        if not name.endswith("/__init__.py"):
            assert _statements(SOURCES[name]) == _statements(source), name


def test_what_only_people_read_stays_here() -> None:
    for name, source in SOURCES.items():
        if name.startswith("modules/"):
            assert not [word for word in DOCUMENTATION if word.encode() in source], name
        if name.endswith("/__init__.py"):
            assert not source


def test_the_list_of_the_program_comes_along_and_says_nothing_new() -> None:
    packed = _sources.with_contents(SOURCES)
    assert set(packed) - set(SOURCES) == {_keeping.CONTENTS}
    assert f"module_utils/_runtime/{zipapp.CONTENTS}.py" == _keeping.CONTENTS
    assert packed[_keeping.CONTENTS] == f"MODULES = {zipapp.modules()!r}\n".encode()
    # A task knows the identity without walking the imports; a host is sent the list all the same.
    assert _keeping.digest(packed) == _keeping.digest(SOURCES)
