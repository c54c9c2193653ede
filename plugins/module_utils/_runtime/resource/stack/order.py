# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several things waits for which. Pure."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterable, Mapping
from typing import Optional

#: Who needs what: a name, and the names it waits for. What is none of the names is not waited for.
Needs = Mapping[str, Collection[str]]


def _sorter(needs: Needs) -> graphlib.TopologicalSorter[str]:
    return graphlib.TopologicalSorter(
        {name: [other for other in others if other in needs] for name, others in needs.items()}
    )


def ordered(needs: Needs) -> list[str]:
    """The names, each after what it needs. There are no circles."""
    return list(_sorter(needs).static_order())


def circle(needs: Needs) -> Optional[list[str]]:
    """Names of which each waits for the next, the first at the end again; None if none do."""
    try:
        _sorter(needs).prepare()
    except graphlib.CycleError as exc:
        return list(reversed(exc.args[1]))
    return None


def reversed_needs(needs: Needs) -> dict[str, set[str]]:
    """Who waits for what when things end: each for those that need it."""
    found: dict[str, set[str]] = {name: set() for name in needs}
    for name, others in needs.items():
        for other in others:
            if other in found:
                found[other].add(name)
    return found


def with_needed(needs: Needs, names: Iterable[str]) -> set[str]:
    """Some of the names, and all that they need."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in needs and name not in found:
            found.add(name)
            pending += needs[name]
    return found
