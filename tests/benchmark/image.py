# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real image to measure with: Debian with a compiler, and three layers of Python packages.

About 1.3 GB, 60,000 files and 380 MB compressed, which take minutes to make. So it is made once, as
an OCI layout in a directory that is kept. It takes debootstrap, pip, and the network.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

DEBIAN = "gcc,g++,make,git,python3,perl,vim,curl,locales"
PYTHON = (
    ("ansible==11.1.0",),
    ("numpy", "scipy", "pandas"),
    ("django", "sympy", "matplotlib", "sqlalchemy"),
)
SITE_PACKAGES = "usr/local/lib/python3.11/dist-packages"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}


def ensure(directory: Path) -> Path:
    """The layout of the image in ``directory``, made if it is not there."""
    layout = directory / "layout"
    if (layout / "index.json").exists():
        return layout
    if shutil.which("debootstrap") is None:
        raise SystemExit("the image is made with debootstrap: install that package")
    shutil.rmtree(directory, ignore_errors=True)
    trees = [directory / "debian", *(directory / f"python{i}" for i in range(len(PYTHON)))]
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    said("Debian, by debootstrap")
    run("debootstrap", "--variant=minbase", f"--include={DEBIAN}", "bookworm", trees[0])
    shutil.rmtree(trees[0] / "var/cache/apt")
    for tree, packages in zip(trees[1:], PYTHON):
        said(f"{', '.join(packages)}, by pip")
        target = tree / SITE_PACKAGES
        install = [sys.executable, "-m", "pip", "install", "-q", "--no-compile"]
        run(*install, f"--target={target}", *packages)
    layers, diff_ids = [], []
    for tree in trees:
        said(f"the layer of {tree.name}")
        descriptor, diff_id = layer(tree, blobs)
        layers.append(descriptor)
        diff_ids.append(diff_id)
        shutil.rmtree(tree)
    config = {
        "architecture": ARCHITECTURE.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": {"Cmd": ["bash"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": document(config, "application/vnd.oci.image.config.v1+json", blobs),
        "layers": layers,
    }
    entry = document(manifest, str(manifest["mediaType"]), blobs)
    entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = {"schemaVersion": 2, "manifests": [entry]}
    (layout / "index.json").write_text(json.dumps(index))
    return layout


def layer(tree: Path, blobs: Path) -> tuple[dict[str, Any], str]:
    """Pack a tree as a layer, and return its descriptor and the digest of what it unpacks to."""
    temporary = blobs / "layer"
    argv = ["tar", "-C", str(tree), "--sort=name", "--xattrs", "--format=pax",
            "--pax-option=delete=atime,delete=ctime", "-cf", "-", "."]  # fmt: skip
    plain = hashlib.sha256()
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with temporary.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, 0) as file:
            while piece := process.stdout.read(1 << 20):
                plain.update(piece)
                file.write(piece)
    if process.returncode:
        raise SystemExit(f"tar failed on {tree}")
    with temporary.open("rb") as packed:
        digest = sha256(packed)
    size = temporary.stat().st_size
    temporary.rename(blobs / digest)
    media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    descriptor = {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}
    return descriptor, f"sha256:{plain.hexdigest()}"


def document(value: Any, media_type: str, blobs: Path) -> dict[str, Any]:
    data = json.dumps(value).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def sha256(file: IO[bytes]) -> str:
    found = hashlib.sha256()
    while piece := file.read(1 << 20):
        found.update(piece)
    return found.hexdigest()


def run(*argv: str | Path) -> None:
    done = subprocess.run([str(arg) for arg in argv], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"{argv[0]} failed")


def said(what: str) -> None:
    print(f"making the image: {what}", flush=True)
