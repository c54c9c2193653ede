# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's reference grammar, row by row, and what must hold for any text at all."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.slipway.engine.plugins.module_utils.runtime.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils.runtime.reference import (
    Reference,
    is_domain,
    is_id,
    parse_normalized,
)

HEX = "0123456789abcdef" * 4
S256 = f"sha256:{HEX}"
S512 = f"sha512:{HEX}{HEX}"
HUB = "docker.io"

#: Text -> domain, path, tag, digest.
Row = tuple[str, str, str, Optional[str], Optional[str]]
ACCEPTED: list[Row] = [
    # Docker Hub, short and long.
    ("busybox", HUB, "library/busybox", "latest", None),
    ("busybox:latest", HUB, "library/busybox", "latest", None),
    ("busybox:1.36", HUB, "library/busybox", "1.36", None),
    ("b", HUB, "library/b", "latest", None),
    ("0", HUB, "library/0", "latest", None),
    ("7zip", HUB, "library/7zip", "latest", None),
    ("library/busybox", HUB, "library/busybox", "latest", None),
    ("user/name", HUB, "user/name", "latest", None),
    ("user/name:tag", HUB, "user/name", "tag", None),
    ("a/b/c", HUB, "a/b/c", "latest", None),
    ("a/b/c/d/e/f", HUB, "a/b/c/d/e/f", "latest", None),
    ("docker.io/busybox", HUB, "library/busybox", "latest", None),
    ("docker.io/library/busybox", HUB, "library/busybox", "latest", None),
    ("docker.io/user/name:t", HUB, "user/name", "t", None),
    ("index.docker.io/busybox", HUB, "library/busybox", "latest", None),
    ("index.docker.io/library/busybox:1", HUB, "library/busybox", "1", None),
    ("index.docker.io/user/name", HUB, "user/name", "latest", None),
    ("library/a/b", HUB, "library/a/b", "latest", None),
    ("docker/docker", HUB, "docker/docker", "latest", None),
    ("docker.io:443/busybox", "docker.io:443", "busybox", "latest", None),
    ("registry-1.docker.io/library/x", "registry-1.docker.io", "library/x", "latest", None),
    ("docker.io.evil/x", "docker.io.evil", "x", "latest", None),
    ("xdocker.io/x", "xdocker.io", "x", "latest", None),
    # A single word is a name, whatever it looks like.
    ("test.com:tag", HUB, "library/test.com", "tag", None),
    ("test.com:5000", HUB, "library/test.com", "5000", None),
    ("192.168.1.1", HUB, "library/192.168.1.1", "latest", None),
    ("192.168.1.1:5000", HUB, "library/192.168.1.1", "5000", None),
    ("localhost", HUB, "library/localhost", "latest", None),
    ("localhost:5000", HUB, "library/localhost", "5000", None),
    ("foo_bar.com:8080", HUB, "library/foo_bar.com", "8080", None),
    ("docker.io", HUB, "library/docker.io", "latest", None),
    ("sha256:abc", HUB, "library/sha256", "abc", None),
    (f"sha256:{HEX}", HUB, "library/sha256", HEX, None),
    # Other registries.
    ("localhost/x", "localhost", "x", "latest", None),
    ("localhost/library/x", "localhost", "library/x", "latest", None),
    ("localhost:5000/x", "localhost:5000", "x", "latest", None),
    ("localhost:5000/x:y", "localhost:5000", "x", "y", None),
    ("test.com/repo:tag", "test.com", "repo", "tag", None),
    ("test:5000/repo", "test:5000", "repo", "latest", None),
    ("test:5000/repo:tag", "test:5000", "repo", "tag", None),
    ("a.b/c", "a.b", "c", "latest", None),
    ("a-b.c-d/e", "a-b.c-d", "e", "latest", None),
    ("sub-dom1.foo.com/bar/baz/quux:t", "sub-dom1.foo.com", "bar/baz/quux", "t", None),
    ("b.gcr.io/test.example.com/my-app", "b.gcr.io", "test.example.com/my-app", "latest", None),
    ("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", None),
    ("192.168.1.1/repo", "192.168.1.1", "repo", "latest", None),
    ("192.168.1.1:5000/repo:5050", "192.168.1.1:5000", "repo", "5050", None),
    ("999.999.999.999/x", "999.999.999.999", "x", "latest", None),
    ("1:1/1:1", "1:1", "1", "1", None),
    ("a:99999/b", "a:99999", "b", "latest", None),
    ("a:0/b", "a:0", "b", "latest", None),
    ("a:00080/b", "a:00080", "b", "latest", None),
    ("quay.io/a/b/c/d:v1.2.3-rc.4_x", "quay.io", "a/b/c/d", "v1.2.3-rc.4_x", None),
    ("foo/foo_bar.com:8080", HUB, "foo/foo_bar.com", "8080", None),
    # An upper-case first part can only be a host.
    ("UPPER/x", "UPPER", "x", "latest", None),
    ("Upper/lower:Tag", "Upper", "lower", "Tag", None),
    ("X:5000/y", "X:5000", "y", "latest", None),
    ("LOCALHOST/x", "LOCALHOST", "x", "latest", None),
    ("Docker.io/x", "Docker.io", "x", "latest", None),
    # IPv6 in brackets.
    ("[::1]/x", "[::1]", "x", "latest", None),
    ("[::1]:5000/x", "[::1]:5000", "x", "latest", None),
    ("[2001:db8::1]/repo", "[2001:db8::1]", "repo", "latest", None),
    ("[2001:DB8::1]:5000/r:t", "[2001:DB8::1]:5000", "r", "t", None),
    ("[2001:db8:1:2:3:4:5:6]/repo:tag", "[2001:db8:1:2:3:4:5:6]", "repo", "tag", None),
    (f"[2001:db8::]:5000/r@{S256}", "[2001:db8::]:5000", "r", None, S256),
    ("[:::::]/x", "[:::::]", "x", "latest", None),
    # Digests, alone and beside a tag.
    (f"busybox@{S256}", HUB, "library/busybox", None, S256),
    (f"busybox@{S512}", HUB, "library/busybox", None, S512),
    (f"busybox:1.36@{S256}", HUB, "library/busybox", "1.36", S256),
    (f"u/n@{S256}", HUB, "u/n", None, S256),
    (f"test:5000/repo@{S256}", "test:5000", "repo", None, S256),
    (f"test:5000/repo:tag@{S256}", "test:5000", "repo", "tag", S256),
    (f"xn--7o8h.com/m:xn--7o8h.com@{S512}", "xn--7o8h.com", "m", "xn--7o8h.com", S512),
    # Separators inside a name.
    ("a.b", HUB, "library/a.b", "latest", None),
    ("a_b", HUB, "library/a_b", "latest", None),
    ("a__b", HUB, "library/a__b", "latest", None),
    ("a-b", HUB, "library/a-b", "latest", None),
    ("a--b", HUB, "library/a--b", "latest", None),
    ("a-----b", HUB, "library/a-----b", "latest", None),
    ("a.b_c__d-e--f", HUB, "library/a.b_c__d-e--f", "latest", None),
    ("a1.2b", HUB, "library/a1.2b", "latest", None),
    ("foo_bar/x", HUB, "foo_bar/x", "latest", None),
    ("foo__bar/x", HUB, "foo__bar/x", "latest", None),
    ("foo-bar/x", HUB, "foo-bar/x", "latest", None),
    ("foo/bar.baz", HUB, "foo/bar.baz", "latest", None),
    # 64 hexadecimal digits are refused as a whole text only.
    (f"{HEX}:t", HUB, f"library/{HEX}", "t", None),
    (f"u/{HEX}", HUB, f"u/{HEX}", "latest", None),
    (f"docker.io/{HEX}", HUB, f"library/{HEX}", "latest", None),
    (f"{HEX[:-1]}", HUB, f"library/{HEX[:-1]}", "latest", None),
    (f"{HEX}0", HUB, f"library/{HEX}0", "latest", None),
    # Tags.
    ("a:_", HUB, "library/a", "_", None),
    ("a:T", HUB, "library/a", "T", None),
    ("a:0", HUB, "library/a", "0", None),
    ("a:a..b", HUB, "library/a", "a..b", None),
    ("a:a--b", HUB, "library/a", "a--b", None),
    ("a:a.", HUB, "library/a", "a.", None),
    ("a:a-", HUB, "library/a", "a-", None),
    ("a:" + "t" * 128, HUB, "library/a", "t" * 128, None),
    ("a:Latest", HUB, "library/a", "Latest", None),
    # Lengths: the path has at most 255 characters, library/ included.
    ("a" * 247, HUB, "library/" + "a" * 247, "latest", None),
    ("q.io/" + "a" * 255, "q.io", "a" * 255, "latest", None),
    ("q.io/" + "a/" * 127 + "a:tag", "q.io", "a/" * 127 + "a", "tag", None),
]

#: Text -> words of the message.
REFUSED: list[tuple[str, str]] = [
    ("", "empty"),
    (HEX, "image id"),
    # Line ends, blanks and other bytes that "$" or a lax pattern lets pass.
    ("a\n", "not an image name"),
    ("a:t\n", "the tag"),
    (f"a@{S256}\n", "the digest"),
    ("q.io/a\n", "the name"),
    ("q.io\n/a", "the registry"),
    ("\na", "the name"),
    (" a", "the name"),
    ("a ", "the name"),
    ("a b", "the name"),
    ("a\tb", "the name"),
    ("a\0", "the name"),
    ("a:\0", "the tag"),
    ("a\r\n", "the name"),
    ("a\x7f", "the name"),
    ("a\u2028", "the name"),
    # Letters and digits beyond ASCII.
    ("\u00e4", "the name"),
    ("caf\u00e9", "the name"),
    ("\u0430", "the name"),
    ("a:\u00e4", "the tag"),
    ("a:\u0661", "the tag"),
    ("\u0661", "the name"),
    ("q.\u0131o/a", "the registry"),
    ("q.io:\u0661/a", "the registry"),
    ("\u212a", "the name"),
    ("\uff41", "the name"),
    ("\U0001f433/x", "the name"),
    ("\U0001f433.com/x", "the registry"),
    # Upper case.
    ("A", "lower case"),
    ("Uppercase:tag", "lower case"),
    ("test:5000/Uppercase/lowercase:tag", "lower case"),
    ("a/B", "lower case"),
    ("docker.io/A", "lower case"),
    ("a/b/C:d", "lower case"),
    ("busyBox", "lower case"),
    # Empty parts.
    (":justtag", "empty component"),
    (f"@{S256}", "empty component"),
    ("a:", "the tag"),
    ("a@", "the digest"),
    ("/a", "empty component"),
    ("a/", "empty component"),
    ("a//b", "empty component"),
    ("//", "empty component"),
    ("/", "empty component"),
    ("q.io/", "empty component"),
    ("q.io//a", "empty component"),
    ("q.io/a/", "empty component"),
    ("q.io/:t", "empty component"),
    (":", "empty component"),
    ("@", "empty component"),
    ("a:@", "the tag"),
    (f"a:@{S256}", "the tag"),
    # Separators where none may be.
    (".a", "the name"),
    ("a.", "the name"),
    ("_a", "the name"),
    ("a_", "the name"),
    ("-a", "the name"),
    ("a-", "the name"),
    ("-flag", "the name"),
    ("--flag", "the name"),
    ("a..b", "the name"),
    ("a___b", "the name"),
    ("a._b", "the name"),
    ("a.-b", "the name"),
    ("a-_b", "the name"),
    ("a_.b", "the name"),
    ("..", "the name"),
    (".", "the name"),
    ("a/..", "the name"),
    ("a/../b", "the name"),
    ("../a", "the registry"),
    ("./a", "the registry"),
    ("a/.", "the name"),
    ("a/./b", "the name"),
    ("q.io/../etc/passwd", "the name"),
    ("q.io/a/../../b", "the name"),
    ("~/a", "the name"),
    ("a/-b", "the name"),
    ("a/b-", "the name"),
    ("a/_b", "the name"),
    # Characters no part has.
    ("a+b", "the name"),
    ("a%2fb", "the name"),
    ("a?b", "the name"),
    ("a#b", "the name"),
    ("a\\b", "the name"),
    ("a&b", "the name"),
    ("a=b", "the name"),
    ("a,b", "the name"),
    ("a;b", "the name"),
    ("a$b", "the name"),
    ("$(id)", "the name"),
    ("`id`", "the name"),
    ("a|b", "the name"),
    ("a'b", "the name"),
    ('a"b', "the name"),
    ("a*", "the name"),
    ("a(b)", "the name"),
    ("<a>", "the name"),
    ("{{ image }}", "the name"),
    ("aa/asdf$$^/aa", "the name"),
    # Tags.
    ("a:b:c", "the tag"),
    ("a:.b", "the tag"),
    ("a:-b", "the tag"),
    ("a:b c", "the tag"),
    ("a:b/c", "the registry"),
    ("a:b+c", "the tag"),
    ("a:b%", "the tag"),
    ("a::b", "the tag"),
    ("a:" + "t" * 129, "the tag"),
    ("q.io/a:b:c", "the tag"),
    ("q.io/a:b/c", "the tag"),
    # Registries.
    ("http://q.io/a", "URL"),
    ("https://q.io/a", "URL"),
    ("docker://busybox", "URL"),
    ("q.io:/a", "the registry"),
    ("localhost:/x", "the registry"),
    ("q.io:80x/a", "the registry"),
    ("q.io:-1/a", "the registry"),
    ("q.io:80:80/a", "the registry"),
    ("q..io/a", "the registry"),
    (".q.io/a", "the registry"),
    ("q.io./a", "the registry"),
    ("-q.io/a", "the registry"),
    ("q-.io/a", "the registry"),
    ("q.-io/a", "the registry"),
    ("foo_bar.com/x", "the registry"),
    ("foo_bar:80/x", "the registry"),
    ("user@q.io/a", "the registry"),
    ("user:pass@q.io/a", "the registry"),
    ("q.io%2f/a", "the registry"),
    ("q.io\\/a", "the registry"),
    (" q.io/a", "the registry"),
    ("q.io /a", "the registry"),
    (":/a", "the registry"),
    (":80/a", "the registry"),
    # IPv6 without brackets, without a path, with a zone, mapped.
    ("::1/a", "the registry"),
    ("[2001:db8::1]", "the name"),
    ("[2001:db8::1]:5000", "the name"),
    ("[2001:db8::1]:tag", "the name"),
    ("[]/a", "the name"),
    ("[::1/a", "the registry"),
    ("::1]/a", "the registry"),
    ("[::1]x/a", "the registry"),
    ("[::1]:/a", "the registry"),
    ("[fe80::1%eth0]:5000/repo", "the registry"),
    ("[fe80::1%@invalidzone]:5000/repo", "the registry"),
    ("[::ffff:1.2.3.4]/a", "the registry"),
    ("[g::1]/a", "the registry"),
    # Digests (CVE-2024-3727).
    ("a@sha256:", "the digest"),
    (f"a@sha256:{HEX[:-1]}", "the digest"),
    (f"a@sha256:{HEX}0", "the digest"),
    (f"a@sha256:{HEX.upper()}", "the digest"),
    (f"a@SHA256:{HEX}", "the digest"),
    (f"a@Sha256:{HEX}", "the digest"),
    (f"a@sha256:{HEX[:-1]}g", "the digest"),
    ("a@sha256:" + "../" * 21 + "x", "the registry"),
    ("a@sha256:../../x", "the registry"),
    (f"a@sha256:{HEX}/../x", "the registry"),
    (f"a@sha512:{HEX}", "the digest"),
    (f"a@sha384:{HEX}{HEX[:32]}", "the digest"),
    (f"a@md5:{HEX[:32]}", "the digest"),
    (f"a@{HEX}", "the digest"),
    (f"a@sha256-{HEX}", "the digest"),
    (f"a@sha256+b64:{HEX}", "the digest"),
    (f"a@{S256}@{S256}", "the digest"),
    (f"a@{S256}:t", "the digest"),
    (f"a@ {S256}", "the digest"),
    (f"validname@invaliddigest:{HEX}", "the digest"),
    ("repo@sha256:ffffffffffffffffffffffffffffffffff", "the digest"),
    # Lengths.
    ("a" * 248, "at most 255"),
    ("q.io/" + "a" * 256, "at most 255"),
    ("q.io/" + "a/" * 128 + "a:tag", "at most 255"),
    ("a" * 100_000, "at most 255"),
]


@pytest.mark.parametrize(("text", "domain", "path", "tag", "digest"), ACCEPTED)
def test_a_reference_is_read(
    text: str, domain: str, path: str, tag: Optional[str], digest: Optional[str]
) -> None:
    assert parse_normalized(text) == Reference(domain, path, tag, digest)


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_reference_is_refused(text: str, words: str) -> None:
    with pytest.raises(Error) as caught:
        parse_normalized(text)
    message = str(caught.value)
    assert words in message
    assert caught.value.hint
    # It ends up in logs and on terminals.
    assert message.isascii() and message.isprintable() and len(message) < 600


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len({row[0] for row in ACCEPTED}) + len({row[0] for row in REFUSED}) >= 200


@pytest.mark.parametrize(
    ("text", "familiar", "repository", "host"),
    [
        ("busybox", "busybox:latest", "docker.io/library/busybox", "registry-1.docker.io"),
        ("docker.io/u/n:1", "u/n:1", "docker.io/u/n", "registry-1.docker.io"),
        ("library/a/b", "library/a/b:latest", "docker.io/library/a/b", "registry-1.docker.io"),
        ("localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x", "localhost:5000"),
        ("quay.io/library/x", "quay.io/library/x:latest", "quay.io/library/x", "quay.io"),
        (f"busybox@{S256}", f"busybox@{S256}", "docker.io/library/busybox", "registry-1.docker.io"),
    ],
)
def test_the_forms_of_a_name(text: str, familiar: str, repository: str, host: str) -> None:
    reference = parse_normalized(text)
    assert reference.familiar == familiar
    assert reference.repository == repository
    assert reference.registry_host == host
    assert reference.canonical.startswith(repository)


def test_the_digest_decides_where_both_are_given() -> None:
    assert parse_normalized(f"a:t@{S256}").wanted == S256
    assert parse_normalized("a:t").wanted == "t"
    assert parse_normalized(f"a@{S256}").tag is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (HEX, True),
        (S256, True),
        (HEX[:12], True),
        ("a", True),
        ("sha256:a", True),
        ("", False),
        ("sha256:", False),
        (HEX + "0", False),
        (HEX.upper(), False),
        ("busybox", False),
        (S512, False),
        (HEX + "\n", False),
        ("a:b", False),
    ],
)
def test_an_id_or_the_beginning_of_one(text: str, answer: bool) -> None:
    assert is_id(text) is answer


@settings(max_examples=2000, deadline=None)
@given(st.text(alphabet="abAB09._-/:@[]%\n \u00e4", max_size=60))
def test_any_text_is_read_whole_or_refused(text: str) -> None:
    try:
        reference = parse_normalized(text)
    except Error:
        return
    assert parse_normalized(reference.canonical) == reference
    assert parse_normalized(reference.familiar) == reference
    assert is_domain(reference.domain)
    assert reference.canonical.isascii() and "\n" not in reference.canonical


_NAME = st.from_regex(r"\A[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*\Z").filter(lambda t: len(t) < 60)
_HOST = st.sampled_from(["q.io", "localhost", "a:5000", "[::1]:80", "1.2.3.4", "X", "docker.io"])


@settings(max_examples=500, deadline=None)
@given(
    _HOST,
    st.lists(_NAME, min_size=1, max_size=3),
    st.one_of(st.none(), st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")),
    st.sampled_from([None, S256, S512]),
)
def test_every_word_of_the_grammar_is_a_reference(
    host: str, names: list[str], tag: Optional[str], digest: Optional[str]
) -> None:
    text = f"{host}/{'/'.join(names)}" + (f":{tag}" if tag else "")
    reference = parse_normalized(text + (f"@{digest}" if digest else ""))
    assert (reference.domain, reference.digest) == (host, digest)
    assert reference.path.endswith("/".join(names))
    assert reference.tag == (tag or (None if digest else "latest"))
