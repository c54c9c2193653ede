# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads how far a task is, on its host, and tells it (see _progress)."""

from __future__ import annotations

import copy
import json
import shlex
import threading
import time
from typing import Any, Optional

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import progress_file
from ansible_collections.slipway.engine.plugins.module_utils._runtime.text import progress_lines
from ansible_collections.slipway.engine.plugins.module_utils._runtime.text.progress_lines import (
    Thing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.text.table import plain

#: What a build says may be as long as a command.
_WIDE = 160


class Teller(threading.Thread):
    """Reads and tells, until it is stopped."""

    def __init__(self, connection: Any, token: str, host: str, interval: float) -> None:
        super().__init__(daemon=True)
        # The task's own thread uses the connection at the same time, and become notes in its plugin
        # what it waits for.
        self._connection = copy.copy(connection)
        self._become = copy.copy(connection.become)
        self._connection.set_become_plugin(self._become)
        self._command = f"cat {progress_file.pattern(token)} 2>/dev/null || :"
        self._host = host
        self._interval = interval
        self._before: Optional[tuple[float, int]] = None
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        while not self._ended.wait(self._interval):
            try:
                text = self._text()
            except (AnsibleError, OSError, ValueError) as exc:
                # The task itself meets whatever is the matter.
                Display().vvv(f"{self._host}: progress cannot be read: {exc}")
                continue
            if text and not self._ended.is_set():
                Display().display(f"{self._host}: {text}", stderr=True)

    def _text(self) -> str:
        """What there is to tell; "" when the module has noted nothing."""
        command = f"/bin/sh -c {shlex.quote(self._command)}"
        if self._become is not None:
            command = self._become.build_become_command(command, shell=self._connection._shell)
        # With input Ansible's ssh asks for no terminal, which would mix the streams.
        dummy, out, dummy = self._connection.exec_command(
            command, in_data=b"\n", sudoable=self._become is not None
        )
        # Some become plugins leave a line of theirs in the output.
        found = [line for line in out.splitlines() if line.startswith(b"{")]
        if not found:
            return ""
        noted = json.loads(found[-1])
        things = [Thing(*one) for one in noted["things"]]
        now = time.monotonic()
        summary = progress_lines.summary(things, self._before, now)
        if summary:
            self._before = (now, progress_lines.amount(things)[0])
        said = plain(noted["line"])[:_WIDE]
        return ": ".join(part for part in (said, summary) if part)
