# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volumes that no container uses: found, and removed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ...base.errors import Conflict, Error
from ...base.frozen import dataclass
from ...plan.plan import Host
from ...records import foreseen
from ...spec.volume import ANONYMOUS_LABEL, Volume, labels
from ...text import filters
from ...text.filters import Filters
from ...volume import expected, store, users


@dataclass(frozen=True)
class Wanted:
    """Which volumes to prune: those that were made for one container, or all, with these labels."""

    filters: Filters
    everything: bool

    def match(self, volume: Volume) -> bool:
        # Docker goes by the label alone, which those who make volumes may give as well.
        known = labels(volume)
        return (self.everything or ANONYMOUS_LABEL in known) and self.filters.match(None, known)


@dataclass(frozen=True)
class Unused:
    """A volume that no container uses; ``size`` is in bytes, 0 for one that is only predicted."""

    name: str
    size: int = 0


def wanted(given: Mapping[str, Any]) -> Wanted:
    """The option volumes_filters: all, label, label!. Docker has no ``until`` for volumes."""
    if "until" in given:
        raise Error("volumes cannot be filtered by until", hint="known filters: all, label, label!")
    return Wanted(filters.parse(given, 0.0, ("all",)), boolean("all", given.get("all", False)))


def boolean(name: str, value: Any) -> bool:
    """A filter that is true or false, as an option or a command line gives it."""
    value = value[-1] if isinstance(value, list) and value else value
    text = str(value).lower()
    if text not in ("true", "false", "1", "0", "yes", "no"):
        raise Error(f"{name} is {text[:60]!a}, expected true or false")
    return text in ("true", "1", "yes")


def unused(host: Host, asked: Wanted, gone: Iterable[str] = ()) -> tuple[Unused, ...]:
    """The volumes that would be pruned once the containers ``gone`` were. Sorted by name."""
    used = users.users(host, gone)
    told = foreseen.told_volumes(host)
    found = []
    for volume in expected.volumes(host):
        if volume.name in used or not asked.match(volume):
            continue
        size = 0
        if volume.name not in told:
            size = tree_bytes(str(store.data(host.layout, volume.name)))
        found.append(Unused(volume.name, size))
    return tuple(sorted(found, key=lambda one: one.name))


def remove(host: Host, names: Iterable[str]) -> list[str]:
    """Remove volumes; one that a container came to use meanwhile stays. Returns those."""
    left = []
    for name in names:
        try:
            users.remove(host, name)
        except Conflict:
            left.append(name)
    return left


def tree_bytes(top: str) -> int:
    """The disk space that the files below a directory take, those with several names once."""
    total, seen = 0, set()
    for directory, dummy, names in os.walk(top):
        for name in names:
            with contextlib.suppress(OSError):
                found = os.lstat(os.path.join(directory, name))
                if found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen:
                    total += found.st_blocks * 512
                if found.st_nlink > 1:
                    seen.add((found.st_dev, found.st_ino))
    return total
