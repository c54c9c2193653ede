# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume in the shape of ``docker volume inspect``. Pure."""

from __future__ import annotations

from typing import Any

from ..base.layout import Layout
from ..spec.secrets import without_passwords
from ..spec.volume import Volume, labels


def document(layout: Layout, volume: Volume, reveal: bool = False) -> dict[str, Any]:
    """What is known of a volume. Passwords among its options are hidden unless revealed.

    ``Labels`` is None where there are none, as Docker has it.
    """
    options = dict(volume.driver_options) if reveal else without_passwords(volume.driver_options)
    return {
        "CreatedAt": f"{volume.created[:19]}Z" if volume.created else "",
        "Driver": volume.driver,
        "Labels": labels(volume) or None,
        "Mountpoint": str(layout.volume(volume.name) / "_data"),
        "Name": volume.name,
        "Options": options,
        "Scope": "local",
    }
