# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys: NaCl's own vector, every kind of key, and the texts of what is not one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import keys

#: tests/secretbox.c of NaCl.
KEY = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"
NONCE = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
TEXT = (
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c6129"
    "6cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde"
    "048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705"
)
SEALED = (
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a"
    "c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae"
    "90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74"
    "e355a5"
)


def test_the_box_is_that_of_nacl() -> None:
    key, nonce = bytes.fromhex(KEY), bytes.fromhex(NONCE)
    assert keys._seal(bytes.fromhex(TEXT), nonce, key).hex() == SEALED
    sealed = bytearray.fromhex(SEALED)
    assert keys._open(bytes(sealed), nonce, key) == bytes.fromhex(TEXT)
    sealed[40] ^= 1
    assert keys._open(bytes(sealed), nonce, key) is None
    assert keys._open(b"short", nonce, key) is None


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_a_new_key_signs(passphrase: str) -> None:
    made = keys.generate(passphrase)
    signature = keys.sign(b"payload", made.private, passphrase)
    assert keys.verifies(b"payload", signature, made.public)
    assert not keys.verifies(b"another", signature, made.public)
    assert not keys.verifies(b"payload", signature, keys.generate().public)
    assert keys.public_of(made.private, passphrase) == made.public
    assert ("ENCRYPTED COSIGN PRIVATE KEY" in made.private) is bool(passphrase)


OPENSSL = {
    "P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "RSA": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "Ed25519": ["-algorithm", "ED25519"],
}


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("kind", OPENSSL)
def test_keys_of_openssl_sign(kind: str, protected: bool, tmp_path: Path) -> None:
    """PKCS#8 as openssl writes it, plain and encrypted; the public key is what openssl says."""
    path = tmp_path / "key.pem"
    cipher = ["-aes-256-cbc", "-pass", "pass:secret"] if protected else []
    subprocess.run(
        ["openssl", "genpkey", *OPENSSL[kind], *cipher, "-out", str(path)],
        check=True,
        capture_output=True,
    )
    opened = ["-passin", "pass:secret"] if protected else []
    public = subprocess.run(
        ["openssl", "pkey", "-in", str(path), *opened, "-pubout"], check=True, capture_output=True
    ).stdout.decode()
    word = "secret" if protected else ""
    private = path.read_text()
    assert keys.public_of(private, word) == public
    assert keys.verifies(b"payload", keys.sign(b"payload", private, word), public)


BOXED = keys.generate("right").private


@pytest.mark.parametrize(
    ("private", "passphrase", "complaint"),
    [
        ("", "", "the private key is not one in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "", "is not one in PEM"),
        (BOXED, "wrong", "does not open with this passphrase"),
        (BOXED, "", "does not open with this passphrase"),
        (BOXED.replace("COSIGN", "SIGSTORE"), "wrong", "does not open with this passphrase"),
        ("x" * (keys.KEY_LIMIT + 1), "", "is not one in PEM"),
    ],
)
def test_what_is_not_a_key_is_refused(private: str, passphrase: str, complaint: str) -> None:
    with pytest.raises(Error) as caught:
        keys.sign(b"", private, passphrase)
    assert complaint in str(caught.value)
    assert private not in str(caught.value) or not private


def test_both_names_of_the_box_are_read() -> None:
    other = BOXED.replace("COSIGN", "SIGSTORE")
    assert keys.public_of(other, "right") == keys.public_of(BOXED, "right")


@pytest.mark.parametrize(
    "public", ["", "PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]
)
def test_what_is_not_a_public_key_is_refused(public: str) -> None:
    with pytest.raises(Error, match="a public key is not one in PEM"):
        keys.verifies(b"", b"", public)
