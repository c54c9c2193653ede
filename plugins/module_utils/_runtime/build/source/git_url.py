# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git repositories as sources of builds, in the forms that Docker takes: pure.

A repository is ``https://HOST/PATH.git``, the same with ``http``, ``git://``, ``ssh://``, or
``USER@HOST:PATH``, then ``#REF:DIRECTORY`` or a query with ``ref``, ``branch``, ``tag``,
``commit``, ``subdir`` and ``checksum``. What reaches git are a URL of one of these and whole names
of references that its server told, so nothing in it can become an option (CVE-2017-1000117).
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.regex import regex

_SCP = regex(r"\A([A-Za-z0-9_][A-Za-z0-9._-]*)@([A-Za-z0-9][A-Za-z0-9.-]*):([^\s:#?-][^\s#?]*)\Z")
_HOST = regex(r"\A(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])\Z", re.ASCII)
_USER = regex(r"\A[A-Za-z0-9_.~%+-]+\Z", re.ASCII)
#: What git-check-ref-format(1) leaves, and no ``-`` or ``+`` at the beginning.
_REF = regex(r"\A[^\s~^:?*\[\\+-][^\s~^:?*\[\\]*\Z")
_COMMIT = regex(r"\A[0-9a-f]{40}\Z", re.ASCII)
_CHECKSUM = regex(r"\A[0-9a-f]{7,40}\Z", re.ASCII)
_SCHEMES = ("http", "https", "git", "ssh")
#: What is written without a scheme.
_SHORT = "github.com/"


@dataclass(frozen=True)
class Repository:
    """``url`` is what git gets, a password included; ``ref`` a branch, tag or commit, "" for the
    default one. ``checksum`` is the beginning of the commit that it has to be.
    """

    url: str
    ref: str = ""
    directory: str = ""
    checksum: str = ""

    def __str__(self) -> str:
        more = f"{self.ref}:{self.directory}" if self.directory else self.ref
        return f"{self.shown}#{more}" if more else self.shown

    @property
    def shown(self) -> str:
        """The URL without a password."""
        parts = urlsplit(self.url)
        if not parts.password:
            return self.url
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def pinned(self) -> str:
        """The commit, where the reference is one."""
        return self.ref if _COMMIT.match(self.ref) else ""


def is_repository(text: str, short: bool = True) -> bool:
    """Whether a source is a repository; ``short`` allows github.com/ without a scheme, as contexts
    do.
    """
    bare = text.partition("#")[0].partition("?")[0]
    scheme, colon, dummy = bare.partition("://")
    if colon:
        scheme = scheme.lower()
        return scheme in ("git", "ssh") or (scheme in _SCHEMES and bare.endswith(".git"))
    return bool(_SCP.match(bare)) or (short and bare.startswith(_SHORT))


def repository(text: str, checksum: str = "") -> Repository:
    """Read a source for which is_repository() holds. Raises Error."""
    rest, hash_sign, fragment = text.partition("#")
    bare, mark, query = rest.partition("?")
    if hash_sign and mark:
        raise Error(f"{bare[:100]} has both a query and a fragment", hint="use one of them")
    ref, dummy, directory = fragment.partition(":")
    asked = _asked(bare, query) if mark else {"ref": ref, "subdir": directory}
    ref = asked.get("ref", "")
    if ref and (not _REF.match(ref) or ".." in ref or "@{" in ref or ref.endswith((".", "/"))):
        raise Error(f"{bare[:100]}: {ref[:60]!a} is not a branch, tag or commit")
    for wanted in (checksum.lower(), asked.get("checksum", "").lower()):
        if wanted and not _CHECKSUM.match(wanted):
            raise Error(f"{bare[:100]}: the checksum {wanted[:60]!a} is not a commit")
    checked = checksum.lower() or asked.get("checksum", "").lower()
    return Repository(_url(bare), ref, _directory(bare, asked.get("subdir", "")), checked)


def _asked(bare: str, query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in ("ref", "branch", "tag", "commit"):
            head = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(name, "")
            name, value = "ref", head + value
        if name not in ("ref", "subdir", "checksum") or name in found:
            raise Error(f"{bare[:100]}: {name[:40]!a} in its query is not understood")
        found[name] = value
    return found


def _directory(bare: str, text: str) -> str:
    found = posixpath.normpath(text.strip("/")) if text.strip("/") else ""
    if found == ".." or found.startswith("../") or "\0" in found:
        raise Error(f"{bare[:100]}: {text[:60]!a} leads out of the repository")
    return "" if found == "." else found


def _url(bare: str) -> str:
    if bare.startswith(_SHORT):
        bare = f"https://{bare}"
    if _SCP.match(bare):
        return bare
    try:
        parts = urlsplit(bare)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise Error("a URL of a git repository is not valid") from exc
    shown = f"[{host}]" if ":" in host else host
    users = [one for one in (parts.username, parts.password) if one is not None]
    if (
        parts.scheme not in _SCHEMES
        # What urlsplit() leaves out is in the text still.
        or not bare.isprintable()
        or not _HOST.match(shown)
        or not all(_USER.match(one) and not one.startswith("-") for one in users)
        or not parts.path.startswith("/")
        or parts.path.startswith("/-")
        or " " in parts.path
    ):
        # Whatever is in it, a password is not shown.
        plain = urlunsplit((parts.scheme, shown, parts.path, "", ""))
        raise Error(f"{plain[:100]!a} is not the URL of a git repository")
    netloc = ":".join(users) + "@" if users else ""
    return f"{parts.scheme}://{netloc}{shown}{f':{port}' if port else ''}{parts.path}"
