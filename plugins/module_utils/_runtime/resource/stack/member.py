# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack consists of: its members, and what one waits for of another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...base.frozen import dataclass, field
from ...plan.plan import Resource
from ...plan.sequence import Stage

#: What says which stack a container, network or volume belongs to.
LABEL = "slipway.stack"

CONTAINER, NETWORK, VOLUME, IMAGE = "container", "network", "volume", "image"

#: What a container may wait for of another one: that it was started, is healthy, or has ended well.
STARTED, HEALTHY, COMPLETED = "started", "healthy", "completed"
CONDITIONS = (STARTED, HEALTHY, COMPLETED)


@dataclass(frozen=True)
class Member:
    """One resource of a stack, declared as its module declares it.

    ``path`` is where it is in the declaration, ``needs`` are the containers it waits for, each with
    one of CONDITIONS; ``uses`` are the names of the networks, volumes and images it uses.
    """

    kind: str
    name: str
    path: str
    resource: Resource[Any, Any]
    declared: Any
    needs: Mapping[str, str] = field(default_factory=dict)
    uses: frozenset[tuple[str, str]] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def stage(self) -> Stage:
        where = f"{self.path}: " if self.path else ""
        return Stage(self.resource, self.declared, f"{where}{self.key}")


@dataclass(frozen=True)
class Stack:
    """A whole declaration. ``members`` are in the order in which they are observed and planned;
    ``known`` are the keys of all that the task declares, also where ``only`` leaves them out.
    """

    name: str
    state: str
    members: tuple[Member, ...]
    known: frozenset[str]
    orphans: str = "remove"
    partial: bool = False
    go_on: bool = False
    remove_volumes: bool = False
    wait_timeout_s: Optional[float] = None

    @property
    def ends(self) -> bool:
        """Whether what needs others goes before them."""
        return self.state in ("absent", "stopped")
