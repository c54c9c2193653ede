# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of a project, as the options of its containers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...base.errors import Error
from ..base.findings import Findings
from ..base.values import listed, mapping, pairs, switch, text, text_pairs, words
from ..reading.project import Project
from ..reading.variables import env_file
from . import build, deploy, mounts, networks
from .service_keys import INSIDE, KNOWN, LACKING, OF_EACH, SIMPLE

#: What a service may wait for of another one, and what a stack calls it.
CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}

_PULLS = {
    "always": "always",
    "never": "never",
    "missing": "missing",
    "if_not_present": "missing",
    "build": "never",
}


def options(project: Project, service: str, findings: Findings) -> dict[str, Any]:
    """The options of a service's containers but for their names and labels of the project."""
    given = project.services[service]
    where = f"services.{service}"
    found: dict[str, Any] = {}
    findings.unknown(where, given, KNOWN)
    for key, value in given.items():
        if value is None:
            continue
        if key in LACKING:
            if (key, value) not in (("isolation", "default"), ("annotations", {})):
                findings.lacks(f"{where}.{key}", f"is left out: {LACKING[key]}")
        elif key in SIMPLE:
            option, convert = SIMPLE[key]
            with findings.reading(f"{where}.{key}"):
                _check_inside(f"{where}.{key}", key, value, findings)
                found[option] = convert(value)
    if found.get("privileged") is False:
        del found["privileged"]
    _image(project, service, given, found, findings)
    env = environment(project, service, given, findings)
    if env:
        found["env"] = env
    labels = _labels(project, service, given, findings)
    if labels:
        found["labels"] = labels
    networks.namespaces(project, service, found, findings)
    deploy.restart(service, given, found, findings)
    _logging(service, given, found, findings)
    _blkio(service, given, found, findings)
    _devices(service, given, found, findings)
    with findings.reading(f"{where}.stop_grace_period"):
        if given.get("stop_grace_period") is not None:
            from ...container.option.form.text import duration_s

            period = duration_s("stop_grace_period", given["stop_grace_period"])
            found["stop_timeout"] = round(period)
    found |= mounts.volumes(project, service, given, findings)
    for option, values in mounts.files_of(project, service, given, findings).items():
        found[option] = [*found.get(option, ()), *values]
    found |= networks.of_service(project, service, given, findings)
    with findings.reading(f"{where}.volumes_from"):
        shared = [
            networks.other(project, text(one), f"{where}.volumes_from", findings)
            for one in listed(given.get("volumes_from") or [])
        ]
        if shared:
            found["volumes_from"] = shared
    deploy.of_service(service, given, found, findings)
    return found


def _check_inside(where: str, key: str, value: Any, findings: Findings) -> None:
    if key in INSIDE:
        findings.unknown(where, mapping(value), INSIDE[key])
    for number, one in enumerate(value if key in OF_EACH and isinstance(value, list) else ()):
        if isinstance(one, Mapping):
            findings.unknown(f"{where}[{number}]", one, OF_EACH[key])


def needs(project: Project, service: str, findings: Findings) -> Iterator[tuple[str, str, bool]]:
    """The services that one waits for, what of each, and whether it is restarted after them."""
    given = project.services[service].get("depends_on")
    where = f"services.{service}.depends_on"
    if given is None:
        return
    if isinstance(given, list):
        given = {text(name): {} for name in given}
    if not isinstance(given, Mapping):
        findings.wrong(where, "a list or a mapping of services is expected")
        return
    for name, value in given.items():
        with findings.reading(f"{where}.{name}"):
            asked = mapping(value)
            findings.unknown(f"{where}.{name}", asked, ("condition", "required", "restart"))
            condition = text(asked.get("condition") or "service_started")
            if condition not in CONDITIONS:
                findings.wrong(
                    f"{where}.{name}.condition",
                    f"{condition[:60]!r} is none of {', '.join(CONDITIONS)}",
                )
            elif name in project.services:
                yield str(name), CONDITIONS[condition], switch(asked.get("restart"))
            elif switch(asked.get("required", True)):
                profile = name in project.others
                why = "has a profile that is not active" if profile else "is not there"
                findings.wrong(where, f"the service {str(name)[:60]} {why}")


def _image(
    project: Project,
    service: str,
    given: Mapping[str, Any],
    found: dict[str, Any],
    findings: Findings,
) -> None:
    where = f"services.{service}"
    if given.get("build") is None and not found.get("image"):
        if not given.get("provider"):
            findings.wrong(where, "it has neither image nor build")
        return
    found["image"] = build.image_of(project, service, given)
    if given.get("pull_policy") is None:
        return
    policy = text(given["pull_policy"])
    if policy in _PULLS:
        found["pull"] = _PULLS[policy]
    elif policy in ("daily", "weekly") or policy.startswith("every_"):
        found["pull"] = policy
    else:
        findings.lacks(
            f"{where}.pull_policy",
            f"{policy[:40]} is left out: use always, daily, weekly or every_12h",
        )


def environment(
    project: Project, service: str, given: Mapping[str, Any], findings: Findings
) -> dict[str, str]:
    """The files' variables under the service's own; a name alone is one of those around."""
    found: dict[str, str] = {}
    where = f"services.{service}.env_file"
    entries = given.get("env_file") or []
    for number, one in enumerate(entries if isinstance(entries, list) else [entries]):
        with findings.reading(f"{where}[{number}]"):
            asked = one if isinstance(one, Mapping) else {"path": text(one)}
            findings.unknown(f"{where}[{number}]", asked, OF_EACH["env_file"])
            path = Path(os.path.join(project.base, os.path.expanduser(str(asked["path"]))))
            if not path.exists() and not switch(asked.get("required", True)):
                continue
            around = {**found, **project.variables}
            found |= env_file(path, around, asked.get("format") == "raw")
    with findings.reading(f"services.{service}.environment"):
        for key, value in pairs(given.get("environment")).items():
            if value is not None:
                found[key] = text(value)
            elif key in project.variables:
                found[key] = project.variables[key]
            elif not isinstance(given.get("environment"), Mapping):
                findings.warn(
                    f"services.{service}.environment",
                    f"{key} is left out: the variable has no value around us",
                )
    return found


def _labels(
    project: Project, service: str, given: Mapping[str, Any], findings: Findings
) -> dict[str, str]:
    found: dict[str, str] = {}
    with findings.reading(f"services.{service}.label_file"):
        for name in words(given.get("label_file")):
            path = Path(os.path.join(project.base, os.path.expanduser(name)))
            found |= env_file(path, project.variables)
    with findings.reading(f"services.{service}.labels"):
        found |= text_pairs(given.get("labels"))
    return found


def _logging(
    service: str, given: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    where = f"services.{service}.logging"
    with findings.reading(where):
        found = mapping(given.get("logging"))
        findings.unknown(where, found, INSIDE["logging"])
        if found.get("driver"):
            options["log_driver"] = text(found["driver"])
        if found.get("options"):
            options["log_options"] = text_pairs(found["options"])


def _blkio(
    service: str, given: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    where = f"services.{service}.blkio_config"
    with findings.reading(where):
        found = mapping(given.get("blkio_config"))
        findings.unknown(where, found, INSIDE["blkio_config"])
        if found.get("weight") is not None:
            options["blkio_weight"] = int(found["weight"])
        if found.get("weight_device"):
            findings.lacks(f"{where}.weight_device", "is left out: nothing here stands for it")
        for key in ("device_read_bps", "device_write_bps", "device_read_iops", "device_write_iops"):
            rates = [
                {"path": text(one["path"]), "rate": one["rate"]}
                for one in listed(found.get(key) or [])
            ]
            if rates:
                options[key] = rates


def _devices(
    service: str, given: Mapping[str, Any], options: dict[str, Any], findings: Findings
) -> None:
    """``SOURCE[:TARGET[:ACCESS]]``, or the same as a mapping."""
    where = f"services.{service}.devices"
    with findings.reading(where):
        devices = []
        for one in listed(given.get("devices") or []):
            if isinstance(one, Mapping):
                parts = [text(one["source"]), text(one.get("target") or one["source"])]
                one = ":".join([*parts, text(one.get("permissions") or "rwm")])
            if "=" in text(one) and not text(one).startswith("/"):
                raise Error(
                    f"{text(one)[:60]!r} names a kind of device",
                    hint="list the device nodes themselves",
                )
            devices.append(text(one))
        if devices:
            options["devices"] = devices
