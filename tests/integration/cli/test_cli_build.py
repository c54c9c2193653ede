# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""slipway build and slipway builder prune, as somebody at a prompt uses them."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Optional

from support.builds.building import fill
from support.containers import World, until
from support.screens import screen

from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)


def slipway(
    world: World, *words: str, stdin: bytes = b"", env: Optional[dict[str, str]] = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["/usr/bin/python3", str(zipapp.program(world.layout)), *words],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )


def inspected(world: World, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.slipway("image", "inspect", name).stdout)[0]
    return found


def tar(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        made.add(directory, arcname=".")
    return buffer.getvalue()


def test_build(world: World, tmp_path: Path) -> None:
    text = "FROM busybox:1\nARG A\nRUN echo building $A > /a\nCOPY f /f\n"
    context = fill(tmp_path / "context", {"Dockerfile": text, "f": "f"})
    iidfile = tmp_path / "iid"
    done = slipway(
        world, "build", "-t", "made:1", "-t", "made", "--build-arg", "A=arg", "--label", "l=1",
        "--iidfile", str(iidfile), str(context),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    said = done.stderr.decode()
    assert "[0 2/3] RUN echo building $A > /a\n" in said
    assert "naming to docker.io/library/made:latest\n" in said
    found = inspected(world, "made:1")
    assert found["Id"] == iidfile.read_text()
    assert sorted(found["RepoTags"]) == ["made:1", "made:latest"]
    assert found["Config"]["Labels"] == {"l": "1"}
    again = slipway(world, "image", "build", "-q", "--build-arg", "A=arg", str(context))
    assert again.stdout.decode().strip() != found["Id"]
    same = slipway(
        world, "build", "-q", "--label=l=1", "--build-arg", "A", str(context), env={"A": "arg"}
    )
    assert same.stdout.decode().strip() == found["Id"]


def test_contexts_and_outputs(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"Dockerfile": "FROM scratch\nCOPY f /f\n", "f": "f"})
    archive = tmp_path / "context.tar.gz"
    archive.write_bytes(tar(context))
    out = str(tmp_path / "out")
    sent = slipway(world, "build", "-o", out, "-", stdin=archive.read_bytes())
    assert sent.returncode == 0, sent.stderr
    assert Path(out, "f").read_text() == "f"
    assert slipway(world, "build", "-q", str(archive)).returncode == 0
    files = slipway(world, "build", "-o", "-", str(context))
    with tarfile.open(fileobj=io.BytesIO(files.stdout)) as made:
        assert made.getnames() == ["f"]
    image = slipway(world, "build", "-o", "type=docker,dest=-", str(context))
    with tarfile.open(fileobj=io.BytesIO(image.stdout)) as made:
        assert "manifest.json" in made.getnames()
    lone = slipway(world, "build", "-q", "-", stdin=b"FROM busybox:1\nCMD ['x']\n")
    assert lone.stdout.startswith(b"sha256:")
    given = slipway(
        world, "build", "-q", "-f", "-", str(context), stdin=b"FROM scratch\nCOPY f /g\n"
    )
    assert given.stdout.startswith(b"sha256:")
    named = slipway(
        world, "build", "-q", "--build-context", f"more={context}", "-",
        stdin=b"FROM scratch\nCOPY --from=more f /f\n",
    )  # fmt: skip
    assert named.stdout.startswith(b"sha256:"), named.stderr


def test_what_is_refused(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"Dockerfile": "FROM busybox:1\nRUN exit 4\n"})
    git = context / "Dockerfile.git"
    git.write_text("FROM busybox:1\nARG A=a\nADD http://127.0.0.1:9/$A.git /x\n")
    for words, why in (
        (["http://127.0.0.1:9/b.git"], "http://127.0.0.1:9/b.git cannot be fetched"),
        (["git@127.0.0.1:a/b#--x"], "is not a branch, tag or commit"),
        (["--platform", "linux/amd64,linux/arm64", str(context)], "one platform at a time"),
        (
            ["-f", str(git), str(context)],
            "http://127.0.0.1:9/a.git cannot be fetched",
        ),
        ([str(tmp_path / "none")], "not a directory"),
        (["--output", "type=x", str(context)], "unknown type"),
        (["--secret", "src=x", str(context)], "requires id"),
        (["--build-context", "x", str(context)], "not NAME=VALUE"),
        (["--memory", "1m", str(context)], "Minimum memory limit"),
        (["--target", "none", str(context)], "no stage 'none'"),
        ([str(context)], "Dockerfile:2: RUN exit 4"),
        ([], "requires exactly 1 argument"),
    ):
        done = slipway(world, "build", *words)
        assert done.returncode != 0, words
        assert why in done.stderr.decode(), words


def test_prune(world: World, tmp_path: Path) -> None:
    context = fill(
        tmp_path / "context",
        {
            "Dockerfile": "FROM busybox:1 AS a\n"
            "RUN --mount=type=cache,target=/c echo 1 > /c/1; echo a > /a\n"
            "FROM scratch\nCOPY --from=a /a /a\n"
        },
    )
    first = slipway(world, "build", "-t", "made", str(context))
    assert b"CACHED" not in first.stderr
    slipway(world, "rmi", "made")
    second = slipway(world, "build", "-t", "made", str(context))
    assert second.stderr.count(b"CACHED") == 2, second.stderr
    none = slipway(world, "builder", "prune", "-f", "--filter", "until=24h")
    assert b"Total:\t0B" in none.stdout
    roomy = slipway(world, "builder", "prune", "-f", "--keep-storage", "1gb")
    assert b"Total:\t0B" in roomy.stdout
    done = slipway(world, "builder", "prune", "-f")
    assert done.stdout.count(b"\n") == 5, done.stdout
    assert os.listdir(world.layout.build / "steps") == []
    assert inspected(world, "made")["Id"]
    third = slipway(world, "build", "-t", "made", str(context))
    assert b"CACHED" not in third.stderr


def test_a_killed_build_leaves_nothing_and_the_next_goes_on(world: World, tmp_path: Path) -> None:
    text = "FROM busybox:1\nRUN echo done > /done\nRUN --mount=type=secret,id=s sleep 1000\n"
    context = fill(tmp_path / "context", {"Dockerfile": text})
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    argv = ["/usr/bin/python3", str(zipapp.program(world.layout)), "build", "-t", "made"]
    argv += ["--secret", f"id=s,src={secret}", str(context)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE) as process:

        def sleeping() -> bool:
            found = container_record.all_ids(world.layout)
            return len(found) == 1 and world.current(found[0]).phase == "running"

        until(lambda: os.path.isdir(world.layout.build / "steps") and sleeping(), 30)
        process.send_signal(signal.SIGKILL)
    layout = world.layout
    assert os.listdir(layout.run_builds)
    # Whatever is done next takes away what is left.
    world.slipway("ps", "-a")
    assert container_record.all_ids(layout) == []
    assert os.listdir(layout.tmp) == os.listdir(layout.run_builds) == []
    assert os.listdir(layout.creations) == []
    fill(context, {"Dockerfile": text.replace("sleep 1000", "true")})
    done = slipway(world, "build", "-t", "made", str(context))
    assert b"CACHED RUN echo done" in done.stderr


def test_a_terminal_shows_what_is_under_way(world: World, tmp_path: Path) -> None:
    lines = "seq 1000 1030; echo wide $(seq 100); until test -e /c/go; do sleep 0.1; done; rm /c/go"
    text = (
        "FROM busybox:1 AS one\n"
        f"RUN --mount=type=cache,target=/c {lines}\nENV A=1\n"
        "FROM one\nRUN echo last\n"
    )
    context = fill(tmp_path / "context", {"Dockerfile": text})
    argv = ["/usr/bin/python3", str(zipapp.program(world.layout)), "build", str(context)]
    with screen(argv, rows=12, columns=60) as shown:
        seen = shown.expect(b"wide 1 2 3")
        # Long lines are cut by the terminal, and the seconds of the step are counted.
        seen += shown.expect(b"[one 1/2] 1s")
        [place] = (world.layout.build / "mounts").glob("*/content")
        (place / "go").touch()
        seen += shown.expect(b"writing image")
        assert shown.end() == 0
    assert b"\x1b[?7l" in seen
    picture = pictured(seen.decode(), 12)
    assert not any("| " in line or line.endswith(" 1s") for line in picture)
    assert next(line for line in picture if "RUN" in line).startswith("[one 1/2] RUN")
    assert [line.rpartition(" ")[0] for line in picture if "DONE" in line] == [
        "[one 1/2] DONE",
        "[1 1/1] DONE",
    ]
    # Without one every line stays, and nothing else is written.
    plain = slipway(world, "build", "--no-cache", "-", stdin=b"FROM busybox:1\nRUN seq 30\n")
    assert b"\x1b" not in plain.stderr
    assert plain.stderr.count(b"| ") == 30
    quiet = slipway(world, "build", "-q", "--no-cache", "-", stdin=b"FROM busybox:1\nRUN seq 30\n")
    assert quiet.stderr == b""
    assert quiet.stdout.count(b"\n") == 1


def pictured(text: str, rows: int) -> list[str]:
    """What a terminal shows in the end, what scrolled off included."""
    found: list[str] = []
    at = 0
    for part in re.split(r"(\x1b\[\d+A\x1b\[J)", text):
        up = re.match(r"\x1b\[(\d+)A", part)
        if up is not None:
            assert int(up[1]) < rows
            at -= int(up[1])
            del found[at:]
            continue
        plain = re.sub(r"\x1b\[[?\d]*[a-zA-Z]", "", part)
        for line in plain.splitlines():
            found.append(line)
            at += 1
    return found


def test_what_is_no_unicode_comes_into_no_image(world: World, tmp_path: Path) -> None:
    """An image with it could be read by nobody, and the store with it."""
    argument = "FROM busybox:1\nARG A\nENV B=$A\n"
    listed = 'FROM busybox:1\nRUN touch /made\nCMD ["\\ud800"]\n'
    place = str(fill(tmp_path / "context", {"Dockerfile": argument, "listed": listed}))
    world.create("box", "true")
    for words, why in (
        (
            ["build", "-t", "made", "--build-arg", "A=\udcff", place],
            "--build-arg: 'A': the name or value",
        ),
        (["build", "-t", "made", "--label", "b\udcff=1", place], r"--label: 'b\udcff': the name"),
        (["build", "-t", "made", "-f", f"{place}/listed", place], "3: CMD has half of a surrogate"),
        (["commit", "-m", "\udcff", "box", "made"], "the config of the image cannot be written"),
        (["commit", "-c", 'CMD ["\\udcff"]', "box", "made"], "in it is not Unicode"),
        (["commit", "-c", "LABEL a=\udcff", "box", "made"], "in it is not Unicode"),
    ):
        failed = slipway(world, *words)
        assert failed.returncode == 1, failed
        assert why in failed.stderr.decode()
        assert b"[0]" not in failed.stderr, "nothing was begun"
    assert slipway(world, "images", "-q").stdout.count(b"\n") == 1
    assert slipway(world, "run", "--rm", "busybox:1", "true").returncode == 0
