# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service takes from another one (``extends``), and a file from others (``include``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Callable

from ..base.findings import Findings
from . import merge, paths

#: Reads a file: its documents, with their variables replaced.
Read = Callable[[str], Mapping[str, Any]]

#: What files have of which each has a name.
KINDS = ("services", "networks", "volumes", "configs", "secrets")


class Extending:
    """The services of one file, each with what it extends."""

    def __init__(self, read: Read, findings: Findings) -> None:
        self._read, self._findings = read, findings
        self._files: dict[str, Mapping[str, Any]] = {}

    def services(self, given: Mapping[str, Any], path: str) -> dict[str, Any]:
        """All services of a file whose content is given."""
        return {
            name: self._service(str(name), given, path, ())
            if isinstance(one, Mapping) and "extends" in one
            else one
            for name, one in given.items()
        }

    def _service(
        self, name: str, given: Mapping[str, Any], path: str, chain: tuple[tuple[str, str], ...]
    ) -> Any:
        one = given[name]
        if not isinstance(one, Mapping) or "extends" not in one:
            return one
        where = f"services.{(chain[0][1] if chain else name)}.extends"
        own = {key: value for key, value in one.items() if key != "extends"}
        asked = one["extends"]
        asked = {"service": asked} if isinstance(asked, str) else asked
        if not isinstance(asked, Mapping) or not isinstance(asked.get("service"), str):
            self._findings.wrong(where, "it must name a service")
            return own
        self._findings.unknown(where, asked, ("file", "service"))
        if (path, name) in chain:
            round_trip = " -> ".join(each for dummy, each in (*chain, (path, name)))
            self._findings.wrong(where, f"services extend one another: {round_trip}")
            return own
        target, other = str(asked["service"]), path
        services = given
        if asked.get("file"):
            other = paths.absolute(str(asked["file"]), os.path.dirname(path))
            services = self._of_file(other, where)
        if target not in services:
            if other == path or os.path.exists(other):
                said = "" if other == path else f" in {other}"
                self._findings.wrong(where, f"there is no service {target[:60]}{said}")
            return own
        found = self._service(target, services, other, (*chain, (path, name)))
        if os.path.dirname(other) != os.path.dirname(path):
            found = paths.rebased(found, os.path.dirname(other))
        return merge.merged(found, own, ("services", name))

    def _of_file(self, path: str, where: str) -> Mapping[str, Any]:
        if path not in self._files:
            self._files[path] = {}
            with self._findings.reading(where):
                services = self._read(path).get("services")
                self._files[path] = services if isinstance(services, Mapping) else {}
        return self._files[path]


def imported(
    content: Mapping[str, Any], other: Mapping[str, Any], whose: str, findings: Findings
) -> dict[str, Any]:
    """A file's content with what another one has that it includes."""
    found = dict(content)
    for kind in KINDS:
        ours, theirs = found.get(kind), other.get(kind)
        if not isinstance(theirs, Mapping):
            continue
        ours = ours if isinstance(ours, Mapping) else {}
        for name, value in theirs.items():
            if name in ours and ours[name] != value:
                findings.wrong(f"{kind}.{name}", f"{whose}, which is included, has it too")
        found[kind] = {**theirs, **ours}
    return found
