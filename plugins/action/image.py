# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of image, for a context on the controller (plugin_utils/_context.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.slipway.engine.plugins.plugin_utils._context import ContextAction


class ActionModule(ContextAction):
    """The context is one of the options of ``build``."""

    def options(self) -> Any:
        arguments = self._task.args
        return arguments.get("build") if arguments.get("source") == "build" else None
