# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the module stack to its members, each declared as its own module would
declare it. All mistakes are reported in one Error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from ...base.errors import Error
from ...base.frozen import replace
from ...container.option.catalogue import OPTIONS, argument_spec
from ...plan.plan import Plan
from ...spec.identifiers import is_name
from ..container import decide as containers
from ..container.declare import Declared as DeclaredContainer
from ..container.observe import State as ContainerState
from ..container.observe import predict
from ..container.steps import Create, Replace
from ..image import options as image_options
from ..network import decide as networks
from ..network import declare as network_declare
from ..network import options as network_options
from ..volume import decide as volumes
from ..volume import options as volume_options
from . import needs, options, order
from .member import COMPLETED, CONTAINER, IMAGE, LABEL, NETWORK, STARTED, VOLUME, Member, Stack
from .options import Mistakes, Table

_DEPENDS_ON = {"depends_on": {"type": "raw"}}


def _argument(kind: str, elements: str = "", **rest: Any) -> dict[str, Any]:
    return {"type": kind, **({"elements": elements} if elements else {}), **rest}


#: What Ansible is told about the options of the module stack.
ARGUMENT_SPEC: Mapping[str, Mapping[str, Any]] = {
    "name": _argument("str", required=True),
    "state": _argument(
        "str", default="present", choices=["absent", "present", "restarted", "stopped"]
    ),
    "containers": _argument("list", "dict", default=[]),
    "defaults": _argument("dict", default={}),
    "networks": _argument("list", "dict", default=[]),
    "volumes": _argument("list", "dict", default=[]),
    "images": _argument("list", "dict", default=[]),
    "only": _argument("list", "str"),
    "orphans": _argument("str", default="remove", choices=["keep", "remove", "report"]),
    "on_error": _argument("str", default="stop", choices=["continue", "stop"]),
    "recreate": _argument("str", default="auto", choices=["always", "auto", "never"]),
    "pull": _argument("str", choices=["always", "missing", "never"]),
    "wait": _argument("bool", default=False),
    "wait_timeout": _argument("float"),
    "remove_volumes": _argument("bool", default=False),
    "report": _argument("path"),
}

_LISTS = ("containers", "networks", "volumes", "images")


def _tables() -> dict[str, Table]:
    """The option table of the entries of each list."""
    return {
        "containers": options.table({**argument_spec(), **_DEPENDS_ON}),
        "networks": options.table(network_options.ARGUMENT_SPEC),
        "volumes": options.table(volume_options.ARGUMENT_SPEC),
        "images": options.table(image_options.ARGUMENT_SPEC),
    }


def secrets(params: Mapping[str, Any]) -> list[str]:
    """The values that nobody is to be shown, of whatever a task says."""
    tables = _tables()
    given = [("containers", params.get("defaults"))]
    for kind in _LISTS:
        listed = params.get(kind)
        given += [(kind, entry) for entry in (listed if isinstance(listed, list) else ())]
    return [text for kind, entry in given for text in options.secrets(tables[kind].spec, entry)]


def declare(params: Mapping[str, Any]) -> Stack:
    """Read the options. Raises one Error with all mistakes."""
    mistakes = Mistakes()
    name = params["name"]
    if not is_name(name):
        mistakes.add("name", f"{name[:60]!r} is not valid: use letters, digits, '_', '.' and '-'")
    members = members_of(params, mistakes)
    known = frozenset(member.key for member in members)
    chosen = _only(params.get("only"), params["state"], members, mistakes)
    if mistakes:
        raise Error(f"stack {name}: " + "\n".join(mistakes))
    return Stack(
        name=name,
        state=params["state"],
        members=arranged(params["state"], chosen),
        known=known,
        orphans=params["orphans"],
        partial=params.get("only") is not None,
        go_on=params["on_error"] == "continue",
        remove_volumes=params["remove_volumes"],
        wait_timeout_s=params.get("wait_timeout"),
    )


def members_of(params: Mapping[str, Any], mistakes: Mistakes, label: str = LABEL) -> list[Member]:
    """The members that entries make, with a label that names the whole; with none, their labels are
    those of the entries. What is wrong goes to ``mistakes``.
    """
    reader = _Reader(params, mistakes, label)
    return [
        *reader.members("volumes", reader.volume),
        *reader.members("networks", reader.network),
        *reader.members("images", reader.image),
        *reader.containers(),
    ]


class _Reader:
    """Reads the entries of a task; what is wrong goes to ``mistakes``."""

    def __init__(self, params: Mapping[str, Any], mistakes: Mistakes, label: str) -> None:
        self.params, self.mistakes, self.label = params, mistakes, label
        self.tables = _tables()
        self.state = params["state"]
        entries = [one for one in params.get("containers") or () if isinstance(one, Mapping)]
        self.names = frozenset(str(one.get("name")) for one in entries)

    def members(
        self,
        kind: str,
        read: Callable[[dict[str, Any], str], Optional[Member]],
        defaults: Optional[Mapping[str, Any]] = None,
    ) -> list[Member]:
        """The members of one list, whose entries may leave out what ``defaults`` say."""
        known = self.tables[kind]
        found: dict[str, Member] = {}
        for number, entry in enumerate(self.params.get(kind) or ()):
            path = f"{kind}[{number}]"
            before = len(self.mistakes)
            given = options.said(known, entry, path, self.mistakes)
            if kind == "images":
                given = {**given, "source": given.get("source") or "pull"}
            params = options.whole(known, {**(defaults or {}), **given}, path, self.mistakes)
            if len(self.mistakes) > before:
                continue
            member = self._read(read, params, path, known)
            if member is None:
                continue
            if member.key in found:
                there = found[member.key].path
                self.mistakes.add(path, f"{member.key} is declared already, by {there}")
            found[member.key] = member
        return list(found.values())

    def _read(
        self,
        read: Callable[[dict[str, Any], str], Optional[Member]],
        params: dict[str, Any],
        path: str,
        known: Table,
    ) -> Optional[Member]:
        try:
            return read(params, path)
        except Error as exc:
            self.mistakes.append(options.prefixed(path, str(exc), known))
            return None

    def volume(self, params: dict[str, Any], path: str) -> Optional[Member]:
        name = params["volume_name"]
        if not self._is_ours(params, path):
            return None
        if self.state == "absent":
            params = {**params, "state": "absent"}
        params["labels"] = self._labelled(params)
        return Member(VOLUME, name, path, volumes.RESOURCE, volumes.declare(params))

    def network(self, params: dict[str, Any], path: str) -> Optional[Member]:
        if not self._is_ours(params, path):
            return None
        if self.state == "absent":
            params = {**params, "state": "absent"}
        params["labels"] = self._labelled(params)
        declared = network_declare.declare(params)
        return Member(NETWORK, declared.name, path, networks.RESOURCE, declared)

    def image(self, params: dict[str, Any], path: str) -> Optional[Member]:
        from ..image import image as images

        if self.state == "absent":
            return None
        before = len(self.mistakes)
        options.required_if(image_options.REQUIRED_IF, params, path, self.mistakes)
        if (params.get("build") or {}).get("src"):
            self.mistakes.add(
                f"{path}.build.src",
                "a context on the controller is not supported in a stack; build the image with"
                " slipway.engine.image_build before, or use path",
            )
        if len(self.mistakes) > before:
            return None
        built = params["source"] == "build"
        declared = images.declare(params)
        return Member(IMAGE, params["name"], path, images.RESOURCE, declared, built=built)

    def containers(self) -> list[Member]:
        members = self.members("containers", self._container, self._defaults())
        found = {member.name: member for member in members}
        self._check_needs(found)
        jobs = {
            other
            for one in found.values()
            for other, wait in one.needs.items()
            if wait == COMPLETED
        }
        for name in sorted(jobs & set(found)) if self.state != "absent" else ():
            needs.check_job(found[name].declared, found[name].path, self.mistakes)
        return [
            _job(member) if member.name in jobs else self._waited_for(member)
            for member in found.values()
        ]

    def _defaults(self) -> dict[str, Any]:
        known = self.tables["containers"]
        given = options.said(known, self.params.get("defaults") or {}, "defaults", self.mistakes)
        for name in ("name", "depends_on"):
            if given.pop(name, None) is not None:
                self.mistakes.add(f"defaults.{name}", "is not a default of containers")
        return given

    def _container(self, params: dict[str, Any], path: str) -> Optional[Member]:
        before = len(self.mistakes)
        waits = needs.said(params.pop("depends_on", None), f"{path}.depends_on", self.mistakes)
        params = needs.of_members(params, self.names, path, self.mistakes)
        if not self._is_ours(params, path):
            return None
        params["labels"] = self._labelled(params)
        try:
            declared = containers.declare(self._asked(params))
        except Error as exc:
            known = self.tables["containers"]
            said = list(_wrong(params)) or [str(exc)]
            self.mistakes += [options.prefixed(path, one, known) for one in said]
            return None
        if len(self.mistakes) > before:
            return None
        waits = {**dict.fromkeys(needs.implied(declared), STARTED), **waits}
        uses = frozenset(needs.uses(declared))
        return Member(CONTAINER, declared.name, path, containers.RESOURCE, declared, waits, uses)

    def _asked(self, params: dict[str, Any]) -> dict[str, Any]:
        """The options of a container as the whole stack has them."""
        if self.state == "absent":
            keep = params["keep_volumes"] and not self.params["remove_volumes"]
            return {**params, "state": "absent", "keep_volumes": keep}
        asked = dict(params)
        if self.state == "stopped":
            asked["state"] = "stopped" if params["state"] != "absent" else "absent"
        elif self.state == "restarted" and params["state"] in ("started", "healthy", "paused"):
            asked["restart"] = True
        if self.params.get("pull") and params["image"]:
            asked["pull"] = self.params["pull"]
        if self.params["recreate"] == "always" and params["state"] != "absent":
            asked["recreate"] = True
        elif self.params["recreate"] == "never":
            asked["comparisons"] = {"*": "ignore"}
        if self.params.get("wait_timeout") is not None:
            asked["healthy_wait_timeout"] = self.params["wait_timeout"]
        return asked

    def _waited_for(self, member: Member) -> Member:
        """With ``wait`` until it is healthy, for one that is to run."""
        declared: DeclaredContainer = member.declared
        runs = declared.state == "started" and declared.detach and not declared.paused
        if not self.params["wait"] or not runs:
            return member
        return replace(member, declared=replace(declared, healthy=True))

    def _check_needs(self, found: Mapping[str, Member]) -> None:
        for member in found.values():
            for other in member.needs:
                if other not in found and other in (_explicit(self.params, member.path) or ()):
                    self.mistakes.add(
                        f"{member.path}.depends_on", f"the stack has no container {other[:128]}"
                    )
        circle = order.circle({name: member.needs for name, member in found.items()})
        if circle is not None:
            self.mistakes.add("containers", f"wait for one another: {' -> '.join(circle)}")

    def _labelled(self, params: Mapping[str, Any]) -> dict[str, Any]:
        given = dict(params.get("labels") or {})
        return {**given, self.label: self.params["name"]} if self.label else given

    def _is_ours(self, params: Mapping[str, Any], path: str) -> bool:
        given = (params.get("labels") or {}).get(self.label, self.params["name"])
        if given != self.params["name"]:
            self.mistakes.add(f"{path}.labels", f"{self.label} names the stack, and is set by it")
        return bool(given == self.params["name"])


def _explicit(params: Mapping[str, Any], path: str) -> Any:
    entry = params["containers"][int(path[len("containers[") : -1])]
    return entry.get("depends_on")


def _wrong(params: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong in the options of a container, each by itself."""
    for option in OPTIONS:
        try:
            option.value(params)
        except Error as exc:
            yield str(exc)


def _job(member: Member) -> Member:
    """A container whose end others wait for: once it has done its work, it is left alone."""
    resource = replace(containers.RESOURCE, plan=_plan_job, predict=_predict_job)
    return replace(member, resource=resource)


def _predict_job(state: ContainerState) -> dict[str, dict[str, Any]]:
    """By the time of the next task it has done its work: others of the stack waited for that."""
    return predict(replace(state, running=False, completed=True) if state.running else state)


def _plan_job(declared: DeclaredContainer, have: ContainerState) -> Plan[ContainerState]:
    if have.completed and declared.state == "started" and not declared.restart:
        at_rest = containers.plan(replace(declared, state="present"), have)
        if not any(isinstance(step, (Create, Replace)) for step in at_rest.steps):
            return at_rest
    return containers.plan(declared, have)


def _only(
    names: Optional[Sequence[str]], state: str, members: Sequence[Member], mistakes: Mistakes
) -> list[Member]:
    """The members that a task is about."""
    if names is None:
        return list(members)
    known = {member.name for member in members}
    for name in names:
        if name not in known:
            mistakes.add("only", f"the stack has no member {name[:128]}")
    chosen = set(names)
    used: set[tuple[str, str]] = set()
    if state == "present":
        waits = {m.name: m.needs for m in members if m.kind == CONTAINER}
        chosen |= order.with_needed(waits, names)
        used = {one for m in members if m.kind == CONTAINER and m.name in chosen for one in m.uses}
    return [m for m in members if m.name in chosen or (m.kind, m.name) in used]


def arranged(state: str, members: Sequence[Member]) -> tuple[Member, ...]:
    """The members in the order in which one relies on another."""
    found = {member.name: member for member in members if member.kind == CONTAINER}
    waits = {name: member.needs for name, member in found.items()}
    containers_first = [found[name] for name in order.ordered(waits)] if found else []
    others = [member for member in members if member.kind != CONTAINER]
    if state == "absent":
        return (*reversed(containers_first), *reversed(others))
    return (*others, *containers_first)
