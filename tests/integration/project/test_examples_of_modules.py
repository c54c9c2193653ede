# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the modules runs, as it is printed. A new one is found by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.containers import World
from support.documented import examples
from support.documented.example_runs import play_as_foretold
from support.servers import named

EXAMPLES = examples.of_modules()


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_example(
    example: examples.Example, servers: named.Servers, host: World, tmp_path: Path, sandbox: Path
) -> None:
    play_as_foretold(example, servers, host, tmp_path, sandbox)
