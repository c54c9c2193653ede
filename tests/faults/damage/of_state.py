# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do to what is kept on disk: records, journals, locks, leases, volumes, images."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Callable

from support import CHECKOUT
from support.declaring import acting

from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp

from ..scene import perform
from .suffering import Damage, Damaged, cut, ran, zeros

LATER = "2099-01-01T00:00:00.000000000Z"


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


Undoable = tuple[Callable[[Damaged], Any], Callable[[Damaged], Any]]


def damaged(where: Callable[[Damaged], Path], how: Callable[[Path], Any]) -> Undoable:
    """Damage to a file or a link, and what restores it."""
    saved: list[tuple[Path, bytes]] = []

    def do(host: Damaged) -> None:
        path = where(host)
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        saved[:] = [(path, content)]
        how(path)

    def mend(host: Damaged) -> None:
        path, content = saved[0]
        if path.parent == host.layout.names:
            path.symlink_to(os.fsdecode(content))
        else:
            path.write_bytes(content)

    return do, mend


def in_the_future(host: Damaged) -> None:
    """As after a clock that was wrong, and is set back."""

    def later(value: dict[str, Any]) -> None:
        value.update(created=LATER, started_at=LATER)

    edit(host.kept / "record.json", later)
    for directory, names, found in os.walk(host.layout.root):
        if Path(directory) in (host.layout.layers, host.layout.volumes):
            names.clear()
        for name in (*names, *found):
            os.utime(os.path.join(directory, name), (4e9, 4e9), follow_symlinks=False)


def of_before(host: Damaged) -> None:
    """Leave in the records what the oldest release knew, as after a downgrade and an upgrade."""
    old = json.loads((CHECKOUT / "tests" / "records" / "0.1.0.json").read_text())
    known = next(iter(old["containers"].values()))
    for name in ("record", "spec", "image"):
        path = host.kept / f"{name}.json"
        value = json.loads(path.read_text())
        # A release that does not know an option cannot have set it.
        left = {key: item for key, item in value.items() if item or key in known[name]}
        path.write_text(json.dumps(left))


def elsewhere(path: Path) -> None:
    """A link in the place of a file, to a file of the same content."""
    other = Path(os.environ["SLIPWAY_SANDBOX"]) / f"moved-{path.name}"
    shutil.copy(path, other)
    path.unlink()
    path.symlink_to(other)


def canary() -> Path:
    path = Path(os.environ["SLIPWAY_SANDBOX"]) / "canary"
    if not path.exists():
        path.write_text("nobody writes here\n")
    return path


def link_lock(host: Damaged) -> None:
    (host.kept / "lock").unlink(missing_ok=True)
    (host.kept / "lock").symlink_to(canary())


def unlink_lock(host: Damaged) -> None:
    assert canary().read_text() == "nobody writes here\n", "what a link led to was written"
    (host.kept / "lock").unlink()


def foreign(host: Damaged) -> None:
    """What does not belong there, everywhere."""
    durable = (path for path in host.layout.durable_directories() if path != host.layout.root)
    leases = host.network / "leases"
    for place in (*durable, leases, host.layout.run_containers, host.layout.run):
        (place / "README").write_text("mine\n")
        (place / "lost+found").mkdir()
    (host.layout.containers / ("e" * 64)).mkdir()
    (host.layout.networks / ("e" * 64)).mkdir()


def without_foreign(host: Damaged) -> None:
    for place in (host.layout.root, host.layout.run):
        for path in [*place.rglob("README"), *place.rglob("lost+found"), *place.rglob("e" * 64)]:
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()


def lease(host: Damaged) -> Path:
    return next((host.network / "leases").iterdir())


def take_lease(host: Damaged) -> None:
    """The address is somebody's who does not exist."""
    path = lease(host)
    path.unlink()
    path.symlink_to("f" * 64)


def layer(host: Damaged) -> Path:
    return host.layout.layer(host.current().layers[-1])


def blob(host: Damaged) -> Path:
    """The largest of the image, which is its layer."""
    found = store.find(host.layout, "app:1")
    assert found is not None
    return host.layout.blob(found.layers[-1].digest)


def verified(host: Damaged) -> None:
    """What an administrator does who suspects the disk. A layer that a running container has is not
    replaced.
    """
    found = host.world.slipway("image", "verify", check=False)
    assert b"a running container uses it: stop it and verify again" in found.stdout
    perform(host.layout, acting("web", state="stopped"))
    host.world.slipway("image", "verify")
    assert ran(host.layout, host.play())[1] is None


def imported(host: Damaged) -> None:
    host.world.slipway("image", "verify", check=False)
    host.world.add_image("app", host.tar)


def images_again(host: Damaged) -> None:
    host.layout.index.unlink()
    for name, tar in (("busybox", host.plain), ("app", host.tar)):
        host.world.add_image(name, tar)


def quarantine_taken(host: Damaged) -> None:
    host.layout.quarantine.rmdir()
    host.layout.quarantine.write_text("")


def nameless(host: Damaged) -> None:
    """The entry of the image in the index is gone, its content is not."""

    def drop(value: dict[str, Any]) -> None:
        value["manifests"] = [m for m in value["manifests"] if "app" not in json.dumps(m)]

    edit(host.layout.index, drop)


def program(host: Damaged) -> Path:
    return zipapp.program(host.layout).resolve()


_RECORD = damaged(lambda host: host.kept / "record.json", cut)
_EMPTY = damaged(lambda host: host.kept / "record.json", lambda path: path.write_bytes(b""))
_SPEC = damaged(lambda host: host.kept / "spec.json", cut)
_NETWORK = damaged(lambda host: host.network / "network.json", cut)
_NAME = damaged(lambda host: host.layout.names / "web", Path.unlink)
_VOLUME = damaged(lambda host: host.layout.volume("data") / "volume.json", zeros)

STATE = [
    Damage("the record of the container truncated", _RECORD[0], "TOLD", "record.json", _RECORD[1]),
    Damage("the record of the container empty", _EMPTY[0], "TOLD", "record.json", _EMPTY[1]),
    Damage("what the container was asked to be truncated", _SPEC[0], "TOLD", "spec.json", _SPEC[1]),
    Damage(
        "a link in the place of the record",
        lambda host: elsewhere(host.kept / "record.json"),
        "SPARED",
    ),
    Damage("a link in the place of its lock", link_lock, "SPARED", proves=unlink_lock),
    Damage(
        "the lock of the container removed",
        lambda host: (host.kept / "lock").unlink(missing_ok=True),
        "SPARED",
    ),
    Damage("the record of the network truncated", _NETWORK[0], "TOLD", "network.json", _NETWORK[1]),
    Damage("the name of the container removed", _NAME[0], "TOLD", "ln -s", _NAME[1]),
    Damage("the locks removed", lambda host: shutil.rmtree(host.layout.locks), "SPARED"),
    Damage(
        "the directory of half-made things removed",
        lambda host: shutil.rmtree(host.layout.tmp),
        "SPARED",
    ),
    Damage(
        "a file in the place of the quarantine",
        quarantine_taken,
        "TOLD",
        "is not a directory",
        lambda host: host.layout.quarantine.unlink(),
    ),
    Damage(
        "meta.json of zeros",
        lambda host: zeros(host.layout.meta),
        "TOLD",
        "meta.json",
        lambda host: host.layout.meta.write_text('{"version": 1}'),
    ),
    Damage(
        "records of a version to come",
        lambda host: host.layout.meta.write_text('{"version": 2}'),
        "TOLD",
        "schema version 2",
        lambda host: host.layout.meta.write_text('{"version": 1}'),
    ),
    Damage("meta.json removed", lambda host: host.layout.meta.unlink(), "SPARED"),
    Damage("records of the release before", of_before, "SPARED"),
    Damage("records of the future", in_the_future, "SPARED"),
    Damage("the lease removed", lambda host: lease(host).unlink(), "MENDED"),
    Damage("the lease of somebody who is gone", take_lease, "MENDED"),
    Damage(
        "the volume removed",
        lambda host: shutil.rmtree(host.layout.volume("data")),
        "MENDED",
        loses=True,
    ),
    Damage("the record of the volume of zeros", _VOLUME[0], "TOLD", "volume.json", _VOLUME[1]),
    Damage(
        "a journal of zeros",
        lambda host: (host.layout.creations / f"{'c' * 64}.json").write_bytes(bytes(64)),
        "WARNED",
        "creations",
        lambda host: (host.layout.creations / f"{'c' * 64}.json").unlink(),
    ),
    Damage(
        "a journal of a replacement, of zeros",
        lambda host: (host.layout.swaps / "web.json").write_bytes(bytes(64)),
        "TOLD",
        "web.json",
        lambda host: (host.layout.swaps / "web.json").unlink(),
    ),
    Damage("foreign files everywhere", foreign, "SPARED", proves=without_foreign),
    Damage("the program removed", lambda host: program(host).unlink(), "MENDED"),
    Damage("the program truncated", lambda host: cut(program(host)), "MENDED"),
    Damage(
        "a file of a layer changed",
        lambda host: (layer(host) / "diff" / "srv" / "app").write_text("other\n"),
        "SPARED",
        proves=verified,
    ),
    Damage(
        "a file of a layer removed",
        lambda host: (layer(host) / "diff" / "srv" / "app").unlink(),
        "SPARED",
        proves=verified,
    ),
    Damage("a layer removed", lambda host: shutil.rmtree(layer(host)), "MENDED"),
    Damage("a blob truncated", lambda host: cut(blob(host)), "SPARED", proves=imported),
    Damage("a blob removed", lambda host: blob(host).unlink(), "SPARED", proves=imported),
    Damage("the name of the image removed", nameless, "SPARED", proves=imported),
    Damage(
        "index.json of zeros",
        lambda host: zeros(host.layout.index),
        "TOLD",
        "index.json",
        images_again,
    ),
]
