# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark measured: lines of JSON in the file that SLIPWAY_FIGURES names, if it does."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

#: By the work and whoever did it: seconds of each round, or another unit that the work names.
Figures = Mapping[tuple[str, str], Sequence[float]]


def note(work: str, who: str, measured: Sequence[float]) -> None:
    """Of a piece of work, what somebody took for it in each round."""
    path = os.environ.get("SLIPWAY_FIGURES")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"work": work, "who": who, "measured": list(measured)}) + "\n")


def read(path: Path) -> Figures:
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return {(line["work"], line["who"]): line["measured"] for line in lines}
