# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume as a task declares it: options into values, values into what is wanted. Pure.

``labels`` and ``driver_options`` that a task leaves out are None here. Labels are then reset or
kept as ``undeclared`` says; driver options are kept, because a volume's content depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...spec.texts import texts
from ...spec.volume import Volume
from ...volume import local, store


@dataclass(frozen=True)
class Declared:
    """What a task says of a volume. None is what it leaves out."""

    name: str
    state: str = "present"
    driver_options: Optional[Mapping[str, str]] = None
    labels: Optional[Mapping[str, str]] = None
    recreate: str = "never"
    keep: bool = False
    anonymous: bool = False


def declare(params: Mapping[str, Any]) -> Declared:
    """Read the options of the module volume. Raises Error naming the one that makes no sense."""
    name = params["volume_name"]
    store.check_name(name)
    check_driver(name, params.get("driver"))
    options = texts("driver_options", params.get("driver_options") or {}, switches=True)
    options = {key: value for key, value in options.items() if value}
    local.check(name, options)
    given = params.get("labels")
    return Declared(
        name=name,
        state=params.get("state") or "present",
        driver_options=options or None,
        labels=None if given is None else texts("labels", given),
        recreate=params.get("recreate") or "never",
        keep=params.get("undeclared") == "keep",
    )


def check_driver(name: str, driver: Optional[str]) -> None:
    """Raise Error for a driver other than Docker's own."""
    if driver not in (None, "", "local"):
        raise Error(
            f"volume {name}: unknown driver {driver[:60]!r}",
            hint="the only driver is local; its driver_options mount NFS and other filesystems",
        )


def fold(declared: Declared, have: Optional[Volume]) -> Volume:
    """The volume that a declaration means beside the one that exists."""
    if have is None:
        return Volume(
            declared.name,
            "",
            driver_options=dict(declared.driver_options or {}),
            labels=dict(declared.labels or {}),
            anonymous=declared.anonymous,
        )
    options, found = declared.driver_options or {}, declared.labels or {}
    if declared.keep or declared.driver_options is None:
        options = {**have.driver_options, **options}
    if declared.keep:
        found = {**have.labels, **found}
    return replace(
        have, driver_options=dict(sorted(options.items())), labels=dict(sorted(found.items()))
    )
