# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about what a container may do."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  read_only:
    description:
      - Mount the container's root filesystem read-only.
    type: bool
  privileged:
    description:
      - Give the container all capabilities and take the masks of system paths away.
    type: bool
  capabilities:
    description:
      - Capabilities to add to the default ones, or V(all).
    type: list
    elements: str
  cap_drop:
    description:
      - Capabilities to take from the default ones, or V(all).
    type: list
    elements: str
"""
