# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks and processes that were killed left on a host: found and finished by the next task."""

from __future__ import annotations

import os
from pathlib import Path

from ..plan.plan import Host


def finish(host: Host) -> None:
    """Remove what creators that no longer exist left half made, finish removals of containers and
    images, clear away runs whose end nobody recorded, and let the firewall follow the records.

    Containers that were being replaced, and those that were left frozen, are for tasks that declare
    them, whose plans say so. A failure is a warning. Idempotent; on a host where nothing was killed
    three directories are listed, and one file read per container that runs. What acts is imported
    where there is something to do.
    """
    layout = host.layout
    if _listed(layout.creations) or _unsettled(host):
        from ..container.lifecycle import actions, creation

        creation.recover(host, actions.remove)
        actions.settle_left(host)
    if _listed(layout.run / "starting"):
        from ..network import synchronise

        synchronise.catch_up(layout)
    if layout.collect.exists():
        from .image.names import image_remove

        image_remove.collect(layout)


def _unsettled(host: Host) -> bool:
    if not _listed(host.layout.run_containers):
        return False
    from ..container.status import liveness

    return bool(liveness.unsettled(host.layout))


def _listed(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
