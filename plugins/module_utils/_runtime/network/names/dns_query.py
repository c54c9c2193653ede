# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question to a name server, over UDP (RFC 1035)."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Collection

PORT = 53

_TYPE_A, _TYPE_AAAA, _CLASS_IN = 1, 28, 1


def knowing(addresses: Collection[str], name: str, patience_s: float) -> set[str]:
    """The addresses at which the server knows a name by the address's own family (RFC 1035)."""
    number = os.urandom(2)
    label = name.encode("ascii")
    found = set()
    with contextlib.ExitStack() as held:
        asking: dict[socket.socket, str] = {}
        for address in addresses:
            six = ":" in address
            family = socket.AF_INET6 if six else socket.AF_INET
            kind = _TYPE_AAAA if six else _TYPE_A
            question = bytes((len(label),)) + label + b"\0" + struct.pack("!HH", kind, _CLASS_IN)
            with contextlib.suppress(OSError):
                flags = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
                one = held.enter_context(socket.socket(family, flags))
                one.connect((address, PORT))
                # The header: recursion is not desired, so it is nobody else's business.
                one.send(number + struct.pack("!HHHHH", 0, 1, 0, 0, 0) + question)
                asking[one] = address
        deadline = time.monotonic() + patience_s
        while asking:
            left_s = deadline - time.monotonic()
            ready = select.select(list(asking), [], [], max(0.0, left_s))[0]
            for one in ready:
                address = asking.pop(one)
                with contextlib.suppress(OSError):
                    if _is_answer(one.recv(512), number):
                        found.add(address)
            if not ready:
                break
    return found


def _is_answer(data: bytes, number: bytes) -> bool:
    """Whether a message is the answer to our question, and names one address."""
    if len(data) < 12 or data[:2] != number:
        return False
    flags, dummy, answers = struct.unpack_from("!HHH", data, 2)
    return bool(flags & 0xF == 0 and answers == 1)
