# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs ``prune`` of containers, images, networks and volumes have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...plan.converge import converge
from ...plan.plan import Host
from ...resource import prune
from ...text.table import size
from ..line.verbs import Arguments, as_option
from .output import agreed, say


def pruned(
    host: Host,
    arguments: Arguments,
    kind: str,
    removed: str,
    filters: Optional[Mapping[str, Any]] = None,
) -> int:
    """Ask unless forced, remove, and say what it was and what space it took, as Docker does.

    ``kind`` is the option of the module prune, ``removed`` says in words what goes, ``filters`` are
    those of the command line unless given.
    """
    asked = as_option(arguments.filter) if filters is None else filters
    declared = prune.declare({kind: True, f"{kind}_filters": asked})
    if not arguments.force and not agreed(f"WARNING! This will remove {removed}. "):
        return 1
    plan, dummy = converge(host, prune.RESOURCE, declared)
    told = prune.report(host, plan)
    freed = told.get(f"{kind}_space_reclaimed")
    if told[kind]:
        say(f"Deleted {kind.title()}:")
        for line in lines(told[kind]):
            say(line)
        if freed is not None:
            say("")
    if freed is not None:
        say(f"Total reclaimed space: {size(freed)}")
    return 0


def lines(gone: list[Any]) -> list[str]:
    """Names as they are; of an image what became of it and of its layers."""
    return [
        line
        for one in gone
        for line in (
            [f"{what.lower()}: {name}" for what, name in one.items()]
            if isinstance(one, dict)
            else [str(one)]
        )
    ]
