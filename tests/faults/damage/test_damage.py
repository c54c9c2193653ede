# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage from outside (R11): what others do to a host and to the state on its disk. The rows are in
damages_of_hosts and damages_of_state; damage.py says what has to be true after each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.containers import World

from .. import figures
from .of_hosts import HOSTS
from .of_state import STATE
from .suffering import Damage, Damaged, suffer

#: The sample tries one row of so many.
EVERY = 1 if figures.WHOLE else 4


@pytest.mark.parametrize("name, rows", [("hosts", HOSTS), ("state", STATE)])
def test_damage(world: World, tmp_path: Path, name: str, rows: Sequence[Damage]) -> None:
    host = Damaged(world, tmp_path)
    picked = rows[::EVERY]
    survived = 0
    wrong: list[str] = []
    for row in picked:
        try:
            said = suffer(host, row)
        except Exception as exc:
            said = [f"{type(exc).__name__}: {exc}"]
        survived += not said
        wrong += [f"{row.name}: {line}" for line in said]
        if said:
            # The next row begins with a host that has all of it.
            world.clear()
            host.begin()
    figures.note("R11", f"damage of {name}", survived, len(picked))
    assert not wrong, f"{survived} of {len(picked)} survived\n  " + "\n  ".join(wrong)
    host.end()
