# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying between a container and the host as ``docker cp`` does, both ways, as files or as a tar.

Where a copy goes follows Docker's rules: into a directory that is there, under a new name
otherwise, and the content of a directory alone when the source ends with ``/.``. Running, paused,
stopped and created containers alike; their processes are frozen meanwhile, or kept from starting.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import IO, Protocol

from ...base import files, progress
from ...base.errors import Error, NotFound
from ...image.layer import compression, difference, unpack
from ...kernel import safefs
from ...plan.plan import Host
from ...spec import oci
from ...tree import copy, scan
from ...tree.copy import Copied
from ...tree.scan import Rules
from . import freeze

#: What the first bytes of an archive say of its compression.


class _Writable(Protocol):
    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""


def put(
    host: Host,
    container_id: str,
    source: str,
    target: str,
    *,
    archive: bool = False,
    follow: bool = False,
) -> Copied:
    """Copy ``source`` of the host to ``target`` in a container. Returns what was copied.

    The copy belongs to root, or with ``archive`` to who owns the source; ``follow`` copies what a
    link leads to instead of the link. Raises NotFound and Error naming the path.
    """
    with safefs.Root("/", label="the host") as here:
        origin = _origin(here, os.path.abspath(source) + _tail(source), follow)
        with freeze.still(host, container_id, write=True) as there:
            place = _destination(there.root, target, origin)
            there.check(place)
            rules = Rules(None if archive else (0, 0))
            said = Copied(count=host.counting("", progress.TO_CONTAINER, origin.size))
            return copy.copy(here, origin.path, there.root, place, rules, said=said)


def get(
    host: Host,
    container_id: str,
    source: str,
    target: str,
    *,
    archive: bool = False,
    follow: bool = False,
) -> Copied:
    """Copy ``source`` in a container to ``target`` on the host. Returns what was copied.

    The copy belongs to us, and has neither set-uid bits nor capabilities of the file: these would
    be root's on the host. With ``archive`` it keeps owners and these too. Devices and sockets are
    left out.
    """
    rules = Rules() if archive else Rules((os.geteuid(), os.getegid()), privileges=False)
    with (
        freeze.still(host, container_id, write=False) as there,
        safefs.Root("/", label="the host") as here,
    ):
        origin = _origin(there.root, source, follow)
        there.check(origin.path)
        place = _destination(here, os.path.abspath(target) + _tail(target), origin)
        said = Copied(count=host.counting("", progress.FROM_CONTAINER, origin.size))
        return copy.copy(there.root, origin.path, here, place, rules, skip=there.system, said=said)


def put_archive(host: Host, container_id: str, stream: IO[bytes], target: str) -> Copied:
    """Unpack a tar, plain or compressed, in the directory ``target`` of a container.

    It is unpacked by itself first, as an image's layer is, so nothing in it leads anywhere
    (CVE-2026-41568), and no program of the container takes part (CVE-2026-41567). Owners and modes
    are those of the archive.
    """
    with files.scratch(host.layout, "cp") as scratch:
        made = scratch / "files"
        made.mkdir()
        with open(scratch / "archive", "w+b") as spool:
            shutil.copyfileobj(stream, spool)
            spool.seek(0)
            with compression.plain(spool, oci.LAYER) as plain:
                unpack.unpack(plain, made)
        with contextlib.ExitStack() as stack:
            here = stack.enter_context(safefs.Root(made, label="the archive"))
            there = stack.enter_context(freeze.still(host, container_id, write=True))
            place = scan.resolve(there.root, target)
            found = scan.look(there.root, place)
            if found is None or found.kind != "directory":
                raise NotFound(f"{target} in {there.root.path} is not a directory")
            there.check(place)
            said = Copied(count=host.counting("", progress.TO_CONTAINER))
            return copy.copy(here, "/", there.root, place, Rules(), said=said)


def get_archive(
    host: Host, container_id: str, source: str, out: _Writable, follow: bool = False
) -> Copied:
    """Write ``source`` of a container as a tar, its entries below the last name of the path.

    It is copied to the host first, so the container waits for the disk only, not for who reads.
    """
    with files.scratch(host.layout, "cp") as scratch:
        made = scratch / "files"
        made.mkdir()
        with contextlib.ExitStack() as stack:
            there = stack.enter_context(freeze.still(host, container_id, write=False))
            here = stack.enter_context(safefs.Root(made, label="the copy"))
            origin = _origin(there.root, source, follow)
            there.check(origin.path)
            place = b"/" if origin.contents else b"/" + origin.name
            said = Copied(count=host.counting("", progress.FROM_CONTAINER, origin.size))
            done = copy.copy(
                there.root, origin.path, here, place, Rules(), skip=there.system, said=said
            )
        difference.write_tree(made, out)
    return done


class _Origin:
    """What is copied: its path, its last component no link that is to be followed. ``size`` is that
    of a file, in bytes, and 0 for what is not one.
    """

    def __init__(
        self, path: bytes, name: bytes, directory: bool, contents: bool, size: int
    ) -> None:
        self.size = size
        self.path = path
        self.name = name
        self.directory = directory
        self.contents = contents


def _tail(path: str) -> str:
    """What the end of a path says, which normalising removes: "/." for what is in a directory, "/"
    for a directory (moby's archive, PreserveTrailingDotOrSeparator).
    """
    if os.path.basename(path.rstrip("/")) == ".":
        return "/."
    return "/" if path.endswith("/") else ""


def _bare(path: str) -> str:
    """The path without its tail."""
    bare = path.rstrip("/")
    return (bare[:-1].rstrip("/") if _tail(path) == "/." else bare) or "/"


def _origin(root: safefs.Root, path: str, follow: bool) -> _Origin:
    if not path:
        raise Error(f"no path given in {root.path}")
    contents = _tail(path) == "/."
    bare = _bare(path)
    here = os.fsencode(bare)
    # A slash at the end asks for the directory a link leads to.
    if follow or bare != path:
        here = scan.resolve(root, here)
    found = scan.look(root, here)
    if found is None:
        raise NotFound(f"{path} does not exist in {root.path}")
    if found.kind != "directory" and bare != path:
        raise Error(f"{path} in {root.path} is not a directory")
    name = os.fsencode(os.path.basename(os.path.normpath(bare)))
    # The top directory has no name to be copied under.
    contents = contents or name in (b"", b"/", b"..")
    size = found.size if found.kind == "file" else 0
    return _Origin(here, name, found.kind == "directory", contents, size)


def _destination(root: safefs.Root, path: str, origin: _Origin) -> bytes:
    """Where the copy goes: docker cp's rules."""
    bare = _bare(path)
    here = scan.resolve(root, bare)
    found = scan.look(root, here)
    if found is None:
        if bare != path and not origin.directory:
            raise NotFound(f"the directory {path} does not exist in {root.path}")
        return here
    if found.kind == "directory":
        return here if origin.contents else here.rstrip(b"/") + b"/" + origin.name
    if origin.directory:
        raise Error(
            f"{path} in {root.path} is not a directory",
            hint="a directory can only be copied to a directory or a new name",
        )
    if bare != path:
        raise Error(f"{path} in {root.path} is not a directory")
    return here
