# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``image``: an image by its name, and where it comes from when it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass, replace
from ...image import expected
from ...image.expected import Local
from ...image.show import documents
from ...plan.plan import Host, Plan, Resource
from ...plan.sequence import Sequence, Stage, sequence
from ...spec.reference import is_id, parse_normalized
from .files import image_export, image_import, image_load
from .names import image_remove, image_tag, named_image
from .names.named_image import PRESENT, State
from .remote import image_push, pull_one


@dataclass(frozen=True)
class Expected:
    """An image that has to be here already (``source: local``), by a name or an id in full."""

    name: str


Declared = Union[Expected, image_import.Declared, pull_one.Declared, image_remove.Declared]


@dataclass(frozen=True)
class Loaded:
    """The archive an image comes from when it is not here, or with ``always`` in any case."""

    name: str
    archive: image_load.Declared
    always: bool


def declare(params: Mapping[str, Any]) -> tuple[Stage, ...]:
    """Options of image: name, tag, state, source, load_path, pull, import, force_source,
    force_absent, repository, force_tag, push, archive_path.
    """
    if params.get("state") == "absent":
        return (Stage(SOURCE, _source(params)),)
    name = _name(params)
    stages = [Stage(SOURCE, _source(params))]
    if params.get("source") == "build":
        stages = [_built(params)]
    if params.get("source") == "load":
        loaded = Loaded(name, _archive(params), bool(params.get("force_source")))
        stages.insert(0, Stage(LOADED, loaded))
    if params.get("archive_path"):
        options = {"names": [name], "path": params["archive_path"]}
        stages.append(Stage(image_export.RESOURCE, image_export.declare(options)))
    pushed = name
    if params.get("repository"):
        pushed = _repository(str(params["repository"]), name)
        existing = "overwrite" if params.get("force_tag") else "keep"
        tags = {"name": name, "repository": [pushed], "existing_images": existing}
        stages.append(Stage(image_tag.RESOURCE, image_tag.declare(tags)))
    if params.get("push"):
        stages.append(Stage(image_push.RESOURCE, image_push.declare({**params, "name": pushed})))
    return tuple(stages)


def _built(params: Mapping[str, Any]) -> Stage:
    """As in docker_image, an image that is here is built again only with force_source."""
    # The other sources need nothing of it.
    from . import build_options, image_build

    options = params.get("build")
    if not options:
        raise Error("source: build requires build with path or src")
    reference = named_image.reference_of(params)
    # Only Compose files say more names here; a task has ``outputs`` of image_build.
    more = (named_image.reference_of({"name": name}) for name in options.get("tags") or ())
    request = build_options.request_of(options, tuple(dict.fromkeys((reference, *more))))
    again = image_build.CHANGED if params.get("force_source") else image_build.NEVER
    sent = image_build.sent_of({**options, "_context": params.get("_context")})
    return Stage(image_build.BUILT, image_build.Declared(request, again, sent=sent))


def _archive(params: Mapping[str, Any]) -> image_load.Declared:
    if not params.get("load_path"):
        raise Error("source: load requires load_path")
    return image_load.declare({"path": params["load_path"]})


def _name(params: Mapping[str, Any]) -> str:
    """What the image is called: a whole reference, or its id. Only what is here has an id."""
    text, source = str(params["name"]), params.get("source")
    if not named_image.is_whole_id(text):
        return named_image.reference_of(params).canonical
    if source not in ("local", "load"):
        raise Error(f"Image name must not be an image ID for source={source}; got: {text}")
    return text if text.startswith("sha256:") else f"sha256:{text}"


def _repository(text: str, name: str) -> str:
    """The further name; as in docker_image its tag is the image's own unless it has one."""
    tag = None if named_image.is_whole_id(name) else parse_normalized(name).tag
    return image_tag.target_of("`repository`", text, tag).canonical


def _source(params: Mapping[str, Any]) -> Declared:
    if params.get("state") == "absent":
        return image_remove.declare(params)
    source = params.get("source")
    if source == "pull":
        policy = "always" if params.get("force_source") else "not_present"
        wanted = (params.get("pull") or {}).get("platform")
        return pull_one.declare({**params, "pull": policy, "platform": wanted})
    if source == "import":
        options = params.get("import")
        if not options:
            raise Error("source: import requires import with src")
        return image_import.declare({**options, "name": params["name"], "tag": params.get("tag")})
    return Expected(_name(params))


def _observe_archive(host: Host, declared: Loaded) -> image_load.State:
    if _find(host, declared.name) is not None and not declared.always:
        return image_load.State(())
    found = image_load.observe(host, declared.archive)
    held = {text for image in found.images for text in (image.name, image.id)}
    if not found.unmet and declared.name not in held:
        others = ", ".join(repr(_familiar(image.name)) for image in found.images)
        raise Error(
            f"The archive did not contain image {_familiar(declared.name)!r}."
            f" Instead, found {others}."
        )
    return found


def _find(host: Host, name: str) -> Optional[Local]:
    if named_image.is_whole_id(name):
        return expected.find(host, name)
    return expected.named(host, parse_normalized(name))


def _familiar(name: str) -> str:
    return name if named_image.is_whole_id(name) else parse_normalized(name).familiar


LOADED: Resource[Loaded, image_load.State] = Resource(
    observe=_observe_archive,
    plan=lambda declared, have: image_load.plan(declared.archive, have),
    view=image_load.view,
    result=image_load.result,
    lock=lambda declared: named_image.lock(declared.name),
    predict=image_load.predict,
    # Once the image is here the archive is not read again; the next stage says whether it is.
    verify=lambda want, found: [],
)


def observe(host: Host, declared: Declared) -> State:
    if isinstance(declared, image_remove.Declared):
        return image_remove.observe(host, declared)
    if isinstance(declared, image_import.Declared):
        return image_import.observe(host, declared)
    if isinstance(declared, pull_one.Declared):
        return pull_one.observe(host, declared)
    local = _find(host, declared.name)
    if local is None:
        raise NotFound(
            f"Cannot find the image {_familiar(declared.name)} locally.",
            hint="pull, import, load or commit it first, or set source to pull",
        )
    return State(declared.name, PRESENT, local, local.id)


def plan(declared: Declared, have: State) -> Plan[State]:
    if isinstance(declared, image_remove.Declared):
        return image_remove.plan(declared, have)
    if isinstance(declared, image_import.Declared):
        return image_import.plan(declared, have)
    if isinstance(declared, pull_one.Declared):
        return pull_one.plan(declared, have)
    return Plan(have)


def predict(found: State) -> dict[str, dict[str, Any]]:
    return (
        image_remove.predict(found)
        if found.status == named_image.ABSENT
        else named_image.predict(found)
    )


def _lock(declared: Declared) -> tuple[str, str]:
    if isinstance(declared, image_remove.Declared):
        return image_remove.RESOURCE.lock(declared)
    if isinstance(declared, Expected):
        return named_image.lock(declared.name)
    return named_image.lock(declared.reference.canonical)


def _differences(want: State, found: State) -> list[str]:
    if want.status == named_image.ABSENT:
        return image_remove.differences(want, found)
    return named_image.differences(want, found)


def _diff(planned: Plan[State], found: State) -> dict[str, Any]:
    if any(isinstance(step, image_remove.Remove) for step in planned.steps):
        return image_remove.diff(planned, found)
    return named_image.diff(planned, found)


SOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=named_image.view,
    diff=_diff,
    result=named_image.result,
    lock=_lock,
    predict=predict,
    verify=_differences,
)


def builds(stages: tuple[Stage, ...]) -> bool:
    """Whether the image is built: it runs containers then."""
    return not any(stage.resource is SOURCE for stage in stages)


def _result(host: Host, found: Sequence) -> dict[str, Any]:
    """The module's ``image``, and what a build said."""
    for stage, one in zip(found.stages, found.states):
        if stage.resource is SOURCE:
            return named_image.result(host, one)
    said = "\n".join(host.outcome.get("build", []))
    return {**found.stages[0].resource.result(host, found.states[0]), "stdout": said}


def _located(host: Host, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    if not builds(stages):
        return stages
    from . import image_build

    return image_build.located(host, stages)


RESOURCE: Resource[tuple[Stage, ...], Sequence] = replace(sequence(_result), locate=_located)


def gather(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """What image_info returns: the named images that are here, or all of them."""
    names = params.get("name") or []
    if not names:
        return {"images": [_document(host, one) for one in expected.images(host)]}
    found = ((str(name), expected.find(host, str(name))) for name in names)
    return {"images": [_document(host, one, name) for name, one in found if one is not None]}


def _document(host: Host, found: Local, name: str = "") -> dict[str, Any]:
    image = found.image
    if image is not None:
        same = image.names == found.names
        return documents.inspect(host.layout, image if same else replace(image, names=found.names))
    names = found.names or ((name,) if name and not is_id(name) else ())
    return documents.foretold(map(parse_normalized, names), found.id)
