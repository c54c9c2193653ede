# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that name files of the host, read before they are declared: declaring itself is pure.

``env_file`` becomes the file's text, ``seccomp=FILE`` of ``security_opts`` the profile in it.
Missing files are returned beside the options: in check mode an earlier task may only have predicted
them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from ...base.errors import Error

#: What such a file may hold at most, in bytes.
_LIMIT = 1 << 20

#: Where the messages about missing files stand among the options.
MISSING = "_missing"


def read(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the contents of their files. Raises Error for a file that is not text."""
    found = dict(params)
    missing: list[str] = []
    if found.get("env_file"):
        found["env_file"] = _text("env_file", found["env_file"], "", missing)
    if found.get("security_opts"):
        found["security_opts"] = [_security_opt(str(o), missing) for o in found["security_opts"]]
    return {**found, MISSING: tuple(missing)} if missing else found


def _security_opt(option: str, missing: list[str]) -> str:
    path = option[8:]
    if option[:8] not in ("seccomp=", "seccomp:") or not path.startswith("/"):
        return option
    return f"seccomp={_text('security_opts', path, '', missing) or 'builtin'}"


def _text(option: str, path: str, otherwise: str, missing: list[str]) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        missing.append(f"{option}: the file {path} does not exist on the host")
        return otherwise
    except (OSError, ValueError) as exc:
        raise Error(f"{option}: {path[:200]!r} cannot be read: {exc}") from exc
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Error(f"{option}: {path} is not a file")
        with open(fd, "rb", closefd=False) as file:
            content = file.read(_LIMIT + 1)
    finally:
        os.close(fd)
    if len(content) > _LIMIT:
        raise Error(f"{option}: {path} is larger than {_LIMIT >> 20} MiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise Error(f"{option}: {path} is not valid UTF-8") from exc
