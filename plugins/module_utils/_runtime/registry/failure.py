# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on the way to a registry: whether it may pass, how long to try, what to say."""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Iterator
from typing import Optional

from ..base.errors import Error, Unreachable
from ..base.frozen import dataclass
from ..base.regex import regex
from .origin import Origin

#: Bytes that are worth a new connection.
_PROGRESS = 1 << 16
_LONGEST_PAUSE_S = 30.0
#: How OpenSSL says that the other side spoke no TLS.
_NOT_TLS = regex("WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST|RECORD_LAYER_FAILURE")


@dataclass(frozen=True)
class Limits:
    """How long and how often: seconds, tries in a row without progress, bytes per second.

    ``deadline_s`` bounds the retries of one request, and of a download it bounds the time without
    progress; ``minimum_rate`` is the mean over ``rate_window_s`` below which a body counts as
    stalled.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    tries: int = 5
    backoff_s: float = 0.5
    deadline_s: float = 300.0
    minimum_rate: int = 1024
    rate_window_s: float = 30.0


class Broken(Unreachable):
    """A request failed in a way that may pass; caught where it can be sent again.

    ``tries`` lowers the number of tries for what rarely passes within seconds.
    """

    def __init__(
        self,
        message: str,
        hint: Optional[str] = None,
        *,
        retry_after_s: Optional[float] = None,
        tries: Optional[int] = None,
    ) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s
        self.tries = tries


class Denied(Error):
    """A registry or its token service refused because of a missing login, or refused the login."""


class Patience:
    """The tries and the time that one piece of work has."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures = 0
        self._got = 0
        self._deadline = time.monotonic() + limits.deadline_s

    def progress(self, length: int) -> None:
        """So many bytes were moved: when they are enough, the tries and the time begin anew.

        A server that hands out a byte for each connection would otherwise hold us for days.
        """
        self._got += length
        if self._got >= _PROGRESS:
            self._failures = self._got = 0
            self._deadline = time.monotonic() + self._limits.deadline_s

    def wait(self, broken: Broken) -> None:
        """Pause before the next try, or raise Unreachable when there is none."""
        self._failures += 1
        tries = min(self._limits.tries, broken.tries or self._limits.tries)
        if self._failures >= tries:
            raise Unreachable(
                f"{broken.message} (after {self._failures} attempts)", hint=broken.hint
            ) from broken
        pause = min(self._limits.backoff_s * 2.0 ** (self._failures - 1), _LONGEST_PAUSE_S)
        # Hosts that were refused together should not come back together.
        pause *= random.uniform(0.75, 1.25)
        if broken.retry_after_s is not None:
            pause = max(broken.retry_after_s, pause / 2)
        if time.monotonic() + pause > self._deadline:
            raise Unreachable(
                f"{broken.message} (gave up: the next attempt, in {pause:.0f} s, "
                f"would be after the deadline of {self._limits.deadline_s:g} s)",
                hint=broken.hint,
            ) from broken
        time.sleep(pause)


class Untrusted(Unreachable):
    """The server's TLS certificate was not accepted."""


@dataclass(frozen=True)
class Hints:
    """What to do when a server speaks no TLS, is not trusted, and is not reached."""

    plain: str
    trust: str
    way: str


def failure(exc: Exception, domain: str, target: Origin, what: str, limits: Limits) -> Error:
    """What an exception of requests, or of a socket, means for a registry."""
    place = f"registry {domain}: {what}" + ("" if target.host in domain else f" at {target}")
    hints = Hints(
        plain="if this is intended, allow it with insecure_registry, or with insecure for "
        f"{domain} in /etc/slipway/registries.json",
        trust="provide the CA certificate with ca_path, or ca_file in /etc/slipway/registries.json",
        way="check the registry's name, that it is running, and the network",
    )
    return explain(exc, place, target, limits, hints)


def explain(exc: Exception, place: str, target: Origin, limits: Limits, hints: Hints) -> Error:
    """What an exception of requests, or of a socket, means: Broken when it may pass."""
    chain = list(_chain(exc))
    text = " ".join(repr(one) for one in chain)
    if _NOT_TLS.search(text):
        return Unreachable(f"{place}: the server speaks plain http, not TLS", hint=hints.plain)
    if "CERTIFICATE_VERIFY_FAILED" in text or "CertificateError" in text:
        reason = next(
            (str(r) for one in chain if (r := getattr(one, "verify_message", ""))), "not trusted"
        )
        return Untrusted(
            f"{place}: the TLS certificate was not accepted: {reason}", hint=hints.trust
        )
    names = {type(one).__name__ for one in chain}
    if "ProxyError" in names:
        return Unreachable(f"{place}: the proxy refused: {said(chain[-1])}")
    if names & {"InvalidURL", "InvalidHeader", "LocationParseError", "InvalidSchema"}:
        return Error(f"{place}: the request could not be sent: {said(exc)}")
    hint = hints.way
    if any(isinstance(one, socket.gaierror) for one in chain) or "NameResolutionError" in names:
        return Broken(f"{place}: the host name {target.host} cannot be resolved", hint, tries=3)
    if any(isinstance(one, ConnectionRefusedError) for one in chain):
        return Broken(
            f"{place}: connection refused by {target.host}, port {target.port}", hint, tries=3
        )
    if "ConnectTimeout" in names or "ConnectTimeoutError" in names:
        return Broken(f"{place}: no connection within {limits.connect_s:g} s", hint, tries=3)
    if names & {"ReadTimeout", "ReadTimeoutError"} or isinstance(chain[-1], socket.timeout):
        return Broken(f"{place}: no answer within {limits.read_s:g} s", hint)
    return Broken(f"{place}: the connection failed: {said(chain[-1])}", hint)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """An exception and what it wraps: requests and urllib3 keep the cause in arguments and in
    reason.

    What was being handled when an exception of another library came is not its cause: urllib3 1.26
    calls getresponse() with an argument of Python 2, and again without it after the TypeError.
    """
    one: Optional[BaseException] = exc
    for dummy in range(10):
        if one is None:
            return
        yield one
        inner = [getattr(one, "reason", None), *one.args, one.__cause__]
        if type(one).__module__.partition(".")[0] in ("requests", "urllib3"):
            inner.append(one.__context__)
        one = next((each for each in inner if isinstance(each, BaseException)), None)


def said(exc: BaseException) -> str:
    """The words of an exception, fit for one line."""
    text = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    return re.sub(r"[^\x20-\x7e]+", " ", str(text))[:200]
