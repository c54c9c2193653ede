# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about where its output goes."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  log_driver:
    description:
      - Where the output of the container goes.
      - V(json-file), the default, and V(local) keep it in files of the container, which C(slipway
        logs) reads. V(journald) sends it to the systemd journal, from which C(slipway logs) reads
        it too. V(none) drops it.
      - Other drivers of Docker are not supported.
    type: str
    choices: [json-file, local, journald, none]
  log_options:
    description:
      - V(json-file) and V(local) support C(max-size), such as V(10m), and C(max-file), the number
        of files to keep. Without C(max-size) a V(json-file) log grows without limit, and V(local)
        keeps 5 files of 20 MiB.
      - A single file is truncated when it reaches its size. Several are rotated within about a
        second, without losing a line, so one may grow slightly larger than C(max-size).
      - V(journald) supports C(tag), with the fields C({{.Name}}), C({{.ID}}), C({{.FullID}}) and
        C({{.ImageName}}).
      - Other options are rejected.
    type: dict
    aliases: [log_opt]
"""
