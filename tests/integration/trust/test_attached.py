# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures in a real registry, and skopeo's opinion of them: what we sign it accepts, what it
signs we do, and what one refuses the other refuses too.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from support.fetched import newer_skopeo
from support.servers.registry import Registry as Server

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.client import (
    Registry,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.settings import (
    RegistrySettings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    Reference,
    parse_normalized,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import (
    attached,
    keys,
    payload,
    policy,
    verify,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust.attached import (
    Signature,
)

ONE, TWO = keys.generate(), keys.generate("secret")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "registry")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Registry]:
    with Registry(server.host, RegistrySettings(insecure=True)) as made:
        yield made


def push(client: Registry, server: Server, tag: str = "1", text: str = "") -> Reference:
    """An image of one empty layer; its reference has its digest's tag."""
    config = json.dumps({"os": "linux", "architecture": "amd64", "comment": text}).encode()
    layer = b"\0" * 1024
    for content in (config, layer):
        attached._upload(client, "shop/web", content)
    described = [
        {"mediaType": kind, "digest": oci.digest_of(content), "size": len(content)}
        for kind, content in ((oci.CONFIG, config), (oci.LAYER, layer))
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": described[0],
        "layers": described[1:],
    }
    client.put_manifest("shop/web", tag, oci.MANIFEST, json.dumps(manifest).encode())
    return parse_normalized(f"{server.host}/shop/web:{tag}")


def signed(reference: Reference, digest: str, key: str, word: str = "") -> Signature:
    data = payload.make(reference, digest)
    return Signature(data, keys.sign(data, key, word))


def skopeo(*words: str, policy_file: Optional[Path] = None) -> subprocess.CompletedProcess[str]:
    chosen = ["--policy", str(policy_file)] if policy_file else ["--insecure-policy"]
    return subprocess.run(
        [*newer_skopeo.command(), *chosen, *words], capture_output=True, text=True, check=False
    )


@pytest.fixture
def accepted_by_skopeo(tmp_path: Path) -> Any:
    """Whether skopeo copies an image under a policy that wants it signed by a key."""

    def copies(
        reference: Reference, public: str, identity: Optional[dict[str, str]] = None
    ) -> bool:
        requirement = {
            "type": "sigstoreSigned",
            "keyData": base64.b64encode(public.encode()).decode(),
            **({"signedIdentity": identity} if identity else {}),
        }
        place = tmp_path / "skopeo"
        (place / "registries.d").mkdir(parents=True, exist_ok=True)
        (place / "registries.d" / "all.yaml").write_text(
            "default-docker:\n  use-sigstore-attachments: true\n"
        )
        file = place / "policy.json"
        file.write_text(json.dumps({"default": [requirement]}))
        done = skopeo(
            "--registries.d", str(place / "registries.d"), "copy", "--src-tls-verify=false",
            "--remove-signatures", f"docker://{reference}", f"dir:{place / 'copy'}",
            policy_file=file,
        )  # fmt: skip
        return done.returncode == 0

    return copies


def accepted_by_us(
    client: Registry, reference: Reference, public: str, identity: policy.Identity
) -> bool:
    digest = client.resolve("shop/web", reference.wanted).digest
    found = attached.read(client, "shop/web", digest)
    needed = policy.Requirements((policy.Signed((public,), identity),))
    try:
        verify.check(needed, reference, digest, found)
    except verify.Untrusted:
        return False
    return True


def test_skopeo_and_we_agree(server: Server, client: Registry, accepted_by_skopeo: Any) -> None:
    image = push(client, server)
    other = parse_normalized(f"{server.host}/shop/other:1")
    bare = Reference(image.domain, image.path, None, None)
    digest = client.resolve("shop/web", "1").digest
    elsewhere = "sha256:" + "7" * 64
    rows = (
        ("unsigned", None, False, False),
        ("with its tag", signed(image, digest, ONE.private), True, True),
        ("of the repository", signed(bare, digest, ONE.private), False, True),
        ("another key", signed(image, digest, TWO.private, "secret"), False, False),
        ("another image", signed(image, elsewhere, ONE.private), False, False),
        ("another repository", signed(other, digest, ONE.private), False, False),
    )
    for number, (what, signature, exact, repository) in enumerate(rows):
        tagged = push(client, server, "1", text=str(number))
        digest = client.resolve("shop/web", "1").digest
        if signature is not None:
            said = json.loads(signature.payload)
            if said["critical"]["image"]["docker-manifest-digest"] != elsewhere:
                said["critical"]["image"]["docker-manifest-digest"] = digest
            data = json.dumps(said).encode()
            pair = TWO if what == "another key" else ONE
            word = "secret" if pair is TWO else ""
            attached.add(
                client, "shop/web", digest, Signature(data, keys.sign(data, pair.private, word))
            )
        for rule, expected in (
            (policy.MATCH_REPO_DIGEST, exact),
            (policy.MATCH_REPOSITORY, repository),
        ):
            mine = accepted_by_us(client, tagged, ONE.public, policy.Identity(rule))
            theirs = accepted_by_skopeo(tagged, ONE.public, {"type": rule})
            assert (mine, theirs) == (expected, expected), f"{what} under {rule}"


def test_we_accept_what_skopeo_signs(server: Server, client: Registry, tmp_path: Path) -> None:
    image = push(client, server)
    key, word = tmp_path / "cosign.key", tmp_path / "word"
    key.write_text(TWO.private)
    word.write_text("secret")
    config = tmp_path / "registries.d"
    config.mkdir()
    (config / "all.yaml").write_text("default-docker:\n  use-sigstore-attachments: true\n")
    done = skopeo(
        "--registries.d", str(config), "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
        "--sign-by-sigstore-private-key", str(key), "--sign-passphrase-file", str(word),
        f"docker://{image}", f"docker://{server.host}/shop/web:2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    copied = parse_normalized(f"{server.host}/shop/web:2")
    assert accepted_by_us(client, copied, TWO.public, policy.Identity())
    assert not accepted_by_us(client, copied, ONE.public, policy.Identity())


def test_signatures_are_added_and_none_is_lost(server: Server, client: Registry) -> None:
    image = push(client, server)
    digest = client.resolve("shop/web", "1").digest
    assert attached.read(client, "shop/web", digest) == ()
    one, two = signed(image, digest, ONE.private), signed(image, digest, TWO.private, "secret")
    attached.add(client, "shop/web", digest, one)
    attached.add(client, "shop/web", digest, two)
    attached.add(client, "shop/web", digest, one)
    assert attached.read(client, "shop/web", digest) == (one, two)


def test_too_many_signatures_are_refused(server: Server, client: Registry) -> None:
    image = push(client, server)
    digest = client.resolve("shop/web", "1").digest
    many = [Signature(payload.make(image, digest), bytes([n])) for n in range(attached.MOST)]
    attached._write(client, "shop/web", digest, many)
    assert len(attached.read(client, "shop/web", digest)) == attached.MOST
    with pytest.raises(Error, match="readers look at no more"):
        attached.add(client, "shop/web", digest, signed(image, digest, ONE.private))
    layer = {"mediaType": attached.LAYER, "digest": digest, "size": 1}
    manifest = {"schemaVersion": 2, "mediaType": oci.MANIFEST, "layers": [layer] * 65}
    with pytest.raises(Error, match="are 65, and no more than 64"):
        attached._layers(json.dumps(manifest).encode(), "the signatures")


@pytest.mark.parametrize("size", [payload.LIMIT + 1, 1 << 40])
def test_a_large_payload_is_not_fetched(size: int, server: Server, client: Registry) -> None:
    push(client, server)
    digest = client.resolve("shop/web", "1").digest
    notes = {attached.ANNOTATION: "AAAA"}
    layer = {"mediaType": attached.LAYER, "digest": digest, "size": size, "annotations": notes}
    config = {"mediaType": oci.CONFIG, "digest": digest, "size": 1}
    manifest = {"schemaVersion": 2, "mediaType": oci.MANIFEST, "config": config, "layers": [layer]}
    where = attached.tag(digest)

    class Lying(Registry):
        def manifest(self, repository: str, reference: str) -> tuple[oci.Descriptor, bytes]:
            assert reference == where
            data = json.dumps(manifest).encode()
            return oci.Descriptor(oci.MANIFEST, oci.digest_of(data), len(data)), data

    with (
        Lying(server.host, RegistrySettings(insecure=True)) as lying,
        pytest.raises(Error, match="layer 0 is too large"),
    ):
        attached.read(lying, "shop/web", digest)
