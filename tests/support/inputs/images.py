# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for tests, made from what the distribution has: busybox-static, skopeo, umoci.

None of it uses the library under test, so that an image which both understand says something.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

BUSYBOX = Path("/bin/busybox")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}

#: A member of a tar: bytes make a file, None a directory, text after ``->`` a symbolic link.
Member = Union[bytes, str, None]


def busybox_tar(path: Path) -> Path:
    """Write a root filesystem around the static busybox; the same bytes on every run."""
    busybox = BUSYBOX.read_bytes()
    listed = subprocess.run([str(BUSYBOX), "--list"], capture_output=True, check=True, text=True)
    directories = "bin dev etc home proc root run srv sys tmp usr usr/bin var var/log var/tmp"
    members: dict[str, Member] = dict.fromkeys(directories.split())
    members["bin/busybox"] = busybox
    for applet in listed.stdout.split():
        if applet != "busybox":
            members[f"bin/{applet}"] = "->busybox"
    members["usr/bin/env"] = "->../../bin/busybox"
    members["etc/passwd"] = (
        b"root:x:0:0:root:/root:/bin/sh\n"
        b"daemon:x:1:1:daemon:/:/bin/false\n"
        b"www-data:x:33:33:www-data:/srv:/bin/false\n"
        b"nobody:x:65534:65534:nobody:/:/bin/false\n"
    )
    members["etc/group"] = (
        b"root:x:0:\ndaemon:x:1:\nadm:x:4:daemon\nwww-data:x:33:\nnogroup:x:65534:\n"
    )
    path.write_bytes(tar(members, modes={"bin/busybox": 0o755, "tmp": 0o1777, "var/tmp": 0o1777}))
    return path


def host_usr_tar(path: Path) -> Path:
    """Write a root filesystem that has the machine's own programs, Python among them, once its
    ``/usr`` is mounted at ``/usr``. The user ``app`` is 1000.
    """
    members: dict[str, Member] = dict.fromkeys(
        [
            "dev",
            "etc",
            "home",
            "home/app",
            "opt",
            "proc",
            "root",
            "run",
            "srv",
            "sys",
            "tmp",
            "usr",
            "var",
            "var/tmp",
        ]
    )
    members |= {name: f"->usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}
    members["etc/passwd"] = (
        b"root:x:0:0:root:/root:/bin/sh\n"
        b"app:x:1000:1000:app:/home/app:/bin/sh\n"
        b"nobody:x:65534:65534:nobody:/:/bin/false\n"
    )
    members["etc/group"] = b"root:x:0:\napp:x:1000:\nnogroup:x:65534:\n"
    path.write_bytes(tar(members, modes={"tmp": 0o1777, "var/tmp": 0o1777, "home/app": 0o777}))
    return path


def tar(members: Mapping[str, Member], modes: Optional[Mapping[str, int]] = None) -> bytes:
    """A tar archive of exactly these members, in name order, owned by root, dated 1970."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(members):
            content = members[name]
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str):
                info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, content[2:]
            else:
                info.size = len(content)
            info.mode = (modes or {}).get(name, info.mode)
            archive.addfile(info, io.BytesIO(content if isinstance(content, bytes) else b""))
    return buffer.getvalue()


def oci_layout(
    directory: Path,
    layers: Sequence[bytes],
    config: Optional[Mapping[str, Any]] = None,
    name: str = "latest",
) -> str:
    """Write an OCI image layout by hand, from layer tars (compressed here) and a ``config``.

    Returns the manifest's digest. What a test wants wrong it makes wrong afterwards, in the files.
    """
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def blob(data: bytes, media_type: str) -> dict[str, Any]:
        hexadecimal = hashlib.sha256(data).hexdigest()
        (blobs / hexadecimal).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{hexadecimal}", "size": len(data)}

    document = {
        "architecture": _architecture(),
        "os": "linux",
        "config": dict(config or {}),
        "rootfs": {
            "type": "layers",
            "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers],
        },
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(_json(document), "application/vnd.oci.image.config.v1+json"),
        "layers": [
            blob(gzip.compress(layer, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
            for layer in layers
        ],
    }
    entry = blob(_json(manifest), str(manifest["mediaType"]))
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (directory / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [entry]}))
    return str(entry["digest"])


def umoci_layout(directory: Path, rootfs: Path, name: str = "latest", *config: str) -> None:
    """The same through umoci, from a directory; ``config`` are arguments of ``umoci config``."""
    image = f"{directory}:{name}"
    _run("umoci", "init", "--layout", str(directory))
    _run("umoci", "new", "--image", image)
    _run("umoci", "insert", "--image", image, str(rootfs), "/")
    if config:
        _run("umoci", "config", "--image", image, *config)


def skopeo_copy(source: str, target: str, credentials: Optional[str] = None) -> None:
    """``skopeo copy`` that does not ask for TLS; ``credentials`` are ``user:password``."""
    login = ["--dest-creds", credentials] if credentials else []
    _run(
        "skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
        *login, source, target,
    )  # fmt: skip


def skopeo_inspect(image: str, *, config: bool = False, raw: bool = False) -> dict[str, Any]:
    """What skopeo reads there: its summary, or the image's config or manifest."""
    flags = [flag for flag, wanted in (("--config", config), ("--raw", raw)) if wanted]
    tls = [] if image.startswith("oci:") else ["--tls-verify=false"]
    document: dict[str, Any] = json.loads(_run("skopeo", "inspect", *tls, *flags, image))
    return document


def _architecture() -> str:
    return ARCHITECTURE.get(os.uname().machine, os.uname().machine)


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _run(*argv: str) -> bytes:
    done = subprocess.run(argv, capture_output=True, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
