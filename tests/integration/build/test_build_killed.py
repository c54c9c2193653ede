# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build that is killed wherever it is: nothing is left over, and the next one resumes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import COLLECTIONS, TESTS
from support.builds.building import fill
from support.containers import World

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    step_cache,
    store,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import (
    converge,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image_build,
)

FILES = {
    "Dockerfile": """
        FROM busybox:1 AS maker
        WORKDIR /made
        COPY f .
        RUN --mount=type=secret,id=s --mount=type=bind,target=/c --mount=type=cache,target=/k \\
            cat /run/secrets/s | wc -c > size && cp /c/f /k/f && cp /k/f g
        FROM busybox:1
        COPY --from=maker /made /made
        RUN echo done > /done
        CMD ["true"]
    """,
    "f": "content",
}
#: Steps that write files.
STEPS = 5

#: Where a build is killed: a name, what Python announces, of what, and which time it is.
POINTS = [
    ("before a directory of a step", "os.mkdir", r"/tmp/step-[^/]*'", 1),
    ("before a layer is a blob", "os.rename", r"/blobs/sha256/", 1),
    ("before a layer is unpacked", "os.rename", r"/layers/[0-9a-f]{64}'", 2),
    ("before a step is kept", "os.rename", r"/build/steps/", 1),
    ("between two steps", "os.rename", r"/build/steps/", 2),
    ("before a mount is filled", "os.mkdir", r"/tmp/mounts-[^/]*'", 1),
    ("before a secret is written", "open", r"/run/slipway/builds/", 1),
    ("before a container is announced", "os.rename", r"/creations/", 1),
    ("before a container is there", "os.rename", r"/containers/[0-9a-f]{64}'", 1),
    ("before its root is mounted", "os.mkdir", r"/run/slipway/containers/[0-9a-f]{64}'", 1),
    ("before its monitor starts", "subprocess.Popen", r"conmon", 1),
    ("after its monitor started", "subprocess.Popen", r"'start'", 1),
    ("while a second one starts", "subprocess.Popen", r"conmon", 2),
    ("before a container is removed", "os.rename", r"/trash/[0-9a-f]{64}-", 1),
    ("before the announcement goes", "os.remove", r"/creations/", 2),
    ("after the last step", "os.rename", r"/build/steps/", STEPS),
    ("before the image has its name", "os.rename", r"/images/index.json", 1),
    ("before it is noted what it is made of", "os.rename", r"/build/made/", 1),
]


def params(context: Path) -> dict[str, Any]:
    return {
        "name": "made",
        "path": str(context),
        "source_date_epoch": 1_000_000,
        "secrets": [{"id": "s", "type": "value", "value": "canary-4d"}],
    }


def half_made(layout: Layout) -> list[str]:
    places = (layout.tmp, layout.trash, layout.creations, layout.run_builds)
    found = [path for place in places if place.is_dir() for path in place.iterdir()]
    for place in (layout.build, layout.images, layout.containers):
        found += place.rglob(".*")
    return [str(path) for path in found]


@pytest.mark.parametrize(("event", "pattern", "number"), [p[1:] for p in POINTS],
                         ids=[p[0] for p in POINTS])  # fmt: skip
def test_a_killed_build_is_resumed(
    world: World, tmp_path: Path, event: str, pattern: str, number: int
) -> None:
    layout = world.layout
    options = params(fill(tmp_path / "context", FILES))
    (tmp_path / "params.json").write_text(json.dumps(options))
    dying = subprocess.run(
        [sys.executable, TESTS / "support" / "builds" / "dying.py", tmp_path / "params.json",
         event, pattern, str(number), COLLECTIONS],
        check=False,
        timeout=240,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert dying.returncode == -signal.SIGKILL, dying.stderr.decode()
    kept = len(step_cache.entries(layout))
    host = Host(layout)
    plan = converge(host, image_build.RESOURCE, image_build.declare(options))[0]
    assert plan.changed
    built = store.find(layout, "made")
    assert built is not None
    lines = image_build.output_of(host).splitlines()
    assert sum("] CACHED " in line for line in lines) == kept
    assert kept <= STEPS
    assert container_record.all_ids(layout) == []
    assert half_made(layout) == []
    whole = subprocess.run(
        ["grep", "-rlF", "canary-4d", layout.root, layout.run],
        stdout=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    assert whole.stdout == b""
    # What was made in two goes is what is made in one.
    afresh = {**options, "nocache": True, "name": "other"}
    converge(Host(layout), image_build.RESOURCE, image_build.declare(afresh))
    other = store.find(layout, "other")
    assert other is not None
    assert other.manifest == built.manifest
    again = converge(Host(layout), image_build.RESOURCE, image_build.declare(options))[0]
    assert not again.changed
