# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for images in files: save, load and import."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from . import files
from .errors import Error
from .plan import Host
from .terminal import say

_CHUNK = 1 << 20


def add_archive_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add save, load and import to the program's commands."""
    text = "Write images to an archive, or to standard output"
    made = verbs.add_parser("save", help=text, description=text)
    made.add_argument("-o", "--output", type=Path, metavar="FILE")
    made.add_argument("--format", choices=("docker", "oci"), default="docker")
    made.add_argument("image", metavar="IMAGE", nargs="+")
    made.set_defaults(verb=_save)
    text = "Load the images of an archive, or of standard input"
    made = verbs.add_parser("load", help=text, description=text)
    made.add_argument("-i", "--input", type=Path, metavar="FILE")
    made.add_argument("-q", "--quiet", action="store_true", help="do not say what was loaded")
    made.add_argument("--platform", help="which image to take of one for several platforms")
    made.set_defaults(verb=_load)
    text = (
        "Make an image from a root filesystem: a tar, a directory, a URL, or - for standard input"
    )
    made = verbs.add_parser("import", help=text, description=text)
    made.add_argument("-c", "--change", action="append", default=[], help="as in a Dockerfile")
    made.add_argument("-m", "--message", help="a remark for the image's history")
    made.add_argument("--platform", help="what the content was made for")
    made.add_argument("source", metavar="FILE|URL|-")
    made.add_argument("name", metavar="NAME")
    made.set_defaults(verb=_import)


def _save(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .image import exporting

    params = {"names": arguments.image, "format": arguments.format, "force": True}
    if arguments.output is not None:
        declared = exporting.declare({**params, "path": arguments.output})
        converge(host, exporting.RESOURCE, declared)
        return 0
    if sys.stdout.isatty():
        raise Error("an archive is nothing for a terminal", hint="use -o FILE, or redirect it")
    files.prepare(host.layout)
    with files.scratch(host.layout, "save") as directory:
        path = directory / "archive"
        converge(host, exporting.RESOURCE, exporting.declare({**params, "path": path}))
        with open(path, "rb") as archive:
            _copy(archive, sys.stdout.buffer)
    return 0


def _load(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .image import loading

    with _given(host, "-" if arguments.input is None else str(arguments.input)) as path:
        declared = loading.declare({"path": path, "platform": arguments.platform})
        found = converge(host, loading.RESOURCE, declared)[1]
    if not arguments.quiet:
        for name in loading.result(host, found)["image_names"]:
            say(f"Loaded image{' ID' if name.startswith('sha256:') else ''}: {name}")
    return 0


def _import(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .image import importing

    with _given(host, arguments.source) as path:
        params = {
            "name": arguments.name,
            "src": path,
            "changes": arguments.change,
            "comment": arguments.message,
            "platform": arguments.platform,
        }
        found = converge(host, importing.RESOURCE, importing.declare(params))[1]
    say(found.id)
    return 0


@contextlib.contextmanager
def _given(host: Host, name: str) -> Iterator[str]:
    """A file by its name; what comes on standard input becomes one, since it is read twice."""
    if name != "-":
        yield name
        return
    if sys.stdin.isatty():
        raise Error("nothing is sent to standard input", hint="name a file, or redirect one")
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
