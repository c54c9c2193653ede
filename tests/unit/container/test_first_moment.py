# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's end means for the task that started it."""

from __future__ import annotations

import dataclasses
import time

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import clock
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    first_moment,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    observe,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    RestartPolicy,
)

SPEC = ContainerSpec("web", "busybox:1", "")


def record(started_at: str, finished_at: str = "") -> container_record.Record:
    return container_record.Record(
        "1" * 64, "web", "", (), started_at=started_at, finished_at=finished_at
    )


@pytest.mark.parametrize(
    ("finished_at", "outlived"),
    [
        ("2026-01-01T00:00:00.010000000Z", False),
        ("2026-01-01T00:00:00.149000000Z", False),
        ("2026-01-01T00:00:00.151000000Z", True),
        ("2026-01-01T00:00:09Z", True),
        ("", False),
    ],
)
def test_how_long_it_ran_decides(finished_at: str, outlived: bool) -> None:
    assert first_moment.outlived(record("2026-01-01T00:00:00Z", finished_at)) == outlived


def test_what_is_left_of_it() -> None:
    now = time.time_ns()
    assert 0.0 < first_moment.left_s(record(clock.text(now))) <= first_moment.LENGTH_S
    assert first_moment.left_s(record(clock.text(now - 10**9))) == 0.0
    assert first_moment.left_s(record(clock.text(now + 10**12))) == first_moment.LENGTH_S


@pytest.mark.parametrize(
    ("options", "matters"),
    [
        ({}, True),
        ({"restart_policy": RestartPolicy("always")}, False),
        ({"restart_policy": RestartPolicy("on-failure", 1)}, False),
        ({"auto_remove": True}, False),
    ],
)
def test_for_whom_it_matters(options: dict[str, object], matters: bool) -> None:
    assert first_moment.matters(dataclasses.replace(SPEC, **options)) == matters


def test_an_end_is_a_failure_at_once_or_of_what_ran_before() -> None:
    up = observe.State("web", SPEC, running=True)
    begun = dataclasses.replace(up, begun=True)
    ended = observe.State("web", SPEC, ending="exited with 3 right after its start")
    late = dataclasses.replace(ended, ending="exited with 3", outlived=True)
    well = dataclasses.replace(ended, ending="")
    assert observe.verify(begun, well) == observe.verify(begun, late) == []
    with pytest.raises(Error, match=r"^container web exited with 3 right after its start$"):
        observe.verify(begun, ended)
    with pytest.raises(Error, match=r"^container web exited with 3$"):
        observe.verify(up, late)
