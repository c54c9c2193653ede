# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container to be made of an image runs systemd, by the image's own files."""

from __future__ import annotations

from ...image.store import layers, store
from ...plan.plan import Host
from ...spec.container import ContainerSpec
from ..root import systemd


def wants_systemd(host: Host, image: store.Image, spec: ContainerSpec) -> bool:
    """Whether it gets what systemd needs. Files are looked at only where the command may be it."""
    defaults = store.defaults(image)
    if not systemd.may_be_wanted(spec, defaults) or spec.systemd:
        return systemd.may_be_wanted(spec, defaults)
    if not all(layers.is_unpacked(host.layout, chain_id) for chain_id in image.chain_ids):
        return True
    from . import private_mount

    with private_mount.of_image(host, image, spec.name) as root:
        return systemd.is_systemd(root, spec, defaults)
