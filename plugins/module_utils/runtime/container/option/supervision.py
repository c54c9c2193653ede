# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about when a container is started again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...errors import Error
from ..spec import RestartPolicy
from .option import Option


def restart_policy(name: str, retries: int) -> RestartPolicy:
    if retries and name != "on-failure":
        raise Error(f"restart_retries is only for restart_policy on-failure, not {name}")
    if retries < 0:
        raise Error(f"restart_retries: {retries} is negative", hint="0 restarts without limit")
    return RestartPolicy(name, retries)


def show_restart_policy(policy: RestartPolicy) -> str:
    retries = f":{policy.maximum_retry_count}" if policy.maximum_retry_count else ""
    return policy.name + retries


def _restart_policy(params: Mapping[str, Any]) -> Optional[RestartPolicy]:
    retries = params.get("restart_retries") or 0
    if params["restart_policy"] is not None:
        return restart_policy(params["restart_policy"], retries)
    if retries:
        raise Error("restart_retries was given without restart_policy: on-failure")
    return None


OPTIONS = (
    Option(
        "restart_policy",
        show=show_restart_policy,
        read=_restart_policy,
        companions=("restart_retries",),
    ),
)
