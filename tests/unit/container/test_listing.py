# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words and columns of ``slipway ps``: those of ``docker ps``."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import clock
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import ps_table
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import identifiers
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Publication,
)

ID = "ab" * 32
FOUND = container_record.Record(
    id=ID,
    name="web",
    created="2026-01-01T00:00:00.000000000Z",
    layers=(),
    started_at="2026-01-01T00:00:00.000000000Z",
    finished_at="2026-01-01T00:01:00.000000000Z",
    exit_code=3,
)
NOON = 1767225600.0 + 12 * 3600


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("running", "Up 12 hours"),
        ("paused", "Up 12 hours (Paused)"),
        ("exited", "Exited (3) 12 hours ago"),
        ("restarting", "Restarting (3) 12 hours ago"),
        ("removing", "Removal In Progress"),
        ("created", "Created"),
    ],
)
def test_a_status_in_dockers_words(phase: str, words: str) -> None:
    assert ps_table.status(dataclasses.replace(FOUND, phase=phase), NOON) == words


@pytest.mark.parametrize(
    ("phase", "well", "words"),
    [
        ("running", "", "Up 12 hours (standing by)"),
        ("running", "healthy", "Up 12 hours (healthy, standing by)"),
        ("running", "starting", "Up 12 hours (health: starting, standing by)"),
        ("paused", "healthy", "Up 12 hours (Paused, standing by)"),
        ("exited", "", "Exited (3) 12 hours ago"),
    ],
)
def test_which_of_two_stands_by(phase: str, well: str, words: str) -> None:
    found = dataclasses.replace(FOUND, phase=phase, standby="cd" * 32)
    assert ps_table.status(found, NOON, well) == words


def test_ports() -> None:
    assert (
        ps_table.ports(
            [
                Publication(ID, "tcp", "127.0.0.1", 8080, "10.0.0.2", 80),
                Publication(ID, "udp", "", 53, "10.0.0.2", 5353),
                Publication(ID, "udp", "", 53, "fd00::2", 5353),
            ]
        )
        == "127.0.0.1:8080->80/tcp, 0.0.0.0:53->5353/udp, :::53->5353/udp"
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("TERM", 15), ("SIGTERM", 15), ("sigkill", 9), ("15", 15), ("SIGRTMIN+3", 37), ("HUP", 1)],
)
def test_a_signal_as_users_write_it(text: str, number: int) -> None:
    assert identifiers.signal_number(text) == number


@pytest.mark.parametrize("text", ["", "SIGNONE", "0", "999", "SIGRTMIN+99", "TERM+1", "-1"])
def test_what_is_no_signal(text: str) -> None:
    with pytest.raises(Error, match="is not a signal"):
        identifiers.signal_number(text)


def test_times_survive_being_written() -> None:
    assert clock.seconds("2026-01-01T12:00:00.250000000Z") == NOON + 0.25
    assert clock.seconds("") is None
    written = clock.seconds(clock.now())
    assert written is not None and written > NOON
