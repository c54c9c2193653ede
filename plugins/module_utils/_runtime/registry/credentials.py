# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials for registries, kept in the format of Docker's config.json.

The file holds ``auths`` (``{KEY: {"auth": base64 of USER:PASSWORD, "identitytoken": ...}}``) and
may name credential helpers: ``credHelpers`` (``{KEY: NAME}``) and ``credsStore`` (``NAME`` for
every registry), which are programs ``docker-credential-NAME``
(https://github.com/docker/docker-credential-helpers). As in Docker, a registry that has a helper is
served by it alone. What else stands in the file is kept.

A KEY is the registry's exact ``host[:port]`` (CVE-2021-41092); Docker Hub alone has other
spellings, and is written as Docker writes it. The file is 0600, replaced as a whole, and changed
only under a lock.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from ..base import files, strict_json
from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.regex import regex
from ..kernel import process
from ..spec.reference import DEFAULT_DOMAIN, HUB_HOST, is_domain

#: The key under which Docker, Podman and skopeo keep the login of Docker Hub.
HUB_KEY = "https://index.docker.io/v1/"

_HUB_NAMES = frozenset({DEFAULT_DOMAIN, "index.docker.io", HUB_HOST})
_HUB_SPELLINGS = (HUB_KEY, "https://index.docker.io/v1", "index.docker.io/v1/", *sorted(_HUB_NAMES))

#: A name becomes part of a program's name, so it may hold no slash and no leading dash.
_HELPER = regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z", re.ASCII)
_HELPER_TIMEOUT_S = 30.0
#: What every helper says, on standard output and with status 1, for a registry it has nothing for.
_HELPER_NOT_FOUND = b"credentials not found in native keychain"
#: The user name that marks a helper's secret as an identity token (docker-credential-helpers).
_TOKEN_USER = "<token>"


@dataclass(frozen=True)
class Credentials:
    """A login: a user and a password, or an identity token (an OAuth2 refresh token) in place of
    the latter.
    """

    username: str
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        secret = "identity_token" if self.identity_token else "password"
        return f"Credentials(username={self.username!r}, {secret}=<hidden>)"


def registry_domain(text: str) -> str:
    """The ``host[:port]`` of a registry as users write it: a host, a URL, or a spelling of Docker
    Hub.

    ``https://index.docker.io/v1/`` gives ``docker.io``, ``https://reg.example:5000/v2/`` gives
    ``reg.example:5000``. Raises Error unless it is a registry without user information.
    """
    host = re.sub(r"\Ahttps?://", "", text.strip(), flags=re.IGNORECASE).partition("/")[0]
    if host.lower() in _HUB_NAMES:
        return DEFAULT_DOMAIN
    if not is_domain(host):
        raise Error(
            f"{text[:200]!a} is not a registry",
            hint="use HOST[:PORT], such as registry.example.org:5000",
        )
    return host


def key(domain: str) -> str:
    """The key under which a domain's credentials are stored."""
    return HUB_KEY if domain in _HUB_NAMES else domain


def read(path: Path, domain: str) -> Optional[Credentials]:
    """The stored credentials of a registry, or None. Asks the registry's credential helper when it
    has one.
    """
    document = _load(path)
    helper = _helper(document, domain, path)
    if helper is not None:
        return _helper_get(helper, key(domain))
    for spelling in _spellings(domain):
        entry = document["auths"].get(spelling)
        if isinstance(entry, dict):
            found = _decode(entry, f"{path}: auths[{spelling!r}]")
            if found is not None:
                return found
    return None


def store(path: Path, domain: str, credentials: Credentials) -> None:
    """Keep a registry's credentials, in its helper where one is named, else in the file."""
    with _editing(path) as document:
        helper = _helper(document, domain, path)
        for spelling in _spellings(domain):
            document["auths"].pop(spelling, None)
        if helper is None:
            document["auths"][key(domain)] = _encode(credentials)
        else:
            # As Docker does, the file names the registry and holds no secret of it.
            document["auths"][key(domain)] = {}
            _helper_store(helper, key(domain), credentials)


def erase(path: Path, domain: str) -> None:
    """Forget a registry's credentials. Nothing stored is a success."""
    with _editing(path) as document:
        helper = _helper(document, domain, path)
        if helper is not None and _helper_get(helper, key(domain)) is not None:
            _helper_run(helper, "erase", key(domain).encode())
        for spelling in _spellings(domain):
            document["auths"].pop(spelling, None)


def _spellings(domain: str) -> tuple[str, ...]:
    return _HUB_SPELLINGS if domain in _HUB_NAMES else (domain,)


def _load(path: Path) -> dict[str, Any]:
    try:
        document = files.read_json(path)
    except FileNotFoundError:
        document = {}
    if not isinstance(document, dict) or not isinstance(document.setdefault("auths", {}), dict):
        raise Error(f"{path} is not in the format of Docker's config.json", hint="fix or remove it")
    return document


@contextlib.contextmanager
def _editing(path: Path) -> Iterator[dict[str, Any]]:
    """The document, to be changed in place and written when the block ends without an error."""
    if not path.parent.exists():
        files.make_private(path.parent)
    with files.lock(path.with_name(f".{path.name}.lock"), deadline_s=30.0):
        document = _load(path)
        before = json.dumps(document, sort_keys=True)
        yield document
        if json.dumps(document, sort_keys=True) != before or not path.exists():
            files.write_json(path, document)
            # A writer that was killed leaves a copy, with all that is secret in it.
            files.sweep_of(path)


def _encode(credentials: Credentials) -> dict[str, str]:
    pair = f"{credentials.username}:{credentials.password}".encode()
    entry = {"auth": base64.b64encode(pair).decode("ascii")}
    if credentials.identity_token:
        entry["identitytoken"] = credentials.identity_token
    return entry


def _decode(entry: dict[str, Any], where: str) -> Optional[Credentials]:
    username, password = entry.get("username", ""), entry.get("password", "")
    token = entry.get("identitytoken", "")
    if entry.get("auth"):
        try:
            pair = base64.b64decode(entry["auth"], validate=True).decode("utf-8")
        except (TypeError, ValueError, binascii.Error) as exc:
            # The text itself is a secret, so the message does not show it.
            raise Error(f"{where}.auth is damaged", hint="log in again") from exc
        username, dummy, password = pair.partition(":")
        # Docker pads the password with NUL in files of an old format.
        password = password.strip("\0")
    if not all(isinstance(value, str) for value in (username, password, token)):
        raise Error(f"{where} is damaged", hint="log in again")
    if not token and not (username and password):
        return None
    return Credentials(username, password, token)


def _helper(document: dict[str, Any], domain: str, path: Path) -> Optional[str]:
    helpers = document.get("credHelpers") or {}
    if not isinstance(helpers, dict):
        raise Error(f"{path}: credHelpers is not an object")
    named = [helpers[spelling] for spelling in _spellings(domain) if helpers.get(spelling)]
    name = named[0] if named else document.get("credsStore") or None
    if name is None:
        return None
    if not isinstance(name, str) or not _HELPER.match(name):
        raise Error(f"{path} names an invalid credential helper {str(name)[:100]!a}")
    return f"docker-credential-{name}"


def _helper_run(helper: str, verb: str, stdin: bytes) -> process.Completed:
    """Ask a helper. Its output may hold a secret, so a failure quotes it only where it cannot."""
    done = process.run([helper, verb], stdin=stdin, timeout_s=_HELPER_TIMEOUT_S, check=False)
    if done.returncode != 0 and _HELPER_NOT_FOUND not in done.stdout:
        # The protocol reports errors on standard output; "get" prints the secret there, but only
        # with status 0.
        said = process.complaint(done.stderr) or process.complaint(done.stdout)
        raise Error(f"{helper} {verb} failed with status {done.returncode}: {said}")
    return done


def _helper_get(helper: str, server: str) -> Optional[Credentials]:
    done = _helper_run(helper, "get", server.encode())
    if done.returncode != 0:
        return None
    return answered(done.stdout, helper)


def answered(said: bytes, helper: str) -> Optional[Credentials]:
    """The login in what a helper says to "get"; None for an empty one. Raises Error naming it."""
    try:
        answer = strict_json.loads(said)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, TypeError, KeyError) as exc:
        raise Error(f"{helper} get returned no Username or Secret") from exc
    if not isinstance(username, str) or not isinstance(secret, str):
        raise Error(f"{helper} get returned no Username or Secret")
    if username == _TOKEN_USER:
        return Credentials("", "", secret)
    return Credentials(username, secret) if secret else None


def _helper_store(helper: str, server: str, credentials: Credentials) -> None:
    username, secret = credentials.username, credentials.password
    if credentials.identity_token:
        username, secret = _TOKEN_USER, credentials.identity_token
    document = {"ServerURL": server, "Username": username, "Secret": secret}
    _helper_run(helper, "store", json.dumps(document).encode())
