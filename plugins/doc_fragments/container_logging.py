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
      - V(syslog) sends each line to the syslog socket of the host, and keeps about 10 MiB of output
        for C(slipway logs). While there is no socket, lines are kept and sent later.
      - Other drivers of Docker, such as V(gelf) and V(fluentd), can be declared, but a container
        that uses one fails to start.
    type: str
  log_options:
    description:
      - V(json-file) and V(local) support C(max-size), such as V(10m), and C(max-file), the number
        of files to keep. Without C(max-size) a V(json-file) log grows without limit, and V(local)
        keeps 5 files of 20 MiB. C(compress) is accepted and ignored.
      - A single file is truncated when it reaches its size. Several are rotated within about a
        second, without losing a line, so one may grow slightly larger than C(max-size).
      - V(journald) supports C(tag), with the fields C({{.Name}}), C({{.ID}}), C({{.FullID}}) and
        C({{.ImageName}}).
      - V(syslog) supports C(syslog-address), which is C(unix:///dev/log) by default or
        C(udp://HOST:PORT), C(syslog-facility), C(syslog-format) and C(tag).
      - C(labels), C(env), C(labels-regex), C(env-regex) and C(tag) select what C(slipway logs
        --details) shows before each line. C(mode) and C(max-buffer-size) are accepted and ignored.
      - Other options are rejected.
    type: dict
    aliases: [log_opt]
"""
