# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What these tests get is what integration tests get, the leak audit included."""

from __future__ import annotations

import os

import pytest
from integration.conftest import (  # pytest finds fixtures by their names here.
    audit,
    busybox_tar,
    layout,
    pytest_configure,
    pytest_runtest_makereport,
    registries,
    registry,
    sandbox,
    world,
    world_tar,
)

__all__ = [
    "audit",
    "busybox_tar",
    "layout",
    "pytest_configure",
    "pytest_runtest_makereport",
    "registries",
    "registry",
    "sandbox",
    "world",
    "world_tar",
]


def pytest_collection_modifyitems() -> None:
    """Refuse to touch the machine's own network, mounts and /var/lib/slipway."""
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise pytest.UsageError(
            "they need namespaces of their own: tests/sandbox pytest tests/faults"
        )
