# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible is told about the options of the module volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ARGUMENT_SPEC: Mapping[str, Mapping[str, Any]] = {
    "volume_name": {"type": "str", "required": True, "aliases": ["name"]},
    "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
    "driver": {"type": "str", "default": "local"},
    "driver_options": {"type": "dict"},
    "labels": {"type": "dict"},
    "recreate": {
        "type": "str",
        "default": "never",
        "choices": ["always", "never", "options-changed"],
    },
    "undeclared": {"type": "str", "default": "reset", "choices": ["reset", "keep"]},
}
