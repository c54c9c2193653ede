# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the module compose, and the files they name, to a stack."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...base.layout import Layout
from ...compose.base.findings import Findings
from ...compose.compiled import Compiled, Entry, compile_project
from ...compose.reading import files, project
from ...compose.reading.files import Asked
from ...compose.reading.project import Project
from ...compose.service.service_keys import KEY_OF
from ..image.names import image_remove
from ..stack import declare as stack_declare
from ..stack.member import CONTAINER, IMAGE, NETWORK, Member, Stack
from ..stack.options import Mistakes
from ..stack.order import with_needed
from . import belonging, building, external
from .external import External

_PLACE = re.compile(r"\b(containers|networks|volumes|images)\[(\d+)\](?:([.:]) ?(\w+))?")


@dataclass(frozen=True)
class Declared:
    """A project as a stack, and what its files came to; ``warnings`` are for whoever reads the
    result.
    """

    stack: Stack
    compiled: Compiled
    warnings: tuple[str, ...]
    services: frozenset[str]
    #: What is used and never made.
    externals: tuple[External, ...] = ()

    @property
    def project(self) -> Project:
        return self.compiled.project


def asked_of(params: Mapping[str, Any], around: Mapping[str, str]) -> Asked:
    """Which project the options of a module mean."""
    source = params.get("project_src") or ""
    if source and not os.path.isdir(source):
        raise Error(f"project_src: {source} is not a directory")
    return Asked(
        files=tuple(params.get("files") or ()),
        directory=source,
        definition=params.get("definition"),
        project=params.get("project_name") or "",
        env_files=tuple(params.get("env_files") or ()),
        profiles=tuple(params.get("profiles") or ()),
        around=around,
    )


def secrets(params: Mapping[str, Any]) -> list[str]:
    """The values that nobody is to be shown, of a definition in the task, which may be wrong."""
    definition = params.get("definition")
    given = definition.get("secrets") if isinstance(definition, Mapping) else None
    values = given.values() if isinstance(given, Mapping) else ()
    found = (one.get("content") for one in values if isinstance(one, Mapping))
    return [str(content) for content in found if content]


def declare(params: Mapping[str, Any]) -> Declared:
    """Read the options and the files. Raises one Error with all mistakes."""
    return of_project(asked_of(params, dict(os.environ)), params, Layout.default())


def of_project(asked: Asked, params: Mapping[str, Any], layout: Layout) -> Declared:
    """The stack of the project that is asked for; ``params`` are the other options of the module.
    Raises one Error with all mistakes.
    """
    findings = Findings()
    services = tuple(params.get("services") or ())
    scale = _scale(params.get("scale") or {}, findings)
    source = files.read(asked, findings)
    whole = project.project(source, asked, findings, services, scale)
    compiled = compile_project(whole, findings)
    chosen = _chosen(compiled, services, params)
    options = _stack_options(compiled, params, chosen, asked)
    mistakes = Mistakes()
    members = stack_declare.members_of(options, mistakes, label="")
    if params["state"] != "absent":
        again = params["build"] == "always"
        members += building.members(compiled.images, again, findings)
    entries = {
        "containers": compiled.containers,
        "networks": compiled.networks,
        "volumes": compiled.volumes,
        "images": compiled.images,
    }
    for line in mistakes:
        findings.wrong("", _placed(line, entries))
    findings.refuse(whole.name)
    stack = _stack(compiled, params, members, chosen)
    externals = external.used(whole, chosen) if params["state"] != "absent" else ()
    warnings = tuple(findings.warnings)
    return Declared(stack, compiled, warnings, frozenset(chosen), externals)


def of_name(name: str, params: Mapping[str, Any], layout: Layout) -> Declared:
    """The end of a project of which there is nothing but its name: all that has its labels goes."""
    empty = Project(name, "", (), {}, {}, {}, {}, {})
    compiled = Compiled(empty, (), (), (), ())
    given = {"wait_timeout": None, "build": "never", **params}
    stack = _stack(compiled, given, [], frozenset())
    return Declared(replace(stack, orphans="remove"), compiled, (), frozenset())


def one_off(asked: Asked, service: str, layout: Layout) -> dict[str, Any]:
    """The options of a container for one command of a service; ``name`` is what its name begins
    with. Raises Error with all mistakes.
    """
    findings = Findings()
    source = files.read(asked, findings)
    whole = project.project(source, asked, findings, (service,), {service: 1})
    compiled = compile_project(whole, findings)
    findings.refuse(whole.name)
    entry = next(one for one in compiled.containers if one.key == service)
    given = {"renew_anon_volumes": False}
    found = _container(whole, entry, given, any(one.key == service for one in compiled.images))
    found.pop("depends_on", None)
    labels = {**found["labels"], project.ONE_OFF: "True", project.NUMBER: "1"}
    return {**found, "labels": labels, "name": f"{whole.name}-{service}-run"}


def _scale(given: Mapping[str, Any], findings: Findings) -> dict[str, int]:
    found = {}
    for name, value in given.items():
        with findings.reading(f"scale.{name}"):
            found[str(name)] = int(value)
            if found[str(name)] < 0:
                raise ValueError("it is less than none")
    return found


def _placed(line: str, entries: Mapping[str, tuple[Entry, ...]]) -> str:
    """A mistake in an entry of a stack, with its place in the Compose files."""

    def place(found: re.Match[str]) -> str:
        listed = entries[found[1]]
        number, joint, option = int(found[2]), found[3] or "", found[4] or ""
        if number >= len(listed):
            return found[0]
        if joint != ".":
            rest = f"{joint} {option}" if joint else ""
            return listed[number].path + rest
        key = KEY_OF.get(option, option) if found[1] == "containers" else option
        return f"{listed[number].path}.{key}"

    return re.sub(r"^containers: ", "services: ", _PLACE.sub(place, line))


def _chosen(
    compiled: Compiled, services: tuple[str, ...], params: Mapping[str, Any]
) -> frozenset[str]:
    """The services that a task is about: those it names and, unless they are to end, what they
    depend on.
    """
    names = compiled.project.services
    if not services:
        return frozenset(names)
    if params["state"] == "absent" or not params["dependencies"]:
        return frozenset(services) & frozenset(names)
    needs = {entry.key: set(entry.services) | _shares(entry, compiled) for entry in
             compiled.containers}  # fmt: skip
    return frozenset(with_needed(needs, services))


def _shares(entry: Entry, compiled: Compiled) -> set[str]:
    """The services whose containers another one uses."""
    owners = {one.name: one.key for one in compiled.containers}
    texts: list[str] = []
    for option in ("network_mode", "pid_mode", "ipc_mode"):
        texts.append(str(entry.options.get(option, "")).partition("container:")[2])
    texts += [str(one).partition(":")[0] for one in entry.options.get("volumes_from", ())]
    for one in (entry.options, *entry.options.get("networks", ())):
        texts += [str(link).partition(":")[0] for link in one.get("links", ())]
    return {owners[text] for text in texts if text in owners} - {entry.key}


# --- as options of a stack -------------------------------------------------------------------


def _stack_options(
    compiled: Compiled, params: Mapping[str, Any], chosen: Iterable[str], asked: Asked
) -> dict[str, Any]:
    whole = compiled.project
    pull = params["pull"]
    built = {entry.key for entry in compiled.images}
    return {
        "name": whole.name,
        "state": params["state"],
        "containers": [
            _container(whole, entry, params, entry.key in built) for entry in compiled.containers
        ],
        "networks": [_labelled(whole, project.NETWORK, entry) for entry in compiled.networks],
        "volumes": [_labelled(whole, project.VOLUME, entry) for entry in compiled.volumes],
        "defaults": {},
        "recreate": params["recreate"],
        "pull": None if pull == "policy" else pull,
        "wait": params["wait"],
        "wait_timeout": params["wait_timeout"],
        "remove_volumes": params["remove_volumes"],
    }


def _labelled(whole: Project, label: str, entry: Entry) -> dict[str, Any]:
    labels = {project.PROJECT: whole.name, label: entry.key}
    return {**entry.options, "labels": {**entry.options.get("labels", {}), **labels}}


def _container(
    whole: Project, entry: Entry, params: Mapping[str, Any], built: bool
) -> dict[str, Any]:
    labels = {
        **entry.options.get("labels", {}),
        project.PROJECT: whole.name,
        project.SERVICE: entry.key,
        project.NUMBER: str(entry.number),
        project.ONE_OFF: "False",
    }
    if whole.files:
        labels[project.WORKING_DIR] = whole.base
        labels[project.CONFIG_FILES] = ",".join(whole.files)
    if entry.services:
        told = (
            f"{name}:service_{_CONDITION[how]}:{str(name in entry.after).lower()}"
            for name, how in entry.services.items()
        )
        labels[project.DEPENDS_ON] = ",".join(told)
    found = {**entry.options, "labels": labels}
    if entry.needs:
        found["depends_on"] = dict(entry.needs)
    if built:
        found.setdefault("pull", "never")
    if params["renew_anon_volumes"]:
        found["keep_volumes"] = False
    return {**found, **_updating(entry.options, params)}


def _updating(said: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """What a task says of replacing containers, in place of what the file ``said``. Volumes are
    shared only where the file says start-first of its service itself.
    """
    update, drain = params.get("update"), params.get("drain_timeout")
    found: dict[str, Any] = {} if drain is None else {"drain_timeout": drain}
    if update is not None:
        shares = update == "start_first" and said.get("share_volumes", False)
        found |= {"update": update, "share_volumes": shares}
    return found


_CONDITION = {"started": "started", "healthy": "healthy", "completed": "completed_successfully"}


# --- the stack -------------------------------------------------------------------------------


def _stack(
    compiled: Compiled,
    params: Mapping[str, Any],
    members: list[Member],
    chosen: frozenset[str],
) -> Stack:
    whole, state = compiled.project, params["state"]
    of_container = {entry.name: entry for entry in compiled.containers}
    known = frozenset(member.key for member in members)
    partial = bool(params.get("services"))
    # What was not named is recreated where it differs, as with Compose.
    every = not partial or params.get("recreate_dependencies")
    anew = chosen if every else frozenset(params["services"])
    kept = []
    used: set[tuple[str, str]] = set()
    for member in members:
        if member.kind != CONTAINER:
            continue
        entry = of_container[member.name]
        if entry.key not in chosen:
            continue
        used |= member.uses
        if entry.key == params.get("around"):
            continue
        after = frozenset(one.name for one in compiled.containers if one.key in entry.after)
        declared = member.declared
        if entry.key not in anew:
            declared = replace(declared, recreate=False)
        kept.append(replace(member, path=entry.path, after=after, declared=declared))
    if state != "absent":
        takes = {entry.key: entry.services for entry in compiled.images}
        of_services = with_needed(takes, chosen)
        built = {entry.name for entry in compiled.images if entry.key in of_services}
        build = params["build"] != "never"
        kept += [
            _with_path(member, compiled)
            for member in members
            if (member.kind == IMAGE and member.name in built and build)
            or (member.kind not in (CONTAINER, IMAGE) and (member.kind, member.name) in used)
        ]
    elif not partial:
        kept += [_with_path(m, compiled) for m in members if m.kind not in (CONTAINER, IMAGE)]
        kept += _removed_images(compiled, params.get("remove_images"))
    arranged = stack_declare.arranged(state, kept)
    return Stack(
        name=whole.name,
        state=state,
        members=arranged,
        known=known,
        orphans="remove" if params["remove_orphans"] else "report",
        partial=partial,
        remove_volumes=params["remove_volumes"],
        wait_timeout_s=params["wait_timeout"],
        grace_s=params["timeout"],
        belongs=belonging.of_project(whole.name, state, chosen, whole.others, partial),
        word="project",
    )


def _with_path(member: Member, compiled: Compiled) -> Member:
    for entry in (*compiled.networks, *compiled.volumes, *compiled.images):
        kind = {"networks": NETWORK, "volumes": "volume"}.get(entry.path.partition(".")[0], IMAGE)
        if (kind, entry.name) == (member.kind, member.name):
            return replace(member, path=entry.path)
    return member


def _removed_images(compiled: Compiled, which: Optional[str]) -> list[Member]:
    """The images that go with the project: all that its services have, or those without a name of
    their own.
    """
    if which is None:
        return []
    found: dict[str, Member] = {}
    for name, given in compiled.project.services.items():
        if which == "local" and given.get("image"):
            continue
        image = next(entry.options["image"] for entry in compiled.containers if entry.key == name)
        resource = image_remove.RESOURCE
        declared = image_remove.declare({"name": image, "force": False, "prune": True})
        path = f"services.{name}.image"
        found[image] = Member(IMAGE, image, path, resource, declared, leaves=True)
    return list(found.values())
