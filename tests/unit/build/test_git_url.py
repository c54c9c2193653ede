# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sources are git repositories, and what of them reaches git."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.source.git_url import (
    Repository,
    is_repository,
    repository,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
URL = "https://example.com/a/b.git"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (URL, Repository(URL)),
        (f"{URL}#main", Repository(URL, "main")),
        (f"{URL}#v1:sub/dir/", Repository(URL, "v1", "sub/dir")),
        (f"{URL}#:sub", Repository(URL, "", "sub")),
        (f"{URL}#feature/x.y", Repository(URL, "feature/x.y")),
        (f"{URL}?branch=x&subdir=s", Repository(URL, "refs/heads/x", "s")),
        (f"{URL}?tag=v1&checksum={COMMIT}", Repository(URL, "refs/tags/v1", "", COMMIT)),
        ("git@example.com:a/b#x", Repository("git@example.com:a/b", "x")),
        ("ssh://git@example.com:22/a", Repository("ssh://git@example.com:22/a")),
        ("git://example.com/a", Repository("git://example.com/a")),
        ("github.com/a/b#x", Repository("https://github.com/a/b", "x")),
        ("https://u:p@example.com/b.git", Repository("https://u:p@example.com/b.git")),
        ("http://[::1]:80/b.git", Repository("http://[::1]:80/b.git")),
    ],
)
def test_a_repository(text: str, wanted: Repository) -> None:
    assert is_repository(text) and repository(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["/srv/a.git", "a.git", "https://example.com/a.tar", "file:///a.git", "ext::sh -c x", "-u@h:x",
     "git@-oProxyCommand=x:a", "git@h:-x", "u@h", "http://x/a#b.git", "https:/x/a.git"],
)  # fmt: skip
def test_what_is_another_source(text: str) -> None:
    assert not is_repository(text)


def test_what_is_short_is_a_context_alone() -> None:
    assert not is_repository("github.com/a/b", short=False)


@pytest.mark.parametrize(
    "text",
    [
        *(f"{URL}#{ref}" for ref in ("-x", "--upload-pack=x", "+x", "a..b", "a b", "a^{}", "x@{1}",
                                     "a~1", "a*", "a\\b", "a\nb", "a/")),
        *(f"{URL}#x:{path}" for path in ("..", "../x", "a/../../x")),
        *(f"{URL}?{query}" for query in ("x=1", "ref=a&ref=b", "checksum=zz", "ref=-x")),
        f"{URL}?ref=a#b",
        "ssh://-oProxyCommand=x/a",
        "ssh://-u@example.com/a",
        "ssh://example.com/-x",
        "git://example.com:x/a",
        "http://example.com/a b.git",
        "http://exa\tmple.com/b.git",
    ],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    assert is_repository(text)
    with pytest.raises(Error):
        repository(text)


def test_a_password_is_not_shown() -> None:
    found = repository("https://me:canary@example.com/b.git#main:x")
    assert str(found) == "https://example.com/b.git#main:x"
    with pytest.raises(Error) as told:
        repository("https://me:canary@example.com/b .git")
    assert "canary" not in told.value.message
