# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test of faults gets: tests/support/sandboxed.py."""

from __future__ import annotations

from support.sandboxed import *  # noqa: F403 pylint: disable=wildcard-import,unused-wildcard-import
