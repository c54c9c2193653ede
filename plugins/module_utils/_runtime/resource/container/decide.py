# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container as a resource: the pure plan from what was found to what is declared."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...base import document
from ...base.errors import Error
from ...base.frozen import replace
from ...container.supervision import health
from ...image.store import store
from ...plan.plan import Failing, Host, Plan, Resource, Step
from ...records import foreseen
from ...spec.container import DEFAULT_NETWORK, ContainerSpec, endpoints
from ...spec.identifiers import is_name
from . import declare as declaring
from . import host_files, outcome
from .declare import IGNORE, Declared, amend, applied_live, differing, resolve
from .observe import State, observe, predict, verify, view
from .run_steps import (
    ArrangeBoot,
    AwaitHealthy,
    Pause,
    Repair,
    Restart,
    RunToEnd,
    Start,
    Stop,
    Unpause,
)
from .steps import Amend, Create, NoteAsked, Pull, Recover, Remove, RemoveDamaged, Replace

if TYPE_CHECKING:
    from ...container.option.beside import StartFirst

__all__ = ["RESOURCE", "declare"]


def declare(params: Mapping[str, Any]) -> Declared:
    """What a task says, with the files it names read. Raises Error for what is not understood."""
    return declaring.declare(host_files.read(params))


def plan(declared: Declared, have: State) -> Plan[State]:
    """The steps from what was found to what was declared. Pure; raises Error for what cannot be."""
    first: tuple[Step[State], ...] = ()
    found = have
    if have.interrupted is not None:
        first = (Recover(declared.name),)
        have = first[0].after(have)
    if declared.state == "absent":
        return Plan(found, (*first, *_removal(declared, have)))
    if have.spec is None and not declared.image:
        raise Error(
            f"container {declared.name} does not exist, and the task specifies no "
            f"image to create it from",
            hint="set image, or use state: absent",
        )
    want = _spec(declared, have)
    _refuse(declared, want)
    if not have.boots and want.restart_policy.name != "no":
        arrange = ArrangeBoot()
        first = (*first, arrange)
        have = arrange.after(have)
    running = {"started": True, "stopped": False}.get(declared.state, have.running)
    steps: list[Step[State]] = []
    reasons: list[str] = []
    if have.spec is None:
        attended = running and not declared.detach
        steps += [*_pull(declared, have), Create(want, running and not attended)]
        steps += [_to_end(declared, start=True, fresh=True)] if attended else []
        steps += [Pause(declared.name)] if running and declared.paused else []
    else:
        pull = _pull(declared, have) if _renews(declared, have) else []
        options = differing(have.spec, want)
        reasons = _reasons(
            declared, have, want, options, pulled=bool(pull) and not have.around.nameless
        )
        steps += pull
        if reasons:
            patience_s = (
                declared.healthy_wait_timeout_s if declared.rollback_unless_healthy else None
            )
            # One that is removed at its end is started by whoever waits for that.
            alone = running and not (want.auto_remove and not declared.detach)
            attended = running and not declared.detach
            keep = declared.keep_volumes
            first_started = alone and have.running and not have.paused and declared.start_first
            steps.append(
                Replace(
                    want,
                    alone,
                    tuple(reasons),
                    keep,
                    patience_s,
                    attended,
                    _beside(declared) if first_started else None,
                )
            )
            if attended:
                steps.append(_to_end(declared, start=not alone))
            steps += [Pause(declared.name)] if running and _paused(declared, have) else []
        else:
            steps += _in_place(declared, have, want, running, tuple(options))
    steps = [*first, *steps]
    if declared.healthy and (steps or have.health not in ("", health.HEALTHY)):
        steps.append(AwaitHealthy(declared.name, declared.healthy_wait_timeout_s))
    unmet = _unmet(declared, have, any(step.changes for step in steps))
    if have.spec is None or reasons:
        unmet += tuple(
            Failing(f"container {declared.name}: {missing}, whose volumes it uses, does not exist")
            for missing in have.around.missing_mounts
        )
    if (have.spec is None or reasons or have.spec.links != want.links) and _by_default(want):
        # On a network of one's own a link is to whoever has the name later.
        unmet += tuple(
            Failing(
                f"container {declared.name}: container {missing}, which it is to link to, does not"
                " exist"
            )
            for missing in have.around.missing_links
        )
    if declared.state == "present" and all(isinstance(s, (Amend, ArrangeBoot)) for s in steps):
        found = replace(found, runs_as_it_likes=True)
    if have.around.looked and not any(isinstance(step, Pull) for step in steps):
        steps.append(NoteAsked(have.around.reference))
    return Plan(found, tuple(steps), unmet, tuple(reasons))


def _beside(declared: Declared) -> StartFirst:
    from ...container.option.beside import StartFirst  # Few tasks ask for it.

    return StartFirst(declared.healthy_wait_timeout_s, declared.drain_s, declared.share_volumes)


def _by_default(want: ContainerSpec) -> bool:
    """Whether a container is first of all on the default network."""
    return [endpoint.network for endpoint in endpoints(want)][:1] == [DEFAULT_NETWORK]


def _refuse(declared: Declared, want: ContainerSpec) -> None:
    """What a task cannot ask for of the container it declares."""
    policy = want.restart_policy.name
    if declared.detach:
        return
    if policy in ("always", "unless-stopped"):
        raise Error(
            f"container {want.name}: detach: false waits for the container to exit, "
            f"which it never does with restart_policy {policy}"
        )
    if declared.start_first:
        raise Error(
            f"container {want.name}: update: start_first cannot be combined with detach: false",
            hint="a job that runs to its end serves nobody, so omit update",
        )
    if declared.healthy or declared.paused:
        raise Error(
            f"container {want.name}: detach: false waits for the container to exit, "
            "so it cannot be combined with paused or with waiting for its health"
        )


def _spec(declared: Declared, have: State) -> ContainerSpec:
    if declared.image:
        around = have.around
        image_id = "" if around.newer or around.misfits else around.image_id
        if image_id is None and have.spec is not None:
            # The image's name is not on the host any more: no news, so the container's own image
            # stays.
            image_id = have.spec.image_id if have.spec.image == around.reference else ""
        known = have.spec
        name = around.reference
        same = known is not None and image_id and known.image_id == image_id
        if known is not None and same and not declared.image_name_matters:
            name = known.image
        if declared.refuse_image_labels:
            _refuse_labels(declared, around.labels)
        return resolve(declared, name, image_id or "", known, around.brought)
    if have.spec is None:
        raise AssertionError("what is amended exists")
    return amend(declared, have.spec, have.around.brought)


def _refuse_labels(declared: Declared, labels: tuple[str, ...]) -> None:
    given = declared.values.get("labels", {})
    other = [name for name in labels if name not in given]
    if other:
        # The sentence that playbooks match on.
        names = ", ".join(f'"{name}"' for name in other)
        raise Error(
            "Some labels should be removed but are present in the base image. You can set "
            f"image_label_mismatch to 'ignore' to ignore this error. Labels: {names}"
        )


def _pull(declared: Declared, have: State) -> list[Step[State]]:
    around = have.around
    if not declared.image or declared.pull == "never":
        return []
    if around.newer or around.image_id is None or around.nameless:
        return [Pull(around.reference, around.newer, around.platform, declared.signature)]
    return []


def _renews(declared: Declared, have: State) -> bool:
    """Whether the image of a container that exists is to be another one."""
    around = have.around
    if around.newer or around.misfits or around.nameless or declared.recreate:
        return True
    # That the container's own image left the host changes nothing; that of another one does.
    another = have.spec is not None and around.reference != have.spec.image
    ignored = declaring.compared(declared, "image") == IGNORE
    return bool(declared.image) and around.image_id is None and another and not ignored


def _reasons(
    declared: Declared, have: State, want: ContainerSpec, options: list[str], pulled: bool
) -> list[str]:
    """Why the container must be made again, in the module's words; empty when it need not."""
    found = want if have.spec is None else have.spec
    reasons = [option for option in options if not applied_live(option, found, want)]
    outdated = pulled or not have.image_is_current
    if declared.image and outdated and declaring.compared(declared, "image") != IGNORE:
        reasons = ["image", *(reason for reason in reasons if reason != "image")]
    if declared.recreate:
        reasons.append("recreate")
    return reasons


def _in_place(
    declared: Declared, have: State, want: ContainerSpec, running: bool, options: tuple[str, ...]
) -> list[Step[State]]:
    steps: list[Step[State]] = [Amend(want, options)] if options else []
    paused = have.paused
    if have.running and not running:
        steps.append(Stop(declared.name, declared.force_kill, declared.kill_signal))
    elif have.running and declared.restart:
        steps.append(Restart(declared.name))
        paused = False
    elif running and have.running and (changed := _changed(have, want)):
        steps.append(Restart(declared.name, changed))
        paused = False
    elif running and not have.running:
        if not steps and have.spec is not None and _written(want) != _written(have.spec):
            steps.append(Amend(want, ("volumes",)))
        attended = not declared.detach
        steps.append(_to_end(declared, start=True) if attended else Start(declared.name))
        paused = False
    elif running and have.adrift:
        steps.append(Restart(declared.name, lost=have.adrift))
        paused = False
    elif running and have.damage:
        steps.append(Repair(declared.name, have.damage))
    if running and paused != _paused(declared, have):
        steps.append(Unpause(declared.name) if paused else Pause(declared.name))
    return steps


def _to_end(declared: Declared, start: bool, fresh: bool = False) -> RunToEnd:
    return RunToEnd(declared.name, start, fresh, declared.cleanup, declared.output_logs)


def _changed(have: State, want: ContainerSpec) -> tuple[str, ...]:
    return tuple(path for path in have.changed if path in want.restart_on_change)


def _paused(declared: Declared, have: State) -> bool:
    """Whether the container is to be paused when it runs."""
    if declared.paused is not None:
        return declared.paused
    if declared.restart:
        return False
    whole = declared.image and declared.undeclared == "reset" and declared.state == "started"
    return have.paused and not whole


def _written(spec: ContainerSpec) -> Any:
    """Mounts with what only matters when a container starts: whether a missing source is made."""
    return document.to_json(spec.mounts)


def _removal(declared: Declared, have: State) -> tuple[Step[State], ...]:
    if have.spec is None:
        return ()
    if have.damaged:
        return (RemoveDamaged(declared.name, have.damaged),)
    return (
        Remove(
            declared.name,
            have.running,
            declared.force_kill,
            not declared.keep_volumes,
            declared.kill_signal,
            declared.removal_wait_timeout_s,
        ),
    )


def _unmet(declared: Declared, have: State, acting: bool) -> tuple[str, ...]:
    unmet = list(declared.missing)
    around = have.around
    if around.unreachable:
        unmet.append(around.unreachable)
    lacking = have.spec is None or around.misfits
    if lacking and declared.image and around.image_id is None and declared.pull == "never":
        made_for = f" for {around.platform}" if around.platform else ""
        # The phrase that playbooks match on.
        cannot = f"Cannot find image with name {declared.image}{made_for}, and pull=never"
        unmet.append(Failing(cannot + around.unread))
    if not acting:
        return tuple(unmet)
    for name in around.missing_networks:
        unmet.append(
            Failing(
                f"container {declared.name}: network {name} does not exist; "
                "create it with slipway.engine.network"
            )
        )
    return tuple(unmet)


#: How much of an id names a container in a task that would otherwise make one of that name.
_SHORT_ID = 12
_MODES = ("network_mode", "pid_mode", "ipc_mode")


def locate(host: Host, declared: Declared) -> Declared:
    """Put names in the place of ids and their beginnings: of the container itself, and of those
    that it shares namespaces with, since these are kept by name.
    """
    name = declared.name
    if not declared.image or len(name) >= _SHORT_ID:
        name = _name(host, name)
    values = dict(declared.values)
    for field in _MODES:
        word, colon, other = str(values.get(field) or "").partition(":")
        if word == "container" and colon:
            values[field] = f"container:{_name(host, other)}"
    if name == declared.name and values == declared.values:
        return declared
    return replace(declared, name=name, values=values)


def _name(host: Host, text: str) -> str:
    """The name of a container that is named by its id or a part of it; else the text itself."""
    if not is_name(text) or os.path.lexists(host.layout.names / text):
        return text
    found = foreseen.container(host, text)
    return text if found is None else found.spec.name


def foresee(host: Host, plan: Plan[State]) -> list[str]:
    """What will keep a container from starting, of those that this task makes or starts again."""
    for step in plan.steps:
        start = step.start if isinstance(step, (Create, Replace)) else isinstance(step, Restart)
        if start and plan.want.spec is not None:
            from ...container.lifecycle import foresight  # Only who acts pays for it.

            spec = plan.want.spec
            fresh = not isinstance(step, Restart) and spec.image_id
            image = store.find(host.layout, spec.image_id) if fresh else None
            found = foresight.obstacles(host, spec, image, plan.have.id)
            if isinstance(step, Replace):
                found += step.unshared(host, image, plan.have.id)
            return found
    return []


def _foresee_alone(host: Host, plan: Plan[State]) -> list[str]:
    """The same for a task about this container alone, which nobody restarts others after."""
    from . import sharing  # Only who acts pays for it.

    sharing.warn(host, [plan.want.name] if sharing.begins_anew(plan) else [])
    return foresee(host, plan)


def _lock(declared: Declared) -> tuple[str, str]:
    return "container-name", declared.name


RESOURCE = Resource(
    observe,
    plan,
    view,
    outcome.result,
    _lock,
    predict,
    verify,
    report=outcome.report,
    foresee=foresee,
    locate=locate,
    diff=outcome.diff,
)

#: For a task about one container.
ALONE = replace(RESOURCE, foresee=_foresee_alone)
