# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module says about itself in the section ``attributes`` of its documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """The words of the attributes; whether and how far a module has each is said by the module."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: >-
      Whether a run in check mode predicts what a run would change, without changing the host.
  diff_mode:
    description: >-
      Whether the task shows what differs on the host before and after it, or would differ.
  idempotent:
    description: >-
      Whether a second run with the same options finds nothing left to do and reports no change.
  platform:
    description: The operating systems of the hosts the module acts on.
"""

    # For modules that only read.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Only reads the host, in check mode too.
  diff_mode:
    support: N/A
    description: Changes nothing, so there is no difference to show.
  idempotent:
    support: full
    description: Changes nothing, however often it is run.
  platform:
    support: full
    platforms: linux
    description: The operating systems of the hosts the module acts on.
"""
