# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What steps of earlier builds made: a layer under the digest of everything it depends on.

``build/steps/KEY.json`` names the layer; its blob and its unpacked directory are kept like those of
images. A key covers the layers below (by their chain id, so by content), the defaults a step runs
with, the step itself in one form, and the content of what it reads. Nothing that a registry serves
is taken for a step of ours (CVE-2024-24557). The time of the file is that of its last use.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

from ...base import document, files
from ...base.document import canonical
from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...base.regex import regex
from ...spec import oci
from ...spec.oci import Descriptor
from . import blobs

_FORM = 1
_NAME = regex(r"\A[0-9a-f]{64}\.json\Z", re.ASCII)


@dataclass(frozen=True)
class Kept:
    """A step that was run on ``parent``, a chain id or "". Without a layer it wrote nothing."""

    parent: str
    diff_id: str
    created: str
    text: str
    layer: Optional[Descriptor] = None

    @property
    def chain_id(self) -> str:
        """What names its layer together with those below."""
        if not self.parent:
            return self.diff_id
        return oci.digest_of(f"{self.parent} {self.diff_id}".encode())


def key(parent: str, defaults: str, content: Any) -> str:
    """The key of a step: 64 hexadecimal digits."""
    value = {"form": _FORM, "parent": parent, "defaults": defaults, "content": content}
    return oci.digest_of(canonical(value)).partition(":")[2]


def find(layout: Layout, name: str) -> Optional[Kept]:
    """What a step with this key made, as long as its layer is in the store."""
    kept = _read(layout, name)
    if kept is None or (kept.layer is not None and not blobs.has(layout, kept.layer)):
        return None
    with contextlib.suppress(OSError):
        os.utime(_directory(layout) / f"{name}.json")
    return kept


def keep(layout: Layout, name: str, kept: Kept) -> None:
    """Write the entry of a build step, in place of an older one."""
    files.make_private(_directory(layout))
    files.write_json(_directory(layout) / f"{name}.json", document.to_json(kept))


def entries(layout: Layout) -> dict[str, Kept]:
    """Everything that is kept, by key."""
    try:
        names = sorted(os.listdir(_directory(layout)))
    except FileNotFoundError:
        return {}
    found = ((name[:-5], _read(layout, name[:-5])) for name in names if _NAME.match(name))
    return {name: kept for name, kept in found if kept is not None}


def last_used(layout: Layout, name: str) -> float:
    """When a step was made or found last, in seconds since 1970; 0 for one that is gone."""
    try:
        return (_directory(layout) / f"{name}.json").stat().st_mtime
    except FileNotFoundError:
        return 0.0


def forget(layout: Layout, names: Iterable[str]) -> None:
    """Keep steps no longer; their layers go with the next collection."""
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_directory(layout) / f"{name}.json")


def _read(layout: Layout, name: str) -> Optional[Kept]:
    """One that cannot be read is one that is not there: the step runs again."""
    path = _directory(layout) / f"{name}.json"
    try:
        return document.read(Kept, path, "a step of a build")
    except (FileNotFoundError, Error):
        return None


def _directory(layout: Layout) -> Path:
    return layout.build / "steps"
