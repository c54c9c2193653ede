# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes on the host: ``volumes/<name>/{volume.json,_data}``.

A volume exists as soon as its directory does, published whole by rename. What an image holds at the
place where a volume is first mounted is copied into it, as Docker does; ``phase`` in the record is
the journal of that copy, so an interrupted copy starts over and is never mistaken for content.

A volume's lock is in its directory and removed with it: containers come and go with anonymous
volumes, and a host should not keep a file for each of them forever.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional

from ..base import document, files
from ..base.errors import Error, NotFound
from ..base.frozen import replace
from ..base.layout import Layout
from ..kernel import linux, process, safefs
from ..spec.identifiers import is_name
from ..spec.volume import Volume
from . import local

#: Copying what an image holds may be gigabytes; but it must not hang forever.
_COPY_TIMEOUT_S = 1800.0


def check_name(name: str) -> None:
    """Raise Error unless a text may be a volume's name."""
    if not is_name(name):
        raise Error(
            f"{name[:60]!r} is not a volume name",
            hint="use letters, digits, '_', '.' and '-', at most 128, starting with a letter or"
            " digit; a path of the host starts with /",
        )


def data(layout: Layout, name: str) -> Path:
    """The directory that is mounted; its owner and mode are those the containers see."""
    check_name(name)
    return layout.volume(name) / "_data"


def find(layout: Layout, name: str) -> Optional[Volume]:
    """The record of a volume, or None."""
    check_name(name)
    try:
        return document.read(Volume, layout.volume(name) / "volume.json")
    except FileNotFoundError:
        return None


def volumes(layout: Layout) -> Iterator[Volume]:
    """Every volume of the host, by name."""
    try:
        names = sorted(os.listdir(layout.volumes))
    except FileNotFoundError:
        return
    for name in names:
        found = find(layout, name) if is_name(name) else None
        if found is not None:
            yield found


def ensure(layout: Layout, volume: Volume) -> Volume:
    """Make a volume unless there is one of that name, whose record is then returned as it is."""
    found = find(layout, volume.name)
    if found is not None:
        return found
    local.check(volume.name, volume.driver_options)
    with files.scratch(layout, "volume") as scratch:
        staging = scratch / volume.name
        staging.mkdir(mode=0o700)
        files.write_json(staging / "volume.json", document.to_json(volume))
        # A new directory of Docker's is readable by whoever runs in the container.
        (staging / "_data").mkdir()
        (staging / "_data").chmod(0o755)
        files.fsync_dir(staging)
        if files.publish(staging, layout.volume(volume.name)):
            return volume
    found = find(layout, volume.name)
    if found is None:
        raise NotFound(f"the volume {volume.name} was removed while it was being created")
    return found


@contextlib.contextmanager
def locked(layout: Layout, name: str) -> Iterator[Volume]:
    """Hold a volume's lock and its record, read freshly. Raises NotFound when there is none."""
    with _held(layout, name) as (dummy, found):
        yield found


@contextlib.contextmanager
def _held(layout: Layout, name: str) -> Iterator[tuple[int, Volume]]:
    """The same, with the descriptor that holds the lock."""
    with _alone(layout, name) as fd:
        found = find(layout, name)
        if found is None:
            raise NotFound(f"No such volume: {name}")
        yield fd, found


@contextlib.contextmanager
def _alone(layout: Layout, name: str) -> Iterator[int]:
    """Hold a volume's lock, whatever its record says. Raises NotFound when there is none."""
    check_name(name)
    path = layout.volume(name) / "lock"
    with contextlib.ExitStack() as held:
        try:
            while True:
                fd = held.enter_context(files.lock(path))
                # Whoever waited for a volume that was removed holds the lock of what is gone, while
                # another one may have come under its name.
                if os.path.samestat(os.fstat(fd), os.stat(path)):
                    break
                held.close()
        except FileNotFoundError:
            raise NotFound(f"No such volume: {name}") from None
        yield fd


def relabel(layout: Layout, name: str, labels: Mapping[str, str]) -> None:
    """Give a volume other labels, in place of those it has."""
    with locked(layout, name) as found:
        _write(layout, replace(found, labels=dict(labels)))


def remove(layout: Layout, name: str) -> None:
    """Remove a volume and its content; one that is gone already is a success.

    What its options only mount is unmounted and stays as it is.
    """
    try:
        with locked(layout, name) as found:
            local.unmount(found, data(layout, name))
            files.discard(layout, layout.volume(name))
    except NotFound:
        check_name(name)


def is_damaged(layout: Layout, name: str) -> bool:
    """Whether the record of a volume cannot be read."""
    try:
        find(layout, name)
    except Error:
        return is_name(name)
    return False


def remove_damaged(layout: Layout, name: str) -> None:
    """Remove a volume and its content though its record cannot be read. What is mounted there is
    what options named that nobody knows any more: it is unmounted and stays as it is.
    """
    with contextlib.suppress(NotFound), _alone(layout, name):
        if is_damaged(layout, name):
            local.detach(name, data(layout, name))
            files.discard(layout, layout.volume(name))


def provide(layout: Layout, volume: Volume) -> Path:
    """A volume's directory, ready to be mounted into a container: made if it is missing, and with
    what its options name mounted there.

    Raises Error when the directory is not one: whoever may write in it cannot have changed it.
    """
    found = ensure(layout, volume)
    directory = data(layout, volume.name)
    if not stat.S_ISDIR(os.lstat(directory).st_mode):
        raise Error(f"volume {volume.name}: {directory} is not a directory")
    if found.driver_options:
        with locked(layout, volume.name) as fresh:
            local.mount(fresh, directory)
    return directory


def fill(layout: Layout, name: str, root: Path, target: str) -> None:
    """On first use, copy into a volume what ``root``, a mounted root filesystem, holds at
    ``target``.

    Nothing happens when the volume was used before and holds something, or is read-only. The owner
    and mode of the directory go along even if it is empty: a service that runs as its own user
    writes there. But what driver options mount belongs to somebody, and keeps its own.
    """
    volume = find(layout, name)
    if volume is None:
        raise NotFound(f"No such volume: {name}")
    directory = data(layout, name)
    if volume.phase == "ready" and any(directory.iterdir()):
        return
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        return
    with _held(layout, name) as (lock, volume):
        if volume.phase == "filling":
            _clear(directory)
        elif any(directory.iterdir()):
            _write(layout, replace(volume, phase="ready"))
            return
        with safefs.Root(root) as tree:
            try:
                source = tree.open(target, os.O_RDONLY | os.O_DIRECTORY)
            except NotFound:
                source = -1
        if source >= 0:
            try:
                _copy(layout, volume, source, directory, lock)
            finally:
                os.close(source)
        _write(layout, replace(volume, phase="ready"))


def _copy(layout: Layout, volume: Volume, source: int, directory: Path, lock: int) -> None:
    # The target was resolved inside the image to this descriptor and nobody runs in the tree yet,
    # so cp, which follows no link below, cannot be led elsewhere (CVE-2022-23648).
    found = os.fstat(source)
    if os.listdir(source):
        _write(layout, replace(volume, phase="filling"))
        # cp holds the lock too: should we be killed, nobody starts over before it has ended.
        process.run(
            ["cp", "-a", f"/proc/self/fd/{source}/.", str(directory)],
            pass_fds=(source, lock),
            timeout_s=_COPY_TIMEOUT_S,
        )
        # The record will say that all of it is there, so it has to be, after a power cut too.
        top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            linux.syncfs(top)
        finally:
            os.close(top)
    elif volume.driver_options:
        return
    os.chown(directory, found.st_uid, found.st_gid)
    directory.chmod(stat.S_IMODE(found.st_mode))


def _clear(directory: Path) -> None:
    """Take away the half of an interrupted copy. The directory itself stays: it may be mounted."""
    for entry in directory.iterdir():
        files.remove_tree(entry)


def _write(layout: Layout, volume: Volume) -> None:
    files.write_json(layout.volume(volume.name) / "volume.json", document.to_json(volume))
    files.sweep_beside(layout.volume(volume.name))
