# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that writes a page about the host."""

from __future__ import annotations


class ModuleDocFragment:
    """Where the page goes, and what is on it."""

    DOCUMENTATION = r"""
options:
  report:
    description:
      - Where to write a page about the host after the task, as an absolute path on it. It is one
        HTML file without scripts that shows containers, their health and ports, networks as a
        drawing, the age of images, disk usage, what this run changed, and what is different since
        the page that was there.
      - Names, states and addresses are on it. The environment, command and files of containers are
        not. A new file can be read by its owner only; one that exists keeps its mode.
      - In check mode nothing is written. Writing it is not a change.
    type: path
"""
