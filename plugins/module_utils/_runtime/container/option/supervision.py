# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about when a container is restarted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...spec.container import Healthcheck, RestartPolicy
from .form.option import Argument, Option, bad
from .form.text import duration_s, number, path, plain

RESTART_POLICIES = ("no", "on-failure", "always", "unless-stopped")


def restart_policy(name: str, retries: int) -> RestartPolicy:
    """The policy; 0 retries are without limit. Raises Error."""
    if retries and name != "on-failure":
        raise Error(f"restart_retries applies only to restart_policy on-failure, not {name}")
    if retries < 0:
        raise Error(
            f"restart_retries: {retries} is negative", hint="use 0 to restart without limit"
        )
    return RestartPolicy(name, retries)


def show_restart_policy(policy: RestartPolicy) -> str:
    """A policy in the form of ``--restart``: NAME:RETRIES."""
    retries = f":{policy.maximum_retry_count}" if policy.maximum_retry_count else ""
    return policy.name + retries


def _restart_policy(params: Mapping[str, Any]) -> Optional[RestartPolicy]:
    retries = params.get("restart_retries") or 0
    if params["restart_policy"] is not None:
        return restart_policy(params["restart_policy"], retries)
    if retries:
        raise Error("restart_retries requires restart_policy: on-failure")
    return None


_TIMES = ("interval", "timeout", "start_period", "start_interval")


def healthcheck(value: Mapping[str, Any]) -> Healthcheck:
    """``test`` is one line for a shell, or a list that begins with CMD, CMD-SHELL or NONE. Left
    out it is the image's with ``test_cli_compatible``, and otherwise there is no check.
    """
    test = value.get("test")
    inherits = value.get("test_cli_compatible") and test is None
    words = _test(test) if test else () if inherits else ("NONE",)
    times = {
        f"{name}_s": duration_s(f"healthcheck.{name}", value[name])
        for name in _TIMES
        if value.get(name)
    }
    for name in _TIMES:
        if 0 < times.get(f"{name}_s", 0.0) < 0.001:
            raise bad(f"healthcheck.{name}", str(value[name]), "the minimum is 1ms")
    retries = number("healthcheck.retries", value.get("retries") or 0, 0, 1 << 31)
    if not test and not inherits:
        return Healthcheck(words)
    return Healthcheck(words, **times, retries=retries)


def _test(test: Any) -> tuple[str, ...]:
    if isinstance(test, str):
        return ("CMD-SHELL", plain("healthcheck.test", test))
    words = tuple(str(word) for word in test)
    kinds = ("NONE", "CMD", "CMD-SHELL")
    if not words or words[0] not in kinds or (len(words) == 1) != (words[0] == "NONE"):
        raise bad(
            "healthcheck.test",
            " ".join(words),
            "write one string, or a list that begins with CMD, CMD-SHELL or NONE",
        )
    return words


def show_healthcheck(check: Optional[Healthcheck]) -> Any:
    """A health check in the form of ``healthcheck``, without what has its default."""
    if check is None:
        return None
    shown: dict[str, Any] = {"test": list(check.test)} if check.test else {}
    shown |= {} if check.test else {"test_cli_compatible": True}
    for name in _TIMES:
        seconds = getattr(check, f"{name}_s")
        if seconds:
            shown[name] = f"{seconds:g}s"
    return {**shown, **({"retries": check.retries} if check.retries else {})}


OPTIONS = (
    Option("auto_remove", "bool"),
    Option(
        "restart_on_change",
        "list",
        parse=lambda value: tuple(sorted({path("restart_on_change", one) for one in value})),
    ),
    Option(
        "healthcheck",
        "dict",
        suboptions=(
            Argument("test", "raw"),
            Argument("test_cli_compatible", "bool", default=False),
            Argument("interval"),
            Argument("timeout"),
            Argument("retries", "int"),
            Argument("start_period"),
            Argument("start_interval"),
        ),
        parse=healthcheck,
        show=show_healthcheck,
    ),
    Option(
        "restart_policy",
        choices=RESTART_POLICIES,
        show=show_restart_policy,
        read=_restart_policy,
        companions=(Argument("restart_retries", "int"),),
    ),
)
