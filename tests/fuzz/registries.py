# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers of what registries, token services, signers and keepers of logins say."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

import requests
import urllib3

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import (
    auth,
    catalog,
    credentials,
    failure,
    response,
    settings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.origin import (
    Origin,
    check_realm,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import (
    reference,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import (
    attached,
    keys,
    payload,
    policy,
)

from . import hosts, mutate
from .parser import Parser, reading, text

_IMAGE = reference.parse_normalized("registry.example.org/team/app:1")
_ORIGIN = Origin.of("https://registry.example.org")


def _reference(given: str) -> None:
    found = reference.parse_normalized(given)
    # What it is shown as is the same image again.
    assert reference.parse_normalized(found.canonical) == found, given
    reference.is_id(given)


def _challenge(data: bytes, place: Path) -> None:
    """As a header has it, and as the client acts on it: no login goes where it must not."""
    header = data.decode("latin-1")
    for one in auth.parse_challenges(header):
        realm = one.parameters.get("realm")
        if one.scheme == "bearer" and realm is not None:
            check_realm(_ORIGIN, Origin.of(realm), insecure=False, allowed=())
    asked: list[str] = []

    def fetch(method: str, url: str, headers: object, form: object) -> tuple[int, bytes]:
        asked.append(url)
        return 200, b'{"token": "t"}'

    login = auth.Login(credentials.Credentials("user", "password"), fetch)
    login.answer(_ORIGIN, header, ("repository:team/app:pull",), None)
    for url in asked:
        assert url.lower().lstrip().startswith("https:"), url


def _answer(data: bytes, place: Path) -> None:
    """An answer as it is on the wire, read by http.client and urllib3 as a session does."""
    theirs, ours = socket.socketpair()
    with theirs, ours:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        wire = http.client.HTTPResponse(ours)
        try:
            wire.begin()
            named = dict(wire.getheaders())
            raw = urllib3.HTTPResponse(wire, named, wire.status, preload_content=False)
        except (http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError):
            # The transport gives these a meaning: the server is broken.
            return
        found = requests.Response()
        found.status_code, found.raw = wire.status, raw
        found.headers.update(raw.headers)
        answer = response.Answer(found, "registry.example.org", "app:1", None, failure.Limits())
        assert answer.length is None or answer.length >= 0
        waits_s = answer.retry_after_s()
        assert waits_s is None or waits_s >= 0, waits_s
        catalog._next(answer, "https://registry.example.org/v2/_catalog")
        try:
            answer.require()
            catalog._document(answer, answer.body(1 << 15))
        finally:
            answer.close()


def _token(data: bytes, place: Path) -> None:
    token, life_s = auth._read_token(data, _ORIGIN)
    assert token.isascii() and token.isprintable()
    assert 0 <= life_s <= 3600, life_s


def _logins(path: Path) -> None:
    for domain in ("docker.io", "registry.example.org"):
        try:
            credentials.read(path, domain)
        except Error:
            continue


def _policy(path: Path) -> None:
    policy.read(path, _IMAGE)


def _payload(data: bytes, place: Path) -> None:
    found = payload.parse(data, "payload")
    policy.accepts(policy.Identity(), _IMAGE, found.identity)


def _key(given: str) -> None:
    for read in (keys.fingerprint, lambda one: keys.public_of(one, "word")):
        try:
            read(given)
        except Error:
            continue


def _settings(data: bytes, place: Path) -> None:
    layout = hosts.installation(place)
    layout.registries_file.parent.mkdir(parents=True, exist_ok=True)
    layout.registries_file.write_bytes(data)
    settings.read_settings(layout, "registry.example.org")


def _helper(data: bytes, place: Path) -> None:
    credentials.answered(data, "helper")


def _signatures(data: bytes, place: Path) -> None:
    attached._layers(data, "they")


_PARTS = (
    *b"docker.io/ library/ a.b:5000/ [::1]:80/ localhost/ :tag @sha256:".split(),
    *(b"sha256:" + b"a" * 64, b"a" * 64, b"A", b"__", b"-", b"x" * 128),
)
_PARAMETERS = (
    b'Bearer Basic realm= "https://a.example/t" service="s" scope="repository:a:pull" Negotiate'
    b' a== , \\" " http:// https://[::1 https://user@h https://h:0 https://h:99999'
).split()
_TYPES = (
    b"insecureAcceptAnything reject sigstoreSigned signedBy matchExact matchRepository keyDatas"
    b" exactReference exactRepository matchRepoDigestOrExact remapIdentity keyPath keyData"
    b" /dev/null"
).split()
_HEADERS = (
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 401 x", b"HTTP/1.1 429 x", b"HTTP/1.1 503 x", b"\r\n\r\n"),
    *(b"Retry-After: ", b"Link: </v2/x>; rel=next", b"Content-Length: ", b"Content-Encoding: gzip"),
    *(b"Transfer-Encoding: chunked\r\n", b"Date: Fri, 01 Jan 2026 00:00:00 GMT\r\n", b"0\r\n\r\n"),
)
_HOST = b"registry.example.org"
_PEM = (b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----")

PARSERS = (
    Parser("reference", mutate.raw, text(_reference), _PARTS),
    Parser("challenge", mutate.raw, _challenge, tuple(_PARAMETERS)),
    Parser("answer", mutate.raw, _answer, _HEADERS),
    Parser("token", mutate.document, _token),
    Parser("logins", mutate.document, reading(_logins, "auth.json"), (b"dXNlcjpw", _HOST)),
    Parser("helper", mutate.document, _helper, (b"<token>",)),
    Parser("policy", mutate.document, reading(_policy, "policy.json"), tuple(_TYPES)),
    Parser("payload", mutate.document, _payload, (b"sha256:" + b"a" * 64,)),
    Parser("signatures", mutate.document, _signatures),
    Parser("key", mutate.raw, text(_key), _PEM),
    Parser("registries", mutate.document, _settings, (_HOST,)),
)
