# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for images in files: save, load and import."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ....base import files
from ....base.errors import Error
from ....plan.plan import Host
from ...line.verbs import LIST, STRING, SWITCH, Arguments, Flag, Verb
from ...terminal.output import say

_CHUNK = 1 << 20


def _save(host: Host, arguments: Arguments) -> int:
    from ....plan.converge import converge
    from ....resource.image.files import image_export
    from ...terminal.progress import shown

    params = {"names": arguments.operands, "format": arguments.format, "force": True}
    if arguments.output:
        declared = image_export.declare({**params, "path": Path(arguments.output)})
        with shown(host):
            converge(host, image_export.RESOURCE, declared)
        return 0
    if sys.stdout.isatty():
        raise Error(
            "refusing to write an archive to a terminal", hint="use the -o flag or redirect"
        )
    files.prepare(host.layout)
    with files.scratch(host.layout, "save") as directory:
        path = directory / "archive"
        declared = image_export.declare({**params, "path": path})
        with shown(host):
            converge(host, image_export.RESOURCE, declared)
        with open(path, "rb") as archive:
            _copy(archive, sys.stdout.buffer)
    return 0


def _load(host: Host, arguments: Arguments) -> int:
    from ....plan.converge import converge
    from ....resource.image.files import image_load
    from ...terminal.progress import shown

    with _given(host, arguments.input or "-") as path:
        declared = image_load.declare({"path": path, "platform": arguments.platform or None})
        with shown(host, arguments.quiet):
            found = converge(host, image_load.RESOURCE, declared)[1]
    # Quiet is about progress; scripts read these lines.
    for name in image_load.result(host, found)["image_names"]:
        say(f"Loaded image{' ID' if name.startswith('sha256:') else ''}: {name}")
    return 0


def _import(host: Host, arguments: Arguments) -> int:
    from ....plan.converge import converge
    from ....resource.image.files import image_import
    from ...terminal.progress import shown

    source, name = arguments.operands
    with _given(host, source) as path:
        params = {
            "name": name,
            "src": path,
            "changes": arguments.change,
            "comment": arguments.message or None,
            "platform": arguments.platform or None,
        }
        declared = image_import.declare(params)
        with shown(host):
            found = converge(host, image_import.RESOURCE, declared)[1]
    say(found.id)
    return 0


@contextlib.contextmanager
def _given(host: Host, name: str) -> Iterator[str]:
    """A file by its name; what comes on standard input becomes one, since it is read twice."""
    if name != "-":
        yield name
        return
    if sys.stdin.isatty():
        raise Error(
            "requested load from stdin, but stdin is empty",
            hint="use the -i flag, or redirect a file",
        )
    files.prepare(host.layout)
    with files.scratch(host.layout, "stdin") as directory:
        path = directory / "archive"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as kept:
            _copy(sys.stdin.buffer, kept)
        try:
            yield str(path)
        except Error as exc:
            message = exc.message.replace(str(path), "standard input")
            raise Error(message, hint=exc.hint) from exc


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while data := source.read(_CHUNK):
        target.write(data)


VERBS = {
    "save": Verb(
        _save,
        "Save one or more images to a tar archive (streamed to STDOUT by default)",
        "IMAGE [IMAGE...]",
        (
            Flag("output", "o", STRING, "Write to a file, instead of STDOUT"),
            Flag(
                "format", "", STRING, "docker or oci", default="docker", choices=("docker", "oci")
            ),
        ),
    ),
    "load": Verb(
        _load,
        "Load an image from a tar archive or STDIN",
        flags=(
            Flag("input", "i", STRING, "Read from tar archive file, instead of STDIN"),
            Flag("quiet", "q", SWITCH, "Suppress the load output"),
            Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
        ),
    ),
    "import": Verb(
        _import,
        "Import the contents from a tarball, directory or URL to create a filesystem image",
        "file|URL|- NAME",
        (
            Flag("change", "c", LIST, "Apply Dockerfile instruction to the created image"),
            Flag("message", "m", STRING, "Set commit message for imported image"),
            Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
        ),
    ),
}
