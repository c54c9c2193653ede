# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say what is run in a container, and how."""

from __future__ import annotations


class ModuleDocFragment:
    """A command, who runs it, what it reads, and what of its output is returned."""

    DOCUMENTATION = r"""
options:
  command:
    description:
      - The command as a string, split as by a shell, but not run by one.
    type: str
  chdir:
    description:
      - The directory to run the command in. The default is the container's.
    type: str
  user:
    description:
      - Who runs the command, as V(USER) or V(USER:GROUP), names or numbers.
      - Names are looked up in the container. The default is the container's user.
    type: str
  env:
    description:
      - Environment variables for the command, in addition to the container's.
      - Values that YAML would take for numbers or truth values need quotes.
    type: dict
  stdin:
    description:
      - The standard input of the command. Cannot be combined with O(detach=true).
    type: str
  stdin_add_newline:
    description:
      - Append a newline to O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description:
      - Remove empty lines at the end of RV(stdout) and RV(stderr).
    type: bool
    default: true
  detach:
    description:
      - Start the command and do not wait for it.
    type: bool
    default: false
  output_limit:
    description:
      - The maximum number of bytes of each stream to return. Further output is dropped, and
        RV(truncated) is set.
    type: int
    default: 10485760
"""
