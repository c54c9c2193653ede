# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a file from a URL that the user gave: no login, no cookies, few redirects, a size limit.

The server may be hostile or taken over, as a registry may: redirects are followed by hand under the
same rules, and never from https to plain http. Plain http is spoken where the URL says so.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional
from urllib.parse import urljoin

from ..base.errors import Error, NotFound
from .failure import Broken, Hints, Limits, Patience, explain
from .origin import Origin, check_redirect, check_resolved
from .response import Answer
from .transport import MOST_REDIRECTS, PASSING, REDIRECTS, exchange, open_session, proxies_of
from .url_source import Facts, Source, shown

#: With these a server may refuse HEAD alone; storage with signed URLs answers 403.
_NO_HEAD = frozenset({400, 403, 405, 501})
_HINTS = Hints(
    plain="use an http URL if this is intended",
    trust="provide the CA certificate with ca_path",
    way="check the URL, that the server is running, and the network",
)


class _Page(Answer):
    """An answer of the server, whose errors name the URL."""

    @property
    def place(self) -> str:
        return self._what

    def lie(self, why: str) -> Error:
        return self.error(why, "the server, or a proxy in front of it, is damaged or hostile")

    def _check_coding(self) -> None:
        """Servers call a .tar.gz a tar encoded by gzip; what was sent is what was asked for."""


class Fetch:
    """The connections that one file is fetched over. Used in a ``with`` block."""

    def __init__(self, source: Source, limits: Optional[Limits] = None) -> None:
        self._source = source
        self._limits = limits or Limits(tries=3)
        try:
            self._session = open_session(verified=source.verified, ca_file=source.ca_file)
        except OSError as exc:
            raise Error(
                f"the CA certificates for {source} cannot be read from {source.ca_file}: "
                f"{exc.strerror or exc}",
                hint="provide a PEM file on the host with ca_path",
            ) from exc

    def __enter__(self) -> Fetch:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._session.close()

    def ask(self, known: Optional[Facts]) -> Facts:
        """What the server says of the file, without its content; ``known`` when that is the same
        still.
        """
        answer, url = self._send("HEAD", {})
        if answer.status in _NO_HEAD:
            answer.close()
            headers = {}
            if known is not None and known.etag:
                headers["If-None-Match"] = known.etag
            elif known is not None and known.last_modified:
                headers["If-Modified-Since"] = known.last_modified
            answer, url = self._send("GET", headers)
        try:
            if answer.status == 304 and known is not None:
                return known
            return self._facts(answer, url)
        finally:
            answer.close()

    def download(
        self, path: Path, count: Optional[Callable[[int, int], None]] = None
    ) -> tuple[Facts, str]:
        """Write the content to ``path``; returns what the server said of it, and its digest.
        ``count`` is told how many bytes there are by now, and of how many, 0 when nobody says.

        Raises Error when it is too large or has another checksum than declared.
        """
        patience = Patience(self._limits)
        while True:
            try:
                answer, url = self._send("GET", {})
                with answer:
                    facts = self._facts(answer, url)
                    digest = self._keep(answer, path, count)
                break
            except Broken as exc:
                patience.wait(exc)
        wanted = self._source.checksum
        if wanted and digest != wanted:
            raise Error(
                f"{self._source}: the checksum of the content received is {digest}, not {wanted}",
                hint="check whether the file was changed, or whether the checksum belongs "
                "to another file",
            )
        return facts, digest

    def _keep(self, answer: _Page, path: Path, count: Optional[Callable[[int, int], None]]) -> str:
        found, size = hashlib.sha256(), 0
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as out:
            for data in answer.chunks():
                size += len(data)
                if size > self._source.limit:
                    raise self._too_large(answer, f"more than {self._source.limit}")
                found.update(data)
                out.write(data)
                if count is not None:
                    count(size, answer.length or 0)
        return f"sha256:{found.hexdigest()}"

    def _facts(self, answer: _Page, url: str) -> Facts:
        if answer.status in (404, 410):
            raise NotFound(
                f"{answer.place}: not found (HTTP {answer.status})", hint="check the URL"
            )
        if answer.status in (401, 403):
            raise answer.error(
                f"access denied (HTTP {answer.status})",
                "logins are not supported; fetch the file with "
                "ansible.builtin.get_url and import it "
                "from the host",
            )
        if answer.status != 200:
            raise answer.error(f"HTTP {answer.status}", "the file itself was expected")
        if answer.length is not None and answer.length > self._source.limit:
            raise self._too_large(answer, str(answer.length))
        names = ("ETag", "Last-Modified", "Date")
        return Facts.of(url, {name: answer.header(name) for name in names}, answer.length)

    def _too_large(self, answer: _Page, size: str) -> Error:
        return answer.error(
            f"it has {size} bytes, but at most {self._source.limit} are allowed",
            "check the URL; import a larger file from the host",
        )

    def _send(self, method: str, headers: Mapping[str, str]) -> tuple[_Page, str]:
        """An answer that is not a redirect, and its URL. Tries again what may pass by itself."""
        patience = Patience(self._limits)
        while True:
            try:
                return self._follow(method, headers)
            except Broken as exc:
                patience.wait(exc)

    def _follow(self, method: str, headers: Mapping[str, str]) -> tuple[_Page, str]:
        url = self._source.url
        for dummy in range(MOST_REDIRECTS + 1):
            answer = self._exchange(method, url, headers)
            if answer.status in PASSING:
                with answer:
                    raise answer.broken(f"HTTP {answer.status}")
            if answer.status not in REDIRECTS:
                return answer, url
            answer.drain()
            url = self._redirected(url, answer)
        raise answer.lie(f"more than {MOST_REDIRECTS} redirects")

    def _redirected(self, url: str, answer: _Page) -> str:
        location = answer.header("Location")
        if not location:
            raise answer.lie("a redirect without a target")
        following = urljoin(url, location).partition("#")[0]
        try:
            target = Origin.of(following)
        except Error as exc:
            raise answer.lie(
                f"a redirect to {shown(following)[:200]!a}, which is not a URL"
            ) from exc
        first, last = Origin.of(self._source.url), Origin.of(url)
        if last.scheme == "https" and target.scheme == "http":
            raise answer.error(
                f"a redirect from https to plain http, to {target}, which is not allowed",
                "use the final URL if plain http is intended",
            )
        try:
            # Where plain http was asked for, a redirect to it is not less safe.
            check_redirect(first, target, insecure=first.scheme == "http")
            if target.host != first.host and not target.address and not proxies_of(following):
                check_resolved(first, target, _addresses(target))
        except Error as exc:
            raise answer.error(
                f"a redirect to {target}, which is not allowed: it is this host, "
                f"link-local or not a host",
                "use the final URL if this is intended",
            ) from exc
        return following

    def _exchange(self, method: str, url: str, headers: Mapping[str, str]) -> _Page:
        target = Origin.of(url)
        place = str(self._source)
        if shown(url) != place:
            place += f", redirected to {shown(url)}"
        try:
            response = exchange(self._session, method, url, headers, self._limits)
        except OSError as exc:
            # RequestException is one.
            raise explain(exc, place, target, self._limits, _HINTS) from exc
        return _Page(response, target.host, place, None, self._limits)


def _addresses(target: Origin) -> list[str]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(entry[4][0]) for entry in found]
