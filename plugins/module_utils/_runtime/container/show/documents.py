# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inspect documents of the containers on this host: reading what inspect.py then shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...base.errors import NotFound
from ...plan.plan import Host
from ...records import container_record
from ..status import liveness
from ..supervision import health
from . import inspect


def container(host: Host, container_id: str) -> dict[str, Any]:
    """One container as it is now, in the shape of docker inspect. Raises NotFound."""
    layout = host.layout
    now = liveness.current(layout, container_id)
    found = inspect.document(
        layout,
        container_record.read_spec(layout, container_id),
        now,
        container_record.read_image(layout, container_id),
    )
    well = health.shown(layout, now)
    if well is not None:
        found["State"]["Health"] = well
    return found


def containers(host: Host) -> Iterator[dict[str, Any]]:
    """Every container; one that vanishes while we read is gone, which is an answer too."""
    for container_id in container_record.all_ids(host.layout):
        try:
            yield container(host, container_id)
        except NotFound:
            continue
