# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's Python as hosts get it: what runs there, and nothing that only people read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.slipway.engine.plugins.module_utils import _keeping

_RUNTIME = "module_utils/_runtime"

#: What ansible-doc reads of a module; hosts run it.
_DOCUMENTATION = re.compile(rb'^(?:DOCUMENTATION|EXAMPLES|RETURN) = r?"""(.*?)"""', re.M | re.S)


def of_hosts(plugins: Path) -> dict[str, bytes]:
    """What a host runs, by path below plugins/; lines keep their numbers.

    What only people read stays on the controller: it would be a ninth of all that is sent, and
    what a module says of itself would be loaded with it by each task.
    """
    sources: dict[str, bytes] = {}
    for path in (*(plugins / "modules").glob("*.py"), *(plugins / "module_utils").rglob("*.py")):
        text = b"" if path.name == "__init__.py" else path.read_bytes()
        if path.parent.name == "modules":
            text = _DOCUMENTATION.sub(lambda found: b"\n" * found[0].count(b"\n"), text)
        sources[str(path.relative_to(plugins))] = text
    return sources


def with_contents(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """With the list of what the program consists of, which the sources say themselves: walking
    their imports takes as long as reading them.
    """
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp

    contents = zipapp.contents(lambda name: sources.get(f"{_RUNTIME}/{name}.py"))
    return {**sources, _keeping.CONTENTS: contents}
