# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of files of the host that a container was started with. Reading only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping

from ...base import clock
from ...records.container_record import Record

_CHUNK = 1 << 20

#: The content of a path that is not there.
ABSENT = "absent"


def digest(path: str) -> str:
    """What a file, or a directory with all below it, holds: names and contents, no times or modes.

    A link is followed at the top and compared by its target below.
    """
    whole = hashlib.sha256()
    try:
        _add(whole, path, os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    return whole.hexdigest()


def digests(paths: Iterable[str]) -> dict[str, str]:
    """The digest of each path; see digest()."""
    return {path: digest(path) for path in paths}


def changed(paths: Iterable[str], run: Record) -> tuple[str, ...]:
    """Those of the paths whose content is not what a run was started with.

    Of a path that was not named then, it is whether anything in it was changed since the start.
    """
    return tuple(path for path in paths if _changed(path, run.digests, run.started_at))


def _changed(path: str, known: Mapping[str, str], started_at: str) -> bool:
    if path in known:
        return digest(path) != known[path]
    return _newest_s(path) > (clock.seconds(started_at) or 0.0)


def _add(whole: hashlib._Hash, path: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        for name in sorted(os.listdir(path)):
            inner = os.path.join(path, name)
            try:
                below = os.lstat(inner)
            except FileNotFoundError:
                continue
            whole.update(f"{len(name)} {name} {stat.S_IFMT(below.st_mode)}\n".encode())
            _add(whole, inner, below)
    elif stat.S_ISLNK(found.st_mode):
        whole.update(os.fsencode(os.readlink(path)))
    elif stat.S_ISREG(found.st_mode):
        with open(path, "rb") as file:
            whole.update(f"{os.fstat(file.fileno()).st_size}\n".encode())
            while part := file.read(_CHUNK):
                whole.update(part)


def _newest_s(path: str) -> float:
    """When anything of a path was last changed, in seconds since the epoch (st_ctime)."""
    newest = 0.0
    with contextlib.suppress(FileNotFoundError):
        newest = os.stat(path).st_ctime
        for directory, dummy, names in os.walk(path):
            newest = max(newest, os.lstat(directory).st_ctime)
            for name in names:
                newest = max(newest, os.lstat(os.path.join(directory, name)).st_ctime)
    return newest
