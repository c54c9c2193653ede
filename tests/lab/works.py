# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of work that a power cut comes in the middle of, and the moments of each.

A run of the work is enough for all of them: the disk as it is at a moment is what a power cut then
leaves, and QEMU keeps it while the guest goes on (``Guest.mark``).
"""

from __future__ import annotations

import copy
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import declared
from lab.scenario import Scenario

STATE = "/var/lib/slipway"
#: How many moments there are of each kind: the first, when the work has begun, and the last, when
#: it is about to end or has just ended, are among them.
MOMENTS = 4
#: What is emulated has not done much in the time between two marks. Seconds.
_PAUSE_S = 0.7

_COMMIT: declared.Task = {
    "name": "Commit",
    "slipway.engine.commit": {"container": "db", "name": "shop/db:2"},
}


@dataclass(frozen=True)
class Work:
    """What is cut short on a guest that has everything of declared.py, or nothing yet (``bare``).

    ``sign`` is a command that succeeds once the work has begun, and ever after. ``tasks`` are names
    of tasks, all of the first ones without any, with the ``options`` that differ from what they
    declared there; ``before`` is done in the guest first; ``removes`` is what may be gone.
    """

    sign: str
    tasks: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    before: str = "true"
    removes: str = ""

    @property
    def bare(self) -> bool:
        return not self.tasks

    def of(self, tasks: Sequence[declared.Task]) -> list[declared.Task]:
        """The tasks that do it, of those that the scenarios start from."""
        if self.bare:
            # The images, the network and the first container.
            return list(tasks[:4])
        found = [copy.deepcopy(one) for one in [*tasks, _COMMIT] if one["name"] in self.tasks]
        for one in found:
            (options,) = (value for key, value in one.items() if key != "name")
            options.update(self.options)
        return found


#: By its name, what is cut short.
WORKS = {
    "pull": Work(f"find {STATE}/images -size +2M | grep -q ."),
    "create": Work(f"ls {STATE}/creations/*.json || [ -L {STATE}/names/web ]"),
    "replacement": Work(
        f"ls {STATE}/swaps/web.json || [ ! $(readlink {STATE}/names/web) = $(cat /noted) ]",
        ("Container web",),
        {"env": {"SINCE": "the cut"}},
        before=f"readlink {STATE}/names/web >/noted",
    ),
    # Its bridge is gone, or has the new address.
    "network": Work(
        "! ip -4 -o addr | grep -Fq 10.89.5.1/24",
        ("Network",),
        {"ipam_config": [{"subnet": "10.89.4.0/23", "gateway": "10.89.4.1"}]},
    ),
    # Nothing compresses what the image holds and its container's does not.
    "commit": Work(
        f"find {STATE}/tmp {STATE}/images {STATE}/layers -size +2M -newer /noted | grep -q .",
        ("Commit",),
        before="slipway exec db dd if=/dev/urandom of=/noise bs=1M count=8 && touch /noted",
    ),
    "removal": Work(
        f"ls {STATE}/creations/*.json || [ ! -L {STATE}/names/told ]",
        ("Container told",),
        {"state": "absent"},
        removes="told",
    ),
}


def marked(scenario: Scenario, work: Work, asked: Sequence[declared.Task]) -> list[str]:
    """Do it, and mark moments from its beginning to its end. Returns MOMENTS of them, spread
    evenly, however long the work took; the guest is off then.
    """
    guest = scenario.guest
    guest.tell(f"sudo sh -ec {shlex.quote(work.before)}")
    begun = f"until {{ {work.sign}; }} >/dev/null 2>&1; do sleep 0.5; done; echo begun"
    wait = guest.begin_telling(f"sudo sh -c {shlex.quote(begun)}")
    doing = scenario.begin(asked)
    while wait.poll() is None:
        assert not doing.poll(), "the task failed"
        time.sleep(0.05)
    assert wait.communicate()[0].strip() == b"begun"
    marks: list[str] = []
    while doing.poll() is None or len(marks) < MOMENTS:
        marks.append(str(len(marks)))
        guest.mark(marks[-1])
        time.sleep(_PAUSE_S)
    guest.off()
    assert doing.returncode == 0
    chosen = [marks[number * (len(marks) - 1) // (MOMENTS - 1)] for number in range(MOMENTS)]
    guest.forget_moments(but=chosen)
    return chosen


def reported(scenario: Scenario) -> set[str]:
    """The names of all containers, networks and images."""
    kinds = (
        "ps -a --format {{.Names}}",
        "network ls --format {{.Name}}",
        "image ls --format {{.Repository}}:{{.Tag}}",
    )
    return {name for kind in kinds for name in scenario.slipway(kind).split()}


def until_started(scenario: Scenario, name: str) -> None:
    """Wait until the guest has started what its policies say: this container is among it."""
    runs = f"[ -e /run/slipway/containers/$(readlink {STATE}/names/{name})/pid ]"
    over = f"until {runs} && ! pgrep -f 'supervise [b]oot' >/dev/null; do sleep 1; done; echo over"
    assert scenario.guest.tell(f"sudo sh -c {shlex.quote(over)}") == "over"
