# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts (R2): on a disk without what had not been written to it is everything that was done.

The control is the same work with syncs that do nothing, which has to lose something each time.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.containers import World
from support.declaring import acting, isolated

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout

from .. import figures, tasks
from ..points.test_killed_containers import VOLUMES, made
from ..points.test_killed_hosts import SCENES as OF_HOSTS
from ..points.test_killed_hosts import doing, lan, on_lan, without_lan
from ..points.test_killed_images import Sources, changed, sources
from ..points.test_killed_images import scenes as images
from ..scene import Scene
from ..tasks import gone
from . import disk
from .cuts import Bench, summary

__all__ = ["sources"]

#: Points within the work, of each scene on each filesystem; its end is one more.
SAMPLE, MOST = 1, 6
#: Of these the sample has all points: there a cut was not survived when it was first tried.
FOUND = {"remove"}


def scenes(given: Sources) -> dict[str, Scene]:
    everything = tasks.prune(images=True, builder_cache=True)
    listed = [
        Scene(
            "pull", lambda world: tasks.pull(given.remote),
            lambda world: [tasks.untag(given.remote), everything],
        ),
        Scene("create", lambda world: isolated("web", **VOLUMES), gone("web")),
        Scene(
            "replace", lambda world: isolated("web", env={"A": "2"}, **VOLUMES), gone("web"),
            made(**VOLUMES),
        ),
        Scene(
            "commit", lambda world: tasks.commit("web", "made:1"),
            lambda world: [acting("web", state="absent"), tasks.untag("made:1"), everything],
            before=changed,
        ),
        Scene(
            "change network",
            lambda world: lan(ipam_config=[{"subnet": "10.92.0.0/24"}], force=True),
            without_lan, doing(lan, on_lan),
        ),
        Scene(
            "remove", lambda world: acting("web", state="absent", keep_volumes=False), gone("web"),
            made(**VOLUMES),
        ),
        Scene(
            "create volume", lambda world: tasks.volume("data", labels={"a": "1"}),
            lambda world: [tasks.volume("data", state="absent")],
        ),
        Scene(
            "load", lambda world: tasks.load(given.archive),
            lambda world: [tasks.untag("loaded:1"), everything],
        ),
        *(scene for scene in images(given) if scene.name in ("import", "tag", "build")),
        *(scene for scene in OF_HOSTS if scene.name in ("prune", "stack")),
    ]  # fmt: skip
    return {scene.name: scene for scene in listed}


NAMES = ["pull", "create", "replace", "commit", "change network", "remove", "create volume", "load",
         "import", "tag", "build", "prune", "stack"]  # fmt: skip
#: In the sample: the first on ext4, the second on every other one.
_SAMPLE = (NAMES[:6], ["pull", "replace"])
TRIED = [
    (kind, name)
    for kind in disk.available()
    for name in (NAMES if figures.WHOLE else _SAMPLE[kind != "ext4"])
]


def test_ext4_is_tried() -> None:
    assert "ext4" in disk.available(), "mkfs.ext4 or the kernel's module is missing"


@pytest.mark.parametrize("kind, name", TRIED)
def test_power_is_cut(
    layout: Layout, sandbox: Path, world_tar: Path, sources: Sources, kind: str, name: str
) -> None:
    scene = scenes(sources)[name]
    bench = Bench(kind, sandbox / "power", lambda: World(layout, sandbox, world_tar), layout)
    with bench:
        cuts = bench.cuts(scene, MOST if figures.WHOLE or name in FOUND else SAMPLE)
        lost = bench.lost(cuts.control)
        wrong = [(cut, bench.found(cut, scene, cuts.world)) for cut in cuts.tried]
    survived = sum(not lines for dummy, lines in wrong)
    what = f"{name} on {kind}"
    figures.note("R2", what, survived, len(wrong))
    print(f"{what}: {survived} of {len(wrong)} survived; without syncs {len(lost)} are not right")
    assert survived == len(wrong), f"{what}, {survived} of {len(wrong)}\n  {summary(wrong)}"
    assert len(wrong) > 1, "the work has not met its points again"
    assert lost, "without syncs nothing is lost, so that this finds nothing"
