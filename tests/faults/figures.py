# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many of how many were survived, for the table of docs/reliability.md.

Every test writes a line of its own; ``python tests/faults/figures.py`` adds them up by goal.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parents[2] / ".build" / "check" / "figures"

#: Whether everything is tried, or a sample.
WHOLE = os.environ.get("SLIPWAY_FAULTS", "") == "all"


def note(goal: str, what: str, survived: int, tried: int) -> None:
    """``survived`` of ``tried`` points of one test of a goal such as ``R1``."""
    HERE.mkdir(parents=True, exist_ok=True)
    line = {"goal": goal, "what": what, "survived": survived, "tried": tried}
    (HERE / f"{goal}.{what.replace(' ', '-').replace('/', '-')}.json").write_text(
        json.dumps(line) + "\n"
    )


def main() -> int:
    survived: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for path in sorted(HERE.glob("*.json")):
        line = json.loads(path.read_text())
        survived[line["goal"]] += line["survived"]
        tried[line["goal"]] += line["tried"]
        print(f"{line['goal']:4} {line['what']:44} {line['survived']:6} of {line['tried']}")
    for goal in sorted(tried):
        print(f"{goal:4} {'all':44} {survived[goal]:6} of {tried[goal]}")
    return 0 if survived == tried else 1


if __name__ == "__main__":
    sys.exit(main())
