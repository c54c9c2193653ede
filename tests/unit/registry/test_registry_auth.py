# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Challenges, tokens, and where a registry may send us."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Optional
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.auth import (
    Challenge,
    Login,
    parse_challenges,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.credentials import (
    Credentials,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.failure import Denied
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.origin import (
    Origin,
    check_realm,
    check_redirect,
    check_resolved,
)

BEARER = 'Bearer realm="https://auth.example.org/token",service="reg",scope="repository:evil:pull"'
ORIGIN = Origin.of("https://reg.example.org/")
SCOPE = ("repository:a/b:pull",)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="x"', [("basic", {"realm": "x"})]),
        ("basic realm=x", [("basic", {"realm": "x"})]),
        ('BASIC REALM="x y"', [("basic", {"realm": "x y"})]),
        (r'Basic realm="a\"b\\c"', [("basic", {"realm": 'a"b\\c'})]),
        ('Basic realm="a, Bearer realm=b"', [("basic", {"realm": "a, Bearer realm=b"})]),
        (
            'Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"',
            [
                (
                    "bearer",
                    {"realm": "https://a/t", "service": "s", "scope": "repository:x:pull,push"},
                )
            ],
        ),
        (
            'Bearer realm = "r" , service = s',
            [("bearer", {"realm": "r", "service": "s"})],
        ),
        (
            'Basic realm="x", Bearer realm="y", error="z"',
            [("basic", {"realm": "x"}), ("bearer", {"realm": "y", "error": "z"})],
        ),
        ('Negotiate, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
        ('Negotiate abc==, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
        (',, Basic realm="x" ,,', [("basic", {"realm": "x"})]),
        ('Bearer realm="first",realm="second"', [("bearer", {"realm": "first"})]),
        ('Bearer realm="open', [("bearer", {})]),
        ('realm="x"', []),
        ('"quoted"', []),
        ("Bearer " + "a" * 100_000, [("bearer", {})]),
    ],
)
def test_a_challenge_is_read(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    found = parse_challenges(header)[: len(expected) or 1]
    assert list(found) == [Challenge(scheme, parameters) for scheme, parameters in expected]


@settings(max_examples=1000, deadline=2000)
@given(st.text(alphabet='aB ,="\\\t~-\u00e4', max_size=200))
def test_no_challenge_makes_the_reader_fail_or_hang(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower()


class Service:
    """A token service: a list of answers, and what it was asked."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Mapping[str, str], Optional[Mapping[str, str]]]] = []

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], form: Optional[Mapping[str, str]]
    ) -> tuple[int, bytes]:
        self.asked.append((method, url, headers, form))
        return self.answers.pop(0)


def _token(text: str, **more: object) -> tuple[int, bytes]:
    return 200, json.dumps({"token": text, **more}).encode()


def test_nothing_is_sent_unasked() -> None:
    login = Login(Credentials("u", "p"), Service())
    assert login.header(ORIGIN, SCOPE) is None


def test_a_token_is_asked_for_the_scope_we_need() -> None:
    service = Service(_token("t1", expires_in=300))
    login = Login(Credentials("u", "p"), service)
    assert login.answer(ORIGIN, BEARER, SCOPE, None) == "Bearer t1"
    [(method, url, headers, form)] = service.asked
    assert (method, form) == ("GET", None)
    assert urlsplit(url)[:3] == ("https", "auth.example.org", "/token")
    query = parse_qs(urlsplit(url).query)
    assert query["scope"] == ["repository:a/b:pull"]
    assert query["service"] == ["reg"]
    assert query["account"] == ["u"]
    assert headers == {"Authorization": "Basic dTpw"}
    assert "evil" not in url


def test_a_token_serves_until_it_ends_and_for_its_scope_only() -> None:
    service = Service(_token("t1", expires_in=300), _token("t2", expires_in=300))
    login = Login(None, service)
    assert login.answer(ORIGIN, BEARER, SCOPE, None) == "Bearer t1"
    assert login.header(ORIGIN, SCOPE) == "Bearer t1"
    assert login.header(ORIGIN, ("repository:a/b:pull,push",)) == "Bearer t2"
    assert login.header(ORIGIN, SCOPE) == "Bearer t1"
    assert len(service.asked) == 2
    assert all("Authorization" not in headers for _one, _two, headers, _four in service.asked)


def test_an_expired_and_a_rejected_token_are_renewed() -> None:
    service = Service(_token("t1", expires_in=0.02), _token("t2", expires_in=300), _token("t3"))
    login = Login(None, service)
    assert login.answer(ORIGIN, BEARER, SCOPE, None) == "Bearer t1"
    time.sleep(0.03)
    assert login.header(ORIGIN, SCOPE) == "Bearer t2"
    assert login.answer(ORIGIN, BEARER, SCOPE, "Bearer t2") == "Bearer t3"


def test_another_thread_renewed_it_already() -> None:
    service = Service(_token("t1"), _token("t2"))
    login = Login(None, service)
    login.answer(ORIGIN, BEARER, SCOPE, None)
    assert login.answer(ORIGIN, BEARER, SCOPE, "Bearer t1") == "Bearer t2"
    assert login.answer(ORIGIN, BEARER, SCOPE, "Bearer t1") == "Bearer t2"


def test_threads_fetch_one_token_for_all() -> None:
    service = Service(_token("t1"))
    login = Login(None, service)
    got: list[Optional[str]] = []
    threads = [
        threading.Thread(target=lambda: got.append(login.answer(ORIGIN, BEARER, SCOPE, None)))
        for dummy in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["Bearer t1"] * 8


def test_an_identity_token_goes_by_post() -> None:
    service = Service((200, b'{"access_token": "t1"}'))
    login = Login(Credentials("u", "", "refresh"), service)
    assert login.answer(ORIGIN, BEARER, SCOPE, None) == "Bearer t1"
    [(method, url, headers, form)] = service.asked
    assert method == "POST" and url == "https://auth.example.org/token" and not headers
    assert form is not None and form["grant_type"] == "refresh_token"
    assert form["refresh_token"] == "refresh" and form["scope"] == SCOPE[0]


def test_basic() -> None:
    login = Login(Credentials("u", "p"), Service())
    header = login.answer(ORIGIN, 'Basic realm="x"', SCOPE, None)
    assert header == "Basic dTpw"
    # The same answer again would be refused again.
    assert login.answer(ORIGIN, 'Basic realm="x"', SCOPE, header) is None
    assert Login(None, Service()).answer(ORIGIN, 'Basic realm="x"', SCOPE, None) is None


def test_bearer_goes_before_basic_and_nothing_known_is_no_answer() -> None:
    service = Service(_token("t1"))
    login = Login(Credentials("u", "p"), service)
    assert login.answer(ORIGIN, f'Basic realm="x", {BEARER}', SCOPE, None) == "Bearer t1"
    assert login.answer(ORIGIN, "Negotiate", SCOPE, None) is None


def test_a_refused_login_and_a_refused_guest() -> None:
    login = Login(Credentials("anna", "s3cret"), Service((401, b"s3cret")))
    with pytest.raises(Denied, match=r"auth\.example\.org.*anna") as caught:
        login.answer(ORIGIN, BEARER, SCOPE, None)
    assert "s3cret" not in str(caught.value)
    assert Login(None, Service((401, b""))).answer(ORIGIN, BEARER, SCOPE, None) is None


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"token": 7}'),
        (200, b'{"token": "a\\r\\nX-Evil: 1"}'),
        (200, b'{"token": ""}'),
        (200, b"[" * 100_000),
        (204, b""),
        (418, b""),
    ],
)
def test_a_token_service_that_speaks_nonsense_is_named(answer: tuple[int, bytes]) -> None:
    with pytest.raises(Error, match=r"auth\.example\.org"):
        Login(None, Service(answer)).answer(ORIGIN, BEARER, SCOPE, None)


#: Registry, realm, insecure, allowed hosts, and whether the realm may be the token service.
REALMS = [
    ("https://registry-1.docker.io", "https://auth.docker.io/token", False, (), True),
    ("https://reg.example.org", "https://reg.example.org/token", False, (), True),
    ("https://reg.example.org:5000", "https://reg.example.org:5001/token", False, (), True),
    ("https://quay.io", "https://cdn.auth0.com/token", False, (), True),
    ("https://reg.corp.internal", "https://auth.corp.internal/token", False, (), True),
    ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token", False, (), True),
    ("http://localhost:5000", "http://127.0.0.1:5001/token", False, (), True),
    ("http://127.0.0.1:5000", "https://auth.example.com/token", False, (), True),
    ("https://10.0.0.1:5000", "https://10.0.0.2/token", False, (), True),
    ("https://reg", "https://auth/token", False, ("auth",), True),
    ("http://reg:5000", "http://auth:5001/token", True, ("auth",), True),
    ("http://reg:5000", "http://reg:5001/token", True, (), True),
    # CVE-2026-33540, CVE-2026-48978.
    ("https://reg.example.org", "http://reg.example.org/token", False, (), False),
    ("https://reg.example.org", "http://evil.example.com/token", False, (), False),
    ("https://reg.example.org", "https://169.254.169.254/token", False, (), False),
    ("https://reg.example.org", "http://169.254.169.254/token", True, (), False),
    ("https://169.1.1.1", "https://169.254.169.254/token", False, (), False),
    ("https://reg.example.org", "https://[fe80::1]/token", False, (), False),
    ("https://reg.example.org", "https://127.0.0.1/token", False, (), False),
    ("https://reg.example.org", "https://[::1]/token", False, (), False),
    ("https://reg.example.org", "https://[::ffff:169.254.169.254]/t", False, (), False),
    ("https://reg.example.org", "https://localhost/token", False, (), False),
    ("https://reg.example.org", "https://localhost./token", False, (), False),
    ("https://reg.example.org", "https://x.localhost/token", False, (), False),
    ("https://reg.example.org", "https://10.0.0.2/token", False, (), False),
    ("https://reg.example.org", "https://0.0.0.0/token", False, (), False),
    ("https://reg.example.org", "https://metadata/token", False, (), False),
    ("https://reg.example.org", "https://metadata.google.internal/token", False, (), False),
    ("https://reg.example.org", "https://vault.corp/token", False, (), False),
    ("https://reg.corp.internal", "https://auth.evil.internal/token", False, (), False),
    ("http://127.0.0.1:5000", "http://auth.example.com/token", False, (), False),
    ("http://127.0.0.1:5000", "https://169.254.169.254/token", False, (), False),
    ("https://10.0.0.1:5000", "https://127.0.0.1/token", False, (), False),
]


@pytest.mark.parametrize(("registry", "realm", "insecure", "allowed", "fine"), REALMS)
def test_who_may_be_the_token_service(
    registry: str, realm: str, insecure: bool, allowed: tuple[str, ...], fine: bool
) -> None:
    def check() -> None:
        check_realm(Origin.of(registry), Origin.of(realm), insecure=insecure, allowed=allowed)

    if fine:
        check()
        return
    with pytest.raises(Error, match="which is not allowed") as caught:
        check()
    assert caught.value.hint is not None and "registries.json" in caught.value.hint


@pytest.mark.parametrize("realm", [row[1] for row in REALMS if not row[4]][:12])
def test_a_refused_realm_is_not_asked(realm: str) -> None:
    service = Service()
    with pytest.raises(Error):
        Login(Credentials("u", "p"), service).answer(ORIGIN, f'Bearer realm="{realm}"', SCOPE, None)
    assert service.asked == []


@pytest.mark.parametrize(
    ("registry", "target", "insecure", "fine"),
    [
        ("https://reg.example.org", "https://cdn.example.com", False, True),
        ("https://reg.example.org", "https://10.0.0.9:9000", False, True),
        ("https://reg.example.org", "https://minio:9000", False, True),
        ("http://127.0.0.1:5000", "http://127.0.0.1:9000", False, True),
        ("http://reg:5000", "http://minio:9000", True, True),
        ("https://reg.example.org", "http://reg.example.org", False, False),
        ("https://reg.example.org", "https://127.0.0.1", False, False),
        ("https://reg.example.org", "https://localhost", False, False),
        ("https://reg.example.org", "https://169.254.169.254", False, False),
        ("http://reg:5000", "http://169.254.169.254", True, False),
        ("http://127.0.0.1:5000", "http://169.254.169.254", False, False),
        ("http://127.0.0.1:5000", "http://cdn.example.com", False, False),
    ],
)
def test_where_a_redirect_may_lead(registry: str, target: str, insecure: bool, fine: bool) -> None:
    if fine:
        check_redirect(Origin.of(registry), Origin.of(target), insecure=insecure)
        return
    with pytest.raises(Error, match="which is not allowed"):
        check_redirect(Origin.of(registry), Origin.of(target), insecure=insecure)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "0.0.0.0"]
)
def test_a_public_name_of_an_inner_address_is_refused(address: str) -> None:
    target = Origin.of("https://cdn.example.com")
    with pytest.raises(Error, match="which is not allowed"):
        check_resolved(ORIGIN, target, ["192.0.2.1", address])
    check_resolved(ORIGIN, target, ["192.0.2.1", "10.0.0.1", "2001:db8::1"])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "q.io",
        "ftp://q.io/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@q.io/",
        "https://user:pw@q.io/",
        "https://q.io\\@evil.com/",
        "https://q.io\n.evil.com/",
        "https://q.io /",
        "https://q.io:99999/",
        "https://q.io:x/",
        "https://[::1/",
        "https://[::1%25eth0]/",
        "https://\u0661.1.1.1/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://1.2.3.256/",
        "https://q.io#@evil.com\\",
        "https://-q.io/",
        "https://q..io/",
    ],
)
def test_a_url_that_two_parsers_could_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(Error):
        Origin.of(url)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://Q.io/v2/?x=y", "https://q.io"),
        ("https://q.io:443/", "https://q.io"),
        ("http://q.io:80/", "http://q.io"),
        ("http://q.io:443/", "http://q.io:443"),
        ("https://[::1]:5000/", "https://[::1]:5000"),
    ],
)
def test_an_origin(url: str, text: str) -> None:
    assert str(Origin.of(url)) == text


def test_another_port_or_scheme_is_another_origin() -> None:
    origins = {Origin.of(u) for u in ("https://q.io", "http://q.io", "https://q.io:5000")}
    assert len(origins) == 3
