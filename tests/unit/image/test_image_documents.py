# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests, indexes and configs that are not what they say, and the choice of a platform."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    manifest,
    platform,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store.platform import (
    Platform,
    choose,
    parse_platform,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.oci import Descriptor

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
CONFIG = {"mediaType": oci.CONFIG, "digest": A, "size": 2}
LAYER = {"mediaType": oci.LAYER_GZIP, "digest": B, "size": 3}
GOOD = {"schemaVersion": 2, "mediaType": oci.MANIFEST, "config": CONFIG, "layers": [LAYER]}


def parse(document: Any, media_type: str = oci.MANIFEST) -> manifest.Manifest:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    descriptor = Descriptor(media_type, oci.digest_of(data), len(data))
    return manifest.parse_manifest(data, descriptor, "it")


def test_a_manifest() -> None:
    found = parse(GOOD)
    assert (found.config.digest, [layer.digest for layer in found.layers]) == (A, [B])
    assert parse({**GOOD, "mediaType": oci.DOCKER_MANIFEST}, oci.DOCKER_MANIFEST).config.size == 2


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        # CVE-2021-41190: two engines must not read two images out of one document.
        ({**GOOD, "manifests": []}, "both"),
        ({**GOOD, "mediaType": oci.INDEX}, "says it is"),
        (b'{"schemaVersion":2,"config":{},"config":{},"layers":[]}', "duplicate"),
        # CVE-2024-3727: a digest is validated before it is a path.
        ({**GOOD, "config": {**CONFIG, "digest": "sha256:../../etc/passwd"}}, "digest"),
        ({**GOOD, "layers": [{**LAYER, "digest": A.upper()}]}, "digest"),
        ({**GOOD, "layers": [{**LAYER, "digest": A[:-1]}]}, "digest"),
        ({**GOOD, "layers": [{**LAYER, "size": -1}]}, "size"),
        ({**GOOD, "layers": [{**LAYER, "size": True}]}, "size"),
        ({**GOOD, "layers": [{**LAYER, "mediaType": "text/html"}]}, "unknown type"),
        ({**GOOD, "layers": [{**LAYER, "digest": "sha512:" + "a" * 128}]}, "sha256"),
        ({**GOOD, "layers": [LAYER] * 128}, "at most 127"),
        ({**GOOD, "layers": {}}, "layers"),
        ({**GOOD, "config": {**CONFIG, "size": 5 << 20}}, "more than"),
        ({**GOOD, "config": {**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"}},
         "not a container image"),
        ({**GOOD, "schemaVersion": 1}, "schema version"),
        (b"[]", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
    ],
)  # fmt: skip
def test_what_is_no_manifest(document: Any, complaint: str) -> None:
    with pytest.raises(Error, match=complaint):
        parse(document)


def test_an_index_may_not_be_an_image_too() -> None:
    entry = {"mediaType": oci.MANIFEST, "digest": A, "size": 9}
    document = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": [entry]}
    data = json.dumps(document).encode()
    assert [d.digest for d in manifest.parse_index(data, oci.INDEX, "it")] == [A]
    for key in ("layers", "config"):
        with pytest.raises(Error, match="both"):
            manifest.parse_index(json.dumps({**document, key: []}).encode(), oci.INDEX, "it")


IMAGE = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [A]}}


@pytest.mark.parametrize(
    "document",
    [
        {**IMAGE, "rootfs": {"type": "layers", "diff_ids": []}},
        {**IMAGE, "rootfs": {"type": "layers", "diff_ids": ["../x"]}},
        {**IMAGE, "rootfs": {"type": "tree", "diff_ids": [A]}},
        {**IMAGE, "os": None},
        {**IMAGE, "config": []},
        {**IMAGE, "config": {"Cmd": {"sh": "-c"}}},
        {**IMAGE, "config": {"Env": [1]}},
        {**IMAGE, "config": {"Labels": {"a": 1}}},
        {**IMAGE, "config": {"ExposedPorts": ["80"]}},
    ],
)
def test_what_is_no_config(document: Any) -> None:
    assert manifest.parse_config(json.dumps(IMAGE).encode(), 1, "it")["os"] == "linux"
    with pytest.raises(Error):
        manifest.parse_config(json.dumps(document).encode(), 1, "it")


def test_what_real_images_lack_or_say_otherwise() -> None:
    """Docker and containerd take all of these."""
    bare = {"rootfs": IMAGE["rootfs"], "config": {"Entrypoint": "/bin/app", "Cmd": "-v"}}
    config = manifest.parse_config(json.dumps(bare).encode(), 1, "it")
    assert config["config"] == {"Entrypoint": ["/bin/app"], "Cmd": ["-v"]}
    assert platform.of_image(config) == platform.host_platform()
    assert platform.of_image(IMAGE) == platform.Platform("linux", "amd64")
    assert parse({**GOOD, "layers": None}).layers == ()
    layer = {**LAYER, "mediaType": "application/vnd.docker.image.rootfs.diff.tar.zstd"}
    assert parse({**GOOD, "layers": [layer]}).layers[0].digest == B


def test_an_image_of_another_system_is_refused() -> None:
    platform.check_serves(IMAGE, "web")
    platform.check_serves({"architecture": "s390x"}, "web")
    with pytest.raises(Error, match="web is an image for windows/amd64"):
        platform.check_serves({**IMAGE, "os": "windows"}, "web")


def entry(digit: str, text: str) -> Descriptor:
    found = parse_platform(text)
    stated = {"os": found.os, "architecture": found.architecture, "variant": found.variant}
    return Descriptor(oci.MANIFEST, "sha256:" + digit * 64, 1, platform=stated if text else None)


@pytest.mark.parametrize(
    ("there", "wanted", "chosen"),
    [
        (["linux/arm64", "linux/amd64"], "linux/amd64", 1),
        (["linux/amd64", "linux/arm64/v8"], "linux/arm64", 1),
        (["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", 1),
        (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", 1),
        (["linux/arm/v7", "linux/arm/v6"], "linux/arm/v6", 1),
        (["windows/amd64", "linux/amd64"], "linux/amd64", 1),
        (["linux/386", "linux/x86_64"], "amd64", 1),
    ],
)
def test_the_platform_is_chosen(there: list[str], wanted: str, chosen: int) -> None:
    entries = [entry(str(number), text) for number, text in enumerate(there)]
    assert choose(entries, parse_platform(wanted), "it") == entries[chosen]


def test_what_there_is_stands_in_the_error() -> None:
    attestation = Descriptor(
        oci.MANIFEST, A, 1, platform={"os": "unknown", "architecture": "unknown"}
    )
    entries = [entry("1", "linux/arm/v7"), entry("2", "linux/s390x"), attestation]
    with pytest.raises(Error, match=r"it has linux/arm/v7, linux/s390x;"):
        choose(entries, Platform("linux", "amd64"), "it")
    # arm of a later version does not run on an earlier one.
    with pytest.raises(Error):
        choose(entries, parse_platform("linux/arm/v6"), "it")


def test_an_index_of_one_image_need_not_say_for_what() -> None:
    only = Descriptor(oci.MANIFEST, A, 1)
    assert choose([only], Platform("linux", "amd64"), "it") == only


def test_linux_is_the_platform_of_the_host() -> None:
    assert parse_platform("linux") == platform.host_platform() == parse_platform(" Linux ")


@pytest.mark.parametrize("text", ["", "linux/", "a/b/c/d", "linux/am d64", "../x"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(Error):
        parse_platform(text)
