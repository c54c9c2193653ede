# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The child of the watcher that serves those ports of one container which the kernel cannot forward
(network/proxy.py has the how). It ends with the container's process or with the watcher.

Once its ports are open it writes into the directory of the run who it is and which ports they are.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from ...base import files
from ...base.layout import Layout
from ...kernel import linux, process
from ...network import port
from ...records.container_record import Record
from ...spec.network import Publication
from ..status import liveness

#: How long a starter waits for the ports to be open. Seconds.
_PATIENCE_S = 10.0
#: How long a process that failed waits before it lets another one take its place. Seconds.
_AGAIN_S = 1.0


def served(run: Record) -> tuple[Publication, ...]:
    """The publications of a run that need a process to serve them."""
    return tuple(p for p in run.publications if p.proxied)


def is_open(layout: Layout, run: Record) -> bool:
    """Whether the ports of a run are served by now."""
    try:
        who, dummy, what = _place(layout, run).read_text("utf-8").partition("\n")
        pid, start = map(int, who.split())
    except (FileNotFoundError, ValueError):
        return False
    return what == _what(run) and linux.process_start_time(pid) == start


def await_open(layout: Layout, run: Record) -> bool:
    """Wait until the ports of a run are served; False when that takes too long."""
    until = time.monotonic() + _PATIENCE_S
    while not is_open(layout, run):
        if time.monotonic() > until or not liveness.is_running(layout, run):
            return not liveness.is_running(layout, run)
        time.sleep(0.01)
    return True


def _place(layout: Layout, run: Record) -> Path:
    return layout.run_container(run.id) / "proxied"


def _what(run: Record) -> str:
    """A publication a line, and the run: nothing of an earlier one is meant."""
    return "".join(
        f"{run.generation} {p.protocol} {p.host_ip} {p.host_port} {p.container_ip}"
        f" {p.container_port} {','.join(p.scope)}\n"
        for p in served(run)
    )


def child(layout: Layout, run: Record, watcher_pid: int) -> None:
    """Serve, in a process that does nothing else."""
    try:
        process.close_inherited()
        Path("/proc/self/comm").write_bytes(port.PROXY)
        ended = [os.pidfd_open(watcher_pid), os.pidfd_open(run.pid)]
        # From here on neither number can be given to another process unseen.
        if os.getppid() == watcher_pid and liveness.is_running(layout, run):
            from ...network import proxy  # Only this process needs asyncio.

            text = f"{os.getpid()} {linux.process_start_time(os.getpid())}\n{_what(run)}".encode()
            proxy.serve(
                layout,
                served(run),
                ended,
                lambda: files.write_atomic(_place(layout, run), text, durable=False),
            )
    except BaseException:
        # The watcher begins another one at once.
        time.sleep(_AGAIN_S)
    finally:
        os._exit(0)
