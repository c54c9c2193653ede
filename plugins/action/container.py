# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of every module of the collection that has none of its own (meta/runtime.yml
routes them here).
"""

from __future__ import annotations

from ansible_collections.slipway.engine.plugins.plugin_utils._predictions import PredictingAction


class ActionModule(PredictingAction):
    """See PredictingAction."""
