# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers a list shows, by the filters of ``docker ps``. Pure.

Several values of one filter are alternatives, except labels, which must all match.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ...base import clock
from ...base.errors import Error
from ...records.container_record import PHASES
from ...text import filters

Document = Mapping[str, Any]

#: The filters there are, in Docker's words.
KNOWN = (
    "ancestor", "before", "exited", "expose", "health", "id", "is-task", "label", "label!", "name",
    "network", "publish", "since", "status", "until", "volume",
)  # fmt: skip
_STATUSES = (*PHASES, "dead")
_HEALTH = ("none", "starting", "healthy", "unhealthy")


def choose(
    documents: Iterable[Document],
    given: Mapping[str, Any],
    now: float,
    everything: bool = False,
    descends: Callable[[Document, str], bool] = lambda document, image: False,
) -> list[Document]:
    """Those of the containers, given as inspect documents, that the filters let pass, newest first.

    Without ``everything`` only those that run, unless a filter speaks of others. ``descends`` says
    whether a container's image is the one named, or was made from it. Raises Error for a filter
    that is not understood.
    """
    asked = filters.listed(given, KNOWN)
    _check(asked)
    found = sorted(documents, key=lambda one: str(one["Created"]), reverse=True)
    tests = _tests(asked, found, now, descends)
    # As with Docker, who asks for a state or an exit status means stopped containers too.
    if not everything and not {"status", "exited"} & set(asked):
        tests.append(lambda one: bool(one["State"]["Running"]))
    return [one for one in found if all(test(one) for test in tests)]


def _check(asked: Mapping[str, Sequence[str]]) -> None:
    for name, known in (("status", _STATUSES), ("health", _HEALTH)):
        for value in asked.get(name, ()):
            if value not in known:
                raise Error(
                    f"{value[:60]!a} is not a valid {name} for a container",
                    hint=f"known values: {', '.join(known)}",
                )
    for value in asked.get("exited", ()):
        if not re.match(r"\A-?[0-9]{1,9}\Z", value, re.ASCII):
            raise Error(f"filter exited: {value[:60]!a} is not valid, expected a number")


def _tests(
    asked: Mapping[str, Sequence[str]],
    everything: Sequence[Document],
    now: float,
    descends: Callable[[Document, str], bool],
) -> list[Callable[[Document], bool]]:
    """One test for each filter that was given."""
    possible: dict[str, Callable[[Document, str], bool]] = {
        "ancestor": descends,
        "exited": _exited,
        "expose": lambda one, value: _has_port(one["Config"]["ExposedPorts"] or {}, value),
        "health": lambda one, value: health(one) == value,
        "id": lambda one, value: str(one["Id"]).startswith(value),
        "is-task": lambda one, value: not filters.truth("is-task", [value]),
        "name": lambda one, value: _is_named(str(one["Name"]), pattern("name", value)),
        "network": _on_network,
        "publish": lambda one, value: _has_port(_published(one), value),
        "status": lambda one, value: bool(one["State"]["Status"] == value),
        "volume": _mounts,
        "before": lambda one, value: _created(one) < _created(_named(everything, value)),
        "since": lambda one, value: _created(one) > _created(_named(everything, value)),
        "until": lambda one, value: (
            (clock.seconds(_created(one)) or now) < filters.moment(value, now)
        ),
    }
    tests: list[Callable[[Document], bool]] = [
        lambda one: filters.labelled(asked, one["Config"]["Labels"] or {})
    ]
    for name, values in asked.items():
        if name in possible:
            tests.append(_any(possible[name], values))
    return tests


def _any(
    test: Callable[[Document, str], bool], values: Sequence[str]
) -> Callable[[Document], bool]:
    return lambda one: any(test(one, value) for value in values)


def pattern(name: str, value: str) -> re.Pattern[str]:
    """The regular expression that a filter is. Raises Error when it is none."""
    try:
        return re.compile(value)
    except re.error as exc:
        raise Error(f"the filter {name} {value[:60]!a} is not a regular expression: {exc}") from exc


def _is_named(name: str, expression: re.Pattern[str]) -> bool:
    """As with Docker, a name may be asked for with the slash that stands before it."""
    return bool(expression.search(name) or expression.search(name[1:]))


def health(document: Document) -> str:
    """The state of a container's health check, ``none`` when it has none."""
    found = document["State"].get("Health") or {}
    return str(found.get("Status") or "none")


def _exited(document: Document, value: str) -> bool:
    state = document["State"]
    return bool(state["Status"] == "exited" and state["ExitCode"] == int(value))


def _created(document: Document) -> str:
    return str(document["Created"])


def _named(everything: Sequence[Document], text: str) -> Document:
    for one in everything:
        if text.lstrip("/") == str(one["Name"])[1:] or str(one["Id"]).startswith(text):
            return one
    raise Error(f"No such container: {text[:128]}")


def _on_network(document: Document, value: str) -> bool:
    networks = document["NetworkSettings"]["Networks"] or {}
    return value in networks or any(
        value and str(one["NetworkID"]).startswith(value) for one in networks.values()
    )


def _mounts(document: Document, value: str) -> bool:
    return any(
        value in (one.get("Name"), one["Source"], one["Destination"]) for one in document["Mounts"]
    )


def _published(document: Document) -> list[str]:
    return [port for port, bound in (document["NetworkSettings"]["Ports"] or {}).items() if bound]


def _has_port(ports: Iterable[str], value: str) -> bool:
    """Whether one of ``80/tcp`` and such is in a port or range of ports, ``8000-8080/udp``."""
    span, dummy, protocol = value.partition("/")
    first, dummy, last = span.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise Error(
            f"{value[:60]!a} is not a port or port range", hint="such as 80 or 8000-8080/tcp"
        )
    pairs = (port.partition("/")[::2] for port in ports)
    return any(
        int(first) <= int(number) <= int(last or first) and kind == (protocol or "tcp")
        for number, kind in pairs
    )
