# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image needs: the scopes and requirements of a policy, names in signatures, payloads."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import (
    keys,
    payload,
    policy,
    verify,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust.attached import (
    Signature,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust.policy import (
    Identity,
    Requirements,
    Signed,
)

ONE, TWO, THREE = (keys.generate() for dummy in range(3))
KEY = base64.b64encode(ONE.public.encode()).decode()
SIGNED = {"type": "sigstoreSigned", "keyData": KEY}
ANYTHING = {"type": "insecureAcceptAnything"}
REJECT = {"type": "reject"}
NAME = parse_normalized("registry.example.org:5000/shop/web:7")
DIGEST = "sha256:" + "5" * 64


def of(document: Any, name: str = NAME.canonical) -> Requirements:
    return policy.requirements(document, parse_normalized(name), "policy.json")


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ("registry.example.org:5000/shop/web:7", True),
        ("registry.example.org:5000/shop/web", True),
        ("registry.example.org:5000/shop", True),
        ("registry.example.org:5000", True),
        ("*.example.org", True),
        ("*.org", True),
        ("", True),
        ("registry.example.org:5000/shop/web:8", False),
        ("registry.example.org:5000/shop/we", False),
        ("registry.example.org", False),
        ("example.org", False),
        ("*.registry.example.org", False),
    ],
)
def test_a_scope_applies(scope: str, applies: bool) -> None:
    found = of({"default": [ANYTHING], "transports": {"docker": {scope: [REJECT]}}})
    assert bool(found.rejected) is applies
    assert ("default" in found.scope) is not applies


def test_the_most_specific_scope_decides_alone() -> None:
    scopes = {"": [REJECT], "*.org": [REJECT], "registry.example.org:5000/shop/web": [SIGNED]}
    found = of({"default": [REJECT], "transports": {"docker": scopes}})
    assert found.signed == (Signed((ONE.public,)),)
    assert not found.rejected


def test_an_image_of_the_hub_has_its_whole_name() -> None:
    document = {"default": [REJECT], "transports": {"docker": {"docker.io/library": [ANYTHING]}}}
    assert not of(document, "busybox").rejected
    assert of(document, "somebody/busybox").rejected


def test_keys_may_lie_in_files(tmp_path: Path) -> None:
    path = tmp_path / "cosign.pub"
    path.write_text(ONE.public)
    found = of({"default": [{"type": "sigstoreSigned", "keyPath": str(path)}]})
    assert found.signed[0].keys == (ONE.public,)
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"default": [REJECT]}))
    assert policy.read(file, NAME).rejected
    with pytest.raises(Error, match="there is no policy file"):
        policy.read(tmp_path / "none", NAME)


@pytest.mark.parametrize(
    ("requirement", "complaint"),
    [
        ({"type": "signedBy", "keyType": "GPGKeys"}, "type 'signedBy' are not supported"),
        ({**SIGNED, "fulcio": {}}, "fulcio is not supported"),
        ({**SIGNED, "rekorPublicKeyPath": "/x"}, "rekorPublicKeyPath is not supported"),
        ({"type": "sigstoreSigned", "pki": {}}, "pki is not supported"),
        ({"type": "sigstoreSigned"}, "needs exactly one of"),
        ({**SIGNED, "keyPath": "/x"}, "needs exactly one of"),
        ({"type": "sigstoreSigned", "keyPath": "/nowhere/key"}, "cannot be read"),
        ({"type": "sigstoreSigned", "keyData": "%"}, "is not a key in base64"),
        ({**SIGNED, "signedIdentity": {"type": "matchAll"}}, "is not one of matchExact"),
        ({**SIGNED, "signedIdentity": {"type": "exactReference"}}, "needs dockerReference"),
        ({**SIGNED, "signedIdentity": {"type": "matchExact", "x": 1}}, "x is not supported"),
        ("reject", "type 'None' are not supported"),
    ],
)
def test_what_is_not_understood_is_refused(requirement: Any, complaint: str) -> None:
    with pytest.raises(Error) as caught:
        of({"default": [requirement]})
    assert complaint in str(caught.value)


@pytest.mark.parametrize("document", [{}, {"default": []}, {"default": [ANYTHING], "x": 1}])
def test_what_is_not_a_policy_is_refused(document: Any) -> None:
    with pytest.raises(Error):
        of(document)


HERE = "registry.example.org:5000/shop/web"


@pytest.mark.parametrize(
    ("rule", "pulled", "signed", "accepted"),
    [
        (Identity(), f"{HERE}:7", f"{HERE}:7", True),
        (Identity(), f"{HERE}:7", f"{HERE}:6", False),
        (Identity(), f"{HERE}:7", HERE, False),
        (Identity(), f"{HERE}@{DIGEST}", f"{HERE}:6", True),
        (Identity(), f"{HERE}@{DIGEST}", HERE, True),
        (Identity(), f"{HERE}@{DIGEST}", "registry.example.org:5000/shop/other", False),
        (Identity(), "busybox", "docker.io/library/busybox:latest", True),
        (Identity(), "busybox", "docker.io/library/busybox", False),
        (Identity(policy.MATCH_EXACT), f"{HERE}:7", f"{HERE}:7", True),
        (Identity(policy.MATCH_EXACT), f"{HERE}@{DIGEST}", f"{HERE}:7", False),
        (Identity(policy.MATCH_REPOSITORY), f"{HERE}:7", HERE, True),
        (Identity(policy.MATCH_REPOSITORY), f"{HERE}:7", f"{HERE}:6", True),
        (Identity(policy.MATCH_REPOSITORY), f"{HERE}:7", f"{HERE}x:7", False),
        (Identity(policy.EXACT_REFERENCE, "a.org/b:1"), f"{HERE}:7", "a.org/b:1", True),
        (Identity(policy.EXACT_REFERENCE, "a.org/b:1"), f"{HERE}:7", f"{HERE}:7", False),
        (Identity(policy.EXACT_REPOSITORY, "a.org/b"), f"{HERE}:7", "a.org/b:9", True),
        (Identity(policy.EXACT_REPOSITORY, "a.org/b"), f"{HERE}:7", "a.org/c:9", False),
        (Identity(policy.REMAP, HERE, "a.org/b"), f"{HERE}:7", "a.org/b:7", True),
        (Identity(policy.REMAP, HERE, "a.org/b"), f"{HERE}:7", "a.org/b:6", False),
        (
            Identity(policy.REMAP, "registry.example.org:5000", "a.org"),
            f"{HERE}:7",
            "a.org/shop/web:7",
            True,
        ),
        (Identity(policy.REMAP, "other.org", "a.org"), f"{HERE}:7", f"{HERE}:7", True),
        (Identity(), f"{HERE}:7", "not a name:::", False),
    ],
)
def test_a_name_is_accepted(rule: Identity, pulled: str, signed: str, accepted: bool) -> None:
    assert policy.accepts(rule, parse_normalized(pulled), signed) is accepted


def signature(key: keys.KeyPair, name: str = NAME.canonical, digest: str = DIGEST) -> Signature:
    data = payload.make(parse_normalized(name), digest)
    return Signature(data, keys.sign(data, key.private))


def forged() -> Signature:
    """A good signature over other bytes."""
    good = signature(ONE)
    return Signature(good.payload.replace(b"shop", b"shoq"), good.signature)


OTHER_TYPE = json.loads(payload.make(NAME, DIGEST))
OTHER_TYPE["critical"]["type"] = "atomic container signature"
SMUGGLED = json.loads(payload.make(NAME, DIGEST))
SMUGGLED["critical"]["extra"] = 1


def signed_document(document: Any) -> Signature:
    data = json.dumps(document).encode()
    return Signature(data, keys.sign(data, ONE.private))


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        ([], "is not signed"),
        ([signature(TWO)], "signature 1 is not of one of the given keys"),
        ([forged()], "signature 1 is not of one of the given keys"),
        ([signature(ONE, digest="sha256:" + "6" * 64)], "signature 1 is of another image"),
        ([signature(ONE, f"{HERE}:6")], "is for the name"),
        ([signature(ONE, "registry.example.org:5000/shop/other:7")], "is for the name"),
        ([signed_document(OTHER_TYPE)], "critical.type is not"),
        ([signed_document(SMUGGLED)], "critical.extra is not a member"),
        ([signature(TWO), signature(ONE, f"{HERE}:6")], "signature 2 is for the name"),
    ],
)
def test_an_image_is_refused(found: list[Signature], complaint: str) -> None:
    with pytest.raises(verify.Untrusted) as caught:
        verify.check(Requirements((Signed((ONE.public,)),)), NAME, DIGEST, found)
    assert complaint in str(caught.value)


def test_an_image_is_accepted() -> None:
    needed = Requirements((Signed((TWO.public, ONE.public)),))
    found = [signature(THREE), forged(), signature(ONE)]
    verified = verify.check(needed, NAME, DIGEST, found)
    assert verified.fingerprints == (keys.fingerprint(ONE.public),)
    assert verified.signatures == (found[2],)


def test_a_threshold_counts_keys_and_not_signatures() -> None:
    two_of_three = Requirements((Signed((ONE.public, TWO.public, THREE.public), threshold=2),))
    twice = [signature(ONE), signature(ONE)]
    with pytest.raises(verify.Untrusted, match="is signed by 1 of the 2 keys it needs"):
        verify.check(two_of_three, NAME, DIGEST, twice)
    assert (
        len(verify.check(two_of_three, NAME, DIGEST, [*twice, signature(THREE)]).fingerprints) == 2
    )


def test_every_requirement_counts() -> None:
    both = Requirements((Signed((ONE.public,)), Signed((TWO.public,))))
    with pytest.raises(verify.Untrusted):
        verify.check(both, NAME, DIGEST, [signature(ONE)])
    assert len(verify.check(both, NAME, DIGEST, [signature(ONE), signature(TWO)]).fingerprints) == 2


def test_a_policy_that_refuses_does_so_whatever_is_signed() -> None:
    with pytest.raises(verify.Untrusted, match="the policy refuses it"):
        verify.check(of({"default": [REJECT]}), NAME, DIGEST, [signature(ONE)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"critical":{},"critical":{}}',
        b'{"critical":1,"optional":null}',
        b'{"critical":{"identity":{"docker-reference":"a"},"image":{"docker-manifest-digest":"sha256:x"},'
        b'"type":"cosign container image signature"},"optional":null}',
        b" " * (payload.LIMIT + 1),
    ],
)
def test_what_is_not_a_payload_is_refused(data: bytes) -> None:
    with pytest.raises(Error):
        payload.parse(data, "signature 1")


def test_a_payload_survives_its_form() -> None:
    made = payload.make(NAME, DIGEST)
    assert payload.parse(made, "x") == payload.Payload(DIGEST, NAME.canonical)
    assert payload.make(NAME, DIGEST) == made
