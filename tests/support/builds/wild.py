# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dockerfiles with their contexts, written in text files::

== what it shows
# a comment
args: VERSION=1.2 OTHER=x          build arguments; also file, targets, secret
differs: tree data/later: why      a difference that stands, and its reason
-- Dockerfile --
FROM alpine:3.20
-- script.sh [755] --              a file with its mode
#!/bin/sh
-- link -> target --               a link
-- empty/ --                       a directory
-- a.tar.gz: in/side=content --    an archive of files
-- for buildah: Dockerfile --      what a builder gets that does not know the other one's words
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = re.compile(
    r"-- (?P<peer>for buildah: )?(?P<path>.+?)"
    r"(?: \[(?P<mode>[0-7]+)\]|(?P<link> -> .+)|: (?P<members>\S+=.*))? --\n"
)


@dataclass(frozen=True)
class File:
    """A file of a context: ``kind`` is "file", "link" or "directory"."""

    path: str
    kind: str
    content: bytes = b""
    mode: int = 0o644


@dataclass
class Case:
    """One Dockerfile with its context. ``others`` replace files for the other builder."""

    name: str
    files: list[File] = field(default_factory=list)
    others: list[File] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    differs: dict[str, str] = field(default_factory=dict)

    @property
    def args(self) -> dict[str, str]:
        return dict(_pairs(self.options.get("args", "")))

    @property
    def secrets(self) -> dict[str, str]:
        return dict(_pairs(self.options.get("secret", "")))

    @property
    def targets(self) -> list[str]:
        """The stages that are built, "" for the last one."""
        return self.options.get("targets", "").split() or [self.options.get("target", "")]

    @property
    def dockerfile(self) -> str:
        return self.options.get("file", "Dockerfile")

    def write(self, directory: Path, other: bool = False) -> Path:
        """Write the context; what the other builder gets instead goes beside it."""
        for file in self.others if other else ():
            (directory.parent / f"{directory.name}.{file.path}").write_bytes(file.content)
        for file in self.files:
            path = directory / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.kind == "directory":
                path.mkdir(exist_ok=True)
            elif file.kind == "link":
                path.symlink_to(file.content.decode())
            else:
                path.write_bytes(file.content)
                path.chmod(file.mode)
        return directory


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        name, dummy, value = word.partition("=")
        yield name, value


def read(path: Path) -> list[Case]:
    """All cases of a file."""
    found = []
    for text in re.split(r"^== ", path.read_text(), flags=re.MULTILINE)[1:]:
        name, dummy, rest = text.partition("\n")
        parts = re.split(r"^(-- .+ --\n)", rest.rstrip("\n") + "\n", flags=re.MULTILINE)
        case = Case(name)
        for line in parts[0].splitlines():
            _option(case, line)
        for head, content in zip(parts[1::2], parts[2::2]):
            match = _HEAD.fullmatch(head)
            assert match is not None, head
            (case.others if match["peer"] else case.files).append(_file(match, content))
        found.append(case)
    return found


def _option(case: Case, line: str) -> None:
    if line.startswith("#") or not line:
        return
    key, dummy, value = line.partition(": ")
    if key == "differs":
        where, dummy, why = value.partition(": ")
        case.differs[where] = why
        return
    assert key in ("args", "file", "secret", "target", "targets"), line
    case.options[key] = value


def _file(match: re.Match[str], content: str) -> File:
    path = match["path"]
    if match["members"]:
        return File(path, "file", _archive(path, dict(_pairs(match["members"]))))
    if match["link"]:
        return File(path, "link", match["link"][4:].encode())
    if path.endswith("/"):
        return File(path, "directory")
    return File(path, "file", content.encode(), int(match["mode"] or "644", 8))


def _archive(name: str, members: dict[str, str]) -> bytes:
    """A tar of files, compressed as its name says, owned by a user of its own."""
    kind = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(
        name.rpartition(".")[2], "w"
    )
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=kind) as archive:  # type: ignore[call-overload]
        for path, content in members.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode, info.uid, info.gid = len(content), 0o640, 1234, 567
            archive.addfile(info, io.BytesIO(content.encode()))
    return made.getvalue()
