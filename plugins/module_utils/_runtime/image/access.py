# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom to ask for an image, and as whom: the registry and its mirrors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Callable, Optional, TypeVar

from ..base.errors import NotFound, Unreachable
from ..base.frozen import dataclass
from ..plan.plan import Host
from ..registry.credentials import Credentials
from ..trust.policy import Asked

if TYPE_CHECKING:
    from ..registry.client import Registry

T = TypeVar("T")


@dataclass(frozen=True)
class Access:
    """What a task itself says of a registry; None leaves it to the host's settings and logins."""

    credentials: Optional[Credentials] = None
    insecure: Optional[bool] = None
    ca_file: Optional[str] = None
    #: Signatures that an image needs to be pulled or used.
    asked: Optional[Asked] = None


#: What the host knows of a registry is all there is.
OF_HOST = Access()


def connect(host: Host, domain: str, access: Access) -> Registry:
    """The registry itself, no mirror of it."""
    # Its http and ssl take about 20 ms to import, and most tasks find their image here.
    from ..registry import client

    return client.connect(
        host.layout,
        domain,
        credentials=access.credentials,
        insecure=access.insecure,
        ca_file=access.ca_file,
        warn=host.warn,
    )


@contextlib.contextmanager
def sources_of(host: Host, domain: str, access: Access) -> Iterator[tuple[Registry, ...]]:
    """Whom to ask for an image, in order: the mirrors with their logins, then the registry."""
    from ..registry import client

    with contextlib.ExitStack() as stack:
        found = client.pull_sources(
            host.layout,
            domain,
            credentials=access.credentials,
            insecure=access.insecure,
            ca_file=access.ca_file,
            warn=host.warn,
        )
        yield tuple(stack.enter_context(registry) for registry in found)


def first(sources: Sequence[Registry], ask: Callable[[Registry], T]) -> T:
    """The answer of the first that has one; the registry itself, the last, is the one errors are
    of.
    """
    for mirror in sources[:-1]:
        with contextlib.suppress(NotFound, Unreachable):
            return ask(mirror)
    return ask(sources[-1])
