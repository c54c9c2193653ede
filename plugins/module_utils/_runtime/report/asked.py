# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``report`` of modules that converge many things; leaving it out costs nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ..base.errors import Error
from ..plan.plan import Host


@contextlib.contextmanager
def of_task(host: Host, params: Mapping[str, Any]) -> Iterator[list[str]]:
    """Write the page that a task asks for when the block has ended, with the actions that were put
    into the list; where the block fails, that it did. Raises Error first of all where no page can
    be.
    """
    actions: list[str] = []
    if not params.get("report"):
        yield actions
        return
    from . import written
    from .page import Run

    path = str(params["report"])
    written.there(path)
    what = params.get("name") or params.get("project_name") or params.get("project_src") or ""
    name = os.path.basename(str(what).rstrip("/"))
    try:
        yield actions
    except Error:
        try:
            written.written(host, path, Run(name, failed=True))
        except (Error, OSError) as exc:
            host.warn(f"the report was not written: {exc}")
        raise
    written.written(host, path, Run(name, tuple(actions)))
