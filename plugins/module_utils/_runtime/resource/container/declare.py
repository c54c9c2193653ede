# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task's options to one total ContainerSpec. Pure.

``declare`` parses what the task says; ``resolve`` joins it with the container that exists, under
``undeclared`` and ``comparisons``, into the spec that is wanted. The plan then compares two specs
and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ...base.errors import Error
from ...base.frozen import MISSING as NO_DEFAULT
from ...base.frozen import dataclass, field, fields, replace
from ...container.option.catalogue import BY_NAME, FIELDS, OPTIONS
from ...container.option.consistency import check
from ...container.option.form.option import DEFAULT, Option
from ...container.option.refused import ignored, refuse
from ...records import container_record
from ...spec.container import DEFAULT_NETWORK, ContainerSpec, Endpoint, ImageDefaults
from .host_files import MISSING

if TYPE_CHECKING:
    from ...trust.policy import Asked

#: A drain without end lasts as long: a journal holds no infinity.
_A_YEAR_S = 365 * 86400.0

#: What a state means to a plan, which looks at the other options besides.
_STATES = {"created": "present", "restarted": "started", "paused": "started", "healthy": "started"}

#: What these options were before they had no default, for container_default_behavior.
_FIELDS = {known.name: known for known in fields(ContainerSpec)}

_COMPATIBLE: Mapping[str, Any] = {
    "init": False,
    "interactive": False,
    "memory": "0",
    "paused": False,
    "privileged": False,
    "read_only": False,
    "tty": False,
}

#: The option that stands for its aliases, and for what is written in its place, such as mounts.
_WRITTEN_AS = {
    name: option.name
    for option in OPTIONS
    for written in (option, *option.companions)
    for name in (written.name, *written.aliases)
}

STRICT, IGNORE, ALLOW_MORE = "strict", "ignore", "allow_more_present"


@dataclass(frozen=True)
class Declared:
    """One task on one container. ``values`` holds, by spec field, only what the task says."""

    name: str
    #: The image as the task writes it; "" when the task only acts on the container that exists.
    image: str
    state: str
    values: Mapping[str, Any]
    undeclared: str = "reset"
    comparisons: Mapping[str, str] = field(default_factory=dict)
    pull: str = "missing"
    #: With ``pull`` always: for how many seconds an answer of the registry is good enough.
    fresh_s: Optional[float] = None
    recreate: bool = False
    restart: bool = False
    keep_volumes: bool = True
    #: Whether the container that replaces another starts before that one stops, for how many
    #: seconds connections to the old one may go on then, and whether both may write to what both
    #: mount.
    start_first: bool = False
    drain_s: float = 10.0
    share_volumes: bool = False
    force_kill: bool = False
    #: What files the task names that are not on the host, in words.
    missing: tuple[str, ...] = ()
    #: What the task says in vain, in words for warnings.
    ignored: tuple[str, ...] = ()
    #: Whether ``actions`` are told as docker_container tells them.
    debug: bool = False
    #: Whether it takes all networks away, which leaves the mode none.
    unplugged: bool = False
    #: The signal that ``force_kill`` sends; "" is SIGKILL.
    kill_signal: str = ""
    #: None leaves it as it is, or resets it, as ``undeclared`` says.
    paused: Optional[bool] = None
    removal_wait_timeout_s: Optional[float] = None
    #: Wait until it is healthy, or go back to the container that was; seconds, 0 without limit.
    healthy: bool = False
    rollback_unless_healthy: bool = False
    healthy_wait_timeout_s: float = 300.0
    #: False waits for the end of a container that is started; then what the result is told.
    detach: bool = True
    cleanup: bool = False
    output_logs: bool = False
    #: Whether another name of the same image is a reason to make the container anew.
    image_name_matters: bool = True
    #: Whether labels of the image that the task does not set are an error.
    refuse_image_labels: bool = False
    #: As the task writes it; "" is the host's own.
    platform: str = ""
    #: Whether standard input is closed when the first who attached leaves; only the program says.
    stdin_once: bool = False
    #: What the image needs of its signatures; None where the task does not say.
    signature: Optional[Asked] = None


def declare(params: Mapping[str, Any]) -> Declared:
    """Parse the module's options. Raises Error naming the option that is not understood."""
    name = params["name"].lstrip("/")
    container_record.check_name(name)
    refuse(params)
    if params.get("container_default_behavior") == "compatibility":
        given = {option: value for option, value in params.items() if value is not None}
        params = {**dict.fromkeys(params), **_COMPATIBLE, **given}
    values = _values(params)
    if values.get("networks") and values.get("network_mode"):
        raise Error(
            f"container {name}: networks and network_mode are mutually exclusive",
            hint="a container that shares a network namespace cannot join networks",
        )
    comparisons = _comparisons(params["comparisons"] or {})
    if params.get("purge_networks"):
        comparisons.setdefault("networks", STRICT)
    none_at_all = params.get("networks") == [] and comparisons.get("networks") == STRICT
    unplugged = none_at_all and not values.get("network_mode")
    if unplugged:
        # Compared otherwise, an empty list is the default one.
        values = {**values, "networks": (), "network_mode": "none"}
    state = params["state"]
    paused = True if state == "paused" else params.get("paused")
    if paused and _STATES.get(state, state) not in ("started", "present"):
        raise Error(f"container {name}: paused cannot be combined with state {state}")
    timeout, drain = params.get("healthy_wait_timeout"), params.get("drain_timeout")
    pull, fresh_s = _pull(params["pull"])
    return Declared(
        name=name,
        image=params["image"] or "",
        state=_STATES.get(state, state),
        values=values,
        undeclared=params["undeclared"],
        comparisons=comparisons,
        pull=pull,
        fresh_s=fresh_s,
        recreate=params["recreate"],
        restart=params["restart"] or state == "restarted",
        keep_volumes=params["keep_volumes"],
        start_first=params.get("update") == "start_first",
        drain_s=min(max(0.0, 10.0 if drain is None else float(drain)), _A_YEAR_S),
        share_volumes=bool(params.get("share_volumes")),
        force_kill=params["force_kill"],
        missing=tuple(params.get(MISSING, ())),
        ignored=ignored(params),
        debug=bool(params.get("debug")),
        unplugged=unplugged,
        kill_signal=params.get("kill_signal") or "",
        platform=params.get("platform") or "",
        paused=paused,
        removal_wait_timeout_s=params.get("removal_wait_timeout"),
        healthy=state == "healthy",
        rollback_unless_healthy=bool(params.get("rollback_unless_healthy")),
        healthy_wait_timeout_s=max(0.0, 300.0 if timeout is None else float(timeout)),
        detach=params.get("detach") is not False,
        cleanup=bool(params.get("cleanup")),
        output_logs=bool(params.get("output_logs")),
        image_name_matters=params.get("image_name_mismatch") != "ignore",
        refuse_image_labels=_refuses_labels(params, comparisons),
        signature=_signature(params),
    )


def _signature(params: Mapping[str, Any]) -> Optional[Asked]:
    if params.get("require_signature") is None:
        return None
    from ...trust import policy  # Few tasks ask for signatures.

    return policy.asked(params["require_signature"])


#: ``every_1w2d``: the units of Compose's specification, in seconds.
_EVERY = r"every_(?:[0-9]+[wdhms])+"
_PART = r"([0-9]+)([wdhms])"
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_NAMED = {"daily": "every_1d", "weekly": "every_1w"}


def _pull(asked: Any) -> tuple[str, Optional[float]]:
    """The word, and how many seconds an answer of the registry is good for, None if not at all.
    docker_container's older form is a boolean.
    """
    text = str(asked).lower()
    found = {"true": "always", "yes": "always", "false": "missing", "no": "missing"}.get(text, text)
    if found in ("missing", "always", "never"):
        return found, None
    every = _NAMED.get(found, found)
    if not re.fullmatch(_EVERY, every):
        raise Error(
            f"pull: {text[:40]!r} is not valid",
            hint="use missing, always, never, daily, weekly or every_ with a duration such as 12h",
        )
    parts = re.findall(_PART, every[len("every_") :])
    return "always", float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


def _refuses_labels(params: Mapping[str, Any], comparisons: Mapping[str, str]) -> bool:
    """As with docker_container, only where labels are explicitly compared strictly."""
    asked = comparisons.get("labels", comparisons.get("*"))
    return params.get("image_label_mismatch") == "fail" and asked == STRICT


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    said = {option.spec_field: option.value(params) for option in OPTIONS}
    return {
        name: _default(name) if value is DEFAULT else value
        for name, value in said.items()
        if value is not None
    }


def _comparisons(asked: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, mode in asked.items():
        option = _WRITTEN_AS.get(name, name)
        if found.setdefault(option, mode) != mode:
            raise Error(
                f"comparisons: {name} and {option} are compared together, so they need "
                f"the same mode"
            )
        if option != "*" and option not in FIELDS and option != "image":
            raise Error(f"comparisons: unknown option {option!r}")
        if mode not in (STRICT, IGNORE, ALLOW_MORE):
            raise Error(
                f"comparisons: {option}: {mode!r} is not strict, ignore or allow_more_present"
            )
        if option == "*" and mode == ALLOW_MORE:
            raise Error("comparisons: '*' can only be strict or ignore")
        if mode == ALLOW_MORE and (option == "image" or _kind(FIELDS[option]) == "value"):
            raise Error(
                f"comparisons: {option} has a single value, so allow_more_present does not apply"
            )
    return found


def _kind(field: str) -> str:
    return str(_FIELDS[field].metadata["kind"])


def resolve(
    declared: Declared,
    reference: str,
    image_id: str,
    existing: Optional[ContainerSpec],
    brought: Optional[ImageDefaults] = None,
) -> ContainerSpec:
    """The total spec that a declaring task wants, given the container that exists or None.

    ``reference`` is the image's normalised name and ``image_id`` what it means now, "" when that is
    only known once it was pulled. ``brought`` is what the container's own image brings, as far as
    it matters.
    """
    wanted = {field: _wanted(declared, option, field, existing) for option, field in FIELDS.items()}
    if wanted["networks"] and wanted["network_mode"]:
        # One of the two was declared; the other was only left over from the container that exists.
        if "network_mode" in declared.values:
            wanted["networks"] = ()
        else:
            wanted["network_mode"] = ""
    if existing is not None and compared(declared, "image") == IGNORE:
        reference, image_id = existing.image, existing.image_id
    if existing is not None and brought is not None and image_id == existing.image_id:
        wanted.update(_beside(declared, existing, brought))
    spec = ContainerSpec(
        name=declared.name,
        image=reference,
        image_id=image_id,
        stdin_once=declared.stdin_once if existing is None else existing.stdin_once,
        unplugged=wanted["network_mode"] == "none" and _unplugged(declared, existing),
        **wanted,
    )
    check(spec)
    return spec


def _unplugged(declared: Declared, existing: Optional[ContainerSpec]) -> bool:
    if "network_mode" in declared.values:
        return declared.unplugged
    return existing is not None and existing.unplugged


def amend(
    declared: Declared, existing: ContainerSpec, brought: Optional[ImageDefaults] = None
) -> ContainerSpec:
    """The spec after a task that names no image: what it says, and everything else as it is."""
    kept = replace(declared, undeclared="keep")
    return resolve(kept, existing.image, existing.image_id, existing, brought)


#: Dictionaries that a container adds to what its image has.
BESIDE_THE_IMAGE = ("env", "labels")


def _beside(
    declared: Declared, existing: ContainerSpec, brought: ImageDefaults
) -> dict[str, dict[str, str]]:
    """What is wanted of these dictionaries, given what the image has of each.

    A member that says what the image says makes no difference. One of the image that the task does
    not mention is as in the image, also where the others are kept, as with docker_container.
    """
    wanted = {}
    for name in BESIDE_THE_IMAGE:
        mode = _mode(declared, name, name)
        if name not in declared.values or mode == IGNORE:
            continue
        have, own = getattr(existing, name), getattr(brought, name)
        given = declared.values[name] or {}
        kept = {
            key: value
            for key, value in have.items()
            if mode == ALLOW_MORE and key not in given and key not in own
        }
        new = dict(sorted({**kept, **given}.items()))
        wanted[name] = have if {**own, **new} == {**own, **have} else new
    return wanted


def _wanted(declared: Declared, option: str, field: str, existing: Optional[ContainerSpec]) -> Any:
    said, given = field in declared.values, declared.values.get(field)
    default = _default(field)
    if existing is None:
        return given if said else default
    have = getattr(existing, field)
    mode = _mode(declared, option, field)
    if mode == IGNORE:
        return have
    if not said:
        if field == "networks" and "network_mode" not in declared.values:
            default = _given_by_others(have)
        return have if declared.undeclared == "keep" or mode == ALLOW_MORE else default
    return given if mode == STRICT or given is None else _more(BY_NAME[option], have, given)


def _given_by_others(have: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """The networks of a container whose task names none: the default one, which () stands for
    where it is alone, and those that others connected it to.
    """
    joined = tuple(endpoint for endpoint in have if endpoint.connected)
    if not joined or any(endpoint.network == DEFAULT_NETWORK for endpoint in joined):
        return joined
    return (Endpoint(DEFAULT_NETWORK), *joined)


def compared(declared: Declared, option: str) -> Optional[str]:
    """How the task says that an option, or ``image``, is compared; None when it says nothing."""
    return declared.comparisons.get(option, declared.comparisons.get("*"))


def _mode(declared: Declared, option: str, field: str) -> str:
    asked = compared(declared, option)
    if asked is not None:
        return asked
    more = declared.undeclared == "keep" and _kind(field) in ("set", "map")
    return ALLOW_MORE if more else STRICT


def _more(option: Option, have: Any, given: Any) -> Any:
    """What satisfies ``given`` and keeps what else is there."""
    if option.more is not None:
        return option.more(have, given)
    kind = _kind(option.spec_field)
    if kind == "map":
        return dict(sorted({**(have or {}), **given}.items()))
    if kind == "list":
        rest = iter(have or ())
        return have if all(item in rest for item in given) else given
    return tuple(sorted({*have, *given}))


def _default(field: str) -> Any:
    known = _FIELDS[field]
    return {} if known.default is NO_DEFAULT else known.default


def differing(have: ContainerSpec, want: ContainerSpec) -> list[str]:
    """The options in which two specs differ, ``image`` first, in the words of the module."""
    names = ["image"] if have.image != want.image else []
    return names + [
        option for option, field in FIELDS.items() if getattr(have, field) != getattr(want, field)
    ]


def applied_live(option: str, have: ContainerSpec, want: ContainerSpec) -> bool:
    """Whether a difference in this option is applied to the container as it is."""
    if option == "image":
        return False
    field = FIELDS[option]
    live = _FIELDS[field].metadata["live"]
    if isinstance(live, frozenset):
        return {getattr(have, field), getattr(want, field)} <= live
    return bool(live)


def shown(spec: ContainerSpec) -> dict[str, Any]:
    """A spec in the module's own words, for diffs: the image, and what is not its default."""
    shows: dict[str, Any] = {"image": spec.image}
    for option in OPTIONS:
        value = getattr(spec, option.spec_field)
        if value != _default(option.spec_field):
            shows[option.name] = option.shown(value)
    return shows
