# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container is healthy: its check, the latest results, and Docker's verdict on them.

The verdict is ``starting`` until the first success or too many failures, then ``healthy`` or
``unhealthy``. A failure within the start period does not count while it is starting; otherwise
``retries`` failures in a row make it unhealthy, and one success makes it healthy (moby,
daemon/health.go). ``health.json`` in the directory of the run holds it, so it is removed with the
run.

Reading and judging only; watcher_process.py makes the checks.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Optional

from ...base import document, files
from ...base.errors import Error
from ...base.frozen import dataclass, fields, replace
from ...base.layout import Layout
from ...records.container_record import LIVE, UP, Record
from ...spec.container import Healthcheck
from ..status import liveness

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"

#: Docker's defaults.
_DEFAULTS = Healthcheck((), 30.0, 30.0, 0.0, 5.0, 3)
#: How many checks are remembered, and how much of what each wrote, in bytes.
_KEPT = 5
OUTPUT_LIMIT = 4096

#: How often a verdict that is waited for is read, in seconds.
_POLL_S = 0.05


@dataclass(frozen=True)
class Probe:
    """One check: its times (RFC 3339 in UTC), its exit status, -1 when it had none, its output."""

    start: str
    end: str
    exit_code: int
    output: str


@dataclass(frozen=True)
class Health:
    """The verdict on one run of a container, the failures in a row, and the latest checks."""

    generation: int
    status: str = STARTING
    failing_streak: int = 0
    log: tuple[Probe, ...] = ()


def effective(own: Optional[Healthcheck], image: Optional[Healthcheck]) -> Optional[Healthcheck]:
    """The check a container has, whole; None when there is none, or it was turned off. Pure."""
    layers = [check for check in (own, image, _DEFAULTS) if check is not None]
    test = next((check.test for check in layers if check.test), ())
    if not test or test[0] == "NONE":
        return None

    def first(name: str) -> Any:
        return next((getattr(check, name) for check in layers if getattr(check, name)), 0)

    names = (field.name for field in fields(Healthcheck) if field.name != "test")
    return Healthcheck(test, **{name: first(name) for name in names})


def argv(check: Healthcheck) -> tuple[str, ...]:
    """The command of a check. Pure."""
    if check.test[0] == "CMD-SHELL":
        return ("/bin/sh", "-c", " ".join(check.test[1:]))
    return check.test[1:] if check.test[0] == "CMD" else check.test


def judge(have: Health, check: Healthcheck, probe: Probe, since_start_s: float) -> Health:
    """The verdict after one more check, begun ``since_start_s`` seconds after the run. Pure."""
    log = (*have.log, probe)[-_KEPT:]
    if probe.exit_code == 0:
        return replace(have, status=HEALTHY, failing_streak=0, log=log)
    if have.status == STARTING and since_start_s < check.start_period_s:
        return replace(have, log=log)
    streak = have.failing_streak + 1
    status = UNHEALTHY if streak >= check.retries else have.status
    return replace(have, status=status, failing_streak=streak, log=log)


def pause_s(have: Health, check: Healthcheck, since_start_s: float) -> float:
    """How long to wait before the next check, in seconds. Pure."""
    early = have.status == STARTING and since_start_s < check.start_period_s
    return check.start_interval_s if early else check.interval_s


def read(layout: Layout, run: Record) -> Health:
    """What is known of a run; nothing yet is ``starting``."""
    try:
        found = document.read(Health, _path(layout, run.id), "health")
    except FileNotFoundError:
        return Health(run.generation)
    return found if found.generation == run.generation else Health(run.generation)


def write(layout: Layout, run: Record, health: Health) -> None:
    """Record the health of a run, for as long as the host is up."""
    files.write_json(_path(layout, run.id), document.to_json(health), durable=False)


def verdict(layout: Layout, run: Record) -> str:
    """The status of a container whose record is true; "" when it has no check."""
    if not run.watched:
        return ""
    if run.phase not in LIVE:
        # As with Docker: what is not looked after is not well.
        return UNHEALTHY
    return read(layout, run).status


def shown(layout: Layout, run: Record) -> Optional[dict[str, Any]]:
    """State.Health of ``docker inspect``, None for a container without a check."""
    status = verdict(layout, run)
    if not status:
        return None
    known = read(layout, run)
    log = [
        {"Start": one.start, "End": one.end, "ExitCode": one.exit_code, "Output": one.output}
        for one in known.log
    ]
    return {"Status": status, "FailingStreak": known.failing_streak, "Log": log}


def await_healthy(
    layout: Layout, container_id: str, timeout_s: float, patient: bool = True
) -> None:
    """Wait until a container is healthy; one without a check is so when it runs.

    Raises Error with the latest words of the check when it is not after ``timeout_s`` seconds (0 is
    without limit), when it has ended, or, unless ``patient``, as soon as it is unhealthy.
    """
    begun = time.monotonic()
    while not is_healthy(layout, container_id, timeout_s, time.monotonic() - begun, patient):
        time.sleep(_POLL_S)


def is_healthy(
    layout: Layout, container_id: str, timeout_s: float, waited_s: float, patient: bool = True
) -> bool:
    """Whether a container that is waited for is healthy by now; the rest is as await_healthy()
    says.
    """
    found = liveness.current(layout, container_id)
    status = verdict(layout, found)
    live = found.phase in UP
    if live and status in ("", HEALTHY):
        return True
    if not live:
        raise Error(f"container {found.name} ended with {found.exit_code} before it became healthy")
    if 0 < timeout_s <= waited_s:
        raise Error(
            f"Timeout of {float(timeout_s)} seconds exceeded while waiting for container"
            f" {found.name} to become healthy: it is {status}{_words(read(layout, found))}"
        )
    if status == UNHEALTHY and not patient and found.phase in LIVE:
        raise Error(f"container {found.name} is unhealthy{_words(read(layout, found))}")
    return False


def _words(health: Health) -> str:
    said = " | ".join(health.log[-1].output.split("\n")[-3:]).strip(" |") if health.log else ""
    return f"; output of the health check: {said[-500:]}" if said else ""


def _path(layout: Layout, container_id: str) -> Path:
    return layout.run_container(container_id) / "health.json"
