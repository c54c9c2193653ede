# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about the main process and what it finds around it."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  command:
    description:
      - The command of the container, as a list or as a string that is split as a shell splits
        words.
      - The image's when left out.
    type: raw
  entrypoint:
    description:
      - Takes the place of the image's entrypoint. The image's default command is then not used.
    type: list
    elements: str
  env:
    description:
      - Environment variables. Values must be strings, so put numbers and booleans in quotes.
      - The image's variables stay unless one of the same name is given.
    type: dict
  labels:
    description:
      - Labels of the container. Values must be strings.
    type: dict
  hostname:
    description:
      - Host name inside the container. The first 12 digits of its id when left out.
    type: str
  user:
    description:
      - User of the main process, as C(USER[:GROUP]), by name or number. The image's when left
        out.
    type: str
  working_dir:
    description:
      - Working directory of the main process. The image's when left out.
    type: path
  stop_signal:
    description:
      - Signal that asks the main process to end. The image's, or SIGTERM, when left out.
    type: str
  stop_timeout:
    description:
      - How many seconds to wait after O(stop_signal) before the container is killed.
      - V(10) when left out.
    type: int
  tty:
    description:
      - Give the main process a terminal.
    type: bool
"""
