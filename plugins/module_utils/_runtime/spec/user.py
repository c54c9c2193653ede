# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a process of a container runs as, once looked up."""

from __future__ import annotations

from ..base.frozen import dataclass


@dataclass(frozen=True)
class User:
    """The identity of a process: ids, its supplementary groups (the primary one among them), its
    home.
    """

    uid: int = 0
    gid: int = 0
    additional_gids: tuple[int, ...] = ()
    home: str = "/"
    name: str = ""
