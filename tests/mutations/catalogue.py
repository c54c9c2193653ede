# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rows."""

from __future__ import annotations

from . import hosts, images, state
from .row import Row

ROWS: tuple[Row, ...] = (*images.ROWS, *hosts.ROWS, *state.ROWS)
