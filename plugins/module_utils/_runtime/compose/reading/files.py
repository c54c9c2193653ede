# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and reading the files of a project: what they come to together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass, field
from ..base.findings import Findings
from ..base.values import words
from . import extends, merge, paths
from .variables import env_file, interpolated
from .yaml_text import load, plain

#: What a project's file is called, and one that changes it, in the order of preference.
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


@dataclass(frozen=True)
class Asked:
    """Which project is meant. ``directory`` is the project's, by default that of its first file;
    ``definition`` is what stands in place of files; ``around`` are the variables of the
    environment; with ``upwards`` a file is also looked for in the directories above. With ``raw``
    what stands for variables in the files stays as it is written.
    """

    files: tuple[str, ...] = ()
    directory: str = ""
    definition: Optional[Mapping[str, Any]] = None
    project: str = ""
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    around: Mapping[str, str] = field(default_factory=dict)
    upwards: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Source:
    """A project's files as one: ``content``, what relative paths in it are relative to, and the
    variables.
    """

    base: str
    files: tuple[str, ...]
    content: Mapping[str, Any]
    variables: Mapping[str, str]


def read(asked: Asked, findings: Findings) -> Source:
    """Read the files that are asked for, or found. Raises Error where there is none, or one is not
    YAML; whatever else is wrong is in ``findings``.
    """
    here = os.path.abspath(asked.directory or ".")
    files: list[str] = []
    if asked.definition is None:
        files = list(_named(asked, here)) or _found(here, asked.upwards)
        first = "" if files[0] == "-" else os.path.dirname(files[0])
        here = os.path.abspath(asked.directory or first or ".")
    variables = _variables(here, asked.env_files, asked.around)
    reader = _Reader(findings, asked.raw)
    content: dict[str, Any] = {}
    if asked.definition is not None:
        given: Any = asked.definition
        given = given if asked.raw else interpolated(given, variables, findings)
        path = os.path.join(here, "definition")
        content = merge.combined({}, reader.whole(given, path, here, variables, ()))
    for path in files:
        for given in reader.documents(path, variables):
            whole = reader.whole(given, path, here, variables, (os.path.realpath(path),))
            content = merge.combined(content, whole)
    return Source(here, tuple(files), plain(content), variables)


def _named(asked: Asked, here: str) -> Iterator[str]:
    if asked.files:
        yield from (one if one == "-" else paths.absolute(one, here) for one in asked.files)
        return
    listed = asked.around.get("COMPOSE_FILE", "")
    separator = asked.around.get("COMPOSE_PATH_SEPARATOR") or ":"
    yield from (paths.absolute(one, here) for one in listed.split(separator) if one)


def _found(here: str, upwards: bool) -> list[str]:
    """The file of a directory, or of the next one above it, and the one that changes it."""
    places = [Path(here), *(Path(here).parents if upwards else ())]
    for place in places:
        for name in NAMES:
            if (place / name).is_file():
                changes = (place / other for other in OVERRIDES)
                found = next((one for one in changes if one.is_file()), None)
                return [str(place / name), *([str(found)] if found else [])]
    raise Error(
        f"{here} has no Compose file",
        hint=f"it is called {NAMES[0]}, unless its name is given",
    )


def _variables(base: str, files: Sequence[str], around: Mapping[str, str]) -> dict[str, str]:
    """Those around us, over those of the files, by default ``.env`` of the directory."""
    given = [paths.absolute(name, base) for name in files]
    if not given:
        listed = around.get("COMPOSE_ENV_FILES", "")
        given = [paths.absolute(name, base) for name in listed.split(",") if name]
    usual = os.path.join(base, ".env")
    if not given and os.path.isfile(usual):
        given = [usual]
    found: dict[str, str] = {}
    for path in given:
        found |= env_file(Path(path), {**found, **around})
    return {**found, **around}


class _Reader:
    def __init__(self, findings: Findings, raw: bool) -> None:
        self._findings, self._raw = findings, raw

    def documents(self, path: str, variables: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """The documents of a file with their variables. Raises Error."""
        called = "standard input" if path == "-" else path
        try:
            text = Path("/dev/stdin" if path == "-" else path).read_text("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise Error(f"{path} is not a text") from exc
        except OSError as exc:
            raise Error(f"{path}: {exc.strerror}") from exc
        found = load(text, called)
        if not found or not all(isinstance(one, dict) for one in found):
            raise Error(f"{called}: it is not a Compose file: a mapping with services is expected")
        if self._raw:
            return found
        return [interpolated(one, variables, self._findings) for one in found]

    def whole(
        self,
        given: Mapping[str, Any],
        path: str,
        base: str,
        variables: Mapping[str, str],
        chain: tuple[str, ...],
    ) -> dict[str, Any]:
        """A document with what it extends and includes; ``chain`` are the files that lead here."""
        found = dict(given)
        if isinstance(found.get("services"), Mapping):

            def read_other(other: str) -> Mapping[str, Any]:
                joined: dict[str, Any] = {}
                for one in self.documents(other, variables):
                    joined = merge.combined(joined, one)
                return joined

            extending = extends.Extending(read_other, self._findings)
            # A file of the project's directory need not be rebased, wherever the file is.
            where = os.path.join(base, os.path.basename(path))
            found["services"] = extending.services(found["services"], where)
        included = found.pop("include", None)
        if included is not None and not isinstance(included, list):
            self._findings.wrong("include", "a list is expected")
            included = None
        for number, entry in enumerate(included or ()):
            place = f"include[{number}]"
            with self._findings.reading(place):
                other, whose = self._included(entry, place, base, variables, chain)
                found = extends.imported(found, other, whose, self._findings)
        return found

    def _included(
        self,
        entry: Any,
        place: str,
        base: str,
        variables: Mapping[str, str],
        chain: tuple[str, ...],
    ) -> tuple[Mapping[str, Any], str]:
        """What an entry of ``include`` brings, and the file it is of."""
        asked = entry if isinstance(entry, Mapping) else {"path": entry}
        self._findings.unknown(place, asked, ("path", "project_directory", "env_file"))
        names = words(asked["path"])
        if any(paths.remote(name) or "oci:" in name for name in names):
            raise Error("files of other hosts are not fetched", hint="name a file of this host")
        files = [paths.absolute(name, base) for name in names]
        directory = os.path.dirname(files[0])
        if asked.get("project_directory"):
            directory = paths.absolute(str(asked["project_directory"]), base)
        listed = [paths.absolute(name, base) for name in words(asked.get("env_file"))]
        around = {key: one for key, one in variables.items() if key != "COMPOSE_ENV_FILES"}
        own = _variables(directory, listed, around)
        content: dict[str, Any] = {}
        for path in files:
            real = os.path.realpath(path)
            if real in chain:
                raise Error(f"files include one another: {' -> '.join((*chain, real))}")
            for given in self.documents(path, own):
                whole = self.whole(given, path, directory, own, (*chain, real))
                content = merge.combined(content, whole)
        content = plain(content)
        for kind in ("configs", "secrets"):
            if isinstance(content.get(kind), Mapping):
                content[kind] = {
                    name: paths.rebased_file(one, directory) for name, one in content[kind].items()
                }
        if isinstance(content.get("services"), Mapping):
            content["services"] = {
                name: paths.rebased(_with_environment(one, own, around), directory)
                for name, one in content["services"].items()
            }
        return content, files[0]


def _with_environment(service: Any, own: Mapping[str, str], around: Mapping[str, str]) -> Any:
    """A service whose names alone in ``environment`` have the values of its own file's variables:
    nobody who reads it later knows these.
    """
    if not isinstance(service, Mapping) or own == around:
        return service
    from ..base.values import pairs

    try:
        given = pairs(service.get("environment"))
    except TypeError:
        return service  # Whoever reads it says so.
    alone = {name: own[name] for name, value in given.items() if value is None and name in own}
    return {**service, "environment": {**given, **alone}} if alone else service
