# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option of modules whose work can take long."""

from __future__ import annotations


class ModuleDocFragment:
    """Telling how far the work is; plugin_utils/_progress.py does it."""

    DOCUMENTATION = r"""
options:
  progress:
    description:
      - Print how far the task is while it runs, on standard error, every five seconds, or at the
        interval in the variable C(slipway_progress_interval), in seconds.
      - Nothing is printed in check mode, for a task with C(async), and for one with C(no_log).
    type: bool
    default: false
    version_added: 0.3.0
"""
