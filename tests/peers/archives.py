# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hostile archives of our tests through podman load and docker load, and what became of it.

    tests/sandbox python3 tests/peers/archives.py [--write]

Takes minutes. With --write the table between the markers in docs/security.md is made anew; without
it it is printed. Rows that escape are told on stderr only. The engines, the ground and the limits
are those of corpus.py. One canary lies beside the archive, where its absolute names lead, and one
beside the directories an engine unpacks archives in, where ``..`` leads.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Callable, Union

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.append(str(HERE.parents[1] / ".build" / "collections"))

from peers.corpus import (  # noqa: E402
    ACCEPTED,
    CONTAINED,
    ESCAPED,
    HUNG,
    REFUSED,
    Docker,
    Podman,
    deliver,
    ground,
    started,
    table,
    versions,
)
from support.inputs.hostile_archives import (  # noqa: E402
    CANARY,
    ROWS,
    SECRET,
    Files,
    bring,
    docker,
    layout_files,
    make_canary,
    oci,
    write,
)
from support.inputs.tars import fingerprint  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (  # noqa: E402
    image_load,
)

BOMBS, LAYOUTS, DIRECTORIES = "bombs", "image layouts", "layouts in a directory"

#: The first row of each class.
CLASSES = {
    "nothing wrong": "nothing wrong",
    "parent": "names of files",
    "layer is a link to a file": "links",
    "manifest.json twice": "files that are there twice, or are none",
    "only repositories": "what manifest.json says",
    "upper case": "names of images",
    "parent in a layer": "layers that attack",
    "cut off gzip": "damaged compression",
    "sparse of 4 EiB": BOMBS,
    "cut off in a layer": "damaged tar",
    "no oci-layout": LAYOUTS,
    "directory": DIRECTORIES,
}

#: What an engine has to load before the rows of these classes, or of any other, tell something.
HONEST: dict[str, Union[bytes, Files]] = {LAYOUTS: oci(), DIRECTORIES: layout_files(), "": docker()}


class Ours:
    """What image_load does, with limits small enough to test them."""

    name = "slipway.engine"

    def __init__(self, place: Path) -> None:
        self.root = place / "ours"
        self.tmp = self.root / "beside"
        self.tmp.mkdir(parents=True)
        self.layout = Layout(self.root / "lib", self.root / "run", self.root / "etc")

    def load(self, archive: Path) -> bool:
        for path in (self.layout.root, self.layout.run, self.layout.etc):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        files.prepare(self.layout)
        with contextlib.suppress(Error):
            image_load.observe(Host(self.layout), image_load.declare({"path": str(archive)}))
        try:
            bring(self.layout, archive)
        except Error:
            return False
        return True

    def names(self) -> set[str]:
        return {name for image in store.all_images(self.layout) for name in image.names}

    def close(self) -> None:
        pass


Peer = Union[Podman, Docker]
Engine = Union[Ours, Peer]


def holds_secret(engine: Engine) -> bool:
    """Whether something of a canary came into the engine's store."""
    for path in engine.root.rglob("*"):
        # A daemon removes files at any time.
        with contextlib.suppress(OSError):
            if path.parent == engine.tmp / "canary" or path.is_symlink() or not path.is_file():
                continue
            if SECRET in path.read_bytes():
                return True
    return False


def judge(engine: Engine, archive: Union[bytes, Files]) -> tuple[str, bool]:
    """What an engine makes of one archive, and whether it named an image.

    The second canary is absent at first: what is made in its place would not show in it.
    """
    path, above = CANARY.parent / "archive", engine.tmp / "canary"
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    write(path, archive)
    outcome, named = "", False
    for canaries in ((CANARY,), (CANARY, above)):
        shutil.rmtree(above, ignore_errors=True)
        for canary in canaries:
            make_canary(canary)
        before, beside = state(canaries), sorted(os.listdir(CANARY.parent))
        try:
            outcome = CONTAINED if engine.load(path) else REFUSED
        except subprocess.TimeoutExpired:
            return HUNG, False
        named = bool(engine.names())
        made = len(canaries) == 1 and os.path.lexists(above)
        same = before == state(canaries) and beside == sorted(os.listdir(CANARY.parent))
        if made or not same or holds_secret(engine):
            return ESCAPED, named
    return outcome, named


def state(canaries: Sequence[Path]) -> list[object]:
    return [fingerprint(canary) if canary.is_dir() else None for canary in canaries]


def loads(engine: Engine, group: str) -> bool:
    """Whether an engine takes an honest archive of the form a class has."""
    taken = judge(engine, HONEST.get(group, HONEST[""])) == (CONTAINED, True)
    if not taken:
        print(f"{engine.name} takes no honest archive: {group}", file=sys.stderr)
    return taken


def compare() -> str:
    """The table, in Markdown."""
    found: dict[tuple[str, str], Counter[str]] = {}
    totals: Counter[str] = Counter()
    with ground(CANARY.parent.name) as place:
        made: dict[str, Callable[[Path], Peer]] = {"podman": Podman, "dockerd": Docker}
        running: list[Engine] = [Ours(place), *started(place, made)]
        names = [engine.name for engine in running]
        try:
            asked: list[Engine] = []
            group = ""
            for row in ROWS:
                if row.name in CLASSES:
                    group = CLASSES[row.name]
                    asked = [
                        engine
                        for engine in running
                        if (group != BOMBS or isinstance(engine, Ours)) and loads(engine, group)
                    ]
                totals[group] += 1
                refused = False
                for engine in asked:
                    outcome, named = judge(engine, row.archive)
                    outcomes = found.setdefault((group, engine.name), Counter())
                    outcomes[outcome] += 1
                    if isinstance(engine, Ours):
                        refused = outcome == REFUSED
                    if refused and named:
                        outcomes[ACCEPTED] += 1
                    if outcome in (ESCAPED, HUNG):
                        print(
                            f"{engine.name}: {row.name} ({row.advisory}): {outcome}",
                            file=sys.stderr,
                        )
        finally:
            for engine in running:
                engine.close()
    return f"{versions(*made)}\n\n{table('Archives', totals, found, names)}"


if __name__ == "__main__":
    deliver({"archives": compare()})
