# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway report``: the host as a page, for people."""

from __future__ import annotations

import os

from ...plan.plan import Host
from ..line.verbs import STRING, Arguments, Flag, Verb
from ..terminal.output import say


def _report(host: Host, arguments: Arguments) -> int:
    from ...report import written

    if arguments.output in ("", "-"):
        say(written.rendered(host).rstrip())
    else:
        written.written(host, os.path.abspath(arguments.output))
    return 0


VERBS = {
    "report": Verb(
        _report,
        "Write a page about this host: containers, networks, images and disk",
        flags=(Flag("output", "o", STRING, "Save to file (default to stdout)"),),
    ),
}
