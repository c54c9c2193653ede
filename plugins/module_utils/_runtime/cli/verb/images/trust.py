# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for signatures of images: docker trust's words over cosign's format."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....base.errors import Conflict, Error, NotFound
from ....plan.plan import Host
from ...line.verbs import LIST, STRING, SWITCH, Arguments, Flag, Usage, Verb
from ...terminal.output import agreed, complain, say

if TYPE_CHECKING:
    from ....spec.reference import Reference
    from ....trust.attached import Signature

#: Where cosign takes the passphrase from, too.
_PASSPHRASE = "COSIGN_PASSWORD"


def _key(host: Host, arguments: Arguments) -> int:
    from ....base import files
    from ....trust import keys

    verb, *names = arguments.operands
    if verb != "generate" or len(names) != 1:
        raise Usage("Usage:  slipway trust key generate NAME [--dir DIR]", 1)
    (name,) = names
    directory = Path(arguments.dir or ".")
    private, public = directory / f"{name}.key", directory / f"{name}.pub"
    for path in (private, public):
        if path.exists():
            raise Conflict(f"{path} exists already", hint="choose another name")
    made = keys.generate(_passphrase(f"Enter passphrase for new {name} key: ", again=True))
    files.write_atomic(private, made.private.encode())
    files.write_atomic(public, made.public.encode(), mode=0o644)
    say(f"Private key: {private}")
    say(f"Public key:  {public}")
    return 0


def _sign(host: Host, arguments: Arguments) -> int:
    from ....plan.converge import converge
    from ....resource.image.remote import image_sign

    params = {"name": arguments.operands[0], **_private(arguments)}
    plan, found = converge(host, image_sign.RESOURCE, image_sign.declare(params))
    said = "Successfully signed" if plan.changed else "Already signed"
    say(f"{said} {found.name}")
    return 0


def _private(arguments: Arguments) -> dict[str, str]:
    if not arguments.key:
        raise Usage('required flag "key" not set', 1)
    try:
        key = Path(arguments.key).read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise Error(f"the key {arguments.key} cannot be read") from exc
    word = _passphrase("Enter passphrase of the key: ") if "ENCRYPTED" in key else ""
    return {"key": key, "passphrase": word}


def _passphrase(question: str, again: bool = False) -> str:
    if _PASSPHRASE in os.environ:
        return os.environ[_PASSPHRASE]
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    import getpass

    word = getpass.getpass(question)
    if again and getpass.getpass("Repeat the passphrase: ") != word:
        raise Error("the passphrases differ")
    return word


def _found(host: Host, name: str) -> tuple[Reference, str, tuple[Signature, ...]]:
    """A reference, the digest its registry has, and its signatures. Raises NotFound."""
    from ....image import signatures, transfer
    from ....image.access import OF_HOST
    from ....spec.reference import parse_normalized

    reference = parse_normalized(name)
    digest = reference.digest or transfer.resolve_for_push(host, reference, OF_HOST)
    if not digest:
        raise NotFound(f"No such image: {reference.canonical} (in its registry)")
    return reference, digest, signatures.find(host, reference, digest, OF_HOST)


def _inspect(host: Host, arguments: Arguments) -> int:
    import json

    documents = []
    failed = False
    known = [_public(path) for path in arguments.key_file]
    for name in arguments.operands:
        try:
            reference, digest, found = _found(host, name)
        except Error as exc:
            complain(exc)
            failed = True
            continue
        signed = [_shown(one, known) for one in found]
        documents.append({"Name": reference.canonical, "Digest": digest, "Signatures": signed})
    say(json.dumps(documents, indent=4))
    return int(failed)


def _shown(one: Signature, known: list[str]) -> dict[str, Any]:
    """A signature as it describes itself, and the given keys it was really made with."""
    from ....trust import keys, payload

    by = [keys.fingerprint(key) for key in known if keys.verifies(one.payload, one.signature, key)]
    try:
        said = payload.parse(one.payload, "the payload")
    except Error as exc:
        return {"Error": str(exc), "VerifiedBy": by}
    return {"SignedName": said.identity, "SignedDigest": said.digest, "VerifiedBy": by}


def _public(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise Error(f"the key {path} cannot be read") from exc


def _revoke(host: Host, arguments: Arguments) -> int:
    from ....image import signatures
    from ....image.access import OF_HOST
    from ....trust import keys

    reference, digest, found = _found(host, arguments.operands[0])
    unwanted = found
    if arguments.key_file:
        public = _public(arguments.key_file)
        unwanted = tuple(o for o in found if keys.verifies(o.payload, o.signature, public))
    if not unwanted:
        raise NotFound(f"{reference.canonical} has no such signature")
    what = "1 signature" if len(unwanted) == 1 else f"{len(unwanted)} signatures"
    if not arguments.yes and not agreed(f"This removes {what} of {reference.canonical}.\n"):
        return 1
    signatures.withdraw(host, reference, digest, unwanted, OF_HOST)
    say(f"Successfully deleted signature for {reference.canonical}")
    return 0


VERBS = {
    "trust key": Verb(
        _key,
        "Manage keys for signing images",
        "generate NAME",
        (Flag("dir", "", STRING, "Directory to generate the key in, defaults to the current one"),),
    ),
    "trust sign": Verb(
        _sign,
        "Sign an image",
        "IMAGE[:TAG]",
        (Flag("key", "", STRING, "File with the private key"),),
    ),
    "trust inspect": Verb(
        _inspect,
        "Return low-level information about keys and signatures",
        "IMAGE[:TAG] [IMAGE[:TAG]...]",
        (Flag("key-file", "", LIST, "Public key to verify signatures with"),),
    ),
    "trust revoke": Verb(
        _revoke,
        "Remove trust for an image",
        "IMAGE[:TAG]",
        (
            Flag("key-file", "", STRING, "Remove only the signatures of this public key"),
            Flag("yes", "y", SWITCH, "Do not prompt for confirmation"),
        ),
    ),
}
