# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes as recorded, and as the earlier tasks of a check-mode run would leave them
(records/foreseen).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ..plan.plan import Host
from ..records import foreseen
from ..spec.volume import Volume
from . import store


def find(host: Host, name: str) -> Optional[Volume]:
    """The volume of that name; None when there is none."""
    told = foreseen.told_volumes(host)
    return told[name] if name in told else store.find(host.layout, name)


def volumes(host: Host) -> Iterator[Volume]:
    """Every volume; those that earlier tasks would make last."""
    told = foreseen.told_volumes(host)
    yield from (one for one in store.volumes(host.layout) if one.name not in told)
    for dummy, one in told.kept():
        yield one
