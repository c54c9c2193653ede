# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A seccomp profile of a task, in Docker's form or runtime-spec's, as linux.seccomp. Pure.

Docker's form (its default profile is one) has the calls of all machines and capabilities in one
file: ``archMap`` says which architectures go together, and ``includes`` and ``excludes`` of a rule
whom it applies to. Rules for others are left out here, and the rest is runtime-spec's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from ...base.errors import Error

#: uname -m -> how Docker's form names the architecture.
_ARCHITECTURES = {
    "x86_64": "amd64", "i686": "x86", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le",
    "riscv64": "riscv64", "s390x": "s390x", "mips64": "mips64", "loongarch64": "loong64",
}  # fmt: skip
_NATIVE = {
    "amd64": "X86_64", "x86": "X86", "arm64": "AARCH64", "arm": "ARM", "ppc64le": "PPC64LE",
    "riscv64": "RISCV64", "s390x": "S390X", "mips64": "MIPS64", "loong64": "LOONGARCH64",
}  # fmt: skip


def seccomp_of(
    profile: Mapping[str, Any], capabilities: Collection[str], machine: str, kernel: str = ""
) -> dict[str, Any]:
    """linux.seccomp for a container with these capabilities. Raises Error unless it is a profile.

    ``machine`` is that of uname -m, ``kernel`` a release such as 6.1.0, the running one if "".
    """
    architecture = _ARCHITECTURES.get(machine, machine)
    release = _version(kernel or os.uname().release)
    value = {"defaultAction": profile["defaultAction"]}
    for name in ("defaultErrnoRet", "flags", "listenerPath", "listenerMetadata"):
        if profile.get(name) is not None:
            value[name] = profile[name]
    try:
        architectures = profile.get("architectures") or _architectures(profile, architecture)
        if architectures:
            value["architectures"] = architectures
        value["syscalls"] = [
            _rule(rule)
            for rule in profile.get("syscalls") or ()
            if _applies(rule, architecture, capabilities, release)
        ]
    except (AttributeError, KeyError, TypeError) as exc:
        raise Error(f"security_opts: the seccomp profile has an invalid rule ({exc})") from exc
    return value


def _architectures(profile: Mapping[str, Any], architecture: str) -> list[str]:
    native = f"SCMP_ARCH_{_NATIVE.get(architecture, '')}"
    for entry in profile.get("archMap") or ():
        if entry.get("architecture") == native:
            return [native, *(entry.get("subArchitectures") or ())]
    return []


def _applies(
    rule: Mapping[str, Any],
    architecture: str,
    capabilities: Collection[str],
    release: tuple[int, ...],
) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    least = includes.get("minKernel")
    return (
        (not includes.get("arches") or architecture in includes["arches"])
        and all(name in capabilities for name in includes.get("caps") or ())
        and (not least or release >= _version(least))
        and architecture not in (excludes.get("arches") or ())
        and not any(name in capabilities for name in excludes.get("caps") or ())
        and not (excludes.get("minKernel") and release >= _version(excludes["minKernel"]))
    )


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"names": rule.get("names") or [rule["name"]], "action": rule["action"]}
    if rule.get("errnoRet") is not None:
        found["errnoRet"] = rule["errnoRet"]
    if rule.get("args"):
        found["args"] = rule["args"]
    return found


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(text))[:2])
