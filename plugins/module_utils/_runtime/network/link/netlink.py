# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations with the kernel over a netlink socket, with the standard library alone.

What is said is made elsewhere: rtnetlink messages by pyroute2's classes (codec.py), the
questions of nf_tables.py by hand. Here is only the exchange: any number of requests in one
datagram, one acknowledgement each, and the kernel's own words (extended ACK) when it refuses one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Optional

from ...base.errors import Error
from ...base.frozen import dataclass
from ...kernel import trace

ROUTE = 0
NETFILTER = 12

NLM_F_REQUEST = 0x001
NLM_F_ACK = 0x004
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400

_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_NLM_F_CAPPED = 0x100
_NLM_F_ACK_TLVS = 0x200
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")

#: The kernel answers within the send, so an answer that does not come is a bug or a dying host.
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Request:
    """One message with its header, its purpose ("cannot ..."), and the errors that are fine."""

    data: bytes
    purpose: str
    tolerated: tuple[int, ...] = ()


def message(kind: int, flags: int, sequence: int, payload: bytes) -> bytes:
    """A netlink message around its payload (netlink(7))."""
    return _HEADER.pack(_HEADER.size + len(payload), kind, flags, sequence, 0) + payload


def attribute(kind: int, value: bytes) -> bytes:
    """One netlink attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


class Conversation:
    """A netlink socket of one network namespace: the one its maker's thread was in."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        try:
            self._socket.bind((0, 0))
            self._socket.setblocking(False)
            for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK):
                # Both only improve what an error says.
                with contextlib.suppress(OSError):
                    self._socket.setsockopt(_SOL_NETLINK, option, 1)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._socket.close()

    def _receive(self, purpose: str = "", most: int = 1 << 16) -> bytes:
        """The next datagram, of at most so many bytes. Mostly it is there already: the kernel
        answers within the send.
        """
        try:
            return self._socket.recv(most)
        except BlockingIOError:
            self._socket.settimeout(_TIMEOUT_S)
        try:
            return self._socket.recv(most)
        except socket.timeout as exc:
            raise Error(f"{purpose}no answer from the kernel to a netlink request") from exc

    def ask(self, data: bytes) -> Optional[bytes]:
        """Send one question (sequence number 1, with NLM_F_ACK); return its answer's payload.

        None when the kernel answers with an error instead, such as ENOENT.
        """
        with trace.timed("netlink", "a question"):
            return self._ask(data)

    def _ask(self, data: bytes) -> Optional[bytes]:
        self._socket.send(data)
        answer = None
        while True:
            datagram = self._receive()
            for dummy, code, _complaint in _acknowledgements(datagram):
                return None if code else answer
            answer = datagram[_HEADER.size : _HEADER.unpack_from(datagram)[0]]

    def ask_each(self, questions: Sequence[bytes]) -> list[Optional[bytes]]:
        """Send questions together (sequence numbers 1, 2, ..., without NLM_F_ACK); return each
        one's answer, None for an error.
        """
        with trace.timed("netlink", "questions"):
            return self._ask_each(questions)

    def _ask_each(self, questions: Sequence[bytes]) -> list[Optional[bytes]]:
        self._socket.send(b"".join(questions))
        answers: dict[int, Optional[bytes]] = {}
        while len(answers) < len(questions):
            datagram = self._receive()
            length, kind, dummy, sequence, dummy = _HEADER.unpack_from(datagram)
            answers[sequence] = None if kind == _NLMSG_ERROR else datagram[_HEADER.size : length]
        return [answers.get(number) for number in range(1, len(questions) + 1)]

    def dump(self, data: bytes) -> list[bytes]:
        """Send one question (with NLM_F_DUMP); return the payload of every object it names.

        Nothing when the kernel answers with an error, such as for a family it does not have.
        """
        with trace.timed("netlink", "a question for a list"):
            return self._dump(data)

    def _dump(self, data: bytes) -> list[bytes]:
        self._socket.send(data)
        found: list[bytes] = []
        while True:
            datagram = self._receive(most=1 << 18)
            offset = 0
            while offset + _HEADER.size <= len(datagram):
                length, kind, dummy, dummy, dummy = _HEADER.unpack_from(datagram, offset)
                if kind in (_NLMSG_DONE, _NLMSG_ERROR) or length < _HEADER.size:
                    return found
                found.append(datagram[offset + _HEADER.size : offset + length])
                offset += (length + 3) & ~3

    def exchange(self, requests: Sequence[Request]) -> list[int]:
        """Send requests together; return each one's errno, 0 for success.

        Their sequence numbers are 1, 2, ... in order and each asks for an acknowledgement
        (NLM_F_ACK). The kernel handles all of them, in order, even after one that fails. Raises
        Error for the first failure that its request does not tolerate.
        """
        if not requests:
            return []
        with trace.timed("netlink", ", ".join(request.purpose for request in requests)):
            return self._exchange(requests)

    def _exchange(self, requests: Sequence[Request]) -> list[int]:
        self._socket.send(b"".join(request.data for request in requests))
        answers: dict[int, tuple[int, str]] = {}
        while len(answers) < len(requests):
            datagram = self._receive(f"cannot {requests[0].purpose}: ")
            for sequence, code, text in _acknowledgements(datagram):
                answers[sequence] = (code, text)
        for number, request in enumerate(requests, 1):
            code, text = answers[number]
            if code and code not in request.tolerated:
                said = f" ({text})" if text else ""
                raise Error(f"cannot {request.purpose}: {os.strerror(code)}{said}")
        return [answers[number][0] for number in range(1, len(requests) + 1)]


def _acknowledgements(datagram: bytes) -> list[tuple[int, int, str]]:
    """(sequence, errno, the kernel's words) of each acknowledgement; the rest is passed over."""
    found = []
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, flags, sequence, dummy = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > len(datagram):
            break
        if kind == _NLMSG_ERROR and length >= _HEADER.size + 4 + _HEADER.size:
            code = -struct.unpack_from("=i", datagram, offset + _HEADER.size)[0]
            text = ""
            if flags & _NLM_F_ACK_TLVS:
                start = offset + _HEADER.size + 4 + _HEADER.size
                if not flags & _NLM_F_CAPPED:
                    # The refused message follows in full, and its header is passed already.
                    (original,) = struct.unpack_from("=I", datagram, offset + _HEADER.size + 4)
                    start += (original - _HEADER.size + 3) & ~3
                words = attributes(datagram[start : offset + length]).get(_NLMSGERR_ATTR_MSG, b"")
                text = words.rstrip(b"\0").decode("utf-8", "replace")
            found.append((sequence, code, text))
        offset += (length + 3) & ~3
    return found


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes of a message by their number, without nested and byte order flags."""
    found = {}
    offset = 0
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def find(data: bytes, wanted: int, offset: int) -> Optional[bytes]:
    """One attribute of a message whose attributes begin at an offset; None without it."""
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if kind & 0x3FFF == wanted:
            return data[offset + 4 : offset + length]
        if length < 4:
            break
        offset += (length + 3) & ~3
    return None
