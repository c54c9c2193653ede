# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A power cut in the middle of a task, or right after it: the host boots, nothing is lost that a
task had reported as done, and the next run of the play converges.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from lab import declared
from lab.scenario import Scenario
from lab.works import MOMENTS, WORKS, Work, marked, reported, until_started

#: As the tests of power cuts in the sandbox mount it: ext4 hides then neither for five seconds nor
#: in what replaces a file that something is not synced.
_HIDE_NOTHING = "mount -o remount,commit=300,noauto_da_alloc /"
_WITHOUT_SYNCS = "libeatmydata.so"


@dataclass(frozen=True)
class Cut:
    """What was cut short at which moments; ``before`` are the names of what there was."""

    work: Work
    asked: Sequence[declared.Task]
    before: frozenset[str]
    moments: Sequence[str]


@pytest.fixture(scope="module")
def names(scenario: Scenario, converged: str) -> frozenset[str]:
    """Those of all there is on the guest before a work that does not begin with nothing."""
    scenario.guest.boot(converged)
    return frozenset(reported(scenario))


@pytest.fixture(scope="module", params=WORKS)
def cut(
    request: pytest.FixtureRequest,
    scenario: Scenario,
    converged: str,
    names: frozenset[str],
    tasks: list[declared.Task],
) -> Iterator[Cut]:
    guest, work = scenario.guest, WORKS[request.param]
    asked = work.of(tasks)
    guest.off()
    guest.forget_moments()
    guest.boot("ready" if work.bare else converged)
    moments = marked(scenario, work, asked)
    yield Cut(work, asked, frozenset() if work.bare else names, moments)
    guest.off()
    guest.forget_moments()


@pytest.mark.parametrize("number", range(MOMENTS))
def test_the_next_run_converges(scenario: Scenario, cut: Cut, number: int) -> None:
    guest = scenario.guest
    guest.cut_at(cut.moments[number])
    guest.boot()
    if not cut.work.bare:
        # Nothing here changes it.
        until_started(scenario, "db")
        assert cut.before - reported(scenario) <= {cut.work.removes}
    scenario.converge(cut.asked)
    assert "damaged" not in scenario.slipway("image verify")


@pytest.mark.parametrize("syncs", [True, False], ids=["with syncs", "without syncs"])
def test_what_was_reported_is_kept(
    scenario: Scenario, tasks: list[declared.Task], syncs: bool
) -> None:
    """The power goes as soon as the last task has said that it is done. Without the syncs something
    is lost, or this would not tell whether they serve.
    """
    guest, asked = scenario.guest, tasks[:5]
    guest.off()
    guest.boot("ready")
    guest.tell(f"sudo sh -ec {shlex.quote(_HIDE_NOTHING)}")
    wanted = asked
    if not syncs:
        install = "apt-get -qq --yes --no-install-recommends install libeatmydata1"
        guest.tell(f"sudo sh -ec '{install} && sync' 2>&1")
        wanted = [{**one, "environment": {"LD_PRELOAD": _WITHOUT_SYNCS}} for one in asked]
    done = scenario.run(wanted)
    guest.off()
    assert done.status == 0, done.output
    guest.boot()
    if syncs:
        until_started(scenario, "db")
        scenario.unchanged(asked)
    else:
        again = scenario.run(asked, "--check")
        assert again.status != 0 or again.changed, again.output
    assert "damaged" not in scenario.slipway("image verify") or not syncs
    guest.off()
