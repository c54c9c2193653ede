# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything is on the host. The package records says what each place means."""

from __future__ import annotations

import os
from functools import cached_property
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

    @cached_property
    def meta(self) -> Path:
        return self.root / "meta.json"

    @cached_property
    def images(self) -> Path:
        """A valid OCI image layout."""
        return self.root / "images"

    @cached_property
    def index(self) -> Path:
        return self.images / "index.json"

    @cached_property
    def blobs(self) -> Path:
        return self.images / "blobs" / "sha256"

    @cached_property
    def layers(self) -> Path:
        return self.root / "layers"

    @cached_property
    def containers(self) -> Path:
        return self.root / "containers"

    @cached_property
    def names(self) -> Path:
        """One symbolic link per container name; its target is the container's id."""
        return self.root / "names"

    @cached_property
    def creations(self) -> Path:
        """Containers that are being made, by id (container/lifecycle/creation.py)."""
        return self.root / "creations"

    @cached_property
    def swaps(self) -> Path:
        """The journals of replacements under way; records/journal.py has their meaning."""
        return self.root / "swaps"

    @cached_property
    def collect(self) -> Path:
        """There from when an image is given up until its content is gone (image/store/store.py)."""
        return self.root / "collect"

    @cached_property
    def networks(self) -> Path:
        return self.root / "networks"

    @cached_property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @cached_property
    def build(self) -> Path:
        """What builds leave for those that follow: ``steps``, ``mounts``, ``contexts``, ``made``
        and ``outputs``.
        """
        return self.root / "build"

    @cached_property
    def ingest(self) -> Path:
        return self.root / "ingest"

    @cached_property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @cached_property
    def trash(self) -> Path:
        return self.root / "trash"

    @cached_property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @cached_property
    def locks(self) -> Path:
        return self.root / "locks"

    @cached_property
    def program(self) -> Path:
        return self.root / "program"

    @cached_property
    def signatures(self) -> Path:
        """Signatures that images were accepted for, by digest (image/signatures.py)."""
        return self.root / "signatures"

    @cached_property
    def policy_file(self) -> Path:
        """What images need to be pulled here (containers-policy.json(5)); often absent."""
        return self.etc / "policy.json"

    @cached_property
    def shared_policy_file(self) -> Path:
        """The same for all engines of the host: skopeo, Podman, Buildah and CRI-O read it too."""
        return self.etc.parent / "containers" / "policy.json"

    @cached_property
    def policy(self) -> Optional[Path]:
        """The file that applies: this engine's own, else that of all engines; None without either.
        A link that leads nowhere is a policy that cannot be met, not none.
        """
        files = (self.policy_file, self.shared_policy_file)
        return next((file for file in files if os.path.lexists(file)), None)

    @cached_property
    def auth_file(self) -> Path:
        return self.etc / "auth.json"

    @cached_property
    def registries_file(self) -> Path:
        return self.etc / "registries.json"

    @cached_property
    def run_containers(self) -> Path:
        return self.run / "containers"

    @cached_property
    def run_builds(self) -> Path:
        """Secrets of builds under way, in memory."""
        return self.run / "builds"

    @cached_property
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
