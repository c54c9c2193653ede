# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack consists of: its members, and what one waits for of another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from ...base.frozen import dataclass, field
from ...plan.plan import Resource
from ...plan.sequence import Stage

#: What says which stack a container, network or volume belongs to.
LABEL = "slipway.stack"

CONTAINER, NETWORK, VOLUME, IMAGE = "container", "network", "volume", "image"

#: What something is that is not declared: none of ours, one that left the declaration, or one more
#: of its kind than is declared, which goes in any case.
FOREIGN, ORPHAN, EXCESS = "", "orphan", "excess"

#: What a container may wait for of another one: that it was started, is healthy, or has ended well.
STARTED, HEALTHY, COMPLETED = "started", "healthy", "completed"
CONDITIONS = (STARTED, HEALTHY, COMPLETED)


@dataclass(frozen=True)
class Member:
    """One resource of a stack, declared as its module declares it.

    ``path`` is where it is in the declaration, ``needs`` are the containers it waits for, each with
    one of CONDITIONS; ``uses`` are the names of the networks, volumes and images it uses, ``after``
    those of the containers whose change it is restarted after. ``leaves`` is that it is to go,
    where its declaration does not say so, ``built`` that it is an image that is built.
    """

    kind: str
    name: str
    path: str
    resource: Resource[Any, Any]
    declared: Any
    needs: Mapping[str, str] = field(default_factory=dict)
    uses: frozenset[tuple[str, str]] = frozenset()
    after: frozenset[str] = frozenset()
    leaves: bool = False
    built: bool = False

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
    ``belongs`` says by kind and labels what something is that is not declared, where that is not by
    the label of stacks; ``word`` is what the whole is called.
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
    #: How long processes get to end, in place of what their containers say, in seconds.
    grace_s: Optional[float] = None
    belongs: Optional[Callable[[str, Mapping[str, str]], str]] = None
    word: str = "stack"

    def left(self, kind: str, labels: Mapping[str, str]) -> str:
        """FOREIGN, ORPHAN or EXCESS: what an undeclared thing with these labels is."""
        if self.belongs is not None:
            return self.belongs(kind, labels)
        return ORPHAN if labels.get(LABEL) == self.name else FOREIGN

    @property
    def ends(self) -> bool:
        """Whether what needs others goes before them."""
        return self.state in ("absent", "stopped")
