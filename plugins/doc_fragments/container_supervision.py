# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about when a container is started again."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  restart_policy:
    description:
      - When the container is started again after it ended.
      - V(unless-stopped) is V(always) except that a container somebody stopped stays so over a
        reboot.
    type: str
    choices: ['no', 'on-failure', 'always', 'unless-stopped']
  restart_retries:
    description:
      - How often V(on-failure) starts it again, for O(restart_policy=on-failure). V(0) is without
        limit.
    type: int
"""
