# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the host that containers need: where they are, their versions, and known
vulnerabilities of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Optional

from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.regex import regex
from ..container.engine import oci_runtime
from ..kernel import process
from ..network.names import aardvark

_VERSION = regex(r"\b(?:version )?([0-9]+(?:\.[0-9]+)+(?:-rc\.?[0-9]+)?[^\s]*)")
_NUMBERS = regex(r"\A[0-9]+(?:\.[0-9]+)*", re.ASCII)


@dataclass(frozen=True)
class Part:
    """A program: its path, and what it says of its version and its sources' commit; "" where it
    says nothing.
    """

    name: str
    path: str
    version: str
    commit: str = ""


@dataclass(frozen=True)
class _Advisory:
    """An error that releases have: from ``first`` on, until ``fixed``, which are the first releases
    without it of each series that was mended, oldest first.
    """

    ids: str
    what: str
    fixed: Sequence[tuple[int, ...]]
    first: tuple[int, ...] = (0,)
    #: What slipway does that keeps it from being used here; then nobody has to be told.
    defence: str = ""


_DEV = "an image whose /dev is a link could write to the host"
_MAKES_DEV = "a directory is always created there"

#: Advisories of the projects. conmon's has published none.
_ADVISORIES = {
    "crun": (
        _Advisory("CVE-2026-47766", _DEV, [(1, 28)], defence=_MAKES_DEV),
        _Advisory(
            "CVE-2026-30892",
            "exec with a numeric user could run as root",
            [(1, 27)],
            (1, 19),
            "the process is always described completely",
        ),
    ),
    "runc": (
        _Advisory(
            "CVE-2024-21626",
            "a working directory below /proc/self/fd reached the host",
            [(1, 1, 12)],
            defence="such a directory is refused",
        ),
        _Advisory(
            "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881",
            "masked paths and the console could be redirected by racing containers that share a"
            " mount",
            [(1, 2, 8), (1, 3, 3), (1, 4)],
        ),
        _Advisory("CVE-2026-41579", _DEV, [(1, 3, 6), (1, 4, 4), (1, 5)], defence=_MAKES_DEV),
    ),
    "conmon": (),
    "aardvark-dns": (
        _Advisory(
            "CVE-2024-8418",
            "a container could keep others on its network from resolving names",
            [(1, 12, 2)],
            (1, 12),
        ),
        _Advisory(
            "CVE-2026-35406",
            "a container could make the name server use a whole processor",
            [(1, 17, 1)],
            (1, 16),
        ),
    ),
}


def runtimes() -> list[Part]:
    """The OCI runtimes of this host."""
    found = (_part(name, ["--version"]) for name in oci_runtime.CANDIDATES)
    return [part for part in found if part is not None]


def monitor() -> Optional[Part]:
    """conmon."""
    return _part("conmon", ["--version"])


def name_server() -> Optional[Part]:
    """aardvark-dns, which distributions install outside PATH."""
    return _part("aardvark-dns", ["--version"], aardvark.program())


def _part(name: str, arguments: Sequence[str], where: Optional[str] = None) -> Optional[Part]:
    path = where or process.which(name)
    if path is None:
        return None
    try:
        said = process.run([path, *arguments], timeout_s=10).stdout.decode("utf-8", "replace")
    except Error:
        # One that does not run is there all the same, and its version is not known.
        said = ""
    version = _VERSION.search(said.partition("\n")[0])
    commit = re.search(r"^commit:\s*(\S+)", said, re.MULTILINE)
    return Part(name, path, version.group(1) if version else "", commit.group(1) if commit else "")


def all_parts() -> list[Part]:
    """Every program of the host that containers need and that releases are known of."""
    return [*runtimes(), *filter(None, (monitor(), name_server()))]


def advice(found: Sequence[Part]) -> str:
    """One line on what is known to be wrong with these and not prevented here, or "". Pure.

    Distributions mend old releases without a new number, so this asks to look, and accuses nobody.
    """
    known = "; ".join(filter(None, map(_advice, found)))
    return known and f"see that the distribution has backported the fixes for {known}"


def _advice(part: Part) -> str:
    numbers = _NUMBERS.match(part.version)
    if numbers is None:
        return ""
    version = tuple(int(number) for number in numbers.group().split("."))
    lines = []
    for advisory in _ADVISORIES.get(part.name, ()):
        vulnerable = version >= advisory.first and not _mended(version, advisory.fixed)
        if vulnerable and not advisory.defence:
            fixed = " or ".join(".".join(map(str, one)) for one in advisory.fixed)
            lines.append(f"{advisory.ids} (fixed in {fixed}: {advisory.what})")
    return f"{part.name} {part.version}: {', '.join(lines)}" if lines else ""


def _mended(version: tuple[int, ...], fixed: Sequence[tuple[int, ...]]) -> bool:
    """Whether a version has a fix: that of its own series, or it is of a newer one than all."""
    series = [one for one in fixed if one[:2] == version[:2]]
    return version >= series[0] if series else version > fixed[-1]
