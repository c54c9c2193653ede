# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Become in a container without a program for it: the command is executed as the other user."""

from __future__ import annotations

import secrets
from typing import Any, Callable


class ExecBecome:
    """A become plugin that leaves becoming to the connection. What the task and the inventory say
    of become is read by the real plugin, such as sudo, in which everything else is looked up.

    ``inside`` says whether the real one is to do its work after all.
    """

    def __init__(self, plugin: Any, inside: Callable[[], bool]) -> None:
        self._plugin, self._inside = plugin, inside
        self._mark = f": become-{secrets.token_hex(8)};"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plugin, name)

    @property
    def pipelining(self) -> bool:
        return not self._inside() or bool(self._plugin.pipelining)

    @property
    def require_tty(self) -> bool:
        """Asked before options are known; who becomes root from root needs none."""
        return False

    def expect_prompt(self) -> bool:
        return False

    def build_become_command(self, cmd: str, shell: Any) -> str:
        if self._inside():
            return str(self._plugin.build_become_command(cmd, shell))
        # A colon and its words do nothing, in any shell.
        return f"{self._mark} {cmd}" if cmd else cmd

    def marks(self, command: str) -> bool:
        """Whether build_become_command made this command, to be executed as user()."""
        return self._mark in command

    def user(self) -> str:
        return str(self._plugin.get_option("become_user") or "root")
