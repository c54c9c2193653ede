# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's reference grammar, row by row, and what must hold for any text at all."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.inputs.references import ACCEPTED, HEX, REFUSED, S256, S512

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    Reference,
    is_domain,
    is_id,
    parse_normalized,
)


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
    ("text", "familiar", "repository"),
    [
        ("busybox", "busybox:latest", "docker.io/library/busybox"),
        ("docker.io/u/n:1", "u/n:1", "docker.io/u/n"),
        ("library/a/b", "library/a/b:latest", "docker.io/library/a/b"),
        ("localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x"),
        ("quay.io/library/x", "quay.io/library/x:latest", "quay.io/library/x"),
        (f"busybox@{S256}", f"busybox@{S256}", "docker.io/library/busybox"),
    ],
)
def test_the_forms_of_a_name(text: str, familiar: str, repository: str) -> None:
    reference = parse_normalized(text)
    assert reference.familiar == familiar
    assert reference.repository == repository
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


#: [a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*, made of its parts: a regular expression takes much longer.
_PART = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
_BETWEEN = st.one_of(st.sampled_from([".", "_", "__"]), st.integers(1, 4).map("-".__mul__))
_NAME = st.tuples(_PART, st.lists(st.tuples(_BETWEEN, _PART), max_size=3)).map(
    lambda found: found[0] + "".join(between + part for between, part in found[1])
)
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
