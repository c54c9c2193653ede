# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where output goes: files of limited size that are turned over, the journal, nowhere."""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import converging, declaring
from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
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
        followed = following.communicate(timeout=60)[0].split("\n")[:-1]
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


class Listener:
    """A socket of syslog."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(20)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *dummy: object) -> None:
        self._socket.close()
        self._path.unlink()

    def lines(self, count: int) -> list[str]:
        return [self._socket.recv(65536).decode() for dummy in range(count)]

    def is_empty(self) -> bool:
        return not select.select([self._socket], [], [], 0.3)[0]


@contextlib.contextmanager
def host_socket(tmp_path: Path) -> Iterator[Listener]:
    """A listener in the place of the host's own."""
    place = Path("/dev/log")
    made = not place.exists()
    if made:
        place.touch()
    try:
        with Listener(tmp_path / "log") as listener:
            subprocess.run(["mount", "--bind", str(tmp_path / "log"), str(place)], check=True)
            try:
                yield listener
            finally:
                subprocess.run(["umount", str(place)], check=True)
    finally:
        if made:
            place.unlink()


def test_syslog(world: World, tmp_path: Path) -> None:
    with host_socket(tmp_path) as host:
        script = "echo one; echo two >&2; exec sleep 1000"
        running = world.run("web", script, log_driver="syslog")
        first, second = host.lines(2)
        stamp = r"[A-Z][a-z]{2} [ 0-9][0-9] \d\d:\d\d:\d\d"
        sender = rf"{running.id[:12]}\[{running.pid}\]"
        # 30 and 27: the facility daemon with informational and error.
        assert re.fullmatch(rf"<30>{stamp} {sender}: one", first)
        assert re.fullmatch(rf"<27>{stamp} {sender}: two", second)
        assert world.log("web") == "one\ntwo\n", "logs reads what is kept"
        actions.stop(world.host, running.id)
        actions.start(world.host, running.id)
        assert [line.rpartition(" ")[2] for line in host.lines(2)] == ["one", "two"]
        # One that has ended before anybody looks, or is gone by then.
        for options in ({}, {"auto_remove": True}):
            quick = world.run("quick", "echo fast", log_driver="syslog", **options)
            [line] = host.lines(1)
            assert line.endswith(": fast") and quick.id[:12] in line
            until(lambda: not world.slipway("ps", "-q", "-f", "name=quick").stdout)
            world.slipway("rm", "-f", "quick", check=False)
        assert host.is_empty(), "each line is sent once"


def test_syslog_elsewhere_and_late(world: World, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    options = {
        "syslog-address": f"unix://{path}",
        "syslog-facility": "local3",
        "syslog-format": "rfc5424",
        "tag": "{{.Name}}",
    }
    script = "echo before; while ! test -e /now; do sleep 0.1; done; echo after; exec sleep 1000"
    running = world.run("web", script, log_driver="syslog", log_options=options)
    until(lambda: "before" in world.log("web"))
    with Listener(path) as there:
        [line] = there.lines(1)
        host, pid = socket.gethostname(), running.pid
        assert re.fullmatch(rf"<158>1 \S+ {re.escape(host)} web {pid} web - before", line)
        world.slipway("exec", "web", "touch", "/now")
        assert there.lines(1)[0].endswith(" after")


def test_drivers_of_elsewhere_are_refused_at_the_start(world: World) -> None:
    for driver, options in (
        ("gelf", {"gelf-address": "udp://192.0.2.1:12201"}),
        ("syslog", {"syslog-address": "tcp+tls://192.0.2.1:6514"}),
    ):
        made = world.create("web", log_driver=driver, log_options=options)
        found = documents.container(world.host, made.id)["HostConfig"]["LogConfig"]
        assert found == {"Type": driver, "Config": options}
        with pytest.raises(Error, match=r"not (available|supported)"):
            actions.start(world.host, made.id)
        actions.remove(world.host, made.id)
    # Seen before what runs is stopped, and a declaration alone is none to refuse.
    task = declaring.task("web", network_mode="none")
    running = actions.current(world.host, declaring.converge(world, task)[0])
    other = declaring.task("web", network_mode="none", log_driver="gelf")
    with pytest.raises(Error, match="gelf is not available"):
        converging.apply(world.layout, other)
    assert actions.current(world.host, running.id) == running
    declaring.converge(
        world, declaring.task("cold", network_mode="none", log_driver="gelf", state="present")
    )


def test_what_log_options_say_of_a_line(world: World) -> None:
    world.run(
        "web",
        "echo said; exec sleep 1000",
        env={"OS": "a b", "OTHER": "x"},
        labels={"stage": "test", "other": "x"},
        log_options={
            "labels": "stage",
            "env": "OS,MISSING",
            "tag": "{{.Name}}",
            "compress": "true",
        },
    )
    until(lambda: world.log("web"))
    shown = world.slipway("logs", "--details", "web").stdout
    assert shown == b"OS=a+b,stage=test,tag=web said\n"
