# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls that are killed or fail half way, and transfers that have nothing to do.

A pull is a process of its own here, since it is killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import CHECKOUT
from support.inputs import images
from support.servers.faults import Fault, FaultyServer, stall, status, truncate
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image import transfer
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    blobs,
    layers,
    store,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import (
    client,
    failure,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    Reference,
    parse_normalized,
)

FETCH = CHECKOUT / "tests" / "benchmark" / "fetch.py"
LARGE, SMALL = 24 << 20, 2 << 20
#: What a killed process had received and not yet written, and the start that is not worth a Range.
IN_FLIGHT = 1 << 20


@pytest.fixture(scope="module")
def made(registry: Registry, sandbox: Path) -> Path:
    """An image with a large and two small layers that do not compress, in the registry too."""
    directory = sandbox / "interrupted"
    content = random.Random(3).randbytes(LARGE + 2 * SMALL)
    tars = [
        images.tar({"large": content[:LARGE], "keep": None}, modes={"keep": 0o1777}),
        images.tar({"small": content[LARGE : LARGE + SMALL], "keep/here": b"x"}),
        images.tar({"other": content[LARGE + SMALL :], ".wh.small": b""}),
    ]
    images.oci_layout(directory, tars, {"Cmd": ["sh"]})
    images.skopeo_copy(f"oci:{directory}:latest", f"docker://{registry.host}/interrupted:1")
    return directory


@pytest.fixture
def server(made: Path, registry: Registry) -> Iterator[FaultyServer]:
    with ExitStack() as stack:
        yield stack.enter_context(FaultyServer(registry.host).running())


def parts(made: Path) -> list[tuple[str, int]]:
    """Digest and size of what a pull fetches by digest: the layers, and last the config."""
    [entry] = json.loads((made / "index.json").read_bytes())["manifests"]
    manifest = json.loads((made / "blobs/sha256" / entry["digest"][7:]).read_bytes())
    return [(part["digest"], part["size"]) for part in (*manifest["layers"], manifest["config"])]


def pulled(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FETCH), name], capture_output=True, text=True, timeout=60, check=False
    )


def kept(layout: Layout) -> int:
    """How many bytes of blobs a host has, whole and in part."""
    found = [*layout.blobs.iterdir(), *layout.ingest.iterdir()]
    return sum(path.stat().st_size for path in found)


@pytest.mark.parametrize("percent", [10, 50, 90])
def test_a_killed_pull_fetches_little_twice(
    layout: Layout, server: FaultyServer, made: Path, percent: int
) -> None:
    """Killed in the middle of its largest layer, with the others underway or done."""
    wanted = parts(made)
    large, size = wanted[0]
    upto = size * percent // 100
    server.faults.append(Fault(f"GET .*/blobs/{large}", stall(upto, 30.0), times=1))
    name = f"{server.address}/interrupted:1"
    process = subprocess.Popen([sys.executable, str(FETCH), name])
    part = layout.ingest / f"{large[7:]}.part"
    deadline = time.monotonic() + 20
    while not part.exists() or part.stat().st_size < upto:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait(10)
    assert store.all_images(layout) == ()
    had, before = kept(layout), server.sent
    done = pulled(name)
    assert done.returncode == 0, done.stderr
    total = sum(length for dummy, length in wanted)
    manifest = kept(layout) - total
    fetched_again = server.sent - before - (total + manifest - had)
    assert fetched_again <= IN_FLIGHT
    ranges = [seen.headers.get("Range") for seen in server.seen if large in seen.path]
    assert ranges[0] is None and ranges[-1] is not None
    for digest, length in wanted:
        data = layout.blob(digest).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (length, digest[7:])
    assert os.listdir(layout.ingest) == []
    [image] = store.all_images(layout)
    assert [layers.is_unpacked(layout, chain_id) for chain_id in image.chain_ids] == [True] * 3


def test_a_server_that_ends_every_answer_is_given_up(
    layout: Layout, server: FaultyServer, made: Path, tmp_path: Path
) -> None:
    """Each connection brings something, and the blob would take twenty thousand of them."""
    digest, size = parts(made)[1]
    server.faults.append(Fault("GET .*/blobs/", truncate(100)))
    layer = oci.Descriptor(oci.LAYER_GZIP, digest, size)
    impatient = failure.Limits(backoff_s=0.01)
    with (
        client.Registry(server.address, limits=impatient) as asked,
        pytest.raises(Error, match="after 5 attempts"),
    ):
        asked.download("interrupted", layer, tmp_path / "part")
    assert len(server.seen) < 10


def test_layers_are_unpacked_on_those_still_on_their_way(
    layout: Layout, registry: Registry, made: Path
) -> None:
    """What a layer takes from the one below is there before that one has its name."""
    assert pulled(f"{registry.host}/interrupted:1").returncode == 0
    [image] = store.all_images(layout)
    paths = store.ensure_unpacked(layout, image)
    assert (paths[1] / "keep").stat().st_mode & 0o7777 == 0o1777
    assert (paths[2] / "small").is_char_device()
    for path in paths:
        assert path.is_relative_to(layout.layers)
    assert os.listdir(layout.tmp) == []


def test_a_layer_that_comes_twice(layout: Layout, registry: Registry, tmp_path: Path) -> None:
    """One blob, fetched once, is two layers: what a layer is depends on those below."""
    tars = [images.tar({"a": b"a", "d": None}), images.tar({"b": b"b", ".wh.a": b""})]
    images.oci_layout(tmp_path / "twice", [tars[0], tars[1], tars[0]])
    name = f"{registry.host}/layertwice:1"
    images.skopeo_copy(f"oci:{tmp_path}/twice:latest", f"docker://{name}")
    assert pulled(name).returncode == 0
    [image] = store.all_images(layout)
    assert len(set(image.chain_ids)) == 3
    assert registry.log.count("GET /v2/layertwice/blobs/") == 3
    paths = store.ensure_unpacked(layout, image)
    assert [(path / "a").exists() for path in paths] == [True, True, True]
    assert [(path / "a").is_file() for path in paths] == [True, False, True]


def test_a_layer_that_cannot_be_fetched_leaves_those_below(
    layout: Layout, server: FaultyServer, made: Path
) -> None:
    """What was done is not done again, and nothing has a name."""
    third = parts(made)[2][0]
    server.faults.append(Fault(f"GET .*/blobs/{third}", status(403)))
    host = Host(layout)
    pinned = transfer.resolve(host, parse_normalized(f"{server.address}/interrupted:1"))
    with pytest.raises(Error, match=third[7:19]):
        transfer.pull(host, pinned)
    assert store.all_images(layout) == ()
    assert (len(os.listdir(layout.layers)), os.listdir(layout.tmp)) == (2, [])
    server.faults.clear()
    before = len(server.seen)
    transfer.pull(host, pinned)
    assert [third] == [seen.path[-71:] for seen in server.seen[before:] if "/blobs/" in seen.path]


def test_nothing_is_published_that_did_not_reach_the_disk(
    layout: Layout, registry: Registry, made: Path
) -> None:
    """The kernel reports a failed write once: a later sync that succeeds proves nothing."""
    name = f"{registry.host}/interrupted:1"
    argv = ["strace", "-qq", "-f", "-e", "trace=syncfs", "-e", "inject=syncfs:error=EIO:when=1",
            "-o", "/dev/null", sys.executable, str(FETCH), name]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "cannot write layers to disk" in done.stderr
    assert (os.listdir(layout.layers), os.listdir(layout.tmp)) == ([], [])
    assert store.all_images(layout) == ()
    assert pulled(name).returncode == 0
    assert len(os.listdir(layout.layers)) == 3


def test_a_damaged_layer_is_found_while_others_wait_for_the_disk(
    layout: Layout, registry: Registry, made: Path
) -> None:
    """The blob of the second layer lies here, of the right size and with other content."""
    digest, size = parts(made)[1]
    layout.blob(digest).write_bytes(bytes(size))
    assert pulled(f"{registry.host}/interrupted:1").returncode == 0
    [image] = store.all_images(layout)
    assert blobs.has(layout, image.layers[1])
    assert hashlib.sha256(layout.blob(digest).read_bytes()).hexdigest() == digest[7:]


def test_a_push_of_what_is_there_uploads_nothing(
    layout: Layout, registry: Registry, made: Path, server: FaultyServer
) -> None:
    name = f"{server.address}/interrupted:1"
    assert pulled(name).returncode == 0
    [image] = store.all_images(layout)
    host, before = Host(layout), len(server.seen)
    reference = parse_normalized(name)
    again = Reference(reference.domain, reference.path, "again", None)
    assert transfer.push(host, image, again) == image.manifest.digest
    sent = [(seen.method, seen.path.split("/")[-2]) for seen in server.seen[before:]]
    methods = sorted(set(sent))
    assert methods == [("GET", "v2"), ("HEAD", "blobs"), ("PUT", "manifests")] or methods == [
        ("HEAD", "blobs"),
        ("PUT", "manifests"),
    ]
    assert sent.count(("HEAD", "blobs")) == 4
