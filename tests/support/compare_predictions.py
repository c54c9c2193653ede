# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether check mode told the truth: two records of one play (see callbacks/record.py), compared.

    compare_predictions.py PREDICTED.jsonl DONE.jsonl    the run did what check mode said it would
    compare_predictions.py --unchanged DONE.jsonl        the run changed nothing

Exit status 1, and a line for every difference, when it is not so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

COLLECTION = "slipway.engine."
UNKNOWN = "unknown"


def differences(predicted: list[dict[str, Any]], done: list[dict[str, Any]]) -> list[str]:
    """What the tasks of the collection did otherwise than predicted, one line each."""
    foretold, happened = _ours(predicted), _ours(done)
    lines = []
    if not happened:
        lines.append("the run has no task of the collection")
    if [task["task"] for task in foretold] != [task["task"] for task in happened]:
        lines.append(
            f"other tasks ran: predicted {[task['task'] for task in foretold]},"
            f" done {[task['task'] for task in happened]}"
        )
    for before, after in zip(foretold, happened):
        if before["status"] != after["status"]:
            lines.append(f"{after['task']}: predicted {before['status']}, was {after['status']}")
        for guess, fact in zip(before["results"], after["results"]):
            lines += [
                f"{after['task']}: {key} predicted {_text(guess[key])}, was {_text(fact[key])}"
                for key in ("changed", "actions", "diff")
                if not came_true(guess[key], fact[key])
            ]
    return lines


def changes(done: list[dict[str, Any]]) -> list[str]:
    """The tasks of any collection that changed something."""
    return [
        f"{task['task']} changed the host: {_text(result)}"
        for task in done
        for result in task["results"]
        if result["changed"]
    ]


def came_true(guess: Any, fact: Any) -> bool:
    """Whether what was predicted happened; "unknown" stands for what only the run finds out."""
    if isinstance(guess, dict) and isinstance(fact, dict):
        return guess.keys() == fact.keys() and all(
            came_true(guess[key], fact[key]) for key in guess
        )
    if isinstance(guess, list) and isinstance(fact, list):
        return len(guess) == len(fact) and all(map(came_true, guess, fact))
    return bool(guess == fact or (guess == UNKNOWN and isinstance(fact, str)))


def _ours(record: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [task for task in record if task["action"].startswith(COLLECTION)]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _read(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if arguments[0] == "--unchanged":
        lines = changes(_read(arguments[1]))
    else:
        lines = differences(_read(arguments[0]), _read(arguments[1]))
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
