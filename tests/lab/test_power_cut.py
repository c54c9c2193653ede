# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A power cut in the middle of a task: the next run of the play converges."""

from __future__ import annotations

import time

import pytest

from lab import declared
from lab.scenario import Scenario

#: What is there while it is being done: a large blob that is written, the journal of a creation.
UNDER_WAY = {
    "pull": "find /var/lib/slipway/images -size +2M",
    "create": "find /var/lib/slipway/creations -type f",
}


@pytest.mark.parametrize("what", UNDER_WAY)
def test_the_next_run_converges(scenario: Scenario, tasks: list[declared.Task], what: str) -> None:
    guest = scenario.guest
    guest.boot("ready")
    begun = f'[ -n "$({UNDER_WAY[what]} 2>/dev/null)" ]'
    wait = guest.begin_telling(f"sudo sh -c 'until {begun}; do sleep 0.05; done; echo begun'")
    # The images, the network and the first container.
    tasks = tasks[:4]
    cut = scenario.begin(tasks)
    assert wait.communicate()[0].strip() == b"begun"
    time.sleep(0.2)
    guest.off()
    cut.kill()
    cut.wait()
    guest.boot()
    scenario.converge(tasks)
    assert "damaged" not in scenario.slipway("image verify")
    guest.off()
