# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where output goes: files of limited size that are turned over, the journal, nowhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    documents,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import logs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    watcher,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp

#: One line each 5 milliseconds, numbered without a gap.
COUNT = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.005; done"


def _sizes(world: World, container_id: str) -> dict[str, int]:
    found = {}
    for path in world.layout.container(container_id).glob("log*"):
        try:
            found[path.name] = path.stat().st_size
        except FileNotFoundError:
            continue
    return found


def test_logs_are_turned_over_and_no_line_is_lost(world: World) -> None:
    options = {"max-size": "4k", "max-file": "3"}
    running = world.run("web", COUNT, log_options=options)
    assert watcher.listens(world.layout)
    following = subprocess.Popen(
        ["/usr/bin/python3", str(zipapp.program(world.layout)), "logs", "-f", "web"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: len(_sizes(world, running.id)) == 3, 20)
        actions.stop(world.host, running.id)
        followed = following.communicate(timeout=20)[0].split("\n")[:-1]
    finally:
        following.kill()
        following.wait()
    assert followed == [f"line {number}" for number in range(1, len(followed) + 1)]
    kept = world.log("web").split("\n")[:-1]
    assert kept == followed[-len(kept) :]
    assert len(kept) == sum(
        len(path.read_text().splitlines())
        for path in world.layout.container(running.id).glob("log*")
    )
    for count in (1, 5, len(kept) - 1, len(kept), len(kept) + 10):
        lines = [entry.data.decode() for entry in logs.entries(world.layout, running.id, count)]
        assert "".join(lines).split() == " ".join(kept[-count:]).split()
    config = documents.container(world.host, running.id)["HostConfig"]["LogConfig"]
    assert config == {"Type": "json-file", "Config": options}
    until(lambda: not watcher.listens(world.layout))


def test_one_file_is_begun_anew_and_none_keeps_nothing(world: World) -> None:
    running = world.run("web", COUNT, log_options={"max-size": "2k"})
    assert not watcher.listens(world.layout), "its monitor does it alone"
    before = os.stat(world.layout.container(running.id) / "log").st_ino
    until(lambda: os.stat(world.layout.container(running.id) / "log").st_ino != before)
    assert set(_sizes(world, running.id)) == {"log"}
    assert _sizes(world, running.id)["log"] <= 2048
    silent = world.run("silent", "echo hidden; exit 3", log_driver="none")
    until(lambda: world.current(silent.id).phase == "exited")
    assert _sizes(world, silent.id) == {}
    said = world.slipway("logs", "silent", check=False)
    assert said.returncode and b"its log driver is none" in said.stderr


def test_the_journal(world: World, tmp_path: Path) -> None:
    # No journal runs here: conmon writes to none, and journalctl shows what it would have.
    running = world.run("web", log_driver="journald", log_options={"tag": "{{.Name}}/{{.ID}}"})
    words = Path(f"/proc/{running.conmon_pid}/cmdline").read_bytes().split(b"\0")
    assert words[words.index(b"--log-path") + 1] == b"journald"
    assert words[words.index(b"--log-tag") + 1] == f"web/{running.id[:12]}".encode()
    fake = tmp_path / "journalctl"
    fake.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *"CONTAINER_ID_FULL={running.id}"*) ;; *) exit 1;; esac\n'
        """echo '{"MESSAGE":"out","PRIORITY":"6","__REALTIME_TIMESTAMP":"1000000"}'\n"""
        """echo '{"MESSAGE":[255,10],"PRIORITY":"3","__REALTIME_TIMESTAMP":"2000001"}'\n"""
    )
    fake.chmod(0o755)
    subprocess.run(["mount", "--bind", str(fake), "/usr/bin/journalctl"], check=True)
    try:
        entries = list(logs.entries(world.layout, running.id))
    finally:
        subprocess.run(["umount", "/usr/bin/journalctl"], check=True)
    assert [(one.stream, one.data) for one in entries] == [
        ("stdout", b"out\n"),
        ("stderr", b"\xff\n\n"),
    ]
    assert entries[1].time == "1970-01-01T00:00:02.000001000Z"
