# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's system log, listened to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def listened_to(path: Path = Path("/dev/log")) -> Iterator[list[bytes]]:
    """What is written to the system log during the block, by a socket in the place of its own.
    Raises AssertionError where this host has one, which that would disturb.
    """
    assert not path.exists() and not path.is_symlink(), f"this host has {path}"
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(path))
        log.settimeout(0.1)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    received.append(log.recv(65536))
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield received
        finally:
            done.set()
            listener.join()
            path.unlink()
