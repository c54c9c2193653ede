# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a project builds, as members of its stack.

They have options that the module image does not have, such as secrets, so they are declared here
and not read by its table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...compose.base.findings import Findings
from ...compose.compiled import Entry
from ...plan.sequence import Stage
from ..stack.member import IMAGE, Member


def members(entries: Sequence[Entry], again: bool, findings: Findings) -> list[Member]:
    """A member for each; with ``again`` they are built also where they are there and what they
    are made of differs. What is wrong goes to ``findings``.
    """
    if not entries:
        return []
    from ..image import image

    found: dict[str, Member] = {}
    for entry in entries:
        with findings.reading(entry.path):
            stages = declared(entry.options, again)
            found.setdefault(
                entry.name,
                Member(IMAGE, entry.name, entry.path, image.RESOURCE, stages, built=True),
            )
    return list(found.values())


def declared(options: Mapping[str, Any], again: bool) -> tuple[Stage, ...]:
    """The image of one service, whose build has ``options``. Raises Error."""
    from ..image import image

    return image.declare({**options, "force_source": again, "state": "present"})
