# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build contexts on the controller: only what the host lacks is sent to it.

The module is run with the digest of a list of the context's files, and with the list itself unless
it is long. It plans by that. If it builds and the host lacks files, it says which, and is run again
with them in one archive. What is sent is in the task's temporary directory, which Ansible removes
after each run of the module.
"""

from __future__ import annotations

import base64
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import content
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.sent.listing import (
    DIRECTORY,
    FILE,
    LINK,
    Item,
    Listing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import (
    ignore,
    lines,
)
from ansible_collections.slipway.engine.plugins.plugin_utils._predictions import PredictingAction

_DOCKERFILES = ("Dockerfile", "Containerfile")
#: A longer list is only sent when the host does not know its digest. Bytes.
_SHORT = 64 << 10


class ContextAction(PredictingAction):
    """An action of a module that builds images."""

    def options(self) -> Any:
        """The options of the build, of the task's."""
        return self._task.args

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        options = self.options()
        # Of both together, or an empty one, the module itself complains.
        if not isinstance(options, Mapping) or not options.get("src") or options.get("path"):
            return super().run(tmp, task_vars)
        if self._task.async_val:
            raise AnsibleActionFail("a context on the controller cannot be sent asynchronously")
        src = str(options["src"])
        try:
            top = os.path.realpath(self._find_needle("files", src))
        except AnsibleError as exc:
            raise AnsibleActionFail(f"{src} does not exist on the controller") from exc
        try:
            listing = survey(top, str(options.get("dockerfile") or ""), src)
        except Error as exc:
            raise AnsibleActionFail(str(exc)) from exc
        return self._run_with(top, listing, src, task_vars)

    def _run_with(self, top: str, listing: Listing, src: str, task_vars: Any) -> dict[str, Any]:
        said: dict[str, Any] = {"title": src, "digest": listing.digest}
        said["acts"] = not self._task.check_mode
        packed = listing.packed()
        more = {"list": base64.b64encode(packed).decode("ascii")} if len(packed) < _SHORT else {}
        # Once for the list, once for the files; that a host forgets both meanwhile is an error.
        for dummy in range(3):
            result = self._run_once({**said, **more}, task_vars)
            lacks = result.pop("_lacks", None)
            if lacks is None:
                break
            with tempfile.TemporaryDirectory(dir=C.DEFAULT_LOCAL_TMP) as directory:
                path = Path(directory) / "context"
                if isinstance(lacks, str):
                    path.write_bytes(packed)
                    more = {"list_file": self._send_file(path)}
                else:
                    _pack(top, listing, packed, lacks, path)
                    more = {"archive": self._send_file(path)}
        return result

    def _run_once(self, said: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        arguments = self._task.args
        self._task.args = {**arguments, "_context": said}
        try:
            return super().run(None, task_vars)
        finally:
            self._task.args = arguments

    def _send_file(self, path: Path) -> str:
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = str(shell.join_path(shell.tmpdir, "context"))
        self._transfer_file(str(path), remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return remote


def survey(top: str, dockerfile: str, title: str) -> Listing:
    """The list of a context. Raises Error for one that cannot be read as a whole."""
    if not os.path.isdir(top):
        raise Error(f"{title} is not a directory on the controller")
    name = _named(top, dockerfile, title)
    data = _read(top, name, lines.LIMIT, title)
    if data is None:
        shown = dockerfile or " or ".join(_DOCKERFILES)
        raise Error(
            f"there is no {shown} in {title} on the controller",
            hint="name the file with dockerfile",
        )
    ignored = (".dockerignore", "")
    beside = [f"{name}.dockerignore"]
    if not dockerfile:
        beside = [f"{one}.dockerignore" for one in _DOCKERFILES]
    for one in (*beside, ".dockerignore"):
        text = _read(top, one, ignore.LIMIT, title)
        if text is not None:
            ignored = (os.path.basename(one), text.decode("utf-8", "replace"))
            break
    patterns = ignore.read(ignored[1], ignored[0])
    try:
        items = tuple(_items(top, "", patterns))
    except OSError as exc:
        raise Error(f"{exc.filename} on the controller: {exc.strerror}") from exc
    return Listing(items, (name, data), ignored)


def _named(top: str, dockerfile: str, title: str) -> str:
    """The Dockerfile: relative to the context, or by an absolute path outside of it."""
    if not dockerfile:
        found = (one for one in _DOCKERFILES if os.path.lexists(os.path.join(top, one)))
        return next(found, _DOCKERFILES[0])
    path = os.path.normpath(os.path.join(top, os.path.expanduser(dockerfile)))
    return os.path.relpath(path, top) if path.startswith(f"{top}{os.sep}") else path


def _read(top: str, name: str, limit: int, title: str) -> Optional[bytes]:
    """A file of the context; one outside of it only where the task says so. A context may be
    somebody else's: no link of it leads to another file of the controller.
    """
    path = os.path.join(top, name)
    real = os.path.realpath(path)
    if not os.path.isabs(name) and not real.startswith(f"{top}{os.sep}"):
        raise Error(f"{name} in {title} is a link that leads out of it")
    try:
        with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Error(f"{name} in {title} is not a regular file")
            data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise Error(f"{path} on the controller: {exc.strerror}") from exc
    if len(data) > limit:
        raise Error(f"{name} in {title} is larger than {limit} bytes")
    return data


def _items(top: str, prefix: str, patterns: ignore.Patterns) -> Iterator[Item]:
    """What is in a directory of the context, and below it, without what is ignored."""
    with os.scandir(os.path.join(top, prefix)) as found:
        entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        path = f"{prefix}{entry.name}"
        hidden = patterns.matches(path)
        status = entry.stat(follow_symlinks=False)
        mode, time = stat.S_IMODE(status.st_mode), status.st_mtime_ns
        if stat.S_ISDIR(status.st_mode):
            if hidden and not patterns.exceptions:
                continue
            below = list(_items(top, f"{path}/", patterns))
            if below or not hidden:
                yield Item(path, DIRECTORY, mode, time)
                yield from below
        elif hidden:
            continue
        elif stat.S_ISLNK(status.st_mode):
            yield Item(path, LINK, 0o777, time, of=os.readlink(entry.path))
        elif stat.S_ISREG(status.st_mode):
            with open(entry.path, "rb") as file:
                digest = content.digest(file.read, status.st_size)
            yield Item(path, FILE, mode, time, status.st_size, digest)


def _pack(top: str, listing: Listing, packed: bytes, lacks: list[str], path: Path) -> None:
    """Write the archive of what a host lacks: the list, and each file under its digest."""
    wanted = set(lacks)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("list")
        info.size = len(packed)
        tar.addfile(info, io.BytesIO(packed))
        for one in listing.items:
            if one.of not in wanted or one.kind != FILE:
                continue
            wanted.discard(one.of)
            info = tarfile.TarInfo(one.of)
            info.size = one.size
            with open(os.path.join(top, one.path), "rb") as file:
                try:
                    tar.addfile(info, file)
                except OSError as exc:
                    raise AnsibleActionFail(
                        f"{one.path} in the context changed while it was sent; run the task again"
                    ) from exc
