# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking an image up reads the documents of that image alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.build import assemble
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    blobs,
    index,
    store,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)

COUNT = 5


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A store of a few images, the last of which is there as OCI's manifest and as Docker's."""
    made = Layout(tmp_path / "root", tmp_path / "run", tmp_path / "etc")
    files.prepare(made)
    for number in range(COUNT):
        document = {
            "os": "linux",
            "architecture": "amd64",
            "config": {"Env": [f"N={number}"]},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        manifest = assemble.put_image(made, document, ())
        index.tag(made, parse_normalized(f"img{number}:1"), manifest)
    twin = json.loads(blobs.read(made, manifest))
    twin["mediaType"] = oci.DOCKER_MANIFEST
    twin["config"]["mediaType"] = oci.DOCKER_CONFIG
    other = blobs.put(made, json.dumps(twin).encode(), oci.DOCKER_MANIFEST)
    index.tag(made, parse_normalized("twin:1"), other)
    return made


def without_configs(layout: Layout) -> None:
    """What an earlier release wrote."""
    document = json.loads(layout.index.read_text())
    for entry in document["manifests"]:
        assert entry["annotations"].pop(index.CONFIG)
    layout.index.write_text(json.dumps(document))


def test_nothing_of_others_is_read(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = store.find(layout, "img2:1")
    assert wanted is not None
    read: list[str] = []
    inner = blobs.read

    def noting(layout: Layout, descriptor: oci.Descriptor) -> bytes:
        read.append(descriptor.digest)
        return inner(layout, descriptor)

    monkeypatch.setattr(blobs, "read", noting)
    own = [wanted.manifest.digest, wanted.id]
    for text in ("img2:1", f"img2@{wanted.manifest.digest}", wanted.id, wanted.id[7:20]):
        read.clear()
        assert store.find(layout, text) == wanted
        assert read == own, text
    without_configs(layout)
    read.clear()
    assert store.find(layout, "img2:1") == wanted and len(read) > COUNT


@pytest.mark.parametrize("old", [False, True])
def test_an_image_with_two_manifests_is_one(layout: Layout, old: bool) -> None:
    if old:
        without_configs(layout)
    found = store.find(layout, "twin:1")
    assert found is not None
    assert found.names == (f"docker.io/library/img{COUNT - 1}:1", "docker.io/library/twin:1")
    assert len(store.all_images(layout)) == COUNT
    assert store.find(layout, found.id[:30]) is not None
    # A name that moves keeps what the entry says, and one that is new says it again.
    index.untag(layout, parse_normalized("twin:1"))
    index.tag(layout, parse_normalized(f"img{COUNT - 1}:1"), found.manifest)
    assert store.find(layout, f"img{COUNT - 1}:1") is not None
