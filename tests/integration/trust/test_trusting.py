# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing and verifying as users do: in plays, and at the prompt."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from support import containers
from support.containers import World
from support.inputs import images
from support.plays import Play, Run
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import keys

ONE, TWO = keys.generate("canary-7c1d passphrase"), keys.generate()
SIGN = {"key": ONE.private, "passphrase": "canary-7c1d passphrase"}


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


@pytest.fixture
def world(layout: Layout, sandbox: Path, busybox_tar: Path) -> Iterator[World]:
    with containers.world(layout, sandbox, busybox_tar) as made:
        yield made


def task(module: str, **options: Any) -> dict[str, Any]:
    return {"name": module, f"slipway.engine.{module}": options, "register": "result"}


def wants(*pairs: keys.KeyPair, **more: Any) -> dict[str, Any]:
    return {"public_keys": [pair.public for pair in pairs], **more}


def imported(tmp_path: Path, name: str, text: bytes = b"one\n") -> dict[str, Any]:
    tar = tmp_path / f"{text.strip().decode()}.tar"
    tar.write_bytes(images.tar({"etc": None, "etc/name": text}))
    return task("image_import", name=name, src=str(tar))


def failed(run: Run, complaint: str) -> bool:
    return run.status != 0 and complaint in run.output


def test_push_signed_pull_verified(
    layout: Layout, play: Play, registry: Registry, tmp_path: Path
) -> None:
    name = f"{registry.host}/shop/web:1"
    push = [imported(tmp_path, name), task("image_push", name=name, sign=SIGN)]
    foretold = play.tasks(push, "--check", "--diff")
    assert foretold.status == 0, foretold.output
    done = play.tasks(push, "-vvv", "--diff")
    assert done.status == 0, done.output
    actions = [one["results"][0]["actions"] for one in (foretold.record[1], done.record[1])]
    assert actions == [[f"Pushed image {name}", f"sign image {name}"]] * 2
    body = "".join(ONE.private.split("\n")[1:-2])
    for secret in ("canary-7c1d", body[:40], "ENCRYPTED COSIGN"):
        assert secret not in done.output + foretold.output
    again = play.tasks(push)
    assert (again.status, again.changed) == (0, 0), again.output

    pull = task("image_pull", name=name, require_signature=wants(ONE))
    gone = task("image_remove", name=name, force=True)
    other = task("image_pull", name=name, require_signature=wants(TWO))
    refused = play.tasks([gone, other])
    assert failed(refused, "is not signed by a given key: signature 1 is not of one of the given")
    assert store.find(layout, name) is None
    warned = play.tasks([other], "--check")
    assert warned.status == 0 and "is not signed by a given key" in warned.output
    assert play.tasks([pull]).changed == 1
    assert play.tasks([pull]).changed == 0
    both = task("image_pull", name=name, require_signature=wants(ONE, TWO, threshold=2))
    assert failed(play.tasks([both]), "is signed by 1 of the 2 keys it needs")
    fingerprints = f"result.fingerprints == ['{keys.fingerprint(ONE.public)}']"
    verified = play.tasks(
        [
            task("image_verify", name=name, **wants(ONE, TWO)),
            {"ansible.builtin.assert": {"that": fingerprints}},
        ]
    )
    assert verified.status == 0, verified.output
    assert failed(play.tasks([task("image_verify", name=name, **wants(TWO))]), "is not signed by")
    second = play.tasks([task("image_sign", name=name, key=TWO.private), both])
    assert second.status == 0 and second.changed == 1, second.output


def test_what_was_signed_is_meant(
    layout: Layout, play: Play, registry: Registry, tmp_path: Path
) -> None:
    """Another image under the tag, and the signed one under another tag, are refused."""
    first, second = (f"{registry.host}/shop/web:{tag}" for tag in "12")
    made = play.tasks(
        [
            imported(tmp_path, first),
            task("image_push", name=first, sign=SIGN),
            task("image_tag", name=first, repository=[second]),
            task("image_push", name=second),
            imported(tmp_path, first, b"two\n"),
            task("image_push", name=first),
            task("image_remove", name=first),
            task("image_remove", name=second),
        ]
    )
    assert made.status == 0, made.output

    def pull(name: str, **more: Any) -> Run:
        return play.tasks([task("image_pull", name=name, require_signature=wants(ONE, **more))])

    assert failed(pull(first), "is not signed")
    assert failed(pull(second), f"signature 1 is for the name '{first}'")
    accepted = pull(second, identity="repository")
    assert accepted.status == 0, accepted.output


@pytest.fixture(params=["slipway", "containers"])
def policy_file(request: pytest.FixtureRequest, layout: Layout) -> Iterator[Path]:
    """The policy that applies: the engine's own beside one that nothing meets, or that of all."""
    shared = layout.shared_policy_file
    before = shared.read_text()
    shared.write_text('{"default": [{"type": "reject"}]}')
    yield layout.policy_file if request.param == "slipway" else shared
    shared.write_text(before)


def test_the_policy_of_the_host(
    policy_file: Path, layout: Layout, play: Play, registry: Registry, tmp_path: Path
) -> None:
    name, plain = (f"{registry.host}/shop/{image}:1" for image in ("signed", "plain"))
    made = play.tasks(
        [
            imported(tmp_path, name),
            task("image_push", name=name, sign=SIGN),
            task("image_remove", name=name),
            imported(tmp_path, plain, b"plain\n"),
            task("image_push", name=plain),
            task("image_remove", name=plain),
        ]
    )
    assert made.status == 0, made.output
    data = base64.b64encode(ONE.public.encode()).decode()
    needed = [{"type": "sigstoreSigned", "keyData": data}]
    document: dict[str, Any] = {
        "default": [{"type": "reject"}],
        "transports": {"docker": {f"{registry.host}/shop": needed}},
    }
    policy_file.write_text(json.dumps(document))
    run = {"state": "present", "command": ["/bin/true"], "network_mode": "none"}
    for image in (
        task("image_pull", name=plain),
        task("image", name=plain, source="pull"),
        task("container", name="plain", image=plain, **run),
    ):
        assert failed(play.tasks([image]), "is not signed"), image
        warned = play.tasks([image], "--check")
        assert warned.status == 0 and "is not signed" in warned.output
    elsewhere = task("image_pull", name=f"{registry.host}/other:1")
    assert play.tasks([elsewhere]).status != 0
    accepted = play.tasks([task("container", name="signed", image=name, **run)])
    assert accepted.status == 0, accepted.output
    document["transports"]["docker"][f"{registry.host}/shop"] = [{"type": "signedBy"}]
    policy_file.write_text(json.dumps(document))
    again = [task("image_remove", name=name, force=True), task("image_pull", name=name)]
    assert failed(play.tasks(again), "requirements of type 'signedBy' are not supported")
    # Where the policy of the host is only linked to, its loss does not open the host.
    policy_file.unlink()
    policy_file.symlink_to(tmp_path / "gone.json")
    assert failed(play.tasks(again), "there is no policy file")
    assert failed(play.tasks([task("container", name="new", image=name, **run)]), "no policy file")
    policy_file.unlink()
    if policy_file != layout.shared_policy_file:
        assert failed(play.tasks(again), "is refused: the policy refuses it")
        layout.shared_policy_file.unlink()
    assert play.tasks(again).status == 0


def test_a_container_of_a_verified_image_needs_no_registry(
    layout: Layout, play: Play, registry: Registry, tmp_path: Path
) -> None:
    name = f"{registry.host}/shop/web:1"
    made = play.tasks(
        [
            imported(tmp_path, name),
            task("image_push", name=name, sign=SIGN),
            task("image_remove", name=name),
            task("image_pull", name=name, require_signature=wants(ONE)),
        ]
    )
    assert made.status == 0, made.output
    registry.stop()

    def container(pair: keys.KeyPair) -> dict[str, Any]:
        return task(
            "container", name="web", image=name, state="present", command=["/x"],
            network_mode="none", require_signature=wants(pair),
        )  # fmt: skip

    assert play.tasks([container(TWO)]).status != 0
    accepted = play.tasks([container(ONE)])
    assert accepted.status == 0, accepted.output
    assert play.tasks([container(ONE)]).changed == 0
    # What is only wrong with the signature of a container that runs is told, too.
    assert play.tasks([container(TWO)]).status != 0


def test_trust_at_the_prompt(world: World, registry: Registry, tmp_path: Path) -> None:
    name = f"{registry.host}/shop/busybox:1"
    world.slipway("tag", "busybox:1", name)
    world.slipway("push", name)

    def program(*words: str, stdin: Optional[bytes] = None) -> Any:
        return world.slipway(*words, check=False, stdin=stdin)

    made = program("trust", "key", "generate", "ours", "--dir", str(tmp_path), stdin=b"pass\n")
    assert made.returncode == 0, made.stderr
    private, public = tmp_path / "ours.key", tmp_path / "ours.pub"
    assert private.stat().st_mode & 0o777 == 0o600
    assert "ENCRYPTED COSIGN PRIVATE KEY" in private.read_text()
    again = program("trust", "key", "generate", "ours", "--dir", str(tmp_path), stdin=b"\n")
    assert again.returncode == 1 and b"exists already" in again.stderr
    wrong = program("trust", "sign", name, "--key", str(private), stdin=b"other\n")
    assert wrong.returncode == 1 and b"does not open" in wrong.stderr
    signed = program("trust", "sign", name, "--key", str(private), stdin=b"pass\n")
    assert signed.stdout.decode() == f"Successfully signed {name}\n", signed.stderr
    signed = program("trust", "sign", name, "--key", str(private), stdin=b"pass\n")
    assert signed.stdout.decode() == f"Already signed {name}\n"

    def inspect() -> Any:
        done = program("trust", "inspect", name, "--key-file", str(public))
        return json.loads(done.stdout)[0]["Signatures"]

    (one,) = inspect()
    assert (one["SignedName"], one["VerifiedBy"]) == (name, [keys.fingerprint(public.read_text())])
    gone = program("trust", "revoke", name, "--key-file", str(public), "-y")
    assert gone.stdout.decode() == f"Successfully deleted signature for {name}\n", gone.stderr
    assert inspect() == []
    missing = program("trust", "revoke", name, "-y")
    assert missing.returncode == 1 and b"has no such signature" in missing.stderr
