# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program, built and run as on a host: by the system's Python, with nothing of the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Mount,
    Port,
    RestartPolicy,
)


def _lines(world: World, *arguments: str) -> list[str]:
    return world.slipway(*arguments).stdout.decode().splitlines()


def test_ps_in_dockers_columns(world: World) -> None:
    running = world.run(
        "web", network_mode="", ports=(Port(80, host_ip="127.0.0.1", host_port=8080),)
    )
    made = world.create("created")
    ended = world.run("ended", "exit 3")
    until(lambda: world.recorded(ended.id).phase == "exited")
    [heading, row] = _lines(world, "ps")
    assert re.fullmatch(r"CONTAINER ID   IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES", heading)
    columns = re.split(r" {3,}", row)
    assert columns[0] == running.id[:12]
    assert columns[1:3] == ["web:1", '"sh -c exec sleep 10…"']
    assert columns[4].startswith(("Up ", "Less"))
    assert columns[5:] == ["127.0.0.1:8080->80/tcp", "web"]
    rows = {line.split()[-1]: line for line in _lines(world, "ps", "-a")[1:]}
    assert set(rows) == {"web", "created", "ended"}
    assert "Created" in rows["created"]
    assert "Exited (3) " in rows["ended"]
    assert _lines(world, "ps", "-aq") == [ended.id[:12], made.id[:12], running.id[:12]]
    assert _lines(world, "ps", "-q", "--no-trunc") == [running.id]
    assert _lines(world, "ps", "--format", "{{.Names}}={{ .State }}") == ["web=running"]
    [only] = _lines(world, "ps", "--format", "json")
    assert json.loads(only)["Names"] == "web"
    done = world.slipway("ps", "--format", "{{.Nope}}", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"slipway: --format: unknown field Nope; known fields: ID, ")


def test_looking_imports_neither_requests_nor_pyroute2_nor_ctypes(world: World) -> None:
    world.run("web")
    program = str(zipapp.program(world.layout))
    for verb in (["ps", "-a"], ["logs", "web"], ["inspect", "web"]):
        done = subprocess.run(
            ["/usr/bin/python3", "-X", "importtime", program, *verb],
            check=True,
            capture_output=True,
        )
        imported = {
            line.rpartition(b"|")[2].strip().split(b".")[0] for line in done.stderr.splitlines()
        }
        assert b"slipway" in imported
        assert not imported & {b"requests", b"urllib3", b"pyroute2", b"ctypes"}


def test_logs(world: World) -> None:
    script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done; printf unfinished"
    world.run("web", script)
    whole = "".join(f"out {i}\n" for i in (1, 2, 3))
    until(lambda: b"unfinished" in world.slipway("logs", "web").stdout)
    done = world.slipway("logs", "web")
    assert done.stdout.decode() == f"{whole}unfinished"
    assert done.stderr.decode() == "".join(f"err {i}\n" for i in (1, 2, 3))
    both = world.slipway("logs", "--tail", "3", "web")
    assert (both.stdout + both.stderr).count(b"\n") in (2, 3)
    assert world.slipway("logs", "-n", "0", "web").stdout in (b"", b"unfinished")
    stamped = world.slipway("logs", "-t", "web").stdout.decode().splitlines()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\S* out 1", stamped)


def test_the_tail_of_a_long_log(world: World) -> None:
    world.run("web", "seq 1 20000")
    until(lambda: b"\n20000\n" in world.slipway("logs", "web").stdout)
    for count in (1, 7, 5000):
        shown = world.slipway("logs", "-n", str(count), "web").stdout.split()
        assert shown == [str(i).encode() for i in range(20001 - count, 20001)]


def test_following_ends_with_the_container(world: World) -> None:
    running = world.run("web", "echo first; while test ! -e /go; do sleep 0.05; done; echo last")
    program = str(zipapp.program(world.layout))
    follower = subprocess.Popen(
        ["/usr/bin/python3", program, "logs", "-f", "web"], stdout=subprocess.PIPE
    )
    assert follower.stdout is not None
    assert follower.stdout.readline() == b"first\n"
    Path(f"/proc/{running.pid}/root/go").touch()
    assert follower.communicate(timeout=60)[0] == b"last\n"
    assert follower.returncode == 0


def test_following_survives_a_restart_by_policy(world: World) -> None:
    policy = RestartPolicy("on-failure", 2)
    world.run("web", "echo run; sleep 0.2; exit 1", restart_policy=policy)
    done = world.slipway("logs", "-f", "web")
    assert done.stdout == b"run\n" * 3


def test_inspect(world: World) -> None:
    running = world.run("web", env={"SECRET": "shown to root"}, labels={"a": "b"})
    made = world.create("other")
    found = json.loads(world.slipway("inspect", "web", made.id[:10]).stdout)
    assert [document["Name"] for document in found] == ["/web", "/other"]
    assert found[0]["State"]["Pid"] == running.pid
    assert found[0]["Config"]["Labels"] == {"a": "b"}
    assert "SECRET=shown to root" in found[0]["Config"]["Env"]
    assert found[1]["State"]["Status"] == "created"
    done = world.slipway("inspect", "nope", check=False)
    assert (done.returncode, done.stdout) == (1, b"[]\n")
    assert done.stderr == b"slipway: no such object: nope\n"


def test_the_verbs(world: World) -> None:
    made = world.create("web", mounts=(Mount("anonymous", "", "/x"),))
    assert _lines(world, "start", "web") == ["web"]
    assert world.current(made.id).phase == "running"
    assert _lines(world, "restart", "-t", "1", "web") == ["web"]
    assert world.current(made.id).generation == 2
    done = world.slipway("rm", "web", check=False)
    assert (done.returncode, done.stderr[:33]) == (1, b"slipway: container web is running")
    assert _lines(world, "kill", "-s", "KILL", made.id[:8]) == [made.id[:8]]
    assert world.current(made.id).exit_code == 137
    assert _lines(world, "stop", "web") == ["web"]
    world.slipway("rename", "web", "site")
    world.slipway("start", "site")
    assert _lines(world, "rm", "-fv", "site") == ["site"]
    done = world.slipway("start", "site", check=False)
    assert (done.returncode, done.stderr) == (1, b"slipway: No such container: site\n")
    assert os.listdir(world.layout.volumes) == []
    mixed = world.slipway("stop", "none", "of", "these", check=False)
    assert mixed.returncode == 1
    assert mixed.stderr.count(b"\n") == 3


def test_debug_shows_what_a_start_does(world: World) -> None:
    """Programs and netlink in their order, with times; of the environment nothing."""
    made = world.create("web", env={"PASSWORD": "s3cret-canary"}, network_mode="")
    shown = world.slipway("--debug", "start", "web").stderr.decode()
    assert world.current(made.id).phase == "running"
    kinds = [line.split()[3] for line in shown.splitlines() if line.startswith("trace ")]
    assert {"start", "await", "run", "netlink"} <= set(kinds)
    assert "conmon" in shown and made.id in shown
    assert "s3cret-canary" not in shown
    assert b"trace" not in world.slipway("stop", "web").stderr


def test_a_reader_that_goes_away_is_no_traceback(world: World) -> None:
    world.run("web", "seq 1 100000")
    program = str(zipapp.program(world.layout))
    done = subprocess.run(
        f"/usr/bin/python3 {program} logs web | head -1",
        shell=True,
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"1\n", b"")


def test_ps_shows_what_filters_and_templates_ask_for(world: World) -> None:
    volume = (Mount("volume", "data", "/data"),)
    first = world.run("first", labels={"x": "1"}, mounts=volume)
    world.run("second", labels={"x": "2"})
    made = world.create("third")

    def names(*words: str) -> str:
        return " ".join(_lines(world, "ps", "--format", "{{.Names}}", *words))

    table = [
        (["-a"], "third second first"),
        (["-n", "2"], "third second"),
        (["-l"], "third"),
        (["-f", "name=^/first$"], "first"),
        (["-f", "label=x=2", "-f", "name=s"], "second"),
        (["-f", "label=x"], "second first"),
        (["-f", f"id={made.id[:9]}"], ""),
        (["-af", f"id={made.id[:9]}"], "third"),
        (["-f", "status=created"], "third"),
        (["-f", "status=created", "-f", "status=running"], "third second first"),
        (["-f", "volume=data"], "first"),
        (["-f", "network=none"], "second first"),
        (["-af", "since=first"], "third second"),
        (["-af", "before=second"], "first"),
        (["-f", "ancestor=busybox:1", "-n", "1"], "third"),
        (["-f", "ancestor=other"], ""),
        (["-f", "exited=0"], ""),
        (["-f", "publish=80"], ""),
    ]
    assert {" ".join(words): names(*words) for words, dummy in table} == {
        " ".join(words): wanted for words, wanted in table
    }
    form = '{{.Label "x"}}|{{.Labels}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Networks}}|{{.Size}}'
    [line] = _lines(world, "ps", "-f", "name=first", "--format", form)
    assert re.fullmatch(r"1\|x=1\|data\|1\|none\|0B \(virtual [\d.]+MB\)", line)
    heading, row = _lines(world, "container", "ls", "-sf", "name=first")
    assert heading.endswith("NAMES     SIZE")
    heading, row, dummy = _lines(world, "ps", "--format", r"table {{.Names}}\t{{.Label `x`}}")
    assert (heading.split(), row.split()) == (["NAMES", "LABEL"], ["second", "2"])
    done = world.slipway("ps", "-f", "nope=1", check=False)
    assert done.returncode == 1 and b"unknown filter 'nope'" in done.stderr
    form = "{{.SizeRw}} {{range .Mounts}}{{.Name}}{{end}} {{.State.Pid}}"
    shown = _lines(world, "inspect", "-s", "--type", "container", "-f", form, "first")
    assert shown == [f"0 data {first.pid}"]
    assert world.slipway("inspect", "--type", "volume", "first", check=False).returncode == 1
    assert b'"Name": "data"' in world.slipway("inspect", "data").stdout


def test_verbs_that_change_what_runs(world: World) -> None:
    made = world.run("web")
    world.create("idle")
    assert _lines(world, "pause", "web") == ["web"]
    assert "(Paused)" in _lines(world, "ps")[1]
    assert _lines(world, "unpause", made.id[:12]) == [made.id[:12]]
    limits = ["--memory=64m", "--cpus", "0.5", "--pids-limit=77", "--restart", "on-failure:4"]
    assert _lines(world, "update", *limits, "web") == ["web"]
    host = json.loads(world.slipway("inspect", "-f", "{{json .HostConfig}}", "web").stdout)
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 << 20, 500_000_000, 77)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 4}
    assert world.current(made.id).pid == made.pid
    assert world.slipway("update", "web", check=False).returncode == 1
    assert _lines(world, "stop", "-t", "9", "-s", "KILL", "web") == ["web"]
    shown = _lines(world, "container", "prune", "-f", "--filter", "label!=keep")
    assert shown[0] == "Deleted Containers:" and len(shown) == 5
    assert shown[-1].startswith("Total reclaimed space: ")
    assert _lines(world, "ps", "-aq") == []


def test_logs_of_a_span_of_time(world: World) -> None:
    made = world.run("web", "echo old; sleep 1.2; echo new; echo newer")
    until(lambda: b"newer" in world.slipway("logs", "web").stdout)
    until(lambda: world.recorded(made.id).phase == "exited")
    stamped = _lines(world, "logs", "-t", "web")
    since = stamped[1].split()[0]
    assert _lines(world, "logs", "--until", "1m", "web") == []
    assert _lines(world, "logs", "--since", "1h", "web") == ["old", "new", "newer"]
    assert _lines(world, "logs", "--since", since, "web") == ["new", "newer"]
    assert _lines(world, "logs", "-n", "-1", "--details", "web") == ["old", "new", "newer"]
