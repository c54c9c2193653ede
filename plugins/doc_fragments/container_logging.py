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
      - V(json-file), the default, and V(local) keep it in files of the container. They are read by
        C(slipway logs), whatever their format. V(journald) hands it to the journal of systemd, from
        which C(slipway logs) reads it too. V(none) drops it.
      - Other drivers of Docker are refused.
    type: str
    choices: [json-file, local, journald, none]
  log_options:
    description:
      - V(json-file) and V(local) understand C(max-size), such as V(10m), and C(max-file), the
        number of files that are kept. Without C(max-size) a V(json-file) grows without limit, and
        V(local) keeps 5 files of 20 MiB.
      - A single file is begun anew when it has its size. Several are turned over within about a
        second, without losing a line, so one may become somewhat larger than C(max-size).
      - V(journald) understands C(tag), with the places C({{.Name}}), C({{.ID}}), C({{.FullID}}) and
        C({{.ImageName}}).
      - Other options are refused by name.
    type: dict
    aliases: [log_opt]
"""
