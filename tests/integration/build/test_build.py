# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images built of Dockerfiles: what is in them, and what their cache knows."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from support.builds.building import build, fill
from support.containers import World

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.request import (
    Secret,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)


def test_a_dockerfile_becomes_an_image(world: World, tmp_path: Path) -> None:
    context = fill(
        tmp_path / "context",
        {
            "Dockerfile": """
                FROM busybox:1
                ARG WHO=world
                ENV GREETING="hello $WHO"
                WORKDIR /srv/app
                COPY --chown=www-data app/ ./
                RUN echo "$GREETING from $(pwd)" > said && id -u > who
                USER www-data
                EXPOSE 80
                LABEL a=b
                CMD ["httpd", "-f"]
            """,
            "app/index.html": "page",
            "app/deep/er": "x",
        },
    )
    made = build(world.layout, context, args={"WHO": "you"})
    tree = made.tree()
    assert tree["srv/app/said"] == "hello you from /srv/app\n"
    assert tree["srv/app/who"] == "0\n"
    assert (tree["srv/app/index.html"], tree["srv/app/deep/er"]) == ("page", "x")
    assert os.stat(made.path("srv/app/index.html")).st_uid == 33
    config = made.config
    assert config["Env"][-1] == "GREETING=hello you"
    assert config["WorkingDir"] == "/srv/app"
    assert config["Cmd"] == ["httpd", "-f"]
    assert (config["User"], config["ExposedPorts"], config["Labels"]) == (
        "www-data",
        {"80/tcp": {}},
        {"a": "b"},
    )
    assert container_record.all_ids(world.layout) == []


def test_stages_and_everything_that_copies_between_them(world: World, tmp_path: Path) -> None:
    context = fill(
        tmp_path / "context",
        {
            "Dockerfile": """
                ARG TAG=1
                FROM busybox:$TAG AS base
                ENV PLACE=/made
                ONBUILD RUN echo triggered > /triggered

                FROM base AS maker
                RUN mkdir -p $PLACE/inner && echo made > $PLACE/file && chown -R 5:6 $PLACE \\
                    && ln -s file $PLACE/link

                FROM busybox:1 AS unused
                RUN exit 1

                FROM scratch
                COPY --from=maker /made /whole
                COPY --from=1 --chown=7 /made/file /one
                COPY --from=maker /made/f* /made/link /several/
                COPY --from=busybox:1 /etc/passwd /passwd
                COPY --from=maker /triggered /
            """
        },
    )
    made = build(world.layout, context)
    tree = made.tree()
    assert tree == {
        "whole": "/",
        "whole/inner": "/",
        "whole/file": "made\n",
        "whole/link": "->file",
        "one": "made\n",
        "several": "/",
        "several/file": "made\n",
        "several/link": "made\n",
        "passwd": tree["passwd"],
        "triggered": "triggered\n",
    }
    owner = os.stat(made.path("whole/file"))
    assert (owner.st_uid, owner.st_gid) == (5, 6)
    owner = os.stat(made.path("one"))
    assert (owner.st_uid, owner.st_gid) == (7, 7)
    assert not any("unused" in line for line in made.said)


HEREDOCS = r"""# syntax=docker/dockerfile:1
FROM busybox:1
ARG A=default
ARG B
ARG TARGETARCH
COPY <<EOF <<"RAW" /files/
a is $A
EOF
b is $B
RAW
COPY --chmod=600 <<-one.conf /etc/one.conf
~tabbed
~one.conf
RUN <<EOF
cat > /script <<INNER
first $A
INNER
echo second >> /script
EOF
RUN <<EOF
#!/bin/cat
program
EOF
RUN cat <<X >/mixed && cat <<Y >>/mixed
x
X
y
Y
SHELL ["/bin/sh", "-ec"]
RUN echo $0 $B $TARGETARCH > /arguments
RUN false; true
""".replace("~", "\t")


def test_heredocs_shells_and_arguments(world: World) -> None:
    with pytest.raises(Error, match=r"Dockerfile:31: RUN false; true: .*status 1"):
        build(world.layout, None, HEREDOCS, args={"B": "bee"})
    made = build(world.layout, None, HEREDOCS.replace("false; ", ""), args={"B": "bee"})
    tree = made.tree()
    assert (tree["files/EOF"], tree["files/RAW"]) == ("a is default\n", "b is $B\n")
    assert tree["etc/one.conf"] == "tabbed\n"
    assert made.path("etc/one.conf").stat().st_mode & 0o777 == 0o600
    assert tree["script"] == "first default\nsecond\n"
    assert tree["mixed"] == "x\ny\n"
    assert tree["arguments"].split()[1:] == ["bee", "amd64"]
    assert made.built.cached == 6
    assert made.config["Shell"] == ["/bin/sh", "-ec"]
    assert not any(name.startswith("dev/pipes") for name in tree)


def test_mounts_of_a_run(world: World, tmp_path: Path) -> None:
    context = fill(
        tmp_path / "context",
        {
            "Dockerfile": """
                FROM busybox:1 AS other
                RUN echo other > /o

                FROM busybox:1
                RUN --mount=target=/context cp /context/f /copied && ! touch /context/f \\
                    && test ! -e /context/hidden
                RUN --mount=type=bind,source=d,target=/d,rw touch /d/new
                RUN --mount=type=bind,from=other,source=/o,target=/tmp/o cp /tmp/o /from-other
                RUN --mount=type=cache,target=/cache,id=c echo once >> /cache/log
                RUN --mount=type=cache,target=/cache,id=c cp /cache/log /log
                RUN --mount=type=tmpfs,target=/scratch,size=1m echo x > /scratch/x
                RUN --mount=type=secret,id=s cp /run/secrets/s /tmp/s && wc -c < /tmp/s > /size \\
                    && rm /tmp/s
                RUN --mount=type=secret,id=none test ! -e /run/secrets/none
            """,
            ".dockerignore": "hidden",
            "f": "content",
            "d/x": "x",
            "hidden": "h",
        },
    )
    made = build(world.layout, context, secrets=(Secret("s", value=b"12345"),))
    tree = made.tree()
    assert (tree["copied"], tree["from-other"], tree["log"]) == ("content", "other\n", "once\n")
    assert tree["size"] == "5\n"
    for name in ("context", "d", "cache", "scratch", "run/secrets", "tmp/o", "tmp/s"):
        assert name not in tree, name
    assert not (context / "d" / "new").exists()
    lines = "FROM busybox:1\nRUN --mount=type=secret,id=z,required=true true"
    with pytest.raises(Error, match="needs the secret z"):
        build(world.layout, None, lines)


def test_what_is_copied_and_where_it_goes(world: World, tmp_path: Path) -> None:
    context = fill(
        tmp_path / "context",
        {
            "Dockerfile": """
                FROM busybox:1
                WORKDIR /w
                COPY a.txt renamed
                COPY a.txt b.txt many/
                COPY [ "with blank", "./" ]
                COPY *.txt /globbed/
                COPY d /d
                COPY d/. /dot/
                COPY link /followed
                COPY --exclude=*.md d /less/
                COPY --parents d/e/f x/./y/z /parents/
                COPY --chmod=0640 a.txt /mode
                COPY d /w/renamed2/
                ADD a.tar.gz /unpacked/
                COPY a.tar.gz /kept/
                ADD plain.tar .
                ADD b.txt /added
            """,
            ".dockerignore": "**/secret\n!d/e/secret\n",
            "a.txt": "a",
            "b.txt": "b",
            "with blank": "blank",
            "link": "->a.txt",
            "d/e/f": "f",
            "d/e/secret": "kept",
            "d/secret": "hidden",
            "d/g.md": "g",
            "d/l": "->e/f",
            "x/y/z": "z",
            "a.tar.gz": archive({"in/side": "s"}, "w:gz"),
            "plain.tar": archive({"p": "p"}, "w"),
        },
    )
    made = build(world.layout, context)
    tops = [
        "w",
        "globbed",
        "d",
        "dot",
        "followed",
        "less",
        "parents",
        "mode",
        "unpacked",
        "kept",
        "added",
    ]
    tree = {
        name: content
        for name, content in made.tree().items()
        if name.split("/")[0] in tops and content != "/"
    }
    assert tree.pop("kept/a.tar.gz")
    assert tree == {
        "w/renamed": "a",
        "w/many/a.txt": "a",
        "w/many/b.txt": "b",
        "w/with blank": "blank",
        "globbed/a.txt": "a",
        "globbed/b.txt": "b",
        **{f"{to}/e/f": "f" for to in ("d", "dot", "less", "w/renamed2")},
        **{f"{to}/e/secret": "kept" for to in ("d", "dot", "less", "w/renamed2")},
        **{f"{to}/g.md": "g" for to in ("d", "dot", "w/renamed2")},
        **{f"{to}/l": "->e/f" for to in ("d", "dot", "less", "w/renamed2")},
        "followed": "a",
        "parents/d/e/f": "f",
        "parents/y/z": "z",
        "mode": "a",
        "unpacked/in/side": "s",
        "w/p": "p",
        "added": "b",
    }
    assert made.path("mode").stat().st_mode & 0o777 == 0o640
    assert made.path("d/e/f").stat().st_uid == 0


def archive(files: dict[str, str], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as made:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


FAULTS = [
    ("COPY none /x", "there is no none in the context"),
    ("COPY hidden /x", "dockerignore excludes it"),
    ("COPY ../x /x", "cannot reach outside"),
    ("COPY a b /x", "end it with a slash"),
    ("COPY --chown=nobody2 a /x", "no user 'nobody2'"),
    ("COPY --from=late a /x", "comes later"),
    ("COPY --from=9 a /x", "names the stage 9"),
    ("COPY a $NONE", "empty once its variables"),
    ("ENV A=${B:?needed}", "B: needed"),
    ("ADD git@127.0.0.1:a/b.git#-x /x", "is not a branch, tag or commit"),
    ("ADD http://127.0.0.1:9/a.git /x", "cannot be fetched"),
    ("WORKDIR /proc/self/fd/3", "/proc"),
    ("STOPSIGNAL SIGNONE", "SIGNONE"),
    ("EXPOSE 99999", "not a port"),
    ("RUN exit 3", "status 3"),
    ('RUN ["/no/such"]', "not in the image"),
    ("RUN echo why >&2; exit 1", "why"),
]


def test_what_fails_is_named_with_its_place(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {".dockerignore": "hidden"})
    fill(context, {"a": "a", "b": "b", "hidden": "h"})
    said = {}
    for line, dummy in FAULTS:
        text = f"FROM busybox:1\n\n{line}\nFROM busybox:1 as late\nCOPY --from=0 / /x\n"
        with pytest.raises(Error) as caught:
            build(world.layout, context, text)
        said[line] = str(caught.value)
        assert container_record.all_ids(world.layout) == []
    for line, why in FAULTS:
        assert said[line].startswith("Dockerfile:3: "), line
        assert why in said[line]


def test_what_is_not_there(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"a": "a"})
    with pytest.raises(Error, match="no Dockerfile or Containerfile in the context"):
        build(world.layout, context)
    with pytest.raises(Error, match="not a directory"):
        build(world.layout, tmp_path / "none")
    fill(context, {"Dockerfile": "FROM busybox:1 AS final\n"})
    with pytest.raises(Error, match="no stage 'fnal'; did you mean final"):
        build(world.layout, context, target="fnal")
    with pytest.raises(Error, match="this build has none"):
        build(world.layout, None, "FROM busybox:1\nCOPY a /a\n")
    made = build(world.layout, context, args={"NOPE": "1"})
    assert made.warnings == ["no ARG of Dockerfile names NOPE"]
