# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks, compare their figures with the goals, and plot them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / "tests"))

from benchmark.goals import compared, figures  # noqa: E402

_BENCHMARKS = CHECKOUT / "tests" / "benchmark"
_HOST_PYTHON = CHECKOUT / ".build" / "check" / "host-venv" / "bin" / "python"


def commands(rounds: int) -> list[list[str]]:
    """The benchmarks, with their arguments."""
    return [
        ["stack.py", str(rounds)],
        ["goals/applications.py", str(rounds)],
        ["start.py", str(rounds * 3)],
        ["unchanged.py", str(rounds), "8"],
        ["many.py", "990", "10"],
    ]


def plots(found: figures.Figures, directory: Path) -> None:
    """For each kind of work in which more than one took part, a file WORK.svg."""
    import matplotlib  # type: ignore[import-not-found]

    matplotlib.use("svg")
    from matplotlib import pyplot

    works = sorted({work for work, dummy in found})
    for work in works:
        taken = {who: seconds for (one, who), seconds in found.items() if one == work}
        if len(taken) < 2:
            continue
        drawn, axes = pyplot.subplots(figsize=(7, 0.6 + 0.45 * len(taken)), layout="constrained")
        axes.boxplot(list(taken.values()), vert=False, whis=(0, 100))
        axes.set_yticks(range(1, len(taken) + 1), list(taken))
        axes.set_xlim(left=0)
        axes.set_title(work)
        drawn.savefig(directory / f"{work.replace(' ', '-')}.svg", metadata={"Date": None})
        pyplot.close(drawn)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    directory = CHECKOUT / ".build" / "benchmark"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "figures.jsonl"
    path.unlink(missing_ok=True)
    environment = {**os.environ, "SLIPWAY_FIGURES": str(path)}
    for name, *arguments in commands(rounds):
        argv = ["tests/sandbox", str(_HOST_PYTHON), str(_BENCHMARKS / name), *arguments]
        subprocess.run(argv, cwd=CHECKOUT, env=environment, check=True)
    found = figures.read(path)
    print("\n".join(compared.rows(found)))
    plots(found, directory)


if __name__ == "__main__":
    main()
