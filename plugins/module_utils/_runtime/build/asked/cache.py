# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``cache_from`` and ``cache_to`` say, in the words of BuildKit: pure.

Such a place is a text of attributes with commas between, ``type=registry,ref=NAME`` or
``type=local,dest=DIRECTORY``. A name alone is a registry's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Callable, Optional

from ...base.errors import Error
from ...base.frozen import dataclass
from ...spec import oci
from ...spec.reference import parse_normalized

REGISTRY, LOCAL, INLINE = "registry", "local", "inline"
#: The attributes of each kind that mean something here.
_FROM: Mapping[str, tuple[str, ...]] = {REGISTRY: ("ref",), LOCAL: ("src", "tag", "digest")}
_TO: Mapping[str, tuple[str, ...]] = {
    REGISTRY: ("ref", "mode", "ignore-error"),
    LOCAL: ("dest", "tag", "mode", "ignore-error"),
}
#: Those that choose a form in which BuildKit writes what it alone reads.
_FORMS = ("compression", "compression-level", "force-compression", "image-manifest",
          "oci-mediatypes")  # fmt: skip
#: Attributes with paths of the host.
_PATHS = ("src", "dest")


@dataclass(frozen=True)
class Place:
    """Where steps of builds are shared. ``where`` is the name of an image, or a directory, in which
    ``tag`` or ``digest`` names one of several caches. ``everything`` is whether it gets the steps
    of all stages (``mode=max``), or those alone that the image is made of. Of a ``kind`` that is
    not known there is nothing else.
    """

    kind: str
    where: str = ""
    tag: str = "latest"
    digest: str = ""
    everything: bool = False
    optional: bool = False

    @property
    def known(self) -> bool:
        return self.kind in (REGISTRY, LOCAL)

    def __str__(self) -> str:
        return f"the build cache {self.where}"


def source(text: str) -> Place:
    """A place to take steps from. Raises Error, but for a kind that is not known: that is known to
    another builder.
    """
    given = _fields("cache_from", text)
    kind = given.pop("type", REGISTRY)
    if kind not in _FROM:
        return Place(kind)
    _check("cache_from", text, given, _FROM[kind])
    if kind == REGISTRY:
        return Place(kind, _reference("cache_from", text, given))
    digest = given.get("digest", "")
    if digest and not oci.is_digest(digest):
        raise Error(f"cache_from: {digest[:80]!a} is not a digest")
    return Place(kind, _directory("cache_from", text, given, "src"), _tag(given), digest)


def target(text: str) -> Place:
    """A place to leave steps in; of ``type=inline`` the kind alone. Raises Error."""
    given = _fields("cache_to", text)
    kind = given.pop("type", REGISTRY)
    if kind == INLINE:
        return Place(kind)
    if kind not in _TO:
        raise Error(
            f"cache_to: the type {kind[:40]!a} is not supported",
            hint="use type=registry,ref=NAME or type=local,dest=DIRECTORY",
        )
    _check("cache_to", text, given, _TO[kind])
    mode = given.get("mode", "min")
    if mode not in ("min", "max"):
        raise Error(f"cache_to: the mode {mode[:40]!a} is neither min nor max")
    everything, optional = mode == "max", given.get("ignore-error") == "true"
    if kind == REGISTRY:
        where = _reference("cache_to", text, given)
        return Place(kind, where, everything=everything, optional=optional)
    where = _directory("cache_to", text, given, "dest")
    return Place(kind, where, _tag(given), everything=everything, optional=optional)


def with_paths(text: str, resolve: Callable[[str], str]) -> str:
    """The same text with other paths: ``resolve`` makes an absolute one."""
    parts = [part.partition("=") for part in text.split(",")]
    return ",".join(
        f"{name}={resolve(value)}"
        if name.strip().lower() in _PATHS and value
        else name + eq + value
        for name, eq, value in parts
    )


def _fields(option: str, text: str) -> dict[str, str]:
    if "=" not in text:
        return {"ref": text}
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals:
            raise Error(f"{option}: {part[:60]!a} is not NAME=VALUE")
        found[name.strip().lower()] = value.strip()
    return found


def _check(option: str, text: str, given: Mapping[str, str], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known and name not in _FORMS:
            raise Error(
                f"{option}: {text[:80]!a} has the unknown attribute {name[:40]!a}",
                hint=f"known attributes: type, {', '.join(known)}",
            )


def _reference(option: str, text: str, given: Mapping[str, str]) -> str:
    if not given.get("ref"):
        raise Error(f"{option}: {text[:80]!a} requires ref=NAME")
    found = parse_normalized(given["ref"])
    if option == "cache_to" and found.digest:
        raise Error(f"{option}: {text[:120]!a} names a digest", hint="use a tag")
    return found.canonical


def _directory(option: str, text: str, given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise Error(f"{option}: {text[:80]!a} requires {name}=DIRECTORY")
    return os.path.abspath(os.path.expanduser(given[name]))


def _tag(given: Mapping[str, str]) -> str:
    return given.get("tag") or "latest"


def places(texts: Optional[list[str]], read: Callable[[str], Place]) -> tuple[Place, ...]:
    """Those that a list names, each once."""
    return tuple(dict.fromkeys(read(str(text)) for text in texts or ()))
