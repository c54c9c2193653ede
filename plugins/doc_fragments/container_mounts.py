# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about what is mounted."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  volumes:
    description:
      - Volumes and directories of the host to mount, each C([SOURCE:]TARGET[:MODE]).
      - A source with a slash is a path on the host, one without is the name of a volume, which is
        made
        when it does not exist. Without a source an anonymous volume is made.
      - The mode is V(ro) or V(rw), V(z) or V(Z), V(nocopy), or a propagation such as V(rslave),
        joined by commas.
    type: list
    elements: str
"""
