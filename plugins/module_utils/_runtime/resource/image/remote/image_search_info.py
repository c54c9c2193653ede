# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching registries for images. Only reads.

Docker Hub has a search API, at hosts of its own. A registry that speaks it too is searched by it;
of every other one the catalogue is listed, and a term is found in it as a part of a name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....base.errors import Error, NotFound
from ....base.frozen import dataclass
from ....image.access import Access
from ....plan.plan import Host
from ....registry.credentials import registry_domain
from ....spec.reference import DEFAULT_DOMAIN, is_domain
from .pull_one import access_of

if TYPE_CHECKING:
    from ....registry.catalog import Found

#: Where docker.io is searched: docker search's API first, then the website's.
_HUB_HOSTS = ("index.docker.io", "hub.docker.com")
#: As many as Docker Hub gives at most.
MOST = 100


@dataclass(frozen=True)
class Wanted:
    """What to look for, where, and which of what is found to keep."""

    domain: str
    term: str
    limit: int = 25
    stars: int = 0
    official: bool = False


def wanted(params: Mapping[str, Any]) -> Wanted:
    """Options of the module: term, registry, limit, and filters with stars and is_official."""
    term, domain = str(params["term"]), params.get("registry")
    first, slash, rest = term.partition("/")
    # As in Docker, a term may begin with the registry to search.
    if not domain and slash and (first == "localhost" or set(first) & set(".:")):
        domain, term = first, rest
        if not is_domain(first):
            raise Error(f"{first[:200]!a} is not a registry", hint="use HOST[:PORT]")
    limit = int(params.get("limit", 25))
    if not 1 <= limit <= MOST:
        raise Error(f"limit is {limit}, expected 1 to {MOST}")
    filters = params.get("filters") or {}
    stars = int(filters.get("stars") or 0)
    if stars < 0:
        raise Error(f"filters.stars is {stars}, and cannot be negative")
    if not term and (not domain or registry_domain(domain) == DEFAULT_DOMAIN):
        raise Error("term is empty", hint="all images can only be listed on a private registry")
    return Wanted(
        domain=registry_domain(domain) if domain else DEFAULT_DOMAIN,
        term=term,
        limit=limit,
        stars=stars,
        official=bool(filters.get("is_official")),
    )


def search(host: Host, sought: Wanted, access: Access) -> list[Found]:
    """What is found, best known first. Raises Error when nobody answers."""
    if sought.domain == DEFAULT_DOMAIN:
        found = _search_hub(host, sought, access)
    else:
        found = _search_registry(host, sought, access)
    kept = [
        one for one in found if one.stars >= sought.stars and (one.official or not sought.official)
    ]
    return sorted(kept, key=lambda one: -one.stars)[: sought.limit]


def gather(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """What image_search_info returns."""
    sought = wanted(params)
    found = search(host, sought, access_of(params))
    prefix = "" if sought.domain == DEFAULT_DOMAIN else f"{sought.domain}/"
    return {
        "results": [
            {
                "name": f"{prefix}{one.name}",
                "description": one.description,
                "star_count": one.stars,
                "is_official": one.official,
            }
            for one in found
        ]
    }


def _search_hub(host: Host, sought: Wanted, access: Access) -> Sequence[Found]:
    from ....registry import client

    problem = Error("Docker Hub cannot be searched")
    for name in _HUB_HOSTS:
        # Searching needs no login, and the one of docker.io is for its registry.
        with client.connect(
            host.layout,
            name,
            insecure=access.insecure,
            ca_file=access.ca_file,
            warn=host.warn,
        ) as registry:
            try:
                return registry.search(sought.term, MOST if _filters(sought) else sought.limit)
            except NotFound as exc:
                problem = exc
    raise problem


def _search_registry(host: Host, sought: Wanted, access: Access) -> Sequence[Found]:
    from ....registry import client
    from ....registry.catalog import Found

    with client.connect(
        host.layout,
        sought.domain,
        credentials=access.credentials,
        insecure=access.insecure,
        ca_file=access.ca_file,
        warn=host.warn,
    ) as registry:
        if sought.term:
            # Most have no search; then there is the list of all they have.
            with contextlib.suppress(NotFound):
                return registry.search(sought.term, MOST if _filters(sought) else sought.limit)
        try:
            names = registry.catalog()
        except NotFound as exc:
            raise Error(
                f"the registry {sought.domain} supports neither search nor a list of repositories"
            ) from exc
    return [Found(name) for name in sorted(names) if sought.term.lower() in name]


def _filters(sought: Wanted) -> bool:
    """Whether less is kept than is found, so that more than the limit has to be asked for."""
    return bool(sought.stars or sought.official)
