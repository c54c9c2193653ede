# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""buildah with a storage of its own, and podman to look at what it built."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Buildah:
    """The program and its storage, below a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()
        settings = directory / "registries.conf"
        settings.write_text('unqualified-search-registries = ["docker.io"]\n')
        policy = directory / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._env = {
            **os.environ,
            "CONTAINERS_REGISTRIES_CONF": str(settings),
            "HOME": str(directory),
            "TMPDIR": str(directory),
        }
        places = ["--root", str(directory / "root"), "--runroot", str(directory / "run")]
        self._options = [*places, "--storage-driver", "overlay"]

    def _call(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [program, *self._options, *arguments],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def load(self, archive: Path) -> None:
        """Images of an archive, in the format of docker save."""
        self._call("podman", "load", "-q", "-i", str(archive))

    def build(
        self,
        name: str,
        context: Path,
        dockerfile: Path,
        ignore: Path,
        target: str,
        args: Mapping[str, str],
        secrets: Mapping[str, Path],
    ) -> None:
        """Build an image without a cache, on what is in the storage. Where there is no ``ignore``
        file, it is that of the context.
        """
        given = [f"--build-arg={key}={value}" for key, value in args.items()]
        given += [f"--secret=id={key},src={path}" for key, path in secrets.items()]
        given += [f"--target={target}"] if target else []
        given += [f"--ignorefile={ignore}"] if ignore.exists() else []
        self._call(
            "buildah",
            "bud",
            "--quiet",
            "--pull-never",
            "--layers=false",
            "--isolation=chroot",
            "--format=docker",
            "--identity-label=false",
            f"--signature-policy={self._directory / 'policy.json'}",
            f"--file={dockerfile}",
            f"--tag={name}",
            *given,
            str(context),
        )

    def mounted(self, names: Sequence[str]) -> dict[str, Path]:
        """The trees of images, by name, until close()."""
        places = self._call("podman", "image", "mount", "--format", "json", *names)
        by_name: dict[str, Path] = {}
        for found in json.loads(places):
            for name in found["Repositories"]:
                by_name[name] = Path(found["mountpoint"])
        return {name: by_name[name] for name in names}

    def config(self, name: str) -> dict[str, Any]:
        """The ``config`` section of an image."""
        found: dict[str, Any] = json.loads(self._call("buildah", "inspect", "--type=image", name))
        config: dict[str, Any] = found["Docker"]["config"]
        return config

    def close(self) -> None:
        self._call("podman", "image", "unmount", "--all", "--force")
        # What an image of several names is mounted at stays, and so does the storage itself.
        storage = str(self._directory / "root/overlay")
        subprocess.run(["umount", "--recursive", storage], check=False)
