# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying the plan of a stack out.

Volumes and networks are made first, then images are fetched, then containers that left the stack
go; then each container's steps are done as soon as what it waits for is so, side by side; networks
and volumes that are to go go last. Containers are started in two halves: all that can be prepared
is, in processes side by side, then the host's firewall and names are made to follow all of them at
once, then they are brought up side by side.

A member that fails is undone by its own step. What needs it is skipped; the rest goes on where the
task says so, and what is under way is finished in any case.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from typing import Any, Callable, Optional

from ...base import files
from ...base.errors import Error, NotFound
from ...base.frozen import replace
from ...kernel.workers import KILLED, Workers, usual
from ...network import attach, synchronise
from ...network.link import codec
from ...plan.plan import Host, Plan
from ...plan.sequence import Sequence
from ...records import container_record
from ..container.run_steps import AwaitHealthy, Start, Stop, settle
from ..container.steps import Create, Remove
from . import jobs, order
from .course import Course
from .member import CONTAINER, HEALTHY, IMAGE, NETWORK, STARTED, VOLUME
from .outcome import CARRIED_OUT, CarriedOut, steps_of
from .waits import Waits

#: How often what is waited for is looked at, in seconds.
_POLL_S = 0.05
#: How many containers one process ends at a time; each costs it a thread.
_ENDING = 64

_STARTS = (Create, Start)
_ENDS = (Stop, Remove)


def act(host: Host, plan: Plan[Sequence]) -> None:
    """Do it. What fails is in Host.outcome, and judged by outcome.judge()."""
    run = _Run(host, plan)
    try:
        run.make(VOLUME)
        run.make(NETWORK)
        run.containers()
        run.remove(NETWORK)
        run.remove(IMAGE)
        run.remove(VOLUME)
    finally:
        did = tuple(course.did() for course in run.courses)
        host.outcome[CARRIED_OUT] = CarriedOut(plan.have, did)


class _Run:
    def __init__(self, host: Host, plan: Plan[Sequence]) -> None:
        self.host, self.plan = host, plan
        about = plan.have.about
        self.stack = about.stack
        host.grace_s = self.stack.grace_s
        needs = {m.name: m.needs for m in about.members if m.kind == CONTAINER}
        if self.stack.ends:
            ending = order.reversed_needs(needs)
            needs = {name: dict.fromkeys(others, STARTED) for name, others in ending.items()}
        self.courses = [
            Course(member, steps, needs[member.name] if member.kind == CONTAINER else {})
            for member, steps in zip(about.members, steps_of(plan))
        ]
        self.number = {id(course): number for number, course in enumerate(self.courses)}
        self.by_name = {c.member.name: c for c in self.courses if c.member.kind == CONTAINER}
        self.waits = Waits(host, self.stack.wait_timeout_s)
        self.prepared: list[Course] = []
        self.preparing = 0
        #: By course: the containers that are being started.
        self.starting: dict[int, str] = {}
        #: Whether containers changed that the host does not follow yet.
        self.behind = False

    @property
    def stopped(self) -> bool:
        return not self.stack.go_on and any(course.failure for course in self.courses)

    # --- networks and volumes

    def make(self, kind: str) -> None:
        self._in_turn([c for c in self.courses if c.member.kind == kind and not c.leaves])

    def remove(self, kind: str) -> None:
        self._in_turn([c for c in self.courses if c.member.kind == kind and c.leaves])

    def _in_turn(self, courses: list[Course]) -> None:
        waiting = [course for course in courses if course.steps]
        if not waiting:
            return
        with contextlib.ExitStack() as held:
            if waiting[0].member.kind == NETWORK:
                path = self.host.layout.lock(*attach.LOCK)
                held.enter_context(files.lock(path, deadline_s=self.host.lock_timeout_s))
            for course in waiting:
                if self.stopped:
                    course.skipped = True
                    continue
                try:
                    if course.member.kind == NETWORK:
                        # Somebody may have changed networks until the lock was taken.
                        member = course.member
                        have = member.resource.observe(self.host, member.declared)
                        course.steps[:] = member.resource.plan(member.declared, have).steps
                    for step in course.steps:
                        step.execute(self.host)
                        course.at += 1
                except Error as exc:
                    course.failure = str(exc)
                except OSError as exc:
                    course.failure = f"{exc.filename or 'system call'}: {exc.strerror or exc}"

    # --- images and containers

    def containers(self) -> None:
        """Images, then containers that left the stack, then the others."""
        phases = (
            [c for c in self.courses if (c.member.kind == IMAGE and not c.leaves) or c.pulls()],
            [c for c in self.courses if c.member.kind == CONTAINER and not c.member.path],
            [c for c in self.courses if c.member.kind == CONTAINER],
        )
        if not any(course.steps for phase in phases for course in phase):
            return
        self._build([c for c in phases[0] if c.member.built])
        steps = [course.steps for course in self.courses]
        doer = jobs.Doer(self.host, steps, os.getpid())
        self._warm()
        with Workers(doer, usual()) as self.workers:
            self._pull(phases[0])
            for phase in phases[1:]:
                self._drive(phase)
        self._follow()
        for course in self.courses:
            if course.begun and not course.failure:
                settle(self.host, course.member.name)

    def _warm(self) -> None:
        """What every process needs is made once, before there are any. Whatever fails is told by
        those that need it.
        """
        starts = [c for c in self.courses for step in c.steps if isinstance(step, _STARTS)]
        if not starts:
            return
        from ...container.lifecycle import actions  # noqa: F401  # Imported here for all of them.
        from ...container.root import confinement

        with contextlib.suppress(Error):
            confinement.prepare(self.host.layout)
        with contextlib.suppress(Error):
            codec.load()

    def _build(self, courses: list[Course]) -> None:
        """Build images, one after the other: a build works side by side by itself."""
        for course in courses:
            if self.stopped:
                return
            host = replace(self.host, outcome={})
            try:
                for step in course.steps:
                    step.execute(host)
                    course.at += 1
            except Error as exc:
                course.failure = str(exc)
            except OSError as exc:
                course.failure = f"{exc.filename or 'system call'}: {exc.strerror or exc}"
            course.outcome.update(host.outcome)

    def _pull(self, courses: list[Course]) -> None:
        """Fetch what is to be fetched before anything of a container is touched."""
        while True:
            for course in courses:
                # What comes before a pull, such as arranging the start with the host, too.
                fetches = course.member.kind == IMAGE or course.pulls(course.at)
                if fetches and not course.over and not course.busy and not self.stopped:
                    self._submit(course, jobs.EXECUTE)
            if not self.workers.at_work:
                break
            self._heed(None)
        for course in courses:
            if course.member.kind == IMAGE and not course.over:
                course.skipped = True

    def _drive(self, courses: list[Course]) -> None:
        """Do the steps of containers, each as soon as it may be."""
        while True:
            ending: list[Course] = []
            for course in courses:
                if course.busy or course.over:
                    continue
                if course.at == 0 or course.only_fetched:
                    if self.stopped:
                        course.skipped = True
                        continue
                    if not self._may_begin(course):
                        continue
                self._next(course, ending)
            self._end(ending)
            if self.prepared and not self.preparing:
                self._bring_up()
            if not self.workers.at_work and not self.waits:
                if all(course.over for course in courses):
                    return
                if not any(course.busy for course in courses) and not self._moved(courses):
                    return
                continue
            self._heed(_POLL_S if self.waits else None)
            self.waits.look()

    def _moved(self, courses: list[Course]) -> bool:
        """Whether some of them can still go on; those that wait for one another were refused."""
        stuck = [course for course in courses if not course.over]
        for course in stuck:
            if self._may_begin(course) or course.at:
                return True
        for course in stuck:
            course.skipped = True
        return False

    def _next(self, course: Course, ending: list[Course]) -> None:
        step = course.step
        if isinstance(step, _STARTS) and getattr(step, "start", True):
            self.preparing += 1
            self._submit(course, jobs.PREPARE)
        elif isinstance(step, AwaitHealthy):
            reached = self.waits.health(course.member.name, step.timeout_s)
            self.waits.begin(course, reached, self._advance)
        elif isinstance(step, _ENDS):
            course.busy = True
            ending.append(course)
        else:
            self._submit(course, jobs.EXECUTE)

    def _submit(self, course: Course, do: str, refused: str = "") -> None:
        course.busy = True
        places = [[self.number[id(course)], course.at]]
        job = {"do": do, "places": places, "generation": course.generation, "refused": refused}
        self.workers.submit(job)

    def _end(self, ending: list[Course]) -> None:
        """Stop or remove containers: in as many processes as there are, each many at a time."""
        if not ending:
            return
        self.behind = True
        share = min(_ENDING, -(-len(ending) // usual()))
        for first in range(0, len(ending), share):
            places = [[self.number[id(c)], c.at] for c in ending[first : first + share]]
            self.workers.submit({"do": jobs.END, "places": places})

    def _bring_up(self) -> None:
        """Let the host follow all that is prepared, then bring it up."""
        ready, self.prepared = self.prepared, []
        refused = ""
        try:
            self._follow()
        except Error as exc:
            # Without its rules and names none is started; each is undone.
            refused = str(exc)
        for course in ready:
            self._submit(course, jobs.FINISH, refused)

    def _follow(self) -> None:
        if not self.starting and not self.behind:
            return
        layout = self.host.layout
        found = []
        for container_id in self.starting.values():
            with contextlib.suppress(NotFound):
                found.append(container_record.read_record(layout, container_id))
        networks = {a.network_id: a for record in found for a in record.attachments}
        if networks:
            attach.raise_bridges(layout, list(networks.values()))
        if networks or self.behind:
            for warning in synchronise.synchronise(layout, starting=found).warnings:
                self.host.warn(warning)
        self.behind = False

    # --- what comes of it

    def _heed(self, timeout_s: Optional[float]) -> None:
        if not self.workers.at_work:
            time.sleep(_POLL_S)
            return
        for job, answers in self.workers.done(timeout_s):
            if answers is KILLED:
                why = "whoever was to do it was killed"
                answers = [{"failure": why} for dummy in job["places"]]
            for (number, dummy), answer in zip(job["places"], answers):
                self._heard(self.courses[number], job["do"], answer)

    def _heard(self, course: Course, do: str, answer: Mapping[str, Any]) -> None:
        course.busy = False
        for warning in answer.get("warnings", ()):
            self.host.warn(warning)
        self.host.notes += answer.get("notes", ())
        course.outcome.update(answer.get("outcome", {}))
        number = self.number[id(course)]
        self.preparing -= do == jobs.PREPARE
        course.failure = answer["failure"]
        if course.failure:
            # A start that failed was undone, which the host follows in the end.
            self.behind = self.behind or self.starting.pop(number, None) is not None
            self.behind = self.behind or do != jobs.EXECUTE
            return
        ran = course.outcome.get("container", {})
        if ran.get("status"):
            course.failure = (
                f"container {course.member.name} exited with {ran['status']}: {ran['output']}"
            )
        if do == jobs.PREPARE:
            course.busy = True
            course.generation = answer["generation"]
            with contextlib.suppress(NotFound):
                self.starting[number] = container_record.by_name(
                    self.host.layout, course.member.name
                )
            self.prepared.append(course)
            return
        if do == jobs.FINISH:
            self.starting.pop(number, None)
            self.behind = True
            course.begun = True
        course.at += 1

    def _may_begin(self, course: Course) -> bool:
        """Whether all that a container waits for is so; it is skipped where that never will be."""
        for name, condition in course.needs.items():
            other = self.by_name.get(name)
            if other is None:
                continue
            if other.failure or other.skipped:
                course.skipped = True
                return False
            if not (other.over if self.stack.ends else other.stands):
                return False
            if condition == STARTED or self.stack.ends:
                continue
            reached = self._condition(name, condition, course)
            if reached is not None:
                what = f"{course.member.key} needs {other.member.key} {condition}: "
                self.waits.begin(course, reached, self._again, what)
            if reached is not None or course.failure:
                return False
        return True

    def _condition(
        self, name: str, condition: str, course: Course
    ) -> Optional[Callable[[float], bool]]:
        """What is to be waited for; None when it is so already."""
        other = self.by_name[name]
        if condition == HEALTHY:
            timeout_s = other.member.declared.healthy_wait_timeout_s
            reached = self.waits.health(name, timeout_s, patient=False)
        else:
            reached = self.waits.completion(name)
        try:
            return None if reached(0.0) else reached
        except Error as exc:
            course.failure = f"{course.member.key} needs {other.member.key} {condition}: {exc}"
            return None

    def _advance(self, course: Course) -> None:
        course.at += 1

    def _again(self, course: Course) -> None:
        """Nothing: it is asked again whether it may begin."""
