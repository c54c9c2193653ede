# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the checkout importable as the collection it is.

Python finds ``ansible_collections.slipway.engine`` as namespace packages below a directory that
holds nothing but a link back to the checkout; no copy, so a test always runs the tree it lies in.
"""

from __future__ import annotations

import sys

from support import CHECKOUT, COLLECTIONS


def _link() -> None:
    link = COLLECTIONS / "ansible_collections" / "slipway" / "engine"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(CHECKOUT, target_is_directory=True)
    sys.path.insert(0, str(COLLECTIONS))


_link()
