# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references, in Docker's grammar and with Docker's defaults.

The grammar is that of https://github.com/distribution/reference, which Docker, containerd and
Podman share: ``[DOMAIN/]PATH[:TAG][@DIGEST]``. Three differences, all of them refusals. Every
expression ends in ``\\Z``, since Python's ``$`` lets a trailing newline pass; digests are of the
algorithms we compute (sha256, sha512); and a first component that looks like a host but is not one
(``foo_bar.com/x``), which the reference implementation takes for a name without a registry, is an
error that says so.
"""

from __future__ import annotations

import re
from typing import Optional

from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.regex import regex
from .oci import is_digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
#: The host that serves the API of docker.io.
HUB_HOST = "registry-1.docker.io"

_LEGACY_DOMAIN = "index.docker.io"
_OFFICIAL = "library/"
_PATH_LIMIT = 255

_PATH_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_IPV6 = r"\[[a-fA-F0-9:]+\]"

_PATH = regex(rf"\A{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*\Z", re.ASCII)
_DOMAIN = regex(rf"\A(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|{_IPV6})(?::[0-9]+)?\Z", re.ASCII)
_TAG = regex(r"\A\w[\w.-]{0,127}\Z", re.ASCII)
_IDENTIFIER = regex(r"\A[a-f0-9]{64}\Z", re.ASCII)
_ID_OR_PREFIX = regex(r"\A(?:sha256:)?[a-f0-9]{1,64}\Z", re.ASCII)


@dataclass(frozen=True)
class Reference:
    """A name of an image, whole: ``domain`` with its port, ``path``, and a tag or a digest or both.

    Where both are given the digest decides and the tag is a remark, as in Docker.
    """

    domain: str
    path: str
    tag: Optional[str]
    digest: Optional[str]

    @property
    def repository(self) -> str:
        """The repository with its registry: ``docker.io/library/busybox``."""
        return f"{self.domain}/{self.path}"

    @property
    def wanted(self) -> str:
        """What to ask the registry for in this repository: the digest, else the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def familiar_repository(self) -> str:
        """The repository as Docker shows it: ``busybox``, ``user/name``, ``quay.io/a/b``."""
        if self.domain != DEFAULT_DOMAIN:
            return self.repository
        official = self.path[len(_OFFICIAL) :] if self.path.startswith(_OFFICIAL) else ""
        return official if official and "/" not in official else self.path

    @property
    def familiar(self) -> str:
        """The short form Docker shows, tag and digest included: ``busybox:latest``."""
        return self.familiar_repository + self._suffix

    @property
    def canonical(self) -> str:
        """The whole form, which parses back to an equal reference:
        ``docker.io/library/busybox:latest``.
        """
        return self.repository + self._suffix

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.canonical


def parse_normalized(text: str) -> Reference:
    """Read a reference as a user writes it, with docker.io, library/ and the tag latest filled in.

    Raises Error saying which part is wrong. What is returned may be used in a URL and in a record.
    """
    if not text:
        raise Error("an image name is empty", hint="use [REGISTRY/]NAME[:TAG][@DIGEST]")
    if _IDENTIFIER.match(text):
        raise Error(
            f"{text} is an image id, not an image name",
            hint="a name cannot consist of 64 hexadecimal digits",
        )
    domain, rest = _split_domain(text)
    # A path holds neither of the two separators, and a tag no "@", so each ends at the first one.
    named, at, digest = rest.partition("@")
    path, colon, tag = named.partition(":")
    _check_domain(text, domain)
    _check_path(text, path)
    if colon and not _TAG.match(tag):
        raise _wrong(
            text,
            f"the tag {_shown(tag)}",
            "a tag is 1 to 128 letters, digits, underscores, dots and dashes, "
            "and starts with a letter, a digit or an underscore",
        )
    if at and not is_digest(digest):
        raise _wrong(
            text,
            f"the digest {_shown(digest)}",
            "a digest is sha256: and 64 lower-case hexadecimal digits, or sha512: and 128",
        )
    return Reference(domain, path, tag or (None if digest else DEFAULT_TAG), digest or None)


def is_id(text: str) -> bool:
    """Whether a text can be an image id or the beginning of one, ``sha256:`` before it or not.

    A short one may be a name as well (``bad``): names are looked up first, as Docker does.
    """
    return _ID_OR_PREFIX.match(text) is not None


def is_domain(text: str) -> bool:
    """Whether a text is a registry as a reference may name it: host or address, with or without a
    port.
    """
    return _DOMAIN.match(text) is not None


def is_path(text: str) -> bool:
    """Whether a text is a repository as a registry knows it: a reference's path."""
    return len(text) <= _PATH_LIMIT and _PATH.match(text) is not None


def is_tag(text: str) -> bool:
    """Whether a text is a valid tag."""
    return _TAG.match(text) is not None


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return DEFAULT_DOMAIN, _OFFICIAL + text
    if first == _LEGACY_DOMAIN:
        first = DEFAULT_DOMAIN
    elif first != "localhost" and not re.search("[.:]", first) and first == first.lower():
        return DEFAULT_DOMAIN, text
    if first == DEFAULT_DOMAIN and "/" not in rest:
        rest = _OFFICIAL + rest
    return first, rest


def _check_domain(text: str, domain: str) -> None:
    if "://" in text:
        raise _wrong(text, "it is a URL", "omit the scheme")
    if not is_domain(domain):
        raise _wrong(
            text,
            f"the registry {_shown(domain)}",
            "a registry is a host name, an IPv4 address or an IPv6 address in brackets, "
            "with or without :PORT",
        )


def _check_path(text: str, path: str) -> None:
    if len(path) > _PATH_LIMIT:
        raise _wrong(
            text,
            f"the name of {len(path)} characters",
            f"a repository name has at most {_PATH_LIMIT}",
        )
    if _PATH.match(path):
        return
    for component in path.split("/"):
        if _PATH.match(component):
            continue
        if component != component.lower() and _PATH.match(component.lower()):
            raise _wrong(text, f"the name {_shown(component)}", "a name must be lower case")
        raise _wrong(
            text,
            f"the name {_shown(component)}" if component else "an empty component in the name",
            "the parts between slashes are lower-case letters and digits, joined by single dots, "
            "one or two underscores, or dashes",
        )
    raise _wrong(text, "the name", "use [REGISTRY/]NAME[:TAG][@DIGEST]")


def _shown(text: str) -> str:
    """A hostile text fit for a message: quoted, control characters escaped, not endless."""
    return ascii(text if len(text) <= 100 else text[:100] + "...")


def _wrong(text: str, part: str, hint: str) -> Error:
    return Error(f"{_shown(text)} is not an image name: {part} is not valid", hint=hint)
