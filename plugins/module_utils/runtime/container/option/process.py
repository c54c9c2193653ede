# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about the main process and what it finds around it."""

from __future__ import annotations

from .option import Option
from .text import hostname, string_map, words

#: Secrets live in environments, and diffs are printed and kept.
HIDDEN = "********"

OPTIONS = (
    Option("command", parse=lambda value: words("command", value)),
    Option("entrypoint", parse=lambda value: words("entrypoint", value)),
    Option(
        "env",
        parse=lambda value: string_map("env", value),
        show=lambda value: dict.fromkeys(value, HIDDEN),
    ),
    Option("labels", parse=lambda value: string_map("labels", value)),
    Option("hostname", parse=hostname),
    Option("user"),
    Option("working_dir"),
    Option("stop_signal"),
    Option("stop_timeout", "stop_timeout_s"),
    Option("tty"),
)
