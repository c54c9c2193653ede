# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``docker inspect`` shows under Config, as options of the module container. Pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any


def options(config: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The options about the main process that differ from the image's."""
    found: dict[str, Any] = {}
    entrypoint, command = _words(config.get("Entrypoint")), _words(config.get("Cmd"))
    if entrypoint != _words(own.get("Entrypoint")):
        found["entrypoint"] = entrypoint or [""]
        found["command"] = command
    elif command != _words(own.get("Cmd")):
        found["command"] = command
    for key, option in (
        ("User", "user"),
        ("WorkingDir", "working_dir"),
        ("StopSignal", "stop_signal"),
        ("StopTimeout", "stop_timeout"),
    ):
        if config.get(key) and config[key] != own.get(key):
            found[option] = config[key]
    if str(found.get("stop_signal", "")).isdecimal():
        found["stop_signal"] = signal.Signals(int(found["stop_signal"])).name
    # Engines show what applies when nothing was said.
    if str(found.get("stop_signal")) == "SIGTERM":
        del found["stop_signal"]
    if found.get("stop_timeout") == 10:
        del found["stop_timeout"]
    if config.get("WorkingDir") == "/" and not own.get("WorkingDir"):
        found.pop("working_dir", None)
    for key, option in (("Tty", "tty"), ("OpenStdin", "interactive")):
        if config.get(key):
            found[option] = True
    check = config.get("Healthcheck") or {}
    if check and check != (own.get("Healthcheck") or {}):
        found["healthcheck"] = _healthcheck(check)
    return found


def _words(value: Any) -> list[str]:
    """podman has had an entrypoint as one text."""
    return [value] if isinstance(value, str) and value else list(value or ())


def _healthcheck(check: Mapping[str, Any]) -> dict[str, Any]:
    """Times are in billionths of a second there."""
    test = check.get("Test")
    found: dict[str, Any] = {"test": test} if test else {"test_cli_compatible": True}
    if test == ["NONE"]:
        return found
    for key, option in (
        ("Interval", "interval"),
        ("Timeout", "timeout"),
        ("StartPeriod", "start_period"),
        ("StartInterval", "start_interval"),
    ):
        if check.get(key):
            found[option] = duration(int(check[key]))
    if check.get("Retries"):
        found["retries"] = check["Retries"]
    return found


def duration(nanoseconds: int) -> str:
    """Such as 90s or 500ms."""
    if nanoseconds % 1_000_000_000 == 0:
        return f"{nanoseconds // 1_000_000_000}s"
    return f"{max(1, nanoseconds // 1_000_000)}ms"
