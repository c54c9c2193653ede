# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building as a resource: a name, and whether its image is what Dockerfile and context give.

What an image was built of is noted with it (build/inputs): a build whose inputs are the same has
nothing to do, and check mode names those that differ.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass, field, replace
from ...build import inputs
from ...build.asked.request import Request
from ...build.sent.place import Place, Sent, sent
from ...image import expected
from ...image.store import store
from ...plan.plan import Host, Plan, Resource, Step
from ...plan.sequence import Sequence, Stage, sequence
from ...spec.reference import Reference, is_id
from . import build_options
from .names import named_image
from .names.named_image import ABSENT, CURRENT, OUTDATED, PRESENT, State

if TYPE_CHECKING:
    from ...build import builder

CHANGED, NEVER, ALWAYS = "changed", "never", "always"
#: Lines of a build that its result has, and characters of each.
_LINES, _WIDTH = 10_000, 2000


@dataclass(frozen=True)
class Declared:
    """An image to be built. ``rebuild`` says when, if its name is on the host already. ``seen``
    holds the id of what this very run built. ``sent`` is a context of the controller, and ``place``
    where it is on the host.
    """

    request: Request
    rebuild: str = CHANGED
    seen: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    sent: Optional[Sent] = field(default=None, compare=False, repr=False)
    place: Optional[Place] = field(default=None, compare=False, repr=False)

    @property
    def reference(self) -> Reference:
        return self.request.names[0]


@dataclass(frozen=True)
class Found:
    """The state of the first name, why the image is not current, and its further names."""

    state: State
    reasons: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build(Step[Found]):
    """Build the image, and give it its names."""

    declared: Declared

    def describe(self) -> str:
        return f"build image {self.declared.reference.canonical}"

    def after(self, have: Found) -> Found:
        status = PRESENT if self.declared.rebuild == NEVER else CURRENT
        state = replace(have.state, status=status, id="", digest=_mark(self.declared))
        return replace(have, state=replace(state, planned=True), reasons=())

    def execute(self, host: Host) -> None:
        # What a command writes without end must not fill our memory: the last lines are kept.
        lines: deque[str] = host.outcome.setdefault("build", deque(maxlen=_LINES))

        def tell(line: str) -> None:
            lines.append(line[:_WIDTH])
            host.tell(line)

        watched = replace(host, progress=tell)
        declared = self.declared
        if declared.place is not None:
            declared.place.provide(host)
        declared.seen["id"] = carry_out(watched, declared.request, declared.place).id


def carry_out(host: Host, request: Request, place: Optional[Place] = None) -> builder.Built:
    """Build, and note what of."""
    # All that acts is imported here: a task that finds nothing to do needs none of it.
    from ...build import builder

    with contextlib.ExitStack() as stack:
        source = inputs.opened(host, request, stack, place)
        scheme = inputs.prepare(request, source)
        found = inputs.inputs(host, request, scheme, source, {})
        built = builder.build(host, request, scheme, source)
    for name, image_id in built.bases.items():
        found[f"the image {name}"] = image_id
    inputs.keep(host.layout, built.id, found)
    inputs.tidy(host.layout)
    return built


def declare(params: Mapping[str, Any]) -> tuple[Stage, ...]:
    """Options of image_build: name, tag, path or src, dockerfile, contexts, args, target, labels,
    platform, pull, nocache, network, etc_hosts, shm_size, container_limits, secrets, outputs,
    rebuild and source_date_epoch.
    """
    reference = named_image.reference_of(params)
    if reference.digest or is_id(str(params["name"])):
        raise Error(f"{params['name']} is an id or a digest; a build needs a name")
    outputs = params.get("outputs") or []
    names = [reference]
    for output in outputs:
        for name in output.get("name") or []:
            names.append(named_image.reference_of({"name": name}))
    request = build_options.request_of(params, tuple(dict.fromkeys(names)))
    declared = Declared(request, str(params.get("rebuild") or CHANGED), sent=sent_of(params))
    return (Stage(BUILT, declared), *_of_outputs(reference, outputs))


def _of_outputs(reference: Reference, outputs: list[Mapping[str, Any]]) -> list[Stage]:
    if not outputs:
        return []
    from . import build_output

    return build_output.stages(reference, outputs)


def sent_of(params: Mapping[str, Any]) -> Optional[Sent]:
    """The context that the action plugin sends, if it is one of the controller."""
    if not params.get("src"):
        return None
    if not params.get("_context"):
        raise Error("src: only the action plugin of the module can send it")
    return sent(params["_context"])


def located(host: Host, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The stages with the place of a context that was sent."""
    return tuple(
        replace(stage, declared=_placed(host, stage.declared))
        if isinstance(stage.declared, Declared) and stage.declared.sent is not None
        else stage
        for stage in stages
    )


def _placed(host: Host, declared: Declared) -> Declared:
    if declared.sent is None:
        return declared
    place = Place(host, declared.sent)
    name, data = place.listing.dockerfile
    request = replace(declared.request, context=place.title, dockerfile=name, inline=data)
    return replace(declared, request=request, place=place)


def observe(host: Host, declared: Declared) -> Found:
    """Compare what the image was built of with what it would be built of now. Raises Error where
    it has to be built, and the host lacks files of a context of the controller.
    """
    others = tuple(name.canonical for name in declared.request.names[1:])
    found = replace(_compared(host, declared), others=others)
    if declared.place is not None and plan(declared, found).steps:
        declared.place.check(host)
    return found


def _compared(host: Host, declared: Declared) -> Found:
    request, reference = declared.request, declared.reference
    local = expected.named(host, reference)
    state = State(reference.canonical, ABSENT if local is None else OUTDATED, local)
    if local is not None and declared.rebuild == NEVER:
        return Found(replace(state, status=PRESENT, id=local.id))
    if local is not None and declared.seen.get("id") == local.id != "":
        return Found(replace(state, status=CURRENT, id=local.id))
    try:
        with contextlib.ExitStack() as stack:
            source = inputs.opened(host, request, stack, declared.place, content=False)
            scheme = inputs.prepare(request, source)
            known = (inputs.kept(host.layout, local.id) if local and local.id else None) or {}
            now = inputs.inputs(host, request, scheme, source, known)
    except NotFound as exc:
        # An earlier task of a check-mode run may make the context, or the image below.
        return Found(replace(state, unmet=(str(exc),)))
    if local is None:
        return Found(state)
    if not local.id:
        current = _mark(declared) in local.known_as
        return Found(replace(state, status=CURRENT if current else OUTDATED))
    reasons = _reasons(host, declared, local, known, now)
    if reasons:
        return Found(state, tuple(reasons))
    return Found(replace(state, status=CURRENT, id=local.id))


def _reasons(
    host: Host,
    declared: Declared,
    local: expected.Local,
    known: inputs.Inputs,
    now: inputs.Inputs,
) -> list[str]:
    """Why the image has to be built again."""
    if declared.rebuild == ALWAYS:
        return ["rebuild is always"]
    if not known:
        return [f"{declared.reference.canonical} was not built here"]
    found = inputs.differences(known, now)
    if local.image is not None and store.missing(host.layout, local.image):
        found.append("a layer of the image is gone")
    for other in declared.request.names[1:]:
        named = expected.named(host, other)
        if named is None or named.id != local.id:
            found.append(f"{other.canonical} is not this image")
    return found


def plan(declared: Declared, have: Found) -> Plan[Found]:
    state = have.state
    if state.status in (CURRENT, PRESENT):
        return Plan(have)
    return Plan(have, (Build(declared),), state.unmet, have.reasons)


def result(host: Host, found: Found) -> dict[str, Any]:
    """The module's ``image``, and what the build said, as docker_image_build returns it."""
    return named_image.result(host, found.state)


def predict(found: Found) -> dict[str, dict[str, Any]]:
    told = named_image.predict(found.state)
    for other in found.others:
        told = {**told, "image": {**told["image"], other: named_image.prediction(found.state)}}
    return told


def _mark(declared: Declared) -> str:
    return named_image.mark("build", declared.request)


def output_of(host: Host) -> str:
    """What the builds of this run said, in lines; "" where nothing was built."""
    return "\n".join(host.outcome.get("build", []))


BUILT: Resource[Declared, Found] = Resource(
    observe=observe,
    plan=plan,
    view=lambda found: named_image.view(found.state),
    diff=lambda planned, found: named_image.diff(Plan(planned.have.state), found.state),
    result=result,
    lock=lambda declared: named_image.lock(declared.reference.canonical),
    predict=predict,
    verify=lambda want, found: named_image.differences(want.state, found.state),
)


def _result(host: Host, found: Sequence) -> dict[str, Any]:
    return {**result(host, found.states[0]), "stdout": "", "stderr": output_of(host)}


RESOURCE: Resource[tuple[Stage, ...], Sequence] = replace(sequence(_result), locate=located)
