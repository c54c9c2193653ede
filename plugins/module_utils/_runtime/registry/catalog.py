# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has: the tags of a repository, its repositories, and what its search finds.

Tags and repositories come in pages (OCI distribution-spec, "Listing Tags"; Docker's
/v2/_catalog): the header Link names the next one. A server decides how many there are, so pages,
names and bytes have limits, and the next page is asked for only at the very place of the first.
"""

from __future__ import annotations

import re
from typing import Any, Callable
from urllib.parse import quote, urlencode, urljoin

from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, replace
from ..base.regex import regex
from ..spec import oci
from ..spec.reference import is_path, is_tag
from .failure import Broken, Limits, Patience
from .response import Answer
from .transport import Request, Transport

#: What one page may weigh, and how many names are taken in all.
PAGE_LIMIT = 4 << 20
NAME_LIMIT = 100_000
_PAGE_SIZE = 1000
_MOST_PAGES = 1000

_TARGET = regex(r"<([^<>]{1,4096})>\s*((?:;[^,]*)?)(?:,|\Z)", re.ASCII)
_NEXT = regex(r";\s*rel\s*=\s*\"?next\"?\s*(?:;|\Z)", re.ASCII | re.IGNORECASE)
_TEXT_LIMIT = 1000


@dataclass(frozen=True)
class Found:
    """A repository that a search found. Of a catalogue only the name is known."""

    name: str
    description: str = ""
    stars: int = 0
    official: bool = False


def tags(http: Transport, limits: Limits, repository: str) -> tuple[str, ...]:
    """Every tag of a repository, in the registry's order. Raises NotFound for none of this name."""
    path = f"/v2/{quote(repository, safe='/')}/tags/list"
    request = Request("GET", path, f"tags of {repository}", (f"repository:{repository}:pull",))
    return _names(http, limits, request, "tags", is_tag)


def catalog(http: Transport, limits: Limits) -> tuple[str, ...]:
    """Every repository of a registry that lists them. Raises NotFound where it has no list."""
    request = Request("GET", "/v2/_catalog", "its repositories", ("registry:catalog:*",))
    return _names(http, limits, request, "repositories", is_path)


def search(http: Transport, limits: Limits, term: str, count: int) -> tuple[Found, ...]:
    """What the search API of Docker Hub finds: that of ``docker search`` (/v1/search), or the newer
    one (/v2/search/repositories). Raises NotFound where a server has neither.
    """
    what = f"search for {term!a}"
    first = Request("GET", f"/v1/search?{urlencode({'q': term, 'n': count})}", what)
    query = urlencode({"query": term, "page_size": count})
    second = Request("GET", f"/v2/search/repositories/?{query}", what)
    try:
        answer, document = _ask(http, limits, first)
    except NotFound:
        answer, document = _ask(http, limits, second)
    results = document.get("results")
    if not isinstance(results, list):
        raise answer.lie("its answer has no list of results")
    return tuple(_found(answer, result) for result in results[:count])


def _found(answer: Answer, result: Any) -> Found:
    if not isinstance(result, dict):
        raise answer.lie("one of its results is not an object")
    name = result.get("name") or result.get("repo_name")
    if not isinstance(name, str) or not is_path(name):
        raise answer.lie(f"it found {str(name)[:200]!a}, which is not a repository")
    stars = result.get("star_count")
    text = str(result.get("description") or result.get("short_description") or "")
    return Found(
        name=name,
        description=text[:_TEXT_LIMIT],
        stars=stars if isinstance(stars, int) and not isinstance(stars, bool) else 0,
        official=result.get("is_official") is True,
    )


def _names(
    http: Transport,
    limits: Limits,
    request: Request,
    member: str,
    is_one: Callable[[str], bool],
) -> tuple[str, ...]:
    """The names of a list on all its pages, each once."""
    found: dict[str, None] = {}
    first = http.url(request.target)
    url = f"{first}?{urlencode({'n': _PAGE_SIZE})}"
    for dummy in range(_MOST_PAGES):
        answer, document = _ask(http, limits, replace(request, target=url))
        names = document.get(member) or []
        if not isinstance(names, list):
            raise answer.lie(f"its {member} are not a list")
        known = len(found)
        for name in names:
            if not isinstance(name, str) or not is_one(name):
                raise answer.lie(f"its {member} include {str(name)[:200]!a}")
            found[name] = None
        if len(found) > NAME_LIMIT:
            raise answer.error(f"it has more than {NAME_LIMIT} {member}")
        following = _next(answer, url)
        if not following:
            return tuple(found)
        if len(found) == known:
            raise answer.lie(f"a page without new {member} links to another page")
        if following.partition("?")[0] != first:
            raise answer.lie(f"it links to {following[:200]!a} as its next page")
        url = following
    raise answer.error(f"its list of {member} has more than {_MOST_PAGES} pages")


def _next(answer: Answer, url: str) -> str:
    """Where the header Link (RFC 8288) says the next page is, or the empty text."""
    for match in _TARGET.finditer(answer.header("Link")[:8192]):
        if _NEXT.search(match.group(2)):
            return str(urljoin(url, match.group(1)))
    return ""


def _ask(http: Transport, limits: Limits, request: Request) -> tuple[Answer, dict[str, Any]]:
    patience = Patience(limits)
    while True:
        try:
            with http.send(request, patience) as answer:
                if answer.status == 410:
                    raise NotFound(f"{answer.place}: it does not exist")
                answer.require()
                return answer, _document(answer, answer.body(PAGE_LIMIT))
        except Broken as exc:
            patience.wait(exc)


def _document(answer: Answer, data: bytes) -> dict[str, Any]:
    try:
        return oci.load(data, answer.place)
    except Error as exc:
        # A page for people, as some give to whoever asks for what they do not have.
        raise answer.error("its answer is not JSON") from exc
