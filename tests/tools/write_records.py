# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write tests/records/VERSION.json: what this release leaves on a host, for later ones to read.

    tests/sandbox .build/check/host-venv/bin/python tests/tools/write_records.py

Makes the networks and volumes of the release before, starts its containers by its own tasks with
what ``NEW`` adds to them, and collects their records. Run it once for a release, after VERSION was
raised and an option of each new kind was added to ``NEW``; a file that was released stays as it is.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # It makes the checkout importable.
from support import TESTS, containers, declaring
from support.converging import Task, apply
from support.inputs import images

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.version import (
    VERSION,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    decide as volume,
)

#: Importing it made the checkout importable.
_IMPORTED = conftest

RECORDS = TESTS / "records"
#: What a task of a container has that no release before had, by the container's name.
NEW: dict[str, dict[str, Any]] = {}
#: What the image bb:1 of the tasks says.
IMAGE = ("ENV X=1", "VOLUME /vol", "WORKDIR /tmp", 'CMD ["sleep", "1000"]')


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes networks and containers")
    path = RECORDS / f"{VERSION}.json"
    if path.exists():
        raise SystemExit(f"{path} is there: raise VERSION first, as a release is not changed")
    before = json.loads(max(RECORDS.glob("*.json"), key=_number).read_text())
    directory = Path(os.environ["SLIPWAY_SANDBOX"])
    layout = Layout.default()
    files.prepare(layout)
    tar = images.busybox_tar(directory / "busybox.tar")
    # Tasks mount directories from here, and the host's own is none of ours.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/srv"], check=True)
    with containers.world(layout, directory, tar) as world:
        world.add_image("bb", _with_user(tar), *IMAGE)
        written = json.dumps(collected(layout, before), indent=1, sort_keys=True)
    path.write_text(f"{written}\n")
    print(f"wrote {path}")


def collected(layout: Layout, before: dict[str, Any]) -> dict[str, Any]:
    """Make what the release before had, and read what that left in the installation."""
    tasks = {name: {**task, **NEW.get(name, {})} for name, task in before["tasks"].items()}
    tasks.update({name: NEW[name] for name in NEW if name not in tasks})
    for made in before["volumes"].values():
        if not made["anonymous"]:
            options = {key: made[key] for key in ("labels", "driver_options")}
            apply(
                layout,
                Task(volume.declare, volume.RESOURCE, {**options, "volume_name": made["name"]}),
            )
    for made in before["networks"].values():
        apply(layout, Task(network_declare.declare, network.RESOURCE, _network(made["spec"])))
    for name, task in tasks.items():
        for source in _sources(task):
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text("content\n")
        given = {**dict.fromkeys(("command", "stop_signal")), "keep_volumes": True, **task}
        apply(layout, declaring.task(name, **given))
    return {
        "containers": {
            found.name: {
                name: _read(found / f"{name}.json") for name in ("record", "spec", "image")
            }
            for found in sorted(layout.root.glob("containers/*"))
        },
        "networks": {
            found.parent.name: _read(found) for found in layout.root.glob("networks/*/network.json")
        },
        "volumes": {
            found.parent.name: _read(found) for found in layout.root.glob("volumes/*/volume.json")
        },
        "tasks": tasks,
    }


def _with_user(tar: Path) -> Path:
    """The same root filesystem with the user that the tasks name."""
    made = tar.with_name("records.tar")
    shutil.copy(tar, made)
    with tarfile.open(made, "a") as archive:
        for name, line in (("passwd", "web:x:1000:1000::/:/bin/sh\n"), ("group", "web:x:1000:\n")):
            info = tarfile.TarInfo(f"etc/{name}")
            data = f"root:x:0:{'0::/:/bin/sh' if name == 'passwd' else ''}\n{line}".encode()
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made


def _network(spec: dict[str, Any]) -> dict[str, Any]:
    """A task that makes a network of a recorded spec."""
    pools = [
        {key: pool[key] for key in ("subnet", "gateway") if pool.get(key)}
        for pool in spec.get("pools", ())
    ]
    return {
        "name": spec["name"],
        "ipam_config": pools,
        "internal": spec.get("internal", False),
        "enable_ipv6": spec.get("enable_ipv6", False),
        "labels": spec.get("labels", {}),
        "driver_options": spec.get("driver_options", {}),
    }


def _sources(task: dict[str, Any]) -> list[Path]:
    """The files of the host that a task mounts."""
    mounts = task.get("mounts") or ()
    return [Path(mount["source"]) for mount in mounts if mount["type"] == "bind"]


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def _number(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.stem.split("."))


if __name__ == "__main__":
    main()
