# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume: its declaration and its state."""

from __future__ import annotations

from collections.abc import Mapping

from ..base.frozen import dataclass, field

#: The label by which Docker tells anonymous volumes from named ones.
ANONYMOUS_LABEL = "com.docker.volume.anonymous"


@dataclass(frozen=True)
class Volume:
    """A volume as recorded in ``volumes/<name>/volume.json``; its content is next to it in
    ``_data``.

    ``phase``: ``empty`` until its first use, ``filling`` while an image's content is copied into
    it, ``ready`` from then on. ``anonymous`` ones were made for one container and go with it.
    ``driver_options`` ask for a mount on ``_data`` while a container uses the volume.
    """

    name: str
    created: str
    driver: str = "local"
    driver_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False
    phase: str = "empty"


def labels(volume: Volume) -> dict[str, str]:
    """A volume's labels as Docker shows them: that of anonymous ones among them."""
    own = {ANONYMOUS_LABEL: ""} if volume.anonymous else {}
    return {**own, **volume.labels}
