# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for images, built and run as on a host: by the system's Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest
from support.containers import World
from support.inputs import images
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.verb.images import (
    files,
    image,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import ps_table
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    index,
    store,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import client
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    path = tmp_path / "small.tar"
    modes = {"bin/tool": 0o755}
    members: dict[str, Any] = {"bin": None, "bin/tool": b"#!x\n", "etc": None, "etc/a": b"a" * 999}
    path.write_bytes(images.tar({**members, "etc/link": "->a"}, modes))
    return path


@pytest.fixture
def world_tar(tar: Path) -> Path:
    return tar


def lines(world: World, *arguments: str) -> list[str]:
    return world.slipway(*arguments).stdout.decode().splitlines()


def failure(world: World, *arguments: str) -> str:
    """What a command says that fails, which is one line."""
    done = world.slipway(*arguments, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"slipway: ") and done.stderr.count(b"\n") == 1
    return done.stderr.decode()


def test_images_in_dockers_columns(world: World, tar: Path) -> None:
    found = world.image.id
    other = world.add_image("other", tar, "LABEL a=b")
    world.slipway("tag", "busybox:1", "example.org:5000/team/busybox")
    rows = lines(world, "images")
    assert re.fullmatch(r"REPOSITORY +TAG +IMAGE ID +CREATED +SIZE", rows[0])
    assert len(rows) == 4
    columns = [re.split(r" {3,}", row) for row in rows[1:]]
    assert ["busybox", "1", found[7:19]] in [row[:3] for row in columns]
    assert ["example.org:5000/team/busybox", "latest", found[7:19]] in [row[:3] for row in columns]
    assert {row[4] for row in columns} == {"1kB"}
    assert all(re.fullmatch(r"\d+ years ago", row[3]) for row in columns)
    assert lines(world, "image", "ls") == rows
    assert lines(world, "images", "-q", "other") == [other.id[7:19]]
    assert lines(world, "images", "-q", "--no-trunc", "other:1") == [other.id]
    assert lines(world, "images", "-q", "other:2") == []
    assert len(lines(world, "images", "-q", "*busybox*")) == 1
    assert len(lines(world, "images", "-q", "-f", "reference=*/*/busybox")) == 1
    assert lines(world, "images", "-q", "-f", "label=a") == [other.id[7:19]]
    assert lines(world, "images", "-q", "-f", "dangling=true") == []
    form = "{{.Repository}}:{{.Tag}} {{.ID}}"
    assert f"busybox:1 {found[7:19]}" in lines(world, "images", "--format", form)
    table = lines(world, "images", "--format", r"table {{.ID}}\t{{upper .Tag}}")
    assert re.fullmatch("IMAGE ID +TAG", table[0])
    assert json.loads(lines(world, "images", "--format", "json", "other")[0])["Tag"] == "1"
    assert "unknown field Nope" in failure(world, "images", "--format", "{{.Nope}}")
    assert "unknown filter 'x'" in failure(world, "images", "-f", "x=y")
    done = world.slipway("images", "-f", "dangling", check=False)
    assert (done.returncode, b"(expected name=value)" in done.stderr) == (125, True)


def test_images_without_a_name(world: World, tar: Path) -> None:
    index.untag(world.layout, parse_normalized("busybox:1"), keep_unnamed=True)
    [row] = lines(world, "images")[1:]
    assert row.split()[:3] == ["<none>", "<none>", world.image.id[7:19]]
    assert lines(world, "images", "-qf", "dangling=true") == [world.image.id[7:19]]
    done = world.slipway("image", "prune", check=False)
    assert (done.returncode, len(lines(world, "images", "-q"))) == (1, 1)
    assert lines(world, "image", "prune", "-f") == [
        "Deleted Images:",
        f"deleted: {world.image.id}",
        f"deleted: {world.image.chain_ids[0]}",
        "",
        "Total reclaimed space: 1kB",
    ]
    assert lines(world, "image", "prune", "-f") == ["Total reclaimed space: 0B"]


def test_prune_of_all_that_is_not_used(world: World, tar: Path) -> None:
    world.create("user")
    world.add_image("other", tar, "LABEL keep=no")
    assert lines(world, "image", "prune", "-af", "--filter", "label=keep=yes")[-1].endswith("0B")
    assert "untagged: other:1" in lines(world, "image", "prune", "-a", "-f")
    assert len(lines(world, "images", "-q")) == 1


def test_inspect_and_its_format(world: World) -> None:
    [document] = json.loads(world.slipway("image", "inspect", "busybox:1").stdout)
    assert (document["Id"], document["RepoTags"]) == (world.image.id, ["busybox:1"])
    assert lines(world, "image", "inspect", "--format", "{{ .Os }}", "busybox:1") == ["linux"]
    assert lines(world, "inspect", "-f", "{{json .Config.Cmd}}", "busybox:1") == ['["sh"]']
    short = world.image.id[7:15]
    assert lines(world, "image", "inspect", "-f", "{{index .RepoTags 0}}", short) == ["busybox:1"]
    world.create("web")
    shown = lines(world, "inspect", "-f", "{{.Name}}", "web")
    assert shown == ["/web"]
    both = json.loads(world.slipway("inspect", "web", "busybox:1").stdout)
    assert ["State" in one for one in both] == [True, False]
    assert "No such image: nothere" in failure(world, "image", "inspect", "nothere")
    assert "no such object: nothere" in failure(world, "inspect", "nothere")


def test_history(world: World, tar: Path) -> None:
    world.add_image("other", tar, "ENV A=1")
    rows = lines(world, "history", "busybox:1")
    assert re.fullmatch(r"IMAGE +CREATED +CREATED BY +SIZE +COMMENT", rows[0])
    assert re.match(rf"{world.image.id[7:19]} +\d+ years ago +slipway import +1kB", rows[1])
    assert lines(world, "history", "-q", "--no-trunc", "busybox:1") == [world.image.id]
    assert lines(world, "history", "-H=false", "--format", "{{.Size}}", "busybox:1") == ["1003"]
    assert "No such image" in failure(world, "history", "nothere")


def test_tag_and_rmi(world: World, tar: Path) -> None:
    found = world.image.id
    assert lines(world, "tag", "busybox:1", "a:1") == []
    assert lines(world, "image", "tag", found[7:12], "b") == []
    assert "a:1" in lines(world, "images", "--format", "{{.Repository}}:{{.Tag}}")
    assert lines(world, "rmi", "a:1") == ["Untagged: a:1"]
    assert "has other names:" in failure(world, "rmi", found[7:12])
    assert lines(world, "image", "rm", "-f", found[7:12]) == [
        "Untagged: b:latest",
        "Untagged: busybox:1",
        f"Deleted: {found}",
        f"Deleted: {world.image.chain_ids[0]}",
    ]
    done = world.slipway("rmi", "a:1", "nothere", check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 2)
    assert "No such image: docker.io/library/x:latest" in failure(world, "tag", "x", "y")


def test_several_images_go_at_once(world: World, tar: Path) -> None:
    world.add_image("other", tar, "ENV A=1")
    done = world.slipway("rmi", "busybox:1", "nothere", "other:1", check=False)
    assert done.returncode == 1
    assert done.stdout.count(b"Untagged") == 2
    assert lines(world, "images", "-q") == []


def test_push_and_pull(world: World, registry: Registry) -> None:
    first, second = f"{registry.host}/cli:1", f"{registry.host}/copy:1"
    layer = world.image.layers[0].digest[7:19]
    for name in (first, second):
        world.slipway("tag", "busybox:1", name)
    manifest = world.image.manifest
    told = f"1: digest: {manifest.digest} size: {manifest.size}"
    repository = f"The push refers to repository [{registry.host}/cli]"
    begun = [repository, f"{layer}: Preparing"]
    assert lines(world, "push", first) == [*begun, f"{layer}: Pushed", told]
    assert lines(world, "push", first) == [*begun, f"{layer}: Layer already exists", told]
    assert lines(world, "push", second)[2] == f"{layer}: Mounted from cli"
    assert lines(world, "push", "-q", second) == [second]
    world.slipway("tag", "busybox:1", f"{registry.host}/cli:2")
    assert lines(world, "push", "-a", f"{registry.host}/cli")[-1].startswith("2: digest: ")
    for name in ("busybox:1", first, second, f"{registry.host}/cli:2"):
        world.slipway("rmi", name)
    assert lines(world, "pull", first) == [
        "1: Pulling from cli",
        f"{layer}: Pulling fs layer",
        f"{layer}: Download complete",
        f"{layer}: Pull complete",
        f"Digest: {manifest.digest}",
        f"Status: Downloaded newer image for {first}",
    ]
    assert lines(world, "pull", first)[-1] == f"Status: Image is up to date for {first}"
    assert lines(world, "pull", "-q", first) == [first]
    assert manifest.digest in lines(world, "images", "--digests")[1]
    assert lines(world, "rmi", first)[:2] == [
        f"Untagged: {first}",
        f"Untagged: {registry.host}/cli@{manifest.digest}",
    ]
    whole = lines(world, "pull", "-a", f"{registry.host}/cli")
    assert [line for line in whole if line.startswith("Status")] == [
        f"Status: Downloaded newer image for {registry.host}/cli:{tag}" for tag in (1, 2)
    ]
    pinned = f"{registry.host}/cli@{manifest.digest}"
    assert lines(world, "pull", pinned)[0] == f"{manifest.digest}: Pulling from cli"
    assert "not found" in failure(world, "pull", f"{registry.host}/nothere")
    assert "Cannot find image" in failure(world, "push", f"{registry.host}/nothere")
    assert "names a tag or digest, which cannot be combined with" in failure(
        world, "pull", "-a", first
    )


def test_search(world: World, registry: Registry) -> None:
    name = f"{registry.host}/found/by-search"
    world.slipway("tag", "busybox:1", name)
    world.slipway("push", "-q", name)
    rows = lines(world, "search", f"{registry.host}/by-sea")
    assert re.fullmatch("NAME +DESCRIPTION +STARS +OFFICIAL", rows[0])
    assert [row.split() for row in rows[1:]] == [[name, "0"]]
    assert lines(world, "search", "--filter", "stars=1", f"{registry.host}/by-sea")[1:] == []
    assert "limit is 0" in failure(world, "search", "--limit", "0", "x")
    assert "expected a number" in failure(world, "search", "-f", "stars=many", "x")


def test_login_and_logout(world: World, registries: Callable[..., Registry]) -> None:
    guarded = registries(username="anna", password="s3cret", tls=True)
    settings = {"registries": {guarded.host: {"ca_file": str(guarded.ca)}}}
    world.layout.registries_file.write_text(json.dumps(settings))
    program = ["/usr/bin/python3", str(zipapp.program(world.layout))]

    def login(*arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
        command = [*program, "login", *arguments, guarded.host]
        return subprocess.run(command, input=password, capture_output=True, text=True, check=False)

    refused = login("-u", "anna", "--password-stdin", password="wrong")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "failed" in refused.stderr and "wrong" not in refused.stderr
    assert not world.layout.auth_file.exists()
    done = login("-u", "anna", "--password-stdin", password="s3cret\n")
    assert (done.stdout, done.stderr) == ("Login Succeeded\n", "")
    assert world.layout.auth_file.stat().st_mode & 0o777 == 0o600
    assert login("--password-stdin").returncode == 1
    warned = login("-u", "anna", "-p", "s3cret")
    assert warned.stdout == "Login Succeeded\n"
    assert "--password via the CLI is insecure" in warned.stderr
    name = f"{guarded.host}/guarded:1"
    world.slipway("tag", "busybox:1", name)
    world.slipway("push", name)
    assert lines(world, "logout", guarded.host) == [
        f"Removing login credentials for {guarded.host}"
    ]
    assert lines(world, "logout", guarded.host) == [f"Not logged in to {guarded.host}"]
    assert "access denied" in failure(world, "pull", name)


# --- verify ----------------------------------------------------------------------------------

GOOD = "3 blobs and 1 layers verified: no damage found"


def _tool(world: World) -> Path:
    return world.layout.layer(world.image.chain_ids[0]) / "diff/bin/tool"


def _write(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(b"?")


def _rewrite_in_time(path: Path) -> None:
    """The content alone: as a disk would, that says nothing of it."""
    before = path.stat()
    _write(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _unlink(path: Path) -> None:
    path.unlink()


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "content": (_rewrite_in_time, "'bin'/'tool' has different content"),
    "time": (lambda path: os.utime(path, (1, 1)), "'bin'/'tool' has a different modification time"),
    "mode": (lambda path: path.chmod(0o4755), "'bin'/'tool' has mode 4755, not 755"),
    "owner": (lambda path: os.chown(path, 7, 7), "'bin'/'tool' has a different owner"),
    "missing": (_unlink, "'bin'/'tool' is missing"),
    "more": (lambda path: (path.parent / "new").touch(), "'bin'/'new' does not belong there"),
    "attribute": (
        lambda path: os.setxattr(path, "user.x", b"y"),
        "'bin'/'tool' has different extended attributes",
    ),
    "names": (
        lambda path: os.link(path, path.parents[3] / "x"),
        "'bin'/'tool' has different names",
    ),
    "directory": (lambda path: path.parent.chmod(0o777), "'bin' has mode 777, not 755"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_changed_layer_is_unpacked_again(world: World, kind: str) -> None:
    assert lines(world, "image", "verify") == [GOOD]
    change, what = DAMAGES[kind]
    change(_tool(world))
    first, last = lines(world, "image", "verify", "busybox:1")
    short = world.image.chain_ids[0][7:19]
    assert first == (
        f"docker.io/library/busybox:1: the layer {short} has been modified: {what}; "
        "it was unpacked again from its blob"
    )
    assert last == "3 blobs and 1 layers verified: 1 repaired, 0 still damaged"
    assert lines(world, "image", "verify") == [GOOD]
    assert _tool(world).read_bytes() == b"#!x\n"


def test_a_layer_that_is_not_there_is_unpacked(world: World) -> None:
    subprocess.run(["rm", "-r", str(_tool(world).parents[2])], check=True)
    assert "was not unpacked; it was unpacked again" in lines(world, "image", "verify")[0]
    assert lines(world, "image", "verify") == [GOOD]


def test_a_layer_in_use_is_left_alone(world: World, busybox_tar: Path) -> None:
    image = world.add_image("real", busybox_tar)
    running = world.run("web", image=image)
    target = world.layout.layer(image.chain_ids[0]) / "diff/etc/passwd"
    _write(target)
    done = world.slipway("image", "verify", "real:1", check=False)
    assert done.returncode == 1
    assert b"a running container uses it" in done.stdout
    assert target.read_bytes().startswith(b"?")
    world.slipway("stop", "-t", "0", running.id)
    assert lines(world, "image", "verify", "real:1")[-1].endswith("1 repaired, 0 still damaged")
    assert target.read_bytes().startswith(b"root:")


@pytest.mark.parametrize("part", ["layer", "config", "manifest"])
def test_a_damaged_blob_is_found_and_fetched_again(
    world: World, registry: Registry, part: str
) -> None:
    name = f"{registry.host}/damaged-{part}:1"
    world.slipway("tag", "busybox:1", name)
    world.slipway("push", name)
    digests = {
        "layer": world.image.layers[0].digest,
        "config": world.image.id,
        "manifest": world.image.manifest.digest,
    }
    _write(world.layout.blob(digests[part]))
    done = world.slipway("image", "verify", name, check=False)
    assert done.returncode == 1
    assert digests[part][7:] in done.stdout.decode()
    assert done.stdout.decode().splitlines()[-1].endswith("0 repaired, 1 still damaged")
    assert lines(world, "pull", name)[-1].startswith("Status: Downloaded newer image")
    assert lines(world, "image", "verify") == [GOOD]


def test_verify_what_is_not_there(world: World) -> None:
    assert "No such image: nothere" in failure(world, "image", "verify", "nothere")


# --- the program -----------------------------------------------------------------------------


def test_help_has_every_verb_and_looking_at_containers_imports_none_of_them(world: World) -> None:
    shown = world.slipway("--help").stdout.decode()
    listed = set(re.findall(r"^  ([a-z]+) ", shown, re.MULTILINE))
    assert listed >= {"ps", "logs", "pull", "push", "images", "image", "tag", "rmi", "history"}
    assert listed >= {"search", "login", "logout", "save", "load", "import"}
    program = str(zipapp.program(world.layout))

    def imported(*verb: str) -> set[str]:
        # -X importtime would miss what is imported by name.
        command = ["/usr/bin/python3", "-v", program, *verb]
        done = subprocess.run(command, check=True, capture_output=True)
        return set(re.findall(r"^import '([^']+)'", done.stderr.decode(), re.MULTILINE))

    def inside(module: ModuleType) -> str:
        """What a module of the library is called in the program."""
        return f"slipway.{module.__name__.partition('._runtime.')[2]}"

    looking = imported("ps", "-a")
    assert inside(ps_table) in looking
    assert not {inside(image), inside(files), inside(store)} & looking
    assert inside(image) in imported("images")
    for verb in (["images"], ["history", "busybox:1"], ["image", "inspect", "busybox:1"]):
        assert not {"requests", inside(client), "pyroute2"} & imported(*verb)


def test_the_store_says_the_same(world: World) -> None:
    """What the columns show is what the library finds."""
    [image] = store.all_images(world.layout)
    assert lines(world, "images", "--no-trunc", "--format", "{{.ID}}") == [image.id]
