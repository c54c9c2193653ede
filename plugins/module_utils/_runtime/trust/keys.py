# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and signatures: ECDSA, RSA and Ed25519 as cosign and skopeo use them.

Public keys are SubjectPublicKeyInfo in PEM, as in a ``cosign.pub``. Private keys are PKCS#8 in PEM,
plain or encrypted, or cosign's own form: the PKCS#8 in a box of NaCl (XSalsa20 and Poly1305) whose
key scrypt makes of the passphrase (sigstore/cosign, pkg/cosign/keys.go).

The library cryptography is imported when a key is used. A host needs it only where it verifies or
signs; Ansible brings it to the controller.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import struct
from typing import Any, Optional

from ..base import strict_json
from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.regex import regex

#: What a key file may take; ours have 178 bytes, an RSA key of 8192 bits has 6,400.
KEY_LIMIT = 64 << 10

#: What skopeo 1.9 reads; cosign 2 and later write the other word and read both.
_BOXED = "ENCRYPTED COSIGN PRIVATE KEY"
_BOXED_LATER = "ENCRYPTED SIGSTORE PRIVATE KEY"
#: cosign's cost of scrypt; 32 MiB and about a tenth of a second.
_SCRYPT = {"N": 32768, "r": 8, "p": 1}
_SCRYPT_MEMORY = 64 << 20

_PEM = regex(r"-----BEGIN ([A-Z ]+)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----")


@dataclass(frozen=True)
class KeyPair:
    """A new private key and its public one, both PEM."""

    private: str
    public: str


def generate(passphrase: str = "") -> KeyPair:
    """A new ECDSA key on P-256, as ``cosign generate-key-pair`` makes it; without a passphrase the
    private key is plain PKCS#8.
    """
    _library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    bare = serialization.NoEncryption()
    if passphrase:
        der = key.private_bytes(serialization.Encoding.DER, form, bare)
        private = _box(der, passphrase)
    else:
        private = key.private_bytes(serialization.Encoding.PEM, form, bare).decode()
    return KeyPair(private, _public_pem(key.public_key()))


def public_of(private: str, passphrase: str = "") -> str:
    """The public key, PEM, that belongs to a private one. Raises Error."""
    return _public_pem(_private(private, passphrase).public_key())


def fingerprint(public: str) -> str:
    """A name for a public key: SHA-256 of its SubjectPublicKeyInfo, as 64 hex digits."""
    _library()
    from cryptography.hazmat.primitives import serialization

    der: bytes = _public(public).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def sign(data: bytes, private: str, passphrase: str = "") -> bytes:
    """The signature of some bytes: DER for ECDSA, PKCS#1 v1.5 for RSA, both over SHA-256."""
    key = _private(private, passphrase)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    made: bytes = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return made


def verifies(data: bytes, signature: bytes, public: str) -> bool:
    """Whether a signature of some bytes was made with the private key of a public one. Raises Error
    for what is not a public key.
    """
    key = _public(public)
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _library() -> None:
    try:
        import cryptography  # noqa: F401  # What is used of it follows.
    except ImportError as exc:
        raise Error(
            "signatures need the Python library cryptography, which this host lacks",
            hint="install python3-cryptography, for example with the role slipway.engine.host",
        ) from exc


def _public_pem(key: Any) -> str:
    from cryptography.hazmat.primitives import serialization

    pem: bytes = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def _public(public: str) -> Any:
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        if len(public) > KEY_LIMIT:
            raise ValueError
        key = serialization.load_pem_public_key(public.encode())
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise Error(
            "a public key is not one in PEM", hint="give the content of a file such as cosign.pub"
        ) from exc
    known = (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)
    if not isinstance(key, known):
        raise Error("a public key is neither ECDSA, RSA nor Ed25519")
    return key


def _private(private: str, passphrase: str) -> Any:
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if len(private) > KEY_LIMIT:
        raise _not_a_key()
    found = _PEM.search(private)
    if found is None:
        raise _not_a_key()
    try:
        if found.group(1) in (_BOXED, _BOXED_LATER):
            der = _unbox(found.group(2), passphrase)
            key = serialization.load_der_private_key(der, None)
        else:
            protected = "ENCRYPTED" in private
            word = passphrase.encode() if protected else None
            key = serialization.load_pem_private_key(private.encode(), word)
    except TypeError as exc:
        raise Error("the private key needs its passphrase") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        if "ENCRYPTED" in found.group(1):
            raise Error("the private key does not open with this passphrase") from exc
        raise _not_a_key() from exc
    known = (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)
    if not isinstance(key, known):
        raise Error("a private key is neither ECDSA, RSA nor Ed25519")
    return key


def _not_a_key() -> Error:
    return Error(
        "the private key is not one in PEM",
        hint="give the content of a cosign.key, or PKCS#8 as openssl genpkey writes it",
    )


# --- cosign's box ----------------------------------------------------------------------------


def _box(der: bytes, passphrase: str) -> str:
    salt, nonce = os.urandom(32), os.urandom(24)
    key = _stretch(passphrase, salt, _SCRYPT)
    document = {
        "kdf": {"name": "scrypt", "params": _SCRYPT, "salt": _text(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _text(nonce)},
        "ciphertext": _text(_seal(der, nonce, key)),
    }
    body = base64.encodebytes(json.dumps(document, separators=(",", ":")).encode()).decode()
    lines = "".join(body.split())
    wrapped = "\n".join(lines[start : start + 64] for start in range(0, len(lines), 64))
    return f"-----BEGIN {_BOXED}-----\n{wrapped}\n-----END {_BOXED}-----\n"


def _unbox(body: str, passphrase: str) -> bytes:
    """The PKCS#8 in cosign's form. Raises ValueError."""
    try:
        document = strict_json.loads(base64.b64decode("".join(body.split()), validate=True))
        kdf, cipher = document["kdf"], document["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise ValueError("another cipher")
        salt, nonce = base64.b64decode(kdf["salt"]), base64.b64decode(cipher["nonce"])
        sealed = base64.b64decode(document["ciphertext"])
        key = _stretch(passphrase, salt, kdf["params"])
    except (KeyError, TypeError, binascii.Error, UnicodeDecodeError) as exc:
        raise ValueError("not a key of cosign") from exc
    opened = _open(sealed, nonce, key)
    if opened is None:
        raise ValueError("another passphrase")
    return opened


def _stretch(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(),
        salt=salt,
        n=cost["N"],
        r=cost["r"],
        p=cost["p"],
        maxmem=_SCRYPT_MEMORY,
        dklen=32,
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _seal(data: bytes, nonce: bytes, key: bytes) -> bytes:
    """NaCl's crypto_secretbox: the tag of Poly1305, then the data under XSalsa20."""
    stream = _xsalsa20(key, nonce, 32 + len(data))
    sealed = bytes(a ^ b for a, b in zip(data, stream[32:]))
    return _poly1305(sealed, stream[:32]) + sealed


def _open(sealed: bytes, nonce: bytes, key: bytes) -> Optional[bytes]:
    """The inverse; None when it was sealed with another key, or changed."""
    if len(sealed) < 16 or len(nonce) != 24:
        return None
    stream = _xsalsa20(key, nonce, 16 + len(sealed))
    from hmac import compare_digest

    if not compare_digest(_poly1305(sealed[16:], stream[:32]), sealed[:16]):
        return None
    return bytes(a ^ b for a, b in zip(sealed[16:], stream[32:]))


def _poly1305(data: bytes, key: bytes) -> bytes:
    from cryptography.hazmat.primitives.poly1305 import Poly1305

    return Poly1305.generate_tag(key, data)


def _xsalsa20(key: bytes, nonce: bytes, length: int) -> bytes:
    """The stream of XSalsa20 (Bernstein, Extending the Salsa20 nonce), of a few hundred bytes."""
    first = _salsa20_core(key, nonce[:16], add=False)
    words = struct.unpack("<16I", first)
    inner = struct.pack("<8I", *(words[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))
    blocks = (
        _salsa20_core(inner, nonce[16:] + struct.pack("<Q", block), add=True)
        for block in range((length + 63) // 64)
    )
    return b"".join(blocks)[:length]


_DOUBLE_ROUND = (
    (0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
    (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14),
)  # fmt: skip


def _salsa20_core(key: bytes, block: bytes, add: bool) -> bytes:
    k, n = struct.unpack("<8I", key), struct.unpack("<4I", block)
    c = struct.unpack("<4I", b"expand 32-byte k")
    start = (c[0], *k[:4], c[1], *n, c[2], *k[4:], c[3])
    x = list(start)
    for dummy in range(10):
        for a, b, d, e in _DOUBLE_ROUND:
            x[b] ^= _rotated(x[a] + x[e], 7)
            x[d] ^= _rotated(x[b] + x[a], 9)
            x[e] ^= _rotated(x[d] + x[b], 13)
            x[a] ^= _rotated(x[e] + x[d], 18)
    if add:
        x = [(a + b) & 0xFFFFFFFF for a, b in zip(x, start)]
    return struct.pack("<16I", *x)


def _rotated(word: int, by: int) -> int:
    word &= 0xFFFFFFFF
    return ((word << by) | (word >> (32 - by))) & 0xFFFFFFFF
