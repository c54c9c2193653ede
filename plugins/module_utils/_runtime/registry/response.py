# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses of a registry, read with care: limits, a minimum rate, and which failures are
transient.

A server can hold a client as long as it sends a byte now and then, or fill its memory with one
document (CVE-2020-1702, CVE-2023-2253). So every document has a limit, and a body that comes in
slower than the minimum rate is a broken connection.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Optional, Protocol

from ..base import strict_json
from ..base.errors import Error, NotFound
from .failure import Broken, Denied, Limits, said

#: How much of an error document is read: enough for what a person wants to know.
_ERROR_LIMIT = 64 << 10


class Slice:
    """A part of a file as the body of a request; it can be sent again from its start. ``count`` is
    told how much of the file was asked for by now.
    """

    def __init__(
        self, path: Path, offset: int, length: int, count: Optional[Callable[[int], None]] = None
    ) -> None:
        self.count = count
        self.path = path
        self.offset = offset
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[bytes]:
        left = self.length
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            while left > 0:
                data = file.read(min(1 << 20, left))
                if not data:
                    raise Error(f"{self.path} was truncated while it was being sent")
                left -= len(data)
                yield data
                if self.count is not None:
                    self.count(self.offset + self.length - left)


class _Stream(Protocol):
    """The part of http.client.HTTPResponse that reads what is there and does not wait for more."""

    length: Optional[int]

    def read1(self, n: int) -> bytes:
        """What is there, at most ``n`` bytes; none at the end."""

    def read(self) -> bytes:
        """All that is left."""


class Response(Protocol):
    """The part of a response of requests that is used here, where requests is not imported."""

    status_code: int
    raw: Any

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names, in any case of letters."""

    def close(self) -> None:
        """Give the connection back."""


class Answer:
    """A response whose body is still on the wire. Close it, or leave its ``with`` block."""

    def __init__(
        self, response: Response, domain: str, what: str, username: Optional[str], limits: Limits
    ) -> None:
        self.status = response.status_code
        # urllib3 names it so in 1.26 and in 2; its own read() cannot stop at what is there.
        self._stream: _Stream = response.raw._fp
        self._username = username
        self._response = response
        self._domain = domain
        self._what = what
        self._limits = limits

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if value is None:
            self.drain()
        else:
            self.close()

    def close(self) -> None:
        """Be done with it. The connection serves on when nothing of the body is on the wire."""
        if self._stream.length == 0:
            self._finish()
        else:
            self._response.close()

    def drain(self) -> None:
        """Be done with it, reading the rest first where that is less work than a new connection."""
        if 0 < (self._stream.length or 0) <= _ERROR_LIMIT:
            with contextlib.suppress(Error):
                self.body(_ERROR_LIMIT)
        self.close()

    def header(self, name: str) -> str:
        """A header's value, or the empty text."""
        return self._response.headers.get(name, "")

    @property
    def length(self) -> Optional[int]:
        """The declared length of the body in bytes, or None."""
        text = self.header("Content-Length")
        return int(text) if re.match(r"\A[0-9]{1,18}\Z", text, re.ASCII) else None

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    def require(self) -> None:
        """Raise NotFound for 404, Denied for 401 and 403, Error for any other failure."""
        if self.status == 404:
            raise NotFound(
                f"{self.place}: not found{self.complaint()}",
                hint="check the repository and the tag; private repositories may require a login",
            )
        if self.status in (401, 403):
            raise self._denied()
        if not 200 <= self.status < 300:
            raise self.error(f"HTTP {self.status}{self.complaint()}")

    def retry_after_s(self) -> Optional[float]:
        """What Retry-After asks for, in seconds from now; a date is taken against the server's own
        clock.
        """
        text = self.header("Retry-After").strip()
        if re.match(r"\A[0-9]{1,9}\Z", text, re.ASCII):
            return float(text)
        try:
            until = parsedate_to_datetime(text).timestamp()
            date = self.header("Date")
            now = parsedate_to_datetime(date).timestamp() if date else time.time()
        except (TypeError, ValueError, OverflowError, IndexError):
            return None
        return max(0.0, until - now)

    def chunks(self, size: int = 1 << 18) -> Iterator[bytes]:
        """The body as it comes in, undecoded. Raises Broken when it ends early or trickles."""
        self._check_coding()
        stream = self._stream
        declared = stream.length
        got = 0
        waited, window = 0.0, 0
        while declared is None or got < declared:
            before = time.monotonic()
            length = stream.length
            try:
                # read(n) waits for n bytes, and each byte of a trickle renews the socket's
                # time-out.
                data = stream.read1(size if declared is None else min(size, declared - got))
            except (OSError, HTTPException, ValueError) as exc:
                self.close()
                raise self.broken(f"the connection broke after {got} bytes ({said(exc)})") from exc
            if not data:
                break
            if length is not None and stream.length == length:
                # Before Python 3.12 read1() does not count; the count ends the response below.
                stream.length = length - len(data)
            got += len(data)
            window += len(data)
            waited += time.monotonic() - before
            if waited >= self._limits.rate_window_s:
                if window < self._limits.minimum_rate * waited:
                    self.close()
                    raise self.broken(f"the server is too slow: {window} bytes in {waited:.0f} s")
                waited, window = 0.0, 0
            yield data
        if declared is not None and got < declared:
            self.close()
            raise self.broken(f"the connection ended after {got} of {declared} bytes")
        self._finish()

    def _check_coding(self) -> None:
        coding = self.header("Content-Encoding").lower()
        if coding not in ("", "identity"):
            raise self.error(
                f"the server encoded the response as {coding[:50]!a} although it was not asked to"
            )

    def _finish(self) -> None:
        """End a response that was read whole: then its connection can serve the next request."""
        self._stream.read()
        self._response.raw.release_conn()

    def body(self, limit: int) -> bytes:
        """The whole body; Error when it is longer than ``limit`` bytes."""
        data = bytearray()
        if self.length is not None and self.length > limit:
            self.close()
            raise self.error(
                f"the response has {self.length} bytes, more than the limit of {limit}"
            )
        for chunk in self.chunks():
            data += chunk
            if len(data) > limit:
                self.close()
                raise self.error(f"the response is longer than the limit of {limit} bytes")
        return bytes(data)

    def complaint(self) -> str:
        """What an error answer says, as ``": CODE message"`` fit for one line, or nothing."""
        try:
            errors = strict_json.loads(self.body(_ERROR_LIMIT))["errors"]
            said = " ".join(str(errors[0].get(key) or "") for key in ("code", "message"))
        except (Error, ValueError, LookupError, TypeError, AttributeError):
            return ""
        text = re.sub(r"[^\x20-\x7e]+", " ", said).strip()[:300]
        return f": {text}" if text else ""

    @property
    def place(self) -> str:
        """What errors begin with: the registry, the repository, the tag or digest."""
        return f"registry {self._domain}: {self._what}"

    def error(self, why: str, hint: Optional[str] = None) -> Error:
        return Error(f"{self.place}: {why}", hint=hint)

    def lie(self, why: str) -> Error:
        """The error of an answer that contradicts itself or what was asked."""
        return self.error(why, "the registry, or a proxy in front of it, is damaged or hostile")

    def broken(self, why: str) -> Broken:
        """The error of an answer that may be better next time, when the server says that is."""
        return Broken(f"{self.place}: {why}", retry_after_s=self.retry_after_s())

    def _denied(self) -> Denied:
        if self._username is None:
            return Denied(
                f"{self.place}: access denied, and no login for {self._domain} is stored"
                f"{self.complaint()}",
                f"run registry_login with registry_url {self._domain}; check the name too: "
                "some registries answer like this for repositories that do not exist",
            )
        return Denied(
            f"{self.place}: the login of user {self._username!r} is not authorized for this"
            f"{self.complaint()}",
            f"check username and password, or run registry_login for {self._domain} again",
        )
