# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A power cut in the middle of a task: the host boots, nothing is lost that a task before had
reported as done, and the next run of the play converges.
"""

from __future__ import annotations

import copy
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab import declared
from lab.scenario import Scenario

_STATE = "/var/lib/slipway"
_COMMIT: declared.Task = {
    "name": "Commit",
    "slipway.engine.commit": {"container": "db", "name": "shop/db:2"},
}


@dataclass(frozen=True)
class Work:
    """What is cut short on a guest that has everything of declared.py.

    ``tasks`` are names of tasks, with the ``options`` that differ from what they declared there;
    ``before`` is done in the guest first; ``removes`` is what may be gone.
    """

    tasks: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    before: str = "true"
    removes: str = ""


#: The images, the network and the first container, on a guest that has nothing yet.
FIRST = Work(())
REPLACE = Work(
    ("Container web",),
    {"env": {"SINCE": "the cut"}},
    before=f"readlink {_STATE}/names/web >/noted",
)
WIDEN = Work(("Network",), {"ipam_config": [{"subnet": "10.89.4.0/23", "gateway": "10.89.4.1"}]})
# Nothing compresses what the image holds and its container's does not.
COMMIT = Work(
    ("Commit",),
    before="slipway exec db dd if=/dev/urandom of=/noise bs=1M count=8 && touch /noted",
)
REMOVE = Work(("Container told",), {"state": "absent"}, removes="told")
#: By its name, what is cut short, and a command that succeeds once it has begun, and ever after.
WORKS = {
    "pull": (FIRST, f"find {_STATE}/images -size +2M | grep -q ."),
    "create": (FIRST, f"ls {_STATE}/creations/*.json || [ -L {_STATE}/names/web ]"),
    "replacement": (
        REPLACE,
        f"ls {_STATE}/swaps/web.json || [ ! $(readlink {_STATE}/names/web) = $(cat /noted) ]",
    ),
    # Its bridge is gone, or has the new address.
    "network": (WIDEN, "! ip -4 -o addr | grep -Fq 10.89.5.1/24"),
    "commit": (
        COMMIT,
        f"find {_STATE}/tmp {_STATE}/images {_STATE}/layers -size +2M -newer /noted | grep -q .",
    ),
    "removal": (REMOVE, f"ls {_STATE}/creations/*.json || [ ! -L {_STATE}/names/told ]"),
}
#: How long after that the power goes. Seconds; what is emulated has not done much in them.
AFTER_S = (0.0, 2.0)


@pytest.mark.parametrize("after_s", AFTER_S)
@pytest.mark.parametrize("what", WORKS)
def test_the_next_run_converges(
    scenario: Scenario, converged: str, tasks: list[declared.Task], what: str, after_s: float
) -> None:
    guest, (work, sign) = scenario.guest, WORKS[what]
    guest.boot("ready" if work is FIRST else converged)
    guest.tell(f"sudo sh -ec {shlex.quote(work.before)}")
    before = set() if work is FIRST else _reported(scenario)
    begun = f"until {{ {sign}; }} >/dev/null 2>&1; do sleep 0.05; done; echo begun"
    wait = guest.begin_telling(f"sudo sh -c {shlex.quote(begun)}")
    asked = tasks[:4] if work is FIRST else _differing(tasks, work)
    cut = scenario.begin(asked)
    assert wait.communicate()[0].strip() == b"begun"
    time.sleep(after_s)
    guest.off()
    cut.kill()
    cut.wait()
    guest.boot()
    if work is not FIRST:
        _until_started(scenario)
        assert before - _reported(scenario) <= {work.removes}
    scenario.converge(asked)
    assert "damaged" not in scenario.slipway("image verify")
    guest.off()


def _differing(tasks: Sequence[declared.Task], work: Work) -> list[declared.Task]:
    found = [copy.deepcopy(one) for one in [*tasks, _COMMIT] if one["name"] in work.tasks]
    for one in found:
        (options,) = (value for key, value in one.items() if key != "name")
        options.update(work.options)
    return found


def _reported(scenario: Scenario) -> set[str]:
    """The names of all containers, networks and images."""
    kinds = (
        "ps -a --format {{.Names}}",
        "network ls --format {{.Name}}",
        "image ls --format {{.Repository}}:{{.Tag}}",
    )
    return {name for kind in kinds for name in scenario.slipway(kind).split()}


def _until_started(scenario: Scenario) -> None:
    """Wait until the guest has started what its policies say: ``db``, which nothing here changes,
    is among it.
    """
    runs = f"[ -e /run/slipway/containers/$(readlink {_STATE}/names/db)/pid ]"
    over = f"until {runs} && ! pgrep -f 'supervise [b]oot' >/dev/null; do sleep 1; done; echo over"
    assert scenario.guest.tell(f"sudo sh -c {shlex.quote(over)}") == "over"
