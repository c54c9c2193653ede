# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does to a host, and what is left of the containers' network after it."""

from __future__ import annotations

from lab import declared
from lab.making import Kind
from lab.scenario import Scenario
from lab.test_containers import page

#: Commands that take nothing away, by init.
HARMLESS = {"systemd": ("systemctl daemon-reload", "systemctl restart systemd-networkd")}


def test_what_breaks_nothing(host: Scenario, kind: Kind, tasks: list[declared.Task]) -> None:
    for command in HARMLESS.get(kind.init, ()):
        host.guest.tell(f"sudo {command}")
    assert page(host) == "it runs\n"
    host.unchanged(tasks)
