# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``deploy`` of a service, as far as Compose itself heeds it: limits, the restart policy, and how
many; and of what is for a swarm, in which order a container is replaced. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ..base.findings import Findings
from ..base.values import mapping, text

#: What is for a swarm, and has no effect with Compose either.
_OF_SWARMS = ("endpoint_mode", "labels", "mode", "placement", "rollback_config")
_KEYS = (*_OF_SWARMS, "replicas", "resources", "restart_policy", "update_config")
_OF_UPDATES = ("delay", "failure_action", "max_failure_ratio", "monitor", "parallelism")
_ORDERS = {"stop-first": "stop_first", "start-first": "start_first"}
_POLICIES = {"any": "always", "on-failure": "on-failure", "none": "no"}

_LIMITS: tuple[tuple[str, str, str, Callable[[Any], Any]], ...] = (
    ("limits", "cpus", "cpus", float),
    ("limits", "memory", "memory", text),
    ("limits", "pids", "pids_limit", int),
    ("reservations", "memory", "memory_reservation", text),
)


def of_service(
    service: str, given: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    """Add what ``deploy`` says to the options that the service has anyway."""
    where = f"services.{service}.deploy"
    with findings.reading(where):
        found = mapping(given.get("deploy"))
        findings.unknown(where, found, _KEYS)
        for key in _OF_SWARMS:
            if found.get(key) not in (None, "replicated"):
                findings.warn(f"{where}.{key}", "is left out: it is for a swarm")
        _resources(where, found, options, findings)
        _restart(where, found, options, findings)
        _update(where, found, options, findings)


def _update(
    where: str, found: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    """``order`` of ``update_config``: with start-first, tasks of a swarm share their volumes."""
    update = mapping(found.get("update_config"))
    where = f"{where}.update_config"
    findings.unknown(where, update, (*_OF_UPDATES, "order"))
    for key in _OF_UPDATES:
        if update.get(key) is not None:
            findings.warn(f"{where}.{key}", "is left out: it is for a swarm")
    order = update.get("order")
    if order is None:
        return
    if order not in _ORDERS:
        findings.wrong(f"{where}.order", f"{text(order)[:40]!r} is none of {', '.join(_ORDERS)}")
        return
    options["update"] = _ORDERS[order]
    if options["update"] == "start_first":
        options["share_volumes"] = True


def _resources(
    where: str, found: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    resources = mapping(found.get("resources"))
    findings.unknown(f"{where}.resources", resources, ("limits", "reservations"))
    for kind, key, option, convert in _LIMITS:
        value = mapping(resources.get(kind)).get(key)
        if value is not None:
            with findings.reading(f"{where}.resources.{kind}.{key}"):
                options.setdefault(option, convert(value))
    for kind, known in (
        ("limits", ("cpus", "memory", "pids")),
        ("reservations", ("cpus", "devices", "generic_resources", "memory", "pids")),
    ):
        findings.unknown(f"{where}.resources.{kind}", mapping(resources.get(kind)), known)
    for key in ("cpus", "generic_resources", "pids"):
        if mapping(resources.get("reservations")).get(key):
            findings.warn(f"{where}.resources.reservations.{key}", "has no effect but in a swarm")
    if mapping(resources.get("reservations")).get("devices"):
        findings.lacks(
            f"{where}.resources.reservations.devices", "list the device nodes under devices"
        )


def _restart(
    where: str, found: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    policy = mapping(found.get("restart_policy"))
    if not policy:
        return
    findings.unknown(
        f"{where}.restart_policy", policy, ("condition", "delay", "max_attempts", "window")
    )
    condition = text(policy.get("condition") or "any")
    if condition not in _POLICIES:
        findings.wrong(
            f"{where}.restart_policy.condition",
            f"{condition[:40]!r} is none of {', '.join(_POLICIES)}",
        )
        return
    if "restart_policy" in options:
        return
    options["restart_policy"] = _POLICIES[condition]
    if policy.get("max_attempts") and condition == "on-failure":
        options["restart_retries"] = int(policy["max_attempts"])


def restart(
    service: str, given: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    """``restart`` of a service: a policy, with on-failure perhaps how often."""
    with findings.reading(f"services.{service}.restart"):
        policy, dummy, retries = text(given.get("restart")).partition(":")
        if policy in ("", "no", "false"):
            if given.get("restart") is not None:
                options["restart_policy"] = "no"
            return
        options["restart_policy"] = policy
        if retries:
            options["restart_retries"] = int(retries)
