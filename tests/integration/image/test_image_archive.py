# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives: exchanged with skopeo, umoci, podman and docker; loaded and exported by plays."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.converging import Task, apply, assert_play_is_predicted, check
from support.inputs import images
from support.plays import Play, Run
from support.servers.engines import Docker, Podman

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import (
    zipapp as program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_export,
    image_import,
    image_load,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
)

NAME = "docker.io/library/web:1"


@pytest.fixture(scope="module")
def podman(sandbox: Path) -> Podman:
    return Podman(sandbox / "podman")


@pytest.fixture(scope="module")
def docker(sandbox: Path) -> Iterator[Docker]:
    engine = Docker(sandbox / "docker")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def source(sandbox: Path) -> Path:
    """An image layout with an image of three layers, one of them twice, made without us."""
    directory = sandbox / "archive-source"
    layers = [images.tar({"etc": None, "etc/a": b"a" * 5000}), images.tar({"b": b"b"})]
    config = {"Cmd": ["sh"], "Labels": {"made": "by hand"}}
    images.oci_layout(directory, [layers[0], layers[1], layers[0]], config)
    return directory


def image_id(directory: Path) -> str:
    """The id of a layout's only image: the digest of its config."""
    manifest = images.skopeo_inspect(f"oci:{directory}:latest", raw=True)
    return str(manifest["config"]["digest"])


def digest(directory: Path) -> str:
    return str(json.loads((directory / "index.json").read_bytes())["manifests"][0]["digest"])


def load(path: Path, **options: Any) -> Task:
    return Task(image_load.declare, image_load.RESOURCE, {"path": str(path), **options})


def export(path: Path, *names: str, **options: Any) -> Task:
    params = {"path": str(path), "names": list(names), **options}
    return Task(image_export.declare, image_export.RESOURCE, params)


def loaded(layout: Layout, path: Path, **options: Any) -> dict[str, Any]:
    """Load an archive with one image, as its check foretells, and once only."""
    foretold = check(layout, load(path, **options), {})
    outcome, result = apply(layout, load(path, **options))
    assert (foretold, outcome.changed) == (outcome, True)
    assert apply(layout, load(path, **options))[0].changed is False
    [image] = result["images"]
    found = store.find(layout, image["Id"])
    assert found is not None
    assert len(store.ensure_unpacked(layout, found)) == len(found.layers)
    document: dict[str, Any] = image
    return document


# --- what others write -----------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["", "gzip", "zstd", "bzip2", "xz"])
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_skopeo_writes(
    layout: Layout, source: Path, tmp_path: Path, form: str, compression: str
) -> None:
    path = tmp_path / "archive.tar"
    images.skopeo_copy(f"oci:{source}:latest", f"{form}:{path}:{NAME}")
    if compression:
        packed = subprocess.run([compression, "-c", str(path)], capture_output=True, check=True)
        path.write_bytes(packed.stdout)
    image = loaded(layout, path)
    assert (image["Id"], image["RepoTags"]) == (image_id(source), ["web:1"])
    if form == "oci-archive":
        assert image["Descriptor"]["digest"] == digest(source)


def test_umoci_writes_a_layout(layout: Layout, tmp_path: Path) -> None:
    directory, root = tmp_path / "layout", tmp_path / "root"
    root.mkdir()
    (root / "file").write_text("umoci")
    images.umoci_layout(directory, root, "1.0", "--config.cmd=sh")
    [entry] = json.loads((directory / "index.json").read_bytes())["manifests"]
    # A tag alone names nothing.
    image = loaded(layout, directory)
    assert (image["RepoTags"], image["Descriptor"]["digest"]) == ([], entry["digest"])
    named = loaded(layout, directory, name="tools:1")
    assert (named["Id"], named["RepoTags"]) == (image["Id"], ["tools:1"])


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_podman_writes(
    layout: Layout, podman: Podman, source: Path, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "archive.tar"
    # In another form than it came in podman would rewrite the config.
    images.skopeo_copy(f"oci:{source}:latest", f"{form}:{tmp_path}/in.tar:{NAME}")
    podman.forget()
    podman.load(tmp_path / "in.tar")
    podman.save(path, NAME, form=form)
    image = loaded(layout, path)
    assert (image["Id"], image["RepoTags"]) == (podman.image_id(NAME), ["web:1"])
    assert image["Id"] == image_id(source)


def test_docker_writes(layout: Layout, docker: Docker, source: Path, tmp_path: Path) -> None:
    images.skopeo_copy(f"oci:{source}:latest", f"docker-archive:{tmp_path}/in.tar:{NAME}")
    docker.load(tmp_path / "in.tar")
    docker.run("tag", "web:1", "registry.example.org:5000/web:2")
    path = tmp_path / "archive.tar"
    docker.save(path, "web:1", "registry.example.org:5000/web:2")
    with tarfile.open(path) as written:
        # The image's first and last layer are the same, and docker links the second to the first.
        assert any(member.issym() for member in written)
    image = loaded(layout, path)
    assert image["Id"] == docker.image_id("web:1") == image_id(source)
    assert image["RepoTags"] == ["web:1", "registry.example.org:5000/web:2"]


# --- what others read ------------------------------------------------------------------------


@pytest.fixture
def stored(layout: Layout, source: Path) -> str:
    """The source in our store, under two names; its id."""
    apply(layout, load(source, name="web:1"))
    image, dummy = apply(layout, load(source, name="registry.example.org:5000/web:2"))
    assert image.changed
    return image_id(source)


NAMES = ("web:1", "registry.example.org:5000/web:2")


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_skopeo_reads(layout: Layout, stored: str, source: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / "archive.tar"
    apply(layout, export(path, "web:1", format=form))
    target = tmp_path / "copy"
    images.skopeo_copy(f"{form}-archive:{path}:{NAME}", f"oci:{target}:latest")
    if form == "oci":
        assert (image_id(target), digest(target)) == (stored, digest(source))
    else:
        # Between Docker's form and OCI's skopeo rewrites the config, and keeps what it says.
        assert (
            images.skopeo_inspect(f"oci:{target}:latest", config=True)["rootfs"]
            == (images.skopeo_inspect(f"oci:{source}:latest", config=True)["rootfs"])
        )
        read = images.skopeo_inspect(f"docker-archive:{path}:{NAME}", raw=True)
        assert read["config"]["digest"] == stored


def test_umoci_reads_the_layout(layout: Layout, stored: str, tmp_path: Path) -> None:
    path, directory = tmp_path / "archive.tar", tmp_path / "layout"
    apply(layout, export(path, "web:1", format="oci"))
    directory.mkdir()
    subprocess.run(["tar", "-x", "-C", str(directory), "-f", str(path)], check=True)
    listed = subprocess.run(
        ["umoci", "ls", "--layout", str(directory)], capture_output=True, text=True, check=True
    )
    assert listed.stdout.split() == [NAME]
    unpacked = tmp_path / "bundle"
    subprocess.run(["umoci", "unpack", "--image", f"{directory}:{NAME}", str(unpacked)], check=True)
    assert (unpacked / "rootfs/etc/a").read_bytes() == b"a" * 5000


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_podman_reads(
    layout: Layout, podman: Podman, stored: str, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "archive.tar"
    # podman takes several names from docker-archives only.
    names = NAMES if form == "docker" else NAMES[:1]
    apply(layout, export(path, *names, format=form))
    podman.forget()
    podman.load(path)
    names = (f"docker.io/library/{names[0]}", *names[1:])
    assert {podman.image_id(name) for name in names} == {stored}


def test_docker_reads(layout: Layout, docker: Docker, stored: str, tmp_path: Path) -> None:
    path = tmp_path / "archive.tar"
    apply(layout, export(path, *NAMES))
    docker.forget()
    docker.load(path)
    assert {docker.image_id(name) for name in NAMES} == {stored}
    # And what docker then saves is the same image again.
    docker.save(tmp_path / "again.tar", *NAMES)
    assert apply(layout, load(tmp_path / "again.tar"))[0].changed is False


def test_several_images_in_one_archive(
    layout: Layout, docker: Docker, podman: Podman, stored: str, tmp_path: Path
) -> None:
    tarball = tmp_path / "root.tar"
    tarball.write_bytes(images.tar({"c": b"c"}))
    params = {"name": "other:1", "src": str(tarball)}
    other = apply(layout, Task(image_import.declare, image_import.RESOURCE, params))[1]["image"][
        "Id"
    ]
    for form in ("docker", "oci"):
        path = tmp_path / f"{form}.tar"
        task = export(path, *NAMES, "other:1", other, format=form)
        with pytest.raises(Error, match=r"web:1 is an image for linux/.*, not linux/s390x"):
            apply(layout, export(path, *NAMES, format=form, platform="linux/s390x"))
        ids = [image["Id"] for image in apply(layout, task)[1]["images"]]
        assert ids == [*[stored] * len(NAMES), other, other], "one for each name, as they are given"
        bytes_before = path.read_bytes()
        assert apply(layout, task)[0].changed is False
        outcome = apply(layout, export(path, *NAMES, "other:1", format=form, force=True))[0]
        assert (outcome.changed, path.read_bytes() == bytes_before) == (True, True)
    for engine in (docker, podman):
        engine.forget()
        engine.load(tmp_path / "docker.tar")
        again = tmp_path / "again.tar"
        names = ("docker.io/library/other:1", f"docker.io/library/{NAMES[0]}", NAMES[1])
        assert [engine.image_id(name) for name in names] == [other, stored, stored]
        engine.save(again, *names)
        assert apply(layout, load(again))[0].changed is False
        again.unlink()


# --- loading and exporting as resources ------------------------------------------------------


def test_a_play_is_predicted(layout: Layout, busybox_tar: Path, tmp_path: Path) -> None:
    path = tmp_path / "archive.tar"
    params = {"name": "web:1", "src": str(busybox_tar)}
    remove = Task(image_remove.declare, image_remove.RESOURCE, {"name": "web:1"})
    tasks = [
        Task(image_import.declare, image_import.RESOURCE, params),
        export(path, "web:1"),
        load(path),
        remove,
        load(path),
        load(path),
        load(path, name="web:2"),
    ]
    assert_play_is_predicted(layout, tasks)
    assert [check(layout, task, {}).changed for task in tasks] == [False] * 3 + [True] + [False] * 3


def test_a_name_that_means_another_image_moves(
    layout: Layout, stored: str, busybox_tar: Path, tmp_path: Path
) -> None:
    apply(layout, export(tmp_path / "archive.tar", "web:1"))
    params = {"name": "web:1", "src": str(busybox_tar)}
    other = apply(layout, Task(image_import.declare, image_import.RESOURCE, params))[1]["image"][
        "Id"
    ]
    outcome, result = apply(layout, load(tmp_path / "archive.tar"))
    assert (outcome.before, outcome.after) == (
        {"images": {NAME: "outdated"}},
        {"images": {NAME: "current"}},
    )
    assert [image["Id"] for image in result["images"]] == [stored]
    assert result["stdout"] == "Loaded image: web:1"
    assert store.find(layout, other) is not None


def test_a_damaged_store_is_repaired(layout: Layout, stored: str, tmp_path: Path) -> None:
    for form in ("docker", "oci"):
        apply(layout, export(tmp_path / form, *NAMES, format=form))
        found = store.find(layout, stored)
        assert found is not None
        layout.blob(found.layers[0].digest).unlink()
        with pytest.raises(Error, match="lacks a layer"):
            apply(layout, export(tmp_path / "other", "web:1"))
        assert loaded(layout, tmp_path / form)["Id"] == stored
        found = store.find(layout, stored)
        assert found is not None
        assert store.missing(layout, found) == ()


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_what_an_archive_lacks_is_written_again(
    layout: Layout, stored: str, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "archive.tar"
    task = export(path, "web:1", format=form)
    apply(layout, task)
    good = path.read_bytes()
    assert path.stat().st_mode & 0o7777 == 0o600
    other = "oci" if form == "docker" else "docker"
    for wrong in (
        lambda: path.write_bytes(good[:-9000]),
        lambda: path.write_bytes(b"no archive at all" * 100),
        lambda: path.write_bytes(b""),
        lambda: apply(layout, export(path, *NAMES, format=form)),
        lambda: apply(layout, export(path, "web:1", format=other)),
        lambda: apply(layout, export(path, stored, format=form)),
    ):
        wrong()
        assert apply(layout, task)[0].before["archive"] == "outdated"
        assert path.read_bytes() == good
    assert os.listdir(tmp_path) == [path.name]


def test_what_cannot_be_exported_or_loaded(layout: Layout, stored: str, tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"No such image: docker.io/library/none:latest"):
        apply(layout, export(tmp_path / "x", "none"))
    with pytest.raises(Error, match=r"the directory \S+ does not exist"):
        apply(layout, export(tmp_path / "none" / "x", "web:1"))
    with pytest.raises(Error, match="is a directory"):
        apply(layout, export(tmp_path, "web:1"))
    with pytest.raises(Error, match=r"none does not exist on this host"):
        apply(layout, load(tmp_path / "none"))
    assert check(layout, load(tmp_path / "none"), {}).changed is True
    apply(layout, export(tmp_path / "x", "web:1"))
    with pytest.raises(Error, match=r"is an image for linux/.*, not for linux/s390x"):
        apply(layout, load(tmp_path / "x", platform="linux/s390x"))
    for name in ("UPPER", "a@sha256:" + "0" * 64):
        with pytest.raises(Error):
            apply(layout, load(tmp_path / "x", name=name))
    assert not os.path.exists(tmp_path / "none")


def test_a_layout_for_several_platforms(layout: Layout, tmp_path: Path) -> None:
    """As Docker 25 and later save it: one name, an index, and manifest.json beside it."""
    directory = tmp_path / "layout"
    ids = multi_platform(directory)
    image = loaded(layout, directory)
    assert (image["Id"], image["RepoTags"]) == (ids["host"], ["web:1"])
    image = loaded(layout, directory, platform="linux/s390x", name="web:s390x")
    assert (image["Id"], image["Architecture"]) == (ids["s390x"], "s390x")
    with pytest.raises(Error, match="has no image for linux/mips"):
        check(layout, load(directory, platform="linux/mips"), {})


def multi_platform(directory: Path) -> dict[str, str]:
    """An image for the host and one for s390x under one name; returns their ids."""
    blobs = directory / "blobs" / "sha256"
    entries, ids = [], {}
    for name, extra in (("host", {}), ("s390x", {"architecture": "s390x"})):
        images.oci_layout(directory, [images.tar({name: b""})])
        top = json.loads((directory / "index.json").read_bytes())["manifests"][0]
        manifest = json.loads((blobs / top["digest"][7:]).read_bytes())
        config = json.loads((blobs / manifest["config"]["digest"][7:]).read_bytes())
        manifest["config"] = blob(blobs, {**config, **extra}, manifest["config"]["mediaType"])
        platform = {"os": "linux", "architecture": {**config, **extra}["architecture"]}
        entries.append({**blob(blobs, manifest, top["mediaType"]), "platform": platform})
        ids[name] = str(manifest["config"]["digest"])
        layers = [f"blobs/sha256/{layer['digest'][7:]}" for layer in manifest["layers"]]
        if name == "host":
            saved = {
                "Config": f"blobs/sha256/{ids[name][7:]}",
                "RepoTags": ["web:1"],
                "Layers": layers,
            }
            (directory / "manifest.json").write_text(json.dumps([saved]))
    kind = "application/vnd.oci.image.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
    names = {"io.containerd.image.name": NAME, "org.opencontainers.image.ref.name": "1"}
    top = {**blob(blobs, index, kind), "annotations": names}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    return ids


def blob(blobs: Path, document: Any, media_type: str) -> dict[str, Any]:
    data = json.dumps(document).encode()
    found = hashlib.sha256(data).hexdigest()
    (blobs / found).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{found}", "size": len(data)}


# --- through Ansible -------------------------------------------------------------------------


def four_runs(play: Play, tasks: list[dict[str, Any]], *arguments: str) -> list[Run]:
    """Check, apply, apply, check: what the first foretells the second does, and no more."""
    modes: list[list[str]] = [["--check"], [], [], ["--check"]]
    runs = [play.tasks(tasks, "--diff", *mode, *arguments) for mode in modes]
    for run in runs:
        assert run.status == 0, run.output
    assert [run.changed for run in runs][1:] == [len(tasks), 0, 0]
    foretold, done = ([{**task, "seconds": None} for task in run.record] for run in runs[:2])
    assert foretold == done
    return runs


def test_plays(layout: Layout, stored: str, tmp_path: Path) -> None:
    play = Play(tmp_path)
    path = tmp_path / "archives" / "web.tar"
    path.parent.mkdir()
    four_runs(play, [{"slipway.engine.image_export": {"name": list(NAMES), "path": str(path)}}])
    image = store.find(layout, stored)
    assert image is not None
    for name in NAMES:
        apply(layout, Task(image_remove.declare, image_remove.RESOURCE, {"name": name}))
    assert store.all_images(layout) == ()
    four_runs(play, [{"slipway.engine.image_load": {"path": str(path)}}])
    found = store.find(layout, stored)
    assert found is not None
    assert len(found.names) == 2


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_an_archive_of_the_controller(
    layout: Layout, stored: str, tmp_path: Path, form: str
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    apply(layout, export(files / "web.tar", "web:1", format=form))
    for name in NAMES:
        apply(layout, Task(image_remove.declare, image_remove.RESOURCE, {"name": name}))
    remote = tmp_path / "remote"
    runs = four_runs(
        Play(tmp_path),
        [{"slipway.engine.image_load": {"src": "web.tar"}}],
        "-vvv",
        *("-e", f"ansible_remote_tmp={remote}"),
    )
    assert store.find(layout, stored) is not None
    # The archive itself went to the host once, in the run that needed it, and nothing is left.
    sent = [run.output.count(f"PUT {files / 'web.tar'} TO {remote}") for run in runs]
    assert (sent, os.listdir(remote)) == ([0, 1, 0, 0], [])


# --- on the command line ---------------------------------------------------------------------


def slipway(path: Path, *arguments: str, send: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    argv = ["/usr/bin/python3", str(path), *arguments]
    return subprocess.run(argv, input=send, capture_output=True, check=False, timeout=60)


def test_save_load_and_import(
    layout: Layout, stored: str, busybox_tar: Path, tmp_path: Path
) -> None:
    program.install(layout, tmp_path / "slipway")
    run = tmp_path / "slipway"
    to_file = slipway(run, "save", "-o", str(tmp_path / "web.tar"), *NAMES)
    assert (to_file.returncode, to_file.stdout, to_file.stderr) == (0, b"", b"")
    written = slipway(run, "save", *NAMES)
    assert (written.returncode, written.stderr) == (0, b"")
    assert written.stdout == (tmp_path / "web.tar").read_bytes()
    packed = slipway(run, "save", "--format=oci", stored)
    for name in NAMES:
        apply(layout, Task(image_remove.declare, image_remove.RESOURCE, {"name": name}))
    assert store.all_images(layout) == ()
    said = slipway(run, "load", send=packed.stdout)
    assert (said.stdout, said.stderr) == (f"Loaded image ID: {stored}\n".encode(), b"")
    said = slipway(run, "load", "-i", str(tmp_path / "web.tar"))
    assert said.stdout == b"Loaded image: web:1\nLoaded image: registry.example.org:5000/web:2\n"
    # Docker keeps its progress to itself then, and still prints what scripts read.
    assert slipway(run, "load", "-q", send=written.stdout).stdout == said.stdout
    said = slipway(run, "load", send=b"no archive" * 100)
    assert said.returncode == 1
    assert said.stderr.startswith(b"slipway: standard input is not an image archive: ")
    said = slipway(run, "import", "-c", 'CMD ["sh"]', "-", "box:1", send=busybox_tar.read_bytes())
    image = store.find(layout, "box:1")
    assert image is not None
    assert (said.stdout, image.config["config"]) == (f"{image.id}\n".encode(), {"Cmd": ["sh"]})
    assert slipway(run, "import", str(busybox_tar), "box:2").returncode == 0
    assert slipway(run, "save", "none").stderr.startswith(b"slipway: No such image: ")
    assert os.listdir(layout.tmp) == []
