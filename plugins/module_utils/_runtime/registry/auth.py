# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answering a registry's challenge: Basic, and bearer tokens from a token service.

WWW-Authenticate is RFC 9110 section 11; the token services are those of the distribution project
(https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/). The scope is always
the one the caller needs, never the one the registry asks for: a hostile registry cannot obtain a
token for another repository. Tokens live in memory only.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Mapping
from typing import Callable, Optional
from urllib.parse import urlencode, urlsplit

from ..base import strict_json
from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.regex import regex
from .credentials import Credentials
from .failure import Denied
from .origin import Origin, check_realm

#: What a token service's answer may weigh.
TOKEN_LIMIT = 1 << 20

_CLIENT_ID = "slipway"
_HEADER_LIMIT = 8192
#: How long a token lives whose service does not say (the specification's default), and at most.
_DEFAULT_LIFE_S = 60.0
_LONGEST_LIFE_S = 3600.0
_TOKEN = regex(r"\A[\x21-\x7e]{1,65536}\Z", re.ASCII)

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = regex(rf'({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*(?:,|\Z)')
_SCHEME = regex(rf"({_WORD})(?:\s+|\s*(?:,|\Z))")
_TOKEN68 = regex(r"[A-Za-z0-9._~+/-]+=*\s*(?:,|\Z)")

#: Sends one request to a token service and returns status and body: (method, URL, headers, form).
Fetch = Callable[[str, str, Mapping[str, str], Optional[Mapping[str, str]]], "tuple[int, bytes]"]


@dataclass(frozen=True)
class Challenge:
    """One challenge of a WWW-Authenticate header; scheme and parameter names in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Every challenge, in order. What cannot be read ends the list; it never raises."""
    found: list[Challenge] = []
    rest = header[:_HEADER_LIMIT].lstrip(" \t,")
    while rest:
        parameter = _PARAMETER.match(rest)
        if parameter is not None and found:
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters = {**found[-1].parameters}
            parameters.setdefault(name.lower(), value)
            found[-1] = Challenge(found[-1].scheme, parameters)
            rest = rest[parameter.end() :].lstrip(" \t,")
            continue
        scheme = _SCHEME.match(rest)
        if scheme is None:
            break
        found.append(Challenge(scheme.group(1).lower(), {}))
        rest = rest[scheme.end() :].lstrip(" \t,")
        token68 = _TOKEN68.match(rest)
        # "Negotiate oYG2..==" has one opaque value; a parameter has a value after its equals sign.
        if token68 is not None and _PARAMETER.match(rest) is None and "=" in token68.group():
            rest = rest[token68.end() :].lstrip(" \t,")
    return tuple(found)


class Login:
    """What one registry accepts from us: its challenge, the login, and the tokens got so far.

    Shared by the threads that download; a token is fetched once for all of them.
    """

    def __init__(
        self,
        credentials: Optional[Credentials],
        fetch: Fetch,
        *,
        insecure: bool = False,
        token_realms: tuple[str, ...] = (),
    ) -> None:
        self.credentials = credentials
        self._fetch = fetch
        self._insecure = insecure
        self._token_realms = token_realms
        self._challenge: Optional[Challenge] = None
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}
        self._lock = threading.Lock()

    def header(self, origin: Origin, scope: tuple[str, ...]) -> Optional[str]:
        """The Authorization header for a request, as far as the registry's wishes are known."""
        with self._lock:
            return self._header(origin, scope)

    def answer(
        self, origin: Origin, challenge: str, scope: tuple[str, ...], rejected: Optional[str]
    ) -> Optional[str]:
        """The Authorization header after a 401, or None when there is nothing better than
        ``rejected``.
        """
        offered = {c.scheme: c for c in reversed(parse_challenges(challenge))}
        chosen = offered.get("bearer") or offered.get("basic")
        if chosen is None:
            return None
        with self._lock:
            self._challenge = chosen
            cached = self._tokens.get(scope)
            if cached is not None and rejected == f"Bearer {cached[0]}":
                del self._tokens[scope]
            header = self._header(origin, scope)
        return None if header == rejected else header

    def _header(self, origin: Origin, scope: tuple[str, ...]) -> Optional[str]:
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            return self._basic()
        token, expires = self._tokens.get(scope, ("", 0.0))
        if time.monotonic() >= expires:
            fetched = self._fetch_token(origin, self._challenge, scope)
            if fetched is None:
                return None
            token, life = fetched
            # A token that ends while its request is on the way would be refused: use nine tenths of
            # its life.
            self._tokens[scope] = (token, time.monotonic() + 0.9 * life)
        return f"Bearer {token}"

    def _basic(self) -> Optional[str]:
        if self.credentials is None or self.credentials.identity_token:
            return None
        pair = f"{self.credentials.username}:{self.credentials.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")

    def _fetch_token(
        self, origin: Origin, challenge: Challenge, scope: tuple[str, ...]
    ) -> Optional[tuple[str, float]]:
        """A token and its life in seconds; None when the service wants a login we lack."""
        realm = challenge.parameters.get("realm", "")
        target = Origin.of(realm)
        check_realm(origin, target, insecure=self._insecure, allowed=self._token_realms)
        service = challenge.parameters.get("service", "")
        login = self.credentials
        if login is not None and login.identity_token:
            form = {
                "grant_type": "refresh_token",
                "service": service,
                "client_id": _CLIENT_ID,
                "scope": " ".join(scope),
                "refresh_token": login.identity_token,
            }
            status, body = self._fetch("POST", realm, {}, form)
        else:
            query = [("service", service)] if service else []
            query += [("scope", one) for one in scope]
            basic = self._basic()
            if login is not None:
                query += [("account", login.username), ("client_id", _CLIENT_ID)]
            separator = "&" if urlsplit(realm).query else "?"
            url = realm.partition("#")[0] + (separator + urlencode(query) if query else "")
            status, body = self._fetch("GET", url, {"Authorization": basic} if basic else {}, None)
        if status in (400, 401, 403):
            if login is None:
                return None
            raise Denied(
                f"the token service {target} of the registry {origin} refused the login of "
                f"user {login.username!r} (HTTP {status})",
                hint="check username and password, or log in again with registry_login",
            )
        if status != 200:
            raise Error(f"the token service {target} of the registry {origin} gave HTTP {status}")
        return _read_token(body, target)


def _read_token(body: bytes, target: Origin) -> tuple[str, float]:
    try:
        document = strict_json.loads(body)
        token = document.get("token") or document.get("access_token")
        life = document.get("expires_in") or _DEFAULT_LIFE_S
    except (ValueError, AttributeError) as exc:
        raise Error(f"the token service {target} gave an answer that is not a JSON object") from exc
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise Error(f"the token service {target} gave an answer without a token")
    if isinstance(life, bool) or not isinstance(life, (int, float)):
        life = _DEFAULT_LIFE_S
    return token, float(min(max(life, 0.0), _LONGEST_LIFE_S))
