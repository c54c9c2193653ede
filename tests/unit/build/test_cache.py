# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cache_from and cache_to say, and which steps a cache gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.cache import (
    Place,
    source,
    target,
    with_paths,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.shared import (
    form,
    given,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store.step_cache import (  # noqa: E501
    Kept,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.oci import Descriptor

DIGEST = "sha256:" + "a" * 64
TO = "type=registry,ref=user/app:cache,mode=max,image-manifest=true,compression=zstd"


@pytest.mark.parametrize(
    ("read", "text", "wanted"),
    [
        (source, "user/app:cache", Place("registry", "docker.io/user/app:cache")),
        (source, "type=registry,ref=x", Place("registry", "docker.io/library/x:latest")),
        (source, "type=local,src=/x", Place("local", "/x")),
        (source, f"type=local,src=/x,tag=t,digest={DIGEST}", Place("local", "/x", "t", DIGEST)),
        (source, "type=gha,scope=x", Place("gha")),
        (target, TO, Place("registry", "docker.io/user/app:cache", everything=True)),
        (target, "type=local,dest=/x,tag=t", Place("local", "/x", "t")),
        (target, "type=local,dest=/x,ignore-error=true", Place("local", "/x", optional=True)),
        (target, "type=inline", Place("inline")),
    ],
)
def test_a_place(read: Any, text: str, wanted: Place) -> None:
    assert read(text) == wanted


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (source, "type=registry", "requires ref=NAME"),
        (source, "type=local,dest=/x", "has the unknown attribute 'dest'"),
        (source, "type=local,src=/x,digest=sha256:../../x", "is not a digest"),
        (source, "type=registry,ref=a/UPPER", "UPPER"),
        (source, "type=registry,x", "'x' is not NAME=VALUE"),
        (target, "type=gha", "the type 'gha' is not supported"),
        (target, "type=local", "requires dest=DIRECTORY"),
        (target, "type=local,dest=/x,mode=most", "the mode 'most' is neither min nor max"),
        (target, f"type=registry,ref=x@{DIGEST}", "names a digest"),
    ],
)
def test_what_is_no_place(read: Any, text: str, said: str) -> None:
    with pytest.raises(Error) as told:
        read(text)
    assert said in told.value.message


def test_paths_of_a_place() -> None:
    def resolve(path: str) -> str:
        return str(Path("/top") / path)

    assert with_paths("type=local,src=c,tag=t", resolve) == "type=local,src=/top/c,tag=t"
    assert with_paths("type=registry,ref=src", resolve) == "type=registry,ref=src"


def step(number: int, parent: str, wrote: bool = True) -> Kept:
    if not wrote:
        return Kept(parent, "", "2026-01-01T00:00:00Z", "RUN true")
    digest = f"sha256:{number:064x}"
    layer = Descriptor(oci.LAYER_GZIP, digest, number)
    return Kept(parent, digest, "2026-01-01T00:00:00Z", f"RUN {number}", layer)


BOTTOM = step(1, "")
TOP = step(2, BOTTOM.chain_id)
USED = {
    "1" * 64: BOTTOM,
    "2" * 64: TOP,
    "3" * 64: step(3, BOTTOM.chain_id),
    "4" * 64: step(0, BOTTOM.chain_id, wrote=False),
    "5" * 64: step(0, step(3, BOTTOM.chain_id).chain_id, wrote=False),
}


def test_which_steps_a_cache_gets() -> None:
    chain = (BOTTOM.chain_id, TOP.chain_id)
    assert set(given.chosen(USED, chain, everything=False)) == {"1" * 64, "2" * 64, "4" * 64}
    assert given.chosen(USED, chain, everything=True) == USED


def described() -> tuple[bytes, bytes]:
    config = form.config(USED)
    at = Descriptor(form.CONFIG, oci.digest_of(config), len(config))
    return form.document(at, form.layers(USED)), config


def test_what_is_written_is_read() -> None:
    manifest, config = described()
    at, layers = form.read_manifest(manifest, "it")
    assert (at.digest, len(layers)) == (oci.digest_of(config), 3)
    found = form.read_config(config, layers, "it")
    assert {key: (kept.diff_id, kept.layer) for key, kept in found.items()} == {
        key: (kept.diff_id, kept.layer) for key, kept in USED.items()
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"form":1', b'"form":2', "has a form that is not known here"),
        (b'"' + b"1" * 64 + b'"', b'"../../x"', "is not a step"),
        (b'"diff_id":"sha256:', b'"diff_id":"../../', "has a layer that the cache does not have"),
        (b'"layer":"sha256:0', b'"layer":"sha256:f', "has a layer that the cache does not have"),
        (b"2026-01-01T", b"2026-01-01 ", "which is not a time"),
        (b'"text":"RUN 1"', b'"text":1', "is not a step"),
    ],
)
def test_steps_that_are_refused(old: bytes, new: bytes, said: str) -> None:
    manifest, config = described()
    assert old in config
    with pytest.raises(Error) as told:
        form.read_config(config.replace(old, new, 1), form.read_manifest(manifest, "it")[1], "it")
    assert said in told.value.message


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b"buildcache.v1", b"other.v1", form.NotACache),
        (oci.LAYER_GZIP.encode(), b"text/plain", Error),
        (b"sha256:0", b"sha256:Z", Error),
        (b'"layers":[', b'"layers":{},"more":[', Error),
    ],
)
def test_manifests_that_are_refused(old: bytes, new: bytes, kind: type[Error]) -> None:
    manifest = described()[0]
    assert old in manifest
    with pytest.raises(kind):
        form.read_manifest(manifest.replace(old, new), "it")
