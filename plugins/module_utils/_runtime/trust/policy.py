# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image needs before it is pulled: containers-policy.json(5), and a task's own keys. Pure,
but for reading the files that a policy names.

Of the requirements of containers-policy.json(5) this engine serves ``insecureAcceptAnything``,
``reject`` and ``sigstoreSigned`` with keys. Whatever else a policy asks for is not guessed at: the
image is refused, with the name of the field.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from ..base.errors import Error
from ..base.frozen import dataclass
from ..spec import oci
from ..spec.reference import Reference, parse_normalized
from .payload import reference_text

#: How the name in a signature is held against the name an image is pulled by.
MATCH_EXACT = "matchExact"
MATCH_REPO_DIGEST = "matchRepoDigestOrExact"
MATCH_REPOSITORY = "matchRepository"
EXACT_REFERENCE = "exactReference"
EXACT_REPOSITORY = "exactRepository"
REMAP = "remapIdentity"

#: The option ``require_signature`` of modules, for their argument_spec.
OPTION: dict[str, Any] = {
    "type": "dict",
    "options": {
        "public_keys": {"type": "list", "elements": "str"},
        "threshold": {"type": "int", "default": 1},
        "identity": {"type": "str", "choices": ["exact", "repository"], "default": "exact"},
        "policy": {"type": "path"},
    },
}

_LIMIT = 1 << 20

#: What a task calls the rules that need no further text.
IDENTITIES = {"exact": MATCH_REPO_DIGEST, "repository": MATCH_REPOSITORY}


@dataclass(frozen=True)
class Identity:
    """A rule about the name in a signature; ``value`` is the reference, repository or prefix that
    some rules have, ``signed_prefix`` what remapIdentity puts in the place of the prefix.
    """

    rule: str = MATCH_REPO_DIGEST
    value: str = ""
    signed_prefix: str = ""


@dataclass(frozen=True)
class Signed:
    """An image needs valid signatures of so many of these keys, public and in PEM."""

    keys: tuple[str, ...]
    identity: Identity = Identity()
    threshold: int = 1


@dataclass(frozen=True)
class Asked:
    """What a task asks for itself: signatures of keys, a policy file of the host, or both."""

    signed: Optional[Signed] = None
    policy: str = ""


@dataclass(frozen=True)
class Requirements:
    """All that an image needs. ``rejected`` says why it is refused whatever it has; ``scope`` is
    the part of the policy that applies, or "" for what a task itself asks for.
    """

    signed: tuple[Signed, ...] = ()
    rejected: str = ""
    scope: str = ""


def asked(options: Optional[Mapping[str, Any]]) -> Optional[Asked]:
    """The option ``require_signature``; None when a task does not say. Raises Error."""
    if options is None:
        return None
    found = tuple(str(key) for key in options.get("public_keys") or ())
    path, threshold = str(options.get("policy") or ""), int(options.get("threshold") or 1)
    if not found and not path:
        raise Error("require_signature needs public_keys or policy")
    if found and not 1 <= threshold <= len(found):
        raise Error(
            f"require_signature.threshold: {threshold} of {len(found)} public_keys cannot sign"
        )
    rule = str(options.get("identity") or "exact")
    signed = Signed(found, Identity(IDENTITIES[rule]), threshold) if found else None
    return Asked(signed, path)


def read(path: Path, reference: Reference) -> Requirements:
    """What a policy file asks for a reference. Raises Error for a file that is not understood."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError as exc:
        raise Error(f"there is no policy file {path}") from exc
    if len(data) > _LIMIT:
        raise Error(f"{path} is larger than {_LIMIT} bytes")
    return requirements(oci.load(data, str(path)), reference, str(path))


def requirements(document: Mapping[str, Any], reference: Reference, where: str) -> Requirements:
    """The requirements of the most specific scope; scopes are not merged."""
    unknown = sorted(set(document) - {"default", "transports"})
    if unknown:
        raise Error(f"{where}: {unknown[0][:40]!r} is not a member of a policy")
    if not isinstance(document.get("default"), list):
        raise Error(f"{where}: default is missing, or not a list")
    transports = document.get("transports") or {}
    docker = transports.get("docker") if isinstance(transports, dict) else None
    if docker is not None and not isinstance(docker, dict):
        raise Error(f"{where}: transports.docker is not an object")
    for scope in _scopes(reference):
        if docker and scope in docker:
            name = f"transports.docker[{scope!r}]"
            return _all(docker[scope], f"{where}: {name}", name)
    return _all(document["default"], f"{where}: default", "default")


def _scopes(reference: Reference) -> Sequence[str]:
    """The scopes that apply to a reference, the most specific one first
    (containers-policy.json(5), "docker:").
    """
    whole = reference_text(reference)
    found = [f"{reference.repository}@{reference.digest}"] if reference.digest else []
    found += [whole] if whole != reference.repository else []
    parts = reference.repository.split("/")
    found += ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    labels = reference.domain.partition(":")[0].split(".")
    found += ["*." + ".".join(labels[start:]) for start in range(1, len(labels))]
    return [*found, ""]


def _all(value: Any, where: str, scope: str) -> Requirements:
    if not isinstance(value, list) or not value:
        raise Error(f"{where} is not a list of requirements")
    signed: list[Signed] = []
    for number, item in enumerate(value):
        place = f"{where}[{number}]"
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "insecureAcceptAnything":
            _known(item, {"type"}, place)
        elif kind == "reject":
            _known(item, {"type"}, place)
            return Requirements((), f"the policy refuses it ({place})", scope)
        elif kind == "sigstoreSigned":
            signed.append(_signed(item, place))
        else:
            raise Error(
                f"{place}: requirements of type {str(kind)[:40]!r} are not supported",
                hint="use sigstoreSigned with a key, insecureAcceptAnything or reject; a policy in"
                " /etc/slipway/policy.json takes the place of /etc/containers/policy.json here",
            )
    return Requirements(tuple(signed), "", scope)


def _signed(item: Mapping[str, Any], where: str) -> Signed:
    single = {"keyPath", "keyPaths", "keyData", "keyDatas"}
    _known(item, {"type", "signedIdentity", *single}, where)
    given = sorted(single & set(item))
    if len(given) != 1:
        raise Error(f"{where} needs exactly one of {', '.join(sorted(single))}")
    name, value = given[0], item[given[0]]
    values = value if name.endswith("s") else [value]
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise Error(f"{where}.{name} is not made of texts")
    load = _key_file if name.startswith("keyPath") else _key_data
    keys = tuple(load(text, f"{where}.{name}") for text in values)
    return Signed(keys, _identity(item.get("signedIdentity"), f"{where}.signedIdentity"))


def _key_file(text: str, where: str) -> str:
    try:
        return Path(text).read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise Error(f"{where}: the key {text} cannot be read") from exc


def _key_data(text: str, where: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError as exc:
        raise Error(f"{where} is not a key in base64") from exc


def _identity(value: Any, where: str) -> Identity:
    if value is None:
        return Identity()
    members = {
        MATCH_EXACT: (),
        MATCH_REPO_DIGEST: (),
        MATCH_REPOSITORY: (),
        EXACT_REFERENCE: ("dockerReference",),
        EXACT_REPOSITORY: ("dockerRepository",),
        REMAP: ("prefix", "signedPrefix"),
    }
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in members:
        raise Error(f"{where}.type is not one of {', '.join(members)}")
    names = members[kind]
    _known(value, {"type", *names}, where)
    texts = [value.get(name) for name in names]
    if not all(isinstance(text, str) and text for text in texts):
        raise Error(f"{where} needs {' and '.join(names)}")
    return Identity(kind, *texts)


def _known(item: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = sorted(set(item) - names)
    if unknown:
        raise Error(
            f"{where}.{unknown[0][:40]} is not supported",
            hint="without knowing what it asks for, the image cannot be accepted",
        )


def accepts(rule: Identity, reference: Reference, signed: str) -> bool:
    """Whether the name in a signature is one a rule accepts for an image pulled by a reference."""
    named = _parsed(signed)
    if named is None:
        return False
    if rule.rule == EXACT_REFERENCE:
        wanted = _parsed(rule.value)
        return wanted is not None and wanted.tag is not None and _exact(wanted, named)
    if rule.rule == EXACT_REPOSITORY:
        wanted = _parsed(rule.value)
        return wanted is not None and wanted.repository == named.repository
    if rule.rule == REMAP:
        mapped = _remapped(reference, rule.value, rule.signed_prefix)
        return mapped is not None and accepts(Identity(), mapped, signed)
    if rule.rule == MATCH_REPOSITORY:
        return named.repository == reference.repository
    if rule.rule == MATCH_REPO_DIGEST and reference.digest and not reference.tag:
        return named.repository == reference.repository
    return _exact(reference, named)


def _exact(wanted: Reference, named: Reference) -> bool:
    # A signature of a repository alone says of no tag that it is the right one.
    return bool(wanted.tag) and (wanted.repository, wanted.tag) == (named.repository, named.tag)


def _parsed(text: str) -> Optional[Reference]:
    try:
        found = parse_normalized(text)
    except Error:
        return None
    # "latest" is not meant where nothing is said.
    last = text.rpartition("/")[2]
    bare = ":" not in last.partition("@")[0]
    return Reference(found.domain, found.path, None, found.digest) if bare else found


def _remapped(reference: Reference, prefix: str, signed_prefix: str) -> Optional[Reference]:
    """A reference as it is called where it was signed; None when the result is not one."""
    name = reference.repository
    if name != prefix and not name.startswith(f"{prefix}/"):
        return reference
    moved = _parsed(signed_prefix + name[len(prefix) :])
    if moved is None:
        return None
    return Reference(moved.domain, moved.path, reference.tag, reference.digest)
