# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags that stand before a verb of Compose and say which project is meant. Pure.

Every verb has them, by their long names, so that ``compose -f x.yaml up`` is read as ``compose up
--file x.yaml``: the short ones mean something else behind some verbs.
"""

from __future__ import annotations

from ..line.verbs import INT, LIST, STRING, STRINGS, SWITCH, Flag

PROJECT = (
    Flag("file", "", LIST, "Compose configuration files", hidden=True),
    Flag("project-name", "", STRING, "Project name", hidden=True),
    Flag("project-directory", "", STRING, "Specify an alternate working directory", hidden=True),
    Flag("profile", "", STRINGS, "Specify a profile to enable", hidden=True),
    Flag("env-file", "", LIST, "Specify an alternate environment file", hidden=True),
    Flag("ansi", "", STRING, "Has no effect", hidden=True),
    Flag("progress", "", STRING, "Has no effect", hidden=True),
    Flag("parallel", "", INT, "Has no effect", hidden=True),
    Flag("compatibility", "", SWITCH, "Has no effect", hidden=True),
)


def own(*flags: Flag) -> tuple[Flag, ...]:
    """The flags of a verb with those of the project; one that a verb has itself is its own."""
    names = {flag.name for flag in flags}
    return (*flags, *(flag for flag in PROJECT if flag.name not in names))
