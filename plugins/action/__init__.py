# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugins. The process of Ansible that forks one for each task imports this package to
look for them, so what they share is imported there, once: of collections Python keeps no compiled
code, and each task would compile it anew.
"""

from __future__ import annotations

from ansible_collections.slipway.engine.plugins.plugin_utils import _predictions

__all__ = ["_predictions"]
