# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything is on the host. The package records says what each place means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from .frozen import dataclass


@dataclass(frozen=True)
class Layout:
    """The three directories of an installation, and every path below them.

    ``root`` survives a reboot, ``run`` is rebuildable from it, ``etc`` belongs to the
    administrator.
    """

    root: Path
    run: Path
    etc: Path

    @classmethod
    def default(cls) -> Layout:
        """The places a host uses."""
        return cls(Path("/var/lib/slipway"), Path("/run/slipway"), Path("/etc/slipway"))

    @property
    def meta(self) -> Path:
        return self.root / "meta.json"

    @property
    def images(self) -> Path:
        """A valid OCI image layout."""
        return self.root / "images"

    @property
    def index(self) -> Path:
        return self.images / "index.json"

    @property
    def blobs(self) -> Path:
        return self.images / "blobs" / "sha256"

    @property
    def layers(self) -> Path:
        return self.root / "layers"

    @property
    def containers(self) -> Path:
        return self.root / "containers"

    @property
    def names(self) -> Path:
        """One symbolic link per container name; its target is the container's id."""
        return self.root / "names"

    @property
    def creations(self) -> Path:
        """Containers that are being made, by id (container/lifecycle/creation.py)."""
        return self.root / "creations"

    @property
    def swaps(self) -> Path:
        """The journals of replacements under way; records/journal.py has their meaning."""
        return self.root / "swaps"

    @property
    def collect(self) -> Path:
        """There from when an image is given up until its content is gone (image/store/store.py)."""
        return self.root / "collect"

    @property
    def networks(self) -> Path:
        return self.root / "networks"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def build(self) -> Path:
        """What builds leave for those that follow: ``steps``, ``mounts``, ``contexts``, ``made``
        and ``outputs``.
        """
        return self.root / "build"

    @property
    def ingest(self) -> Path:
        return self.root / "ingest"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def trash(self) -> Path:
        return self.root / "trash"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def program(self) -> Path:
        return self.root / "program"

    @property
    def signatures(self) -> Path:
        """Signatures that images were accepted for, by digest (image/signatures.py)."""
        return self.root / "signatures"

    @property
    def policy_file(self) -> Path:
        """What images need to be pulled here (containers-policy.json(5)); often absent."""
        return self.etc / "policy.json"

    @property
    def shared_policy_file(self) -> Path:
        """The same for all engines of the host: skopeo, Podman, Buildah and CRI-O read it too."""
        return self.etc.parent / "containers" / "policy.json"

    @property
    def policy(self) -> Optional[Path]:
        """The file that applies: this engine's own, else that of all engines; None without either.
        A link that leads nowhere is a policy that cannot be met, not none.
        """
        files = (self.policy_file, self.shared_policy_file)
        return next((file for file in files if os.path.lexists(file)), None)

    @property
    def auth_file(self) -> Path:
        return self.etc / "auth.json"

    @property
    def registries_file(self) -> Path:
        return self.etc / "registries.json"

    @property
    def run_containers(self) -> Path:
        return self.run / "containers"

    @property
    def run_builds(self) -> Path:
        """Secrets of builds under way, in memory."""
        return self.run / "builds"

    @property
    def run_progress(self) -> Path:
        """How far tasks are, for those who look (records/progress_file.py)."""
        return self.run / "progress"

    def blob(self, digest: str) -> Path:
        """The file of a blob; ``digest`` is a validated ``sha256:<hex>``."""
        return self.blobs / digest.partition(":")[2]

    def layer(self, chain_id: str) -> Path:
        return self.layers / chain_id.partition(":")[2]

    def container(self, container_id: str) -> Path:
        return self.containers / container_id

    def run_container(self, container_id: str) -> Path:
        return self.run_containers / container_id

    def network(self, network_id: str) -> Path:
        return self.networks / network_id

    def volume(self, name: str) -> Path:
        return self.volumes / name

    def lock(self, kind: str, name: str) -> Path:
        """The lock file of one object, such as ``lock("container", id)``."""
        return self.locks / f"{kind}.{name}"

    def durable_directories(self) -> tuple[Path, ...]:
        """Every directory an installation has below ``root``."""
        return (
            self.root,
            self.images,
            self.images / "blobs",
            self.blobs,
            self.layers,
            self.containers,
            self.names,
            self.creations,
            self.swaps,
            self.networks,
            self.volumes,
            self.ingest,
            self.tmp,
            self.trash,
            self.quarantine,
            self.locks,
            self.program,
        )
