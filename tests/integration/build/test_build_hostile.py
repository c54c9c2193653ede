# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts, Dockerfiles and base images that mean harm: none reads or writes on the host."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any, Optional

import pytest
from support.builds.building import File, build, fill
from support.containers import World

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.request import (
    Secret,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

CANARY = "canary-5d1f"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the host that no build may read or write."""
    return fill(tmp_path / "outside", {"secret": CANARY, "ignore": "visible\n"})


def archive(*members: tuple[str, Any]) -> bytes:
    """A tar with members as given: name and content, or name and a TarInfo's fields."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, what in members:
            info = tarfile.TarInfo(name)
            data = b""
            if isinstance(what, dict):
                for key, value in what.items():
                    setattr(info, key, value)
            else:
                data = str(what).encode()
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


#: A Dockerfile's lines after FROM, the context's files ({} is the outside directory), and what the
#: error says; None where the build ends well and holds nothing of the outside.
CASES: dict[str, tuple[str, dict[str, File], Optional[str]]] = {
    "a link out of the context": ("COPY link /x", {"link": "->{}/secret"}, "there is no link"),
    "a relative link out": ("COPY link /x", {"link": "->../outside/secret"}, "there is no link"),
    "a directory that is a link": ("COPY d/secret /x", {"d": "->{}"}, "there is no d/secret"),
    "a link within a directory": ("COPY d /x", {"d/link": "->{}/secret"}, None),
    "dots": ("COPY ../outside/secret /x", {}, "cannot reach outside"),
    "more dots": ("COPY a/../../outside/secret /x", {"a/b": ""}, "cannot reach outside"),
    "dots in a pattern": ("COPY ../outs*/secret /x", {}, None),
    "a pattern and a link": ("COPY li*/secret /x", {"link": "->{}"}, None),
    "the ignore file is a link": (
        "COPY visible /x",
        {".dockerignore": "->{}/ignore", "visible": "v"},
        None,
    ),
    "a bind mount of a link": (
        "RUN --mount=type=bind,source=link,target=/m cat /m/secret > /x",
        {"link": "->{}"},
        "there is no link",
    ),
    "a bind mount with dots": (
        "RUN --mount=type=bind,source=../outside,target=/m cat /m/secret > /x",
        {},
        "there is no ../outside",
    ),
    "a bind mount from a stage's link": (
        "RUN ln -s {} /l\nFROM busybox:1\n"
        "RUN --mount=from=0,source=/l,target=/m cat /m/secret > /x",
        {},
        "there is no /l",
    ),
    "a copy of a stage's link": (
        "RUN ln -s {} /l\nFROM busybox:1\nCOPY --from=0 /l/secret /x",
        {},
        "there is no /l/secret",
    ),
    "a cache id with dots": (
        "RUN --mount=type=cache,id=../../../../..{},target=/c cp /c/secret /x; touch /c/new",
        {},
        None,
    ),
    "a cache filled from a link": (
        "RUN ln -s {} /l\nFROM busybox:1\n"
        "RUN --mount=type=cache,from=0,source=/l,target=/c cat /c/secret > /x",
        {},
        "there is no /l",
    ),
    "a destination that is a link": (
        "RUN ln -s {} /out && ln -s {}/secret /f\nCOPY a /out/new\nCOPY a /f",
        {"a": "a"},
        None,
    ),
    "a working directory that is a link": (
        "RUN ln -s {} /w\nWORKDIR /w/new\nRUN touch x",
        {},
        None,
    ),
    "a working directory in /proc": (
        "RUN ln -s /proc/self/fd/8 /w\nWORKDIR /w\nRUN true",
        {},
        "/proc",
    ),
    "an archive with dots": (
        "ADD a.tar /x/y/",
        {"a.tar": archive(("../../../../../../../..{}/new", "x"))},
        "leaves the archive by '..'",
    ),
    "an archive with an absolute name": (
        "ADD a.tar /x/",
        {"a.tar": archive(("{}/new", "x"))},
        None,
    ),
    "an archive with a link to write through": (
        "ADD a.tar /x/",
        {
            "a.tar": archive(
                ("l", {"type": tarfile.SYMTYPE, "linkname": "{}"}),
                ("l/new", "x"),
            )
        },
        None,
    ),
    "an archive with a hard link": (
        "ADD a.tar /x/",
        {"a.tar": archive(("h", {"type": tarfile.LNKTYPE, "linkname": "../../..{}/secret"}))},
        "a.tar",
    ),
    "an archive over a link of the image": (
        "RUN ln -s {} /x\nADD a.tar /x/",
        {"a.tar": archive(("new", "x"))},
        None,
    ),
    "an archive with a device": (
        "ADD a.tar /x/\nRUN test ! -e /x/d",
        {"a.tar": archive(("d", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}))},
        None,
    ),
    "a mount on the root": ("RUN --mount=target=/ true", {}, "nothing can be mounted at /"),
    "a mount on /proc": ("RUN --mount=target=/proc/sys true", {}, "nothing can be mounted"),
    "a mount on a link to /etc": (
        "RUN ln -s {} /l\nRUN --mount=type=tmpfs,target=/l/secret true",
        {},
        None,
    ),
    "the host's network": ("RUN --network=host true", {}, "for whoever builds to allow"),
    "an owner that overflows": ("COPY --chown=4294967296 a /x", {"a": "a"}, "larger than"),
    "an owner of an endless file": (
        "RUN rm /etc/passwd && ln -s /dev/zero /etc/passwd\nCOPY --chown=me a /x",
        {"a": "a"},
        "etc/passwd",
    ),
    "substitutions without end": ("ENV A=" + "${A:-" * 2000, {}, "nested"),
    "a fifo": ("RUN mkfifo /p\nFROM busybox:1\nCOPY --from=0 /p /x", {}, None),
    "a loop of links": ("COPY a /x", {"a": "->b", "b": "->a"}, "too many links"),
    "a loop of links at the destination": (
        "RUN ln -s b /a && ln -s a /b\nCOPY f /a/x",
        {"f": "f"},
        "/a",
    ),
    "a name that is not text": ("COPY d /x", {"d/\udcff\n\x1b[2J": "x"}, None),
    "what a terminal would obey": (r"RUN printf '\033]0;title\007\033[2J'; echo", {}, None),
}


def _named(value: Any, outside: Path) -> Any:
    """With the outside directory in its place; a tar keeps its lengths by being made again."""
    if isinstance(value, str):
        return value.replace("{}", str(outside))
    if not isinstance(value, bytes):
        return value
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(value)) as old,
        tarfile.open(fileobj=made, mode="w") as new,
    ):
        for info in old.getmembers():
            content = old.extractfile(info) if info.isreg() else None
            info.name = info.name.replace("{}", str(outside))
            info.linkname = info.linkname.replace("{}", str(outside))
            new.addfile(info, content)
    return made.getvalue()


def test_hostile_builds(world: World, tmp_path: Path, outside: Path) -> None:
    wrong = []
    for number, (name, (text, files, why)) in enumerate(CASES.items()):
        context = fill(
            tmp_path / f"context{number}", {k: _named(v, outside) for k, v in files.items()}
        )
        said = ""
        try:
            made = build(world.layout, context, f"FROM busybox:1\n{_named(text, outside)}\n")
        except Error as exc:
            said = str(exc)
            if why is None or why not in said:
                wrong.append(f"{name}: {said}")
        else:
            if why is not None:
                wrong.append(f"{name}: was built")
            if CANARY in "".join(made.tree().values()):
                wrong.append(f"{name}: the image has the canary")
            if any("\x1b" in line for line in made.said):
                wrong.append(f"{name}: the log has an escape")
        if CANARY in said:
            wrong.append(f"{name}: the error has the canary")
        found = {path.name: path.read_text() for path in outside.iterdir()}
        if found != {"secret": CANARY, "ignore": "visible\n"}:
            wrong.append(f"{name}: the outside is {found}")
            fill(outside, {"secret": CANARY})
        assert container_record.all_ids(world.layout) == []
    assert wrong == []
    assert os.listdir(world.layout.tmp) == []


def test_the_dockerfile_is_a_link_out_of_the_context(
    world: World, tmp_path: Path, outside: Path
) -> None:
    context = fill(tmp_path / "context", {"Dockerfile": f"->{outside}/secret"})
    with pytest.raises(Error, match="no Dockerfile or Containerfile") as caught:
        build(world.layout, context)
    assert CANARY not in str(caught.value)


def test_a_secret_is_nowhere_afterwards(world: World, tmp_path: Path) -> None:
    text = "FROM busybox:1\nRUN --mount=type=secret,id=s grep -q canary /run/secrets/s\n"
    context = fill(tmp_path / "context", {"Dockerfile": text})
    seen: list[str] = []
    build(world.layout, context, secrets=(Secret("s", value=CANARY.encode()),))
    for top in (world.layout.root, world.layout.run):
        for path in top.rglob("*"):
            if path.is_file() and not path.is_symlink() and CANARY.encode() in path.read_bytes():
                seen.append(str(path))
    assert seen == []


TRIGGERS: list[tuple[list[Any], str]] = [
    (["FROM busybox:1"], "FROM is not allowed"),
    (["ONBUILD RUN true"], "ONBUILD is not allowed"),
    (["COPY --from=0 / /x"], "names the stage 0"),
]


def test_triggers_of_a_hostile_base(world: World, busybox_tar: Path) -> None:
    for number, (triggers, why) in enumerate(TRIGGERS):
        lines = ['CMD ["x"]', *(f"ONBUILD {text}" for text in triggers)]
        world.add_image(f"hostile{number}", busybox_tar, *lines)
        with pytest.raises(Error, match=why):
            build(world.layout, None, f"FROM hostile{number}:1\n")
