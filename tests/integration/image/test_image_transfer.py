# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images between the store and real registries, and what other tools make of both."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import containers
from support.converging import Task, apply, assert_play_is_predicted, check
from support.inputs import images
from support.servers.registry import Registry, free_port

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import installing
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image import transfer
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image as resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_push,
    pull_one,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)


def importing_(name: str, src: Path, **options: Any) -> Task:
    return Task(
        image_import.declare, image_import.RESOURCE, {"name": name, "src": str(src), **options}
    )


def pulling_(name: str, **options: Any) -> Task:
    return Task(pull_one.declare, pull_one.RESOURCE, {"name": name, **options})


def pushing_(name: str, **options: Any) -> Task:
    return Task(image_push.declare, image_push.RESOURCE, {"name": name, **options})


def removing_(name: str, **options: Any) -> Task:
    return Task(image_remove.declare, image_remove.RESOURCE, {"name": name, **options})


def content(root: Path) -> dict[str, tuple[object, ...]]:
    """A tree as a value: per path its kind, mode, owner, time, and its content or target."""
    found: dict[str, tuple[object, ...]] = {}
    for directory, subdirectories, names in os.walk(root):
        for name in [*subdirectories, *names]:
            path = Path(directory, name)
            status = path.lstat()
            inside: object = ""
            if stat.S_ISREG(status.st_mode):
                inside = hashlib.sha256(path.read_bytes()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                inside = os.readlink(path)
            owner = (status.st_uid, status.st_gid)
            found[str(path.relative_to(root))] = (status.st_mode, owner, status.st_mtime, inside)
    return found


def blobs_of(layout: Layout) -> list[str]:
    return sorted(os.listdir(layout.blobs))


def assert_empty(layout: Layout) -> None:
    assert store.all_images(layout) == ()
    assert os.listdir(layout.layers) == []
    for directory in (layout.tmp, layout.trash, layout.ingest):
        assert os.listdir(directory) == []


def test_import_push_remove_pull(layout: Layout, registry: Registry, busybox_tar: Path) -> None:
    name = f"{registry.host}/main:1"
    play = [
        importing_(name, busybox_tar, cmd=["sh"]),
        pushing_(name),
        removing_(name),
        pulling_(name),
    ]
    seen = []
    for task in play:
        foretold = check(layout, task, {})
        done, result = apply(layout, task)
        assert (foretold, done.changed) == (done, True)
        assert apply(layout, task)[0].changed is False
        seen.append(result["image"])
        if task is play[2]:
            assert_empty(layout)
            assert blobs_of(layout) == []
    assert seen[0]["Id"] == seen[3]["Id"]
    assert seen[3]["RepoTags"] == [name]
    assert len(seen[3]["RepoDigests"]) == 1
    paths = store.ensure_unpacked(layout, store.all_images(layout)[0])
    assert (paths[0] / "bin/busybox").read_bytes() == images.BUSYBOX.read_bytes()


def test_a_second_pull_is_one_head_request(
    layout: Layout, registry: Registry, busybox_tar: Path
) -> None:
    name = f"{registry.host}/head:1"
    for task in (importing_(name, busybox_tar), pushing_(name), removing_(name), pulling_(name)):
        apply(layout, task)
    before = registry.log.count("/v2/head/")
    assert apply(layout, pulling_(name))[0].changed is False
    requests = registry.log.count("/v2/head/") - before
    assert requests == 1
    assert '"HEAD /v2/head/manifests/1' in registry.log.splitlines()[-1]
    assert apply(layout, pulling_(name, pull="not_present"))[0].changed is False
    assert registry.log.count("/v2/head/") - before == 1


def test_a_moved_tag_is_pulled_again(layout: Layout, registry: Registry, busybox_tar: Path) -> None:
    name = f"{registry.host}/moved:1"
    first = apply(layout, importing_(name, busybox_tar))[1]["image"]
    apply(layout, pushing_(name))
    second = apply(layout, importing_(name, busybox_tar, cmd=["other"]))[1]["image"]
    assert apply(layout, pushing_(name))[0].before["registry"] == "outdated"
    apply(layout, removing_(name))
    apply(layout, importing_(name, busybox_tar))
    assert apply(layout, pulling_(name, pull="not_present"))[0].changed is False
    outcome, result = apply(layout, pulling_(name))
    assert outcome.before["image"] == "outdated"
    assert (result["image"]["Id"], first["Id"] != second["Id"]) == (second["Id"], True)


def test_the_store_is_an_image_layout(
    layout: Layout, registry: Registry, busybox_tar: Path, tmp_path: Path
) -> None:
    name = "docker.io/library/ours:1"
    image = apply(layout, importing_("ours:1", busybox_tar, labels={"a": "b"}))[1]["image"]
    apply(layout, importing_("example.org:5000/x/y:2", busybox_tar, cmd=["x"]))
    inspected = images.skopeo_inspect(f"oci:{layout.images}:{name}")
    assert inspected["Labels"] == {"a": "b"}
    images.skopeo_copy(f"oci:{layout.images}:{name}", f"docker://{registry.host}/ours:1")
    config = images.skopeo_inspect(f"docker://{registry.host}/ours:1", config=True)
    assert config["rootfs"]["diff_ids"] == image["RootFS"]["Layers"]
    # What skopeo pushed of it is the very same image.
    apply(layout, pulling_(f"{registry.host}/ours:1"))
    [same] = resource.gather(Host(layout), {"name": [f"{registry.host}/ours:1"]})["images"]
    assert same["Id"] == image["Id"]
    assert sorted(same["RepoTags"]) == [f"{registry.host}/ours:1", "ours:1"]


@pytest.mark.parametrize("kind", ["oci", "docker-archive"])
def test_what_skopeo_pushed(
    layout: Layout, registry: Registry, busybox_tar: Path, tmp_path: Path, kind: str
) -> None:
    """Two layers, the upper one with a whiteout, as umoci unpacks them."""
    upper = images.tar({"srv": None, "srv/page": b"hello", "etc/.wh.group": b"", "tmp/x": b""})
    images.oci_layout(tmp_path / "layout", [busybox_tar.read_bytes(), upper], {"Cmd": ["sh"]})
    source = f"oci:{tmp_path}/layout:latest"
    if kind == "docker-archive":
        archive = f"docker-archive:{tmp_path}/archive.tar"
        images.skopeo_copy(source, f"{archive}:two:1")
        source = archive
    name = f"{registry.host}/{kind}:1"
    images.skopeo_copy(source, f"docker://{name}")
    image = apply(layout, pulling_(name))[1]["image"]
    assert image["Config"]["Cmd"] == ["sh"]
    subprocess.run(
        ["umoci", "unpack", "--image", f"{tmp_path}/layout:latest", str(tmp_path / "bundle")],
        check=True,
        capture_output=True,
    )
    merged = tmp_path / "merged"
    merged.mkdir()
    lowers = [str(path) for path in reversed(store.ensure_unpacked(layout, _image(layout, name)))]
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={':'.join(lowers)}", str(merged)],
        check=True,
    )
    try:
        ours, theirs = content(merged), content(tmp_path / "bundle/rootfs")
    finally:
        subprocess.run(["umount", str(merged)], check=True)
    assert ours.keys() == theirs.keys()
    # A directory that only gained a file has umoci's time of unpacking there; the image says none.
    differing = {path for path in ours if ours[path] != theirs[path]}
    assert {path for path in differing if path not in ("etc", "tmp")} == set()
    for path in differing:
        assert ours[path][:2] == theirs[path][:2]


def _image(layout: Layout, name: str) -> store.Image:
    found = store.find(layout, name)
    assert found is not None
    return found


def test_our_push_is_pulled_by_skopeo(
    layout: Layout, registry: Registry, busybox_tar: Path, tmp_path: Path
) -> None:
    name = f"{registry.host}/pushed:1"
    apply(layout, importing_(name, busybox_tar, cmd=["sh"]))
    apply(layout, pushing_(name))
    images.skopeo_copy(f"docker://{name}", f"oci:{tmp_path}/out:1")
    raw = images.skopeo_inspect(f"oci:{tmp_path}/out:1", raw=True)
    assert raw == json.loads(layout.blob(_image(layout, name).manifest.digest).read_bytes())
    blob = tmp_path / "out/blobs/sha256" / raw["layers"][0]["digest"].partition(":")[2]
    assert gzip.decompress(blob.read_bytes()) == busybox_tar.read_bytes()


def test_blobs_are_mounted_from_another_repository(
    layout: Layout, registry: Registry, busybox_tar: Path
) -> None:
    first, second = f"{registry.host}/from:1", f"{registry.host}/to:1"
    apply(layout, importing_(first, busybox_tar))
    apply(layout, pushing_(first))
    apply(layout, importing_(second, busybox_tar, cmd=["sh"]))
    before = len(registry.log)
    apply(layout, pushing_(second))
    log = registry.log[before:]
    layer = _image(layout, second).layers[0].digest.partition(":")[2]
    assert f"mount=sha256%3A{layer}" in log
    assert f"digest=sha256%3A{layer}" not in log


@pytest.fixture
def multi(registry: Registry, tmp_path: Path, busybox_tar: Path) -> str:
    """An index for amd64 and arm64, made by hand; the latter's image has no busybox."""
    directory = tmp_path / "multi"
    entries = []
    for architecture, layer in (
        ("arm64", images.tar({"arm": b"arm"})),
        ("amd64", busybox_tar.read_bytes()),
    ):
        part = tmp_path / architecture
        images.oci_layout(part, [layer])
        entries.append(_for_architecture(part, directory, architecture))
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": entries,
        }
    ).encode()
    digest = hashlib.sha256(index).hexdigest()
    (directory / "blobs/sha256" / digest).write_bytes(index)
    entry = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": f"sha256:{digest}",
        "size": len(index),
        "annotations": {"org.opencontainers.image.ref.name": "multi"},
    }
    document = {"schemaVersion": 2, "manifests": [entry]}
    (directory / "index.json").write_text(json.dumps(document))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    name = f"{registry.host}/multi:1"
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false",
         f"oci:{directory}:multi", f"docker://{name}"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return name


def _for_architecture(source: Path, target: Path, architecture: str) -> dict[str, Any]:
    """Move an image's blobs over, for another architecture; returns its index entry."""
    blobs = target / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for blob in (source / "blobs/sha256").iterdir():
        (blobs / blob.name).write_bytes(blob.read_bytes())

    def change(digest: str, **members: Any) -> tuple[dict[str, Any], str, int]:
        document = json.loads((blobs / digest.partition(":")[2]).read_bytes())
        data = json.dumps({**document, **members}).encode()
        changed = hashlib.sha256(data).hexdigest()
        (blobs / changed).write_bytes(data)
        return document, f"sha256:{changed}", len(data)

    [entry] = json.loads((source / "index.json").read_bytes())["manifests"]
    manifest = json.loads((blobs / entry["digest"].partition(":")[2]).read_bytes())
    dummy, digest, size = change(manifest["config"]["digest"], architecture=architecture)
    config = {**manifest["config"], "digest": digest, "size": size}
    dummy, digest, size = change(entry["digest"], config=config)
    platform = {"os": "linux", "architecture": architecture}
    return {"mediaType": entry["mediaType"], "digest": digest, "size": size, "platform": platform}


def test_an_image_for_several_platforms(layout: Layout, multi: str) -> None:
    image = apply(layout, pulling_(multi))[1]["image"]
    assert image["Architecture"] == images.ARCHITECTURE[os.uname().machine]
    assert apply(layout, pulling_(multi))[0].changed is False
    # Pushing what was chosen from the index would replace the index by one part of it.
    assert apply(layout, pushing_(multi))[0].changed is False
    outcome, result = apply(layout, pulling_(multi, platform="linux/arm64"))
    assert (outcome.changed, result["image"]["Architecture"]) == (True, "arm64")
    assert apply(layout, pulling_(multi, platform="linux/arm64"))[0].changed is False
    assert apply(layout, pulling_(multi, pull="not_present"))[0].changed is True
    with pytest.raises(Error, match=r"no image for linux/s390x; it has linux/amd64, linux/arm64"):
        apply(layout, pulling_(multi, platform="linux/s390x"))


def test_without_platform_a_container_is_of_the_hosts(
    layout: Layout, sandbox: Path, busybox_tar: Path, multi: str
) -> None:
    """Whatever another task pulled the name for, and without asking the registry again."""
    own = images.ARCHITECTURE[os.uname().machine]

    def container(**given: Any) -> Task:
        params = {**catalogue.defaults(), "name": "pa", "image": multi, "network_mode": "none"}
        params = {**params, "command": ["sleep", "1000"], "stop_signal": "KILL", **given}
        return Task(decide.declare, installing.with_program(decide.RESOURCE), params)

    def architecture(result: dict[str, Any]) -> str:
        image = store.find(layout, result["container"]["Image"])
        assert image is not None
        return str(image.config["architecture"])

    with containers.world(layout, sandbox, busybox_tar):
        first = apply(layout, container())[1]
        assert architecture(first) == own
        assert apply(layout, pulling_(multi, platform="linux/arm64"))[0].changed is True
        for pull in ("missing", "never"):
            outcome, result = apply(layout, container(pull=pull))
            assert outcome.actions == ()
            assert result["container"]["Id"] == first["container"]["Id"]
        apply(layout, container(state="absent"))
        # Now the host's own is gone, and the name means the other one alone.
        apply(layout, removing_(first["container"]["Image"]))
        outcome, result = apply(layout, container())
        assert [action.split()[0] for action in outcome.actions][:2] == ["pull", "create"]
        assert architecture(result) == own
        assert apply(layout, container())[0].actions == ()
        apply(layout, container(state="absent"))


def test_by_digest_and_by_id(layout: Layout, registry: Registry, busybox_tar: Path) -> None:
    name = f"{registry.host}/pinned:1"
    apply(layout, importing_(name, busybox_tar))
    apply(layout, pushing_(name))
    digest = _image(layout, name).manifest.digest
    apply(layout, removing_(name))
    pinned = f"{registry.host}/pinned@{digest}"
    image = apply(layout, pulling_(pinned))[1]["image"]
    assert (image["RepoTags"], image["RepoDigests"]) == ([], [pinned])
    before = len(registry.log)
    assert apply(layout, pulling_(pinned))[0].changed is False
    assert len(registry.log) == before
    for text in (image["Id"], image["Id"][7:], image["Id"][7:19], pinned):
        assert _image(layout, text).id == image["Id"]
    assert apply(layout, removing_(image["Id"]))[0].changed is True
    assert_empty(layout)


# --- bad input -------------------------------------------------------------------------------


def test_an_image_that_does_not_exist(layout: Layout, registry: Registry) -> None:
    with pytest.raises(Error, match=r"registry .*nothere:1: not found"):
        apply(layout, pulling_(f"{registry.host}/nothere:1"))
    assert_empty(layout)
    with pytest.raises(Error, match=r"Cannot find image nothere:1"):
        apply(layout, pushing_("nothere:1"))
    with pytest.raises(Error, match="Cannot find the image"):
        apply(
            layout,
            Task(resource.declare, resource.RESOURCE, {"name": "nothere", "source": "local"}),
        )


def test_a_registry_that_is_down(layout: Layout) -> None:
    name = f"127.0.0.1:{free_port()}/x:1"
    foretold = check(layout, pulling_(name), {})
    assert (foretold.changed, foretold.after["image"]) == (True, "current")
    with pytest.raises(Error, match=name.partition("/")[0]):
        apply(layout, pulling_(name))
    assert_empty(layout)


def test_logins_of_a_task(
    layout: Layout, registries: Callable[..., Registry], busybox_tar: Path
) -> None:
    secured = registries(username="demo", password="s3cret", tls=True)
    name = f"{secured.host}/secured:1"
    trust = {"ca_path": str(secured.ca)}
    right = {**trust, "username": "demo", "password": "s3cret"}
    apply(layout, importing_(name, busybox_tar))
    with pytest.raises(Error, match="access denied, and no login"):
        apply(layout, pushing_(name, **trust))
    with pytest.raises(Error, match="the login of user 'demo' is not authorized"):
        apply(layout, pushing_(name, **{**right, "password": "wrong"}))
    with pytest.raises(Error, match="certificate"):
        apply(layout, pushing_(name, insecure_registry=False))
    assert apply(layout, pushing_(name, **right))[0].changed is True
    apply(layout, removing_(name))
    assert apply(layout, pulling_(name, **right))[0].changed is True
    assert not layout.auth_file.exists()
    kept = (path for path in layout.root.rglob("*") if path.is_file())
    assert not [path for path in kept if b"s3cret" in path.read_bytes()]


def _forge(registry: Registry, digest: str) -> Path:
    """Change one byte of a blob in the registry's own storage."""
    digits = digest.partition(":")[2]
    storage = registry.directory / "storage/docker/registry/v2/blobs/sha256"
    path = storage / digits[:2] / digits / "data"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path


def test_a_blob_that_is_not_what_it_is_called(
    layout: Layout, registry: Registry, tmp_path: Path
) -> None:
    name = f"{registry.host}/forged:1"
    # A layer of its own, since the registry keeps one file per digest for all tests.
    (tmp_path / "own.tar").write_bytes(images.tar({"own": b"own" * 100_000}))
    apply(layout, importing_(name, tmp_path / "own.tar"))
    apply(layout, pushing_(name))
    layer = _image(layout, name).layers[0]
    apply(layout, removing_(name))
    original = layer.digest
    path = _forge(registry, original)
    with pytest.raises(Error, match=original[7:19]):
        apply(layout, pulling_(name))
    assert_empty(layout)
    assert original[7:] not in blobs_of(layout)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert apply(layout, pulling_(name))[0].changed is True


def test_a_config_that_lies_about_its_layer(
    layout: Layout, registry: Registry, tmp_path: Path
) -> None:
    directory = tmp_path / "lie"
    images.oci_layout(directory, [images.tar({"a": b"a"})])
    other = "sha256:" + hashlib.sha256(images.tar({"b": b"b"})).hexdigest()
    blobs = directory / "blobs/sha256"
    [entry] = json.loads((directory / "index.json").read_bytes())["manifests"]
    manifest = json.loads((blobs / entry["digest"][7:]).read_bytes())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_bytes())
    config["rootfs"]["diff_ids"] = [other]
    data = json.dumps(config).encode()
    (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
    manifest["config"].update(digest="sha256:" + hashlib.sha256(data).hexdigest(), size=len(data))
    data = json.dumps(manifest).encode()
    (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
    entry.update(digest="sha256:" + hashlib.sha256(data).hexdigest(), size=len(data))
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    name = f"{registry.host}/lie:1"
    images.skopeo_copy(f"oci:{directory}:latest", f"docker://{name}")
    with pytest.raises(Error, match="unpacks to"):
        apply(layout, pulling_(name))
    assert_empty(layout)


# --- damage and company ----------------------------------------------------------------------


@pytest.mark.parametrize("what", ["manifest", "config", "layer", "layer gone", "unpacked"])
def test_a_pull_repairs_the_store(
    layout: Layout, registry: Registry, busybox_tar: Path, what: str
) -> None:
    name = f"{registry.host}/repaired:1"
    apply(layout, importing_(name, busybox_tar))
    apply(layout, pushing_(name))
    image = _image(layout, name)
    path = {
        "manifest": layout.blob(image.manifest.digest),
        "config": layout.blob(image.id),
        "unpacked": layout.layer(image.chain_ids[0]) / "layer.json",
    }.get(what, layout.blob(image.layers[0].digest))
    if what in ("unpacked", "layer gone"):
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    if what == "unpacked":
        [diff] = store.ensure_unpacked(layout, image)
        assert (diff / "bin/busybox").exists()
        return
    if what == "layer":
        # Its size is right, so nobody knows until it is read: when its layer has to be unpacked.
        files.discard(layout, layout.layer(image.chain_ids[0]))
        with pytest.raises(Error, match="does not match its digest"):
            store.ensure_unpacked(layout, image)
    assert apply(layout, pulling_(name))[0].changed is True
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert apply(layout, pulling_(name))[0].changed is False


def test_two_tasks_pull_the_same_image(
    layout: Layout, registry: Registry, busybox_tar: Path
) -> None:
    name = f"{registry.host}/twice:1"
    for task in (importing_(name, busybox_tar), pushing_(name), removing_(name)):
        apply(layout, task)
    host = Host(layout)
    before = registry.log.count("GET /v2/twice/blobs/")
    pinned = transfer.resolve(host, parse_normalized(name))
    with ThreadPoolExecutor(4) as executor:
        made = list(executor.map(lambda _: transfer.pull(host, pinned), range(4)))
    assert len({image.id for image in made}) == 1
    # Each blob, the config among them, was fetched once.
    assert registry.log.count("GET /v2/twice/blobs/") - before == 2


def test_what_is_shared_stays(layout: Layout, tmp_path: Path, busybox_tar: Path) -> None:
    apply(layout, importing_("one:1", busybox_tar))
    apply(layout, importing_("two:1", busybox_tar, cmd=["sh"]))
    apply(layout, removing_("one:1"))
    two = _image(layout, "two:1")
    assert len(blobs_of(layout)) == 3
    assert (store.ensure_unpacked(layout, two)[0] / "bin/busybox").exists()
    with store.lease(layout):
        # What somebody is just bringing in has no name yet.
        apply(layout, removing_("two:1"))
        assert len(blobs_of(layout)) == 3
    image_remove.collect(layout)
    assert_empty(layout)
    assert blobs_of(layout) == []


def test_a_play_on_a_fresh_host_is_predicted(
    layout: Layout, registry: Registry, busybox_tar: Path
) -> None:
    """The image does not exist when check mode runs, in the registry neither."""
    name, other = f"{registry.host}/play:1", f"{registry.host}/play:2"
    play = [
        importing_(name, busybox_tar, cmd=["play"]),
        pushing_(name),
        pulling_(name),
        removing_(name),
        pulling_(name),
        pulling_(name, pull="not_present"),
        importing_(other, busybox_tar),
        importing_(other, busybox_tar, cmd=["changed"]),
        pushing_(other),
        pushing_(other),
        removing_(other),
        removing_(other),
    ]
    assert_play_is_predicted(layout, play)
    again = [play[0], play[1], play[2]]
    assert_play_is_predicted(layout, again)


def test_a_play_that_makes_its_own_source_is_predicted(
    layout: Layout, registry: Registry, busybox_tar: Path, tmp_path: Path
) -> None:
    """The source is made by a task of some other collection, so check mode cannot read it."""
    name = f"{registry.host}/later:1"
    play = [importing_(name, tmp_path / "later.tar"), pushing_(name), removing_(name)]
    play += [pulling_(name), pulling_(name)]
    predicted: dict[str, dict[str, Any]] = {}
    foretold = [check(layout, task, predicted) for task in play]
    (tmp_path / "later.tar").write_bytes(busybox_tar.read_bytes())
    assert foretold == [apply(layout, task)[0] for task in play]


def test_check_mode_writes_nothing(
    layout: Layout, registry: Registry, busybox_tar: Path, tmp_path: Path
) -> None:
    """Not even the directories of an installation, on a host that never had one."""
    name = f"{registry.host}/unwritten:1"
    bare = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    for task in (importing_(name, busybox_tar), pushing_(name), removing_(name), pulling_(name)):
        check(bare, task, {})
    assert resource.gather(Host(bare), {}) == {"images": []}
    assert list(tmp_path.iterdir()) == []


def test_a_killed_pull_is_taken_up_again(
    layout: Layout, registry: Registry, tmp_path: Path
) -> None:
    name = f"{registry.host}/killed:1"
    (tmp_path / "random.tar").write_bytes(images.tar({"random": os.urandom(8 << 20)}))
    for task in (importing_(name, tmp_path / "random.tar"), pushing_(name)):
        apply(layout, task)
    layer = _image(layout, name).layers[0]
    data = layout.blob(layer.digest).read_bytes()
    apply(layout, removing_(name))
    part = layout.ingest / f"{layer.digest[7:]}.part"
    part.write_bytes(data[: 5 << 20])
    before = len(registry.log)
    assert apply(layout, pulling_(name))[0].changed is True
    [line] = [
        line
        for line in registry.log[before:].splitlines()
        if f"GET /v2/killed/blobs/{layer.digest}" in line
    ]
    assert f" 206 {layer.size - (5 << 20)} " in line
    assert os.listdir(layout.ingest) == []


def test_a_wrong_leftover_is_not_believed(
    layout: Layout, registry: Registry, busybox_tar: Path
) -> None:
    name = f"{registry.host}/leftover:1"
    for task in (importing_(name, busybox_tar), pushing_(name)):
        apply(layout, task)
    layer = _image(layout, name).layers[0]
    apply(layout, removing_(name))
    (layout.ingest / f"{layer.digest[7:]}.part").write_bytes(b"x" * layer.size)
    assert apply(layout, pulling_(name))[0].changed is True
