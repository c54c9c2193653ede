# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a build: values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ...base.frozen import dataclass, field
from ...image.store.platform import Platform
from ...spec.container import SHM_SIZE_BYTES, Ulimit
from ...spec.reference import Reference
from .cache import Place

#: Arguments that need no ARG, show in no history and are part of no cache key (Dockerfile
#: reference, "Predefined ARGs").
PROXIES = frozenset(
    name
    for word in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (word, word.lower())
)


@dataclass(frozen=True)
class Secret:
    """Something a RUN may read and no image keeps: a file of the host, or a value."""

    id: str
    path: str = ""
    value: Optional[bytes] = field(default=None, repr=False)


@dataclass(frozen=True)
class Limits:
    """What each RUN may take; 0 is without limit."""

    memory_bytes: int = 0
    memory_swap_bytes: int = 0
    cpu_shares: int = 0
    cpu_period_us: int = 0
    cpu_quota_us: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    shm_size_bytes: int = SHM_SIZE_BYTES
    ulimits: tuple[Ulimit, ...] = ()
    cgroup_parent: str = ""


_LIMITS = Limits()


@dataclass(frozen=True)
class Request:
    """A build. ``context`` is a directory, "" for none; ``dockerfile`` is a path of the host, or
    one relative to the context, and ``inline`` a Dockerfile without a file. ``contexts`` are
    further ones by name: a directory, or an image (layouts). ``epoch`` is SOURCE_DATE_EPOCH, in
    seconds. ``agents`` are SSH agents by their ids: a socket, or files with keys. Steps are taken
    from the caches ``cache_from``, and left in ``cache_to``.
    """

    context: str = ""
    dockerfile: str = ""
    inline: Optional[bytes] = None
    names: tuple[Reference, ...] = ()
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: Optional[Platform] = None
    pull: bool = False
    no_cache: bool = False
    network: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = _LIMITS
    secrets: tuple[Secret, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    epoch: Optional[int] = None
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cache_from: tuple[Place, ...] = ()
    cache_to: tuple[Place, ...] = ()

    @property
    def title(self) -> str:
        """What errors call the image."""
        return self.names[0].canonical if self.names else "the image"
