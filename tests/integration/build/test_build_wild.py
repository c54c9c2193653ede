# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dockerfiles as projects have them, built here and by buildah: the same trees and defaults.

They are in wild/, by subject. Package managers and compilers are stand-ins that leave what the real
ones leave (support/inputs/stand_ins.sh).
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.builds import wild
from support.builds.buildah import Buildah
from support.builds.building import File, Outcome, build, fill
from support.containers import World
from support.inputs import images

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.request import (
    Secret,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.files import (
    private_mount,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)

WILD = Path(__file__).parent / "wild"
INPUTS = Path(images.__file__).parent
FILES = [path for path in sorted(WILD.glob("*.txt")) if path.stem != "bases"]
CASES = [case for path in FILES for case in wild.read(path)]
NAMES = (
    "apk apt-get apt-mark a2enmod adduser addgroup bundle cargo composer curl gcc go "
    "groupadd locale-gen make mvn npm pip pnpm python3 useradd yarn"
)
#: The members of an image's config that are compared; a missing one is an empty one.
MEMBERS = (
    "Cmd Entrypoint Env ExposedPorts Healthcheck Labels OnBuild Shell StopSignal User "
    "Volumes WorkingDir"
)


DIRECTORIES = (
    "etc/crontabs lib media mnt opt usr/lib usr/local/bin usr/local/etc usr/local/lib "
    "usr/local/sbin usr/sbin usr/share usr/src var/cache var/lib var/spool"
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ACCOUNTS: dict[str, File] = {
    **dict.fromkeys(("etc/hostname", "etc/hosts", "etc/resolv.conf"), ""),
    "etc/passwd": """root:x:0:0:root:/root:/bin/sh
www-data:x:33:33::/srv:/bin/false
nginx:x:101:101::/:/bin/false
node:x:1000:1000::/home/node:/bin/sh
nobody:x:65534:65534::/:/bin/false
""",
    "etc/group": "root:x:0:\nwww-data:x:33:\nnginx:x:101:\nnode:x:1000:\nnogroup:x:65534:\n",
}

#: A case and the stage that is built.
Key = tuple[str, str]


@pytest.fixture
def stand_ins(busybox_tar: Path, tmp_path: Path) -> Path:
    """A root filesystem: busybox with stand-ins for everything that Dockerfiles call."""
    root = tmp_path / "stand-ins"
    root.mkdir()
    subprocess.run(["tar", "-C", str(root), "-xf", str(busybox_tar)], check=True)
    script = (INPUTS / "stand_ins.sh").read_bytes()
    directories: dict[str, File] = dict.fromkeys(DIRECTORIES.split())
    scripts: dict[str, File] = {f"usr/bin/{name}": script for name in NAMES.split()}
    fill(root, {**directories, **ACCOUNTS, **scripts})
    for name in NAMES.split():
        (root / "usr/bin" / name).chmod(0o755)
    source, program = str(INPUTS / "setcap.c"), str(root / "usr/sbin/setcap")
    subprocess.run(["musl-gcc", "-static", "-o", program, source], check=True)
    archive = tmp_path / "stand-ins.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    return archive


@pytest.fixture
def buildah(sandbox: Path) -> Iterator[Buildah]:
    made = Buildah(sandbox / "buildah")
    yield made
    made.close()


@pytest.mark.timeout(1200)
def test_dockerfiles_of_the_wild(
    world: World, stand_ins: Path, buildah: Buildah, tmp_path: Path
) -> None:
    world.add_image("stand-ins", stand_ins, f"ENV PATH={PATH}")
    bases = _bases(world, tmp_path)
    world.slipway("save", "-o", str(tmp_path / "bases.tar"), *bases)
    buildah.load(tmp_path / "bases.tar")

    failed: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(_built_by_buildah, buildah, tmp_path, failed)
        ours = _built_by_us(world, tmp_path, failed)
        theirs = pending.result()
    assert not failed, "\n".join(failed)

    trees = buildah.mounted(list(theirs.values()))
    wrong = []
    for case in CASES:
        for target in case.targets:
            made, name = ours[case.name, target], theirs[case.name, target]
            with private_mount.shown(world.host, made.image.chain_ids, name) as root:
                found = _differences(
                    {**_tree(Path(f"/proc/self/fd/{root.fd}")), **_config(made.config)},
                    {**_tree(trees[name]), **_config(buildah.config(name))},
                )
            unknown = {where: both for where, both in found.items() if where not in case.differs}
            wrong += [f"{case.name} {target}: {w}: {both}" for w, both in unknown.items()]
            wrong += [f"{case.name}: {w} is the same" for w in set(case.differs) - set(found)]
    assert not wrong, "\n".join(wrong)


def _bases(world: World, directory: Path) -> list[str]:
    """Build the images that the Dockerfiles begin with."""
    names = []
    for number, case in enumerate(wild.read(WILD / "bases.txt")):
        context = case.write(directory / f"base{number}")
        names += case.name.split()
        references = tuple(parse_normalized(name) for name in case.name.split())
        build(world.layout, context, names=references, network="none")
    return names


def _built_by_us(world: World, directory: Path, failed: list[str]) -> dict[Key, Outcome]:
    built = {}
    for number, case in enumerate(CASES):
        context = case.write(directory / f"ours{number}")
        secrets = tuple(Secret(key, value=value.encode()) for key, value in case.secrets.items())
        for target in case.targets:
            try:
                built[case.name, target] = build(
                    world.layout,
                    context,
                    path=case.options.get("file", ""),
                    target=target,
                    args=case.args,
                    secrets=secrets,
                    network="none",
                )
            except Error as exc:
                failed.append(f"{case.name}, here: {exc}")
    return built


def _built_by_buildah(buildah: Buildah, directory: Path, failed: list[str]) -> dict[Key, str]:
    built = {}
    for number, case in enumerate(CASES):
        context = case.write(directory / f"theirs{number}", other=True)
        beside = directory / f"{context.name}.Dockerfile"
        dockerfile = beside if beside.exists() else context / case.dockerfile
        ignore = directory / f"{context.name}..dockerignore"
        secrets = {}
        for key, value in case.secrets.items():
            secrets[key] = directory / f"secret{number}"
            secrets[key].write_text(value)
        for target in case.targets:
            name = f"localhost/case{number}{target}:1"
            try:
                buildah.build(name, context, dockerfile, ignore, target, case.args, secrets)
                built[case.name, target] = name
            except AssertionError as exc:
                failed.append(f"{case.name}, there: {exc}")
    return built


def _tree(top: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below a directory: type, mode, owner, content or target, attributes."""
    found: dict[str, tuple[Any, ...]] = {}
    pending = [""]
    while pending:
        path = pending.pop()
        place = f"{top}/{path}"
        status = os.stat(place, follow_symlinks=False) if path else os.stat(place)
        content: Any = ""
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(place)
        elif stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(Path(place).read_bytes()).hexdigest()[:12]
        elif stat.S_ISDIR(status.st_mode):
            pending += [f"{path}/{name}".lstrip("/") for name in os.listdir(place)]
        elif status.st_rdev:
            content = status.st_rdev
        attributes = {
            name: os.getxattr(place, name, follow_symlinks=False)
            for name in os.listxattr(place, follow_symlinks=False)
            if not name.startswith("trusted.overlay.")
        }
        if not path:
            # Of the top itself the storage decides: no layer has an entry for it.
            continue
        found[f"tree {path}"] = (
            stat.filemode(status.st_mode),
            status.st_uid,
            status.st_gid,
            content,
            *sorted(attributes.items()),
        )
    return found


def _config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are compared. The order of variables is none of an image's properties, and
    ``/`` is the working directory of a container whose image has none.
    """
    found = {f"config {name}": config[name] for name in MEMBERS.split() if config.get(name)}
    found["config Env"] = sorted(config.get("Env") or [])
    found["config WorkingDir"] = config.get("WorkingDir") or "/"
    return found


def _differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, str]:
    changed = [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]
    return {key: f"{ours.get(key, '-')} here, {theirs.get(key, '-')} there" for key in changed}
