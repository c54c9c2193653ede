# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play, somebody beside it, and what has to be true once its host was damaged from outside (R11).

The play is a network, a volume, and a container on both with a published port. The bystander has
the same of its own. After each damage the play is checked, run, and run again, as an administrator
would. It ends in one of four ways, and the row of the damage says in which::

    MENDED    the play changes what check mode said, and the second run nothing
    SPARED    the play finds nothing to do: what was damaged made no difference
    WARNED    the same, and a warning says what to do
    TOLD      the play ends with one error, which says what to do; that is done, and it converges

In each case both containers serve their pages then, the bystander with the process it had.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Literal, Optional

from support.containers import World, page
from support.converging import Task, check
from support.declaring import task
from support.inputs import images

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
    running,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.container_record import (  # noqa: E501
    Record,
)

from .. import state, tasks
from ..scene import perform

PORT, BYSTANDERS = 8096, 8097
MARK = "kept in the volume"
Ends = Literal["MENDED", "SPARED", "TOLD", "WARNED"]


class Damaged:
    """A host with the play and the bystander. The play's image has a layer that no other has."""

    def __init__(self, world: World, directory: Path) -> None:
        self.world, self.layout = world, world.layout
        self.tar = images.busybox_tar(directory / "app.tar")
        with tarfile.open(self.tar, "a") as archive:
            member = tarfile.TarInfo("srv/app")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"app\n"))
        self.plain = images.busybox_tar(directory / "busybox.tar")
        world.add_image("app", self.tar)
        self.begin()

    def begin(self) -> None:
        """Make all of it; what is there already stays."""
        for one in [*self.bystanders(), *self.play()]:
            perform(self.layout, one)
        for name, volume in (("db", "beside"), ("web", "data")):
            (self.layout.volume(volume) / "_data" / "index.html").write_text(f"{name}: {MARK}")
            page(BYSTANDERS if name == "db" else PORT)
        self.spared = self.current("db")

    def play(self) -> list[Task]:
        return [
            tasks.network("lan", ipam_config=[{"subnet": "10.93.0.0/24"}]),
            tasks.volume("data", labels={"a": "1"}),
            server("web", "lan", PORT, "data", image="app:1",
                   healthcheck={"test": ["CMD", "true"], "interval": "1h"}),
        ]  # fmt: skip

    def bystanders(self) -> list[Task]:
        return [
            tasks.network("aside", ipam_config=[{"subnet": "10.94.0.0/24"}]),
            tasks.volume("beside"),
            server("db", "aside", BYSTANDERS, "beside"),
        ]

    def current(self, name: str = "web") -> Record:
        return self.world.current(container_record.by_name(self.layout, name))

    @property
    def network(self) -> Path:
        return self.layout.network(network_record.network_id("lan"))

    @property
    def run(self) -> Path:
        return self.layout.run_container(self.current().id)

    @property
    def kept(self) -> Path:
        return self.layout.container(self.current().id)

    def end(self) -> None:
        """Take all of it away by tasks."""
        for one in [
            *tasks.gone("web", "db")(self.world),
            *(tasks.network(name, state="absent") for name in ("lan", "aside")),
            *(tasks.volume(name, state="absent") for name in ("data", "beside")),
        ]:
            perform(self.layout, one)


def server(name: str, network: str, port: int, volume: str, **given: Any) -> Task:
    """A container that serves what is in its volume."""
    usual: dict[str, Any] = {
        "command": ["httpd", "-f", "-p", "80", "-h", "/www"],
        "networks": [{"name": network}],
        "published_ports": [f"127.0.0.1:{port}:80"],
        "volumes": [f"{volume}:/www"],
    }
    return task(name, **{**usual, **given})


@dataclass(frozen=True)
class Damage:
    """A row: what is done to the host, and how the play ends. ``says`` is in the error of one that
    is TOLD, and ``mend`` does what it says. ``loses`` is that the content of the volume is gone.
    """

    name: str
    do: Callable[[Damaged], Any]
    ends: Ends
    says: str = ""
    mend: Callable[[Damaged], Any] = lambda host: None
    loses: bool = False
    #: Whether it hits the bystander as well, whose own tasks then mend that.
    shared: bool = False
    proves: Callable[[Damaged], Any] = lambda host: None


def suffer(host: Damaged, damage: Damage) -> list[str]:
    """Do the damage, and let the play and the bystander's tasks meet it; what is wrong then."""
    said: list[str] = []
    damage.do(host)
    if not running.is_running(host.spared):
        return ["the damage itself ends the bystander"]
    foretold, refused = predicted(host.layout, host.play())
    warned: Optional[list[str]] = [] if damage.ends == "WARNED" else None
    changed, failed = ran(host.layout, host.play(), warned)
    if warned is not None:
        said += [] if any(damage.says in line for line in warned) else [f"warned of {warned}"]
        damage.mend(host)
    if not running.is_running(host.spared):
        said.append("the play ended the bystander")
    if damage.ends == "TOLD":
        said += _told(damage, refused, failed)
        if failed is None:
            return said
        # Who is beside it does not suffer.
        others = ran(host.layout, host.bystanders())
        # What is a function of all records cannot be told without one of them.
        if others[1] is not None and damage.says not in str(others[1]):
            said.append(f"the bystander's tasks fail: {others[1]}")
        damage.mend(host)
        changed, failed = ran(host.layout, host.play())
    elif foretold != changed and failed is None:
        said.append(f"check mode said {foretold}, and the run {changed}")
    if failed is not None:
        return [*said, f"failed: {type(failed).__name__}: {failed}"]
    if damage.ends != "TOLD" and any(changed) != (damage.ends == "MENDED"):
        said.append(f"changed {changed}, which is not {damage.ends}")
    if damage.shared:
        said += [] if ran(host.layout, host.bystanders())[1] is None else ["the bystander fails"]
        host.spared = host.current("db")
    for one in [*host.play(), *host.bystanders()]:
        again = check(host.layout, one, {}).actions
        # A network's own task may have left what is everybody's to this one; once.
        said += [f"a second run does {', '.join(again)}"] if again else []
        if perform(host.layout, one) and not again:
            said.append("a second run changes something")
    if damage.loses:
        (host.layout.volume("data") / "_data" / "index.html").write_text(f"web: {MARK}")
    said += _serve(host)
    damage.proves(host)
    said += state.litter(host.layout)
    return said + state.damaged(host.layout)


def _told(damage: Damage, refused: Optional[Error], failed: Optional[Error]) -> list[str]:
    if failed is None:
        return ["the play does not fail"]
    text = f"{failed} {failed.hint}"
    if damage.says not in text or not failed.hint:
        return [f"it says {text}"]
    return [] if refused is not None else [f"check mode does not say {text}"]


def _serve(host: Damaged) -> list[str]:
    said = []
    for name, port in (("web", PORT), ("db", BYSTANDERS)):
        try:
            answer = page(port)
        except AssertionError:
            answer = "nothing"
        if answer != f"{name}: {MARK}":
            said.append(f"{name} serves {answer}")
        inside = host.world.slipway("exec", name, "nslookup", f"{name}.", check=False)
        if inside.returncode:
            said.append(f"{name} does not find its name: {inside.stdout!r} {inside.stderr!r}")
    now = host.current("db")
    if (now.pid, now.pid_start) != (host.spared.pid, host.spared.pid_start):
        said.append("the bystander is not the process it was")
    return said


def predicted(layout: Any, play: Sequence[Task]) -> tuple[list[bool], Optional[Error]]:
    """Which tasks of a play check mode says will change something; an error ends it."""
    told: dict[str, dict[str, Any]] = {}
    found: list[bool] = []
    try:
        for one in play:
            found.append(check(layout, one, told).changed)
    except Error as exc:
        return found, exc
    return found, None


def ran(
    layout: Any, play: Sequence[Task], warned: Optional[list[str]] = None
) -> tuple[list[bool], Optional[Error]]:
    """Which tasks of a play changed something; an error ends it."""
    found: list[bool] = []
    try:
        for one in play:
            found.append(perform(layout, one, warned))
    except Error as exc:
        return found, exc
    return found, None


def zeros(path: Path) -> None:
    """As a file system leaves a file whose blocks were not written yet."""
    path.write_bytes(bytes(path.stat().st_size or 64))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shell(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
