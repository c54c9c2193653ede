# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deciding, apart from reading and acting. Pure.

A Plan is what a resource found (``have``) and the steps that lead from there to what was asked for.
Each Step says purely what it makes of a state (``after``) and, separately, does it (``execute``).
So what is wanted is the fold of ``after`` over the steps, ``changed`` is whether there are steps,
the diff is one view of both ends, and check mode is the absence of ``execute`` and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Generic, Optional, TypeVar

from ..base.errors import Error
from ..base.frozen import changing, dataclass, field, replace
from ..base.layout import Layout
from ..base.progress import Count, Watch
from ..kernel import trace

S = TypeVar("S")
D = TypeVar("D")
T = TypeVar("T")


@changing
class Host:
    """The host a plan is read from and carried out on.

    ``predicted`` is what earlier tasks of the same check-mode run would have made, by kind and name
    (``{"network": {"web": <JSON of its state, or None when it would be gone>}}``); it is empty
    whenever things are really done. ``warnings`` collects what the user should read beside the
    result.
    """

    layout: Layout
    predicted: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    lock_timeout_s: float = 300.0
    #: What steps found out that the state after them does not hold, for results: an exit status.
    outcome: dict[str, Any] = field(default_factory=dict)
    #: Lines for the log of the host.
    notes: list[str] = field(default_factory=list)
    #: How many bytes of a file's text are read for a diff; None where nobody asked for a diff.
    diff_limit: Optional[int] = None
    #: What lasts as long as the task, such as a tree that was unpacked for it.
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    #: What was fetched for the task, and is not fetched again.
    fetched: dict[Any, Any] = field(default_factory=dict)
    #: Told of what is done while it is done, for people who watch.
    progress: Optional[Callable[[str], None]] = None
    #: Told how far long work is, for people who watch (base/progress.py).
    watch: Optional[Watch] = None
    #: What is looked at only once while many resources are observed; None looks each time.
    seen: Optional[dict[Any, Any]] = None
    #: The process that makes the host follow the records for several that change them, so that it
    #: is done once for all of them; 0 is that each does so by itself (network/synchronise.py).
    follower: int = 0
    #: How long processes get to end, in place of what their containers say, in seconds.
    grace_s: Optional[float] = None

    def once(self, key: Any, look: Callable[[], T]) -> T:
        """What ``look`` finds, found once per observation; of the host itself, not of what is
        predicted.
        """
        if self.seen is None:
            return look()
        if key not in self.seen:
            self.seen[key] = look()
        found: T = self.seen[key]
        return found

    def tell(self, message: str) -> None:
        if self.progress is not None:
            self.progress(message)

    def show(self, thing: str, status: str, total: int = 0) -> None:
        """Say what is, or becomes, of a thing that takes long, and how many bytes it has."""
        if self.watch is not None:
            self.watch(thing, status, 0, total)

    def counting(self, thing: str, status: str, total: int = 0) -> Optional[Count]:
        """What is told the bytes of a thing under way; None where nobody watches."""
        watch = self.watch
        return None if watch is None else lambda done: watch(thing, status, done, total)

    def warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)


class Step(Generic[S]):
    """One effect: idempotent, named, and with an inverse. Subclasses are frozen dataclasses."""

    #: False for a step that only waits for something the host does by itself.
    changes: bool = True

    def describe(self) -> str:
        """The imperative for ``actions``, such as ``create network web``; never a secret in it."""
        raise NotImplementedError

    def after(self, have: S) -> S:
        """What the state is once this step is done. Pure."""
        raise NotImplementedError

    def execute(self, host: Host) -> None:
        """Do it. Doing it again changes nothing."""
        raise NotImplementedError


class Failing(str):
    """What a plan lacks for certain, of what is ``unmet``: an object that only tasks of this
    collection make, and none of those before would.
    """

    __slots__ = ()


@dataclass(frozen=True)
class Plan(Generic[S]):
    """The way from ``have`` to what was declared.

    ``unmet`` names what the plan relies on and the host lacks: warnings in check mode, where an
    earlier task may only have predicted it, and one error before the first step otherwise.
    ``reasons`` are the options that differ, ``places`` the places in them where that is of use.
    """

    have: S
    steps: tuple[Step[S], ...] = ()
    unmet: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    @property
    def want(self) -> S:
        state = self.have
        for step in self.steps:
            state = step.after(state)
        return state

    @property
    def changed(self) -> bool:
        return any(step.changes for step in self.steps)

    @property
    def actions(self) -> list[str]:
        return [step.describe() for step in self.steps]

    def require(self) -> None:
        """Raise Error when something is unmet."""
        if self.unmet:
            raise Error("; ".join(dict.fromkeys(self.unmet)))

    def apply(self, host: Host) -> None:
        """Carry the steps out in order. Raises Error before the first when something is unmet."""
        self.require()
        for step in self.steps:
            with trace.timed("step", step.describe(), first=True):
                step.execute(host)


@dataclass(frozen=True)
class Resource(Generic[D, S]):
    """The functions through which an entry point converges one kind of thing.

    ``observe(host, declared)`` only reads; ``plan(declared, have)`` is pure; ``view(state)`` is the
    JSON value shown in diffs, and all of it is compared after applying, so it holds only what a
    plan can predict; ``result(host, state)`` is what the module returns; ``lock(declared)`` names
    the lock under which a change is observed, planned and applied; ``predict(state)`` is what a
    check-mode run hands to its later tasks, in the shape of ``Host.predicted``; ``verify(want,
    found)`` replaces the comparison of the two views where a difference can be explained;
    ``report(host, plan)`` is what the module returns besides of what the plan does, the same in
    check mode and in the run that follows; ``diff(plan, found)`` is what diff mode shows in place
    of the two views, where ``found`` is what the plan leads to in check mode and what was observed
    after a run: it may hold what only the run finds out; ``foresee(host, plan)`` says, before
    anything is touched, what will keep the steps from being done, as far as it can be read;
    ``locate(host, declared)`` puts names in the place of ids, before anything else is asked;
    ``ends`` is for what takes the whole installation away, which must not begin by making one.

    For what is many things at once, ``locks(declared)`` are those of its parts, in the order in
    which they are taken; ``act(host, plan)`` carries the plan out in another way than step by step,
    and returns where a part fails; ``judge(host, plan, found)`` then raises Error for what failed
    and what is not as planned.
    """

    observe: Callable[[Host, D], S]
    plan: Callable[[D, S], Plan[S]]
    view: Callable[[S], dict[str, Any]]
    result: Callable[[Host, S], dict[str, Any]]
    lock: Callable[[D], tuple[str, str]]
    predict: Optional[Callable[[S], dict[str, dict[str, Any]]]] = None
    verify: Optional[Callable[[S, S], list[str]]] = None
    report: Optional[Callable[[Host, Plan[S]], dict[str, Any]]] = None
    diff: Optional[Callable[[Plan[S], S], dict[str, Any]]] = None
    foresee: Optional[Callable[[Host, Plan[S]], Sequence[str]]] = None
    locate: Optional[Callable[[Host, D], D]] = None
    ends: bool = False
    locks: Optional[Callable[[D], Sequence[tuple[str, str]]]] = None
    act: Optional[Callable[[Host, Plan[S]], None]] = None
    judge: Optional[Callable[[Host, Plan[S], S], None]] = None

    def located(self, host: Host, declared: D) -> D:
        """The declaration with what this host means by its names."""
        return declared if self.locate is None else self.locate(host, declared)

    def foreseen(self, host: Host, plan: Plan[S]) -> Plan[S]:
        """The plan with what can be seen to be in its way."""
        if self.foresee is None or not plan.steps:
            return plan
        return replace(plan, unmet=(*plan.unmet, *self.foresee(host, plan)))

    def carry_out(self, host: Host, plan: Plan[S]) -> None:
        """Do what was planned. Raises Error before the first step when something is unmet."""
        if self.act is None:
            plan.apply(host)
        else:
            plan.require()
            self.act(host, plan)

    def told(self, plan: Plan[S], found: S) -> dict[str, dict[str, Any]]:
        """What later tasks of a check-mode run are to believe: nothing of a task that fails for
        certain, as that leaves the host as it is. Whatever else is unmet, a task of somebody else
        may bring.
        """
        fails = any(isinstance(why, Failing) for why in plan.unmet)
        return {} if self.predict is None or fails else self.predict(found)

    def shown(self, plan: Plan[S], found: S) -> dict[str, Any]:
        """The module's ``diff``: ``before`` and ``after``, and whatever stands beside them."""
        if self.diff is not None:
            return self.diff(plan, found)
        return {"before": self.view(plan.have), "after": self.view(plan.want)}

    def differences(self, want: S, found: S) -> list[str]:
        """How the host differs from what was planned, after the steps; ``verify`` or the views."""
        if self.verify is not None:
            return self.verify(want, found)
        return difference(self.view(want), self.view(found))


def difference(before: Any, after: Any, path: str = "") -> list[str]:
    """The places where two JSON values differ, as ``.path: before -> after`` lines."""
    if isinstance(before, dict) and isinstance(after, dict):
        lines: list[str] = []
        for key in sorted({*before, *after}):
            lines += difference(before.get(key), after.get(key), f"{path}.{key}")
        return lines
    return [] if before == after else [f"{path or '.'}: {before!r} -> {after!r}"]
