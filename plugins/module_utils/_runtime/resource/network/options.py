# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible is told about the options of the module network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ARGUMENT_SPEC: Mapping[str, Mapping[str, Any]] = {
    "name": {"type": "str", "required": True, "aliases": ["network_name"]},
    "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
    "driver": {"type": "str"},
    "driver_options": {"type": "dict"},
    "ipam_driver": {"type": "str"},
    "ipam_driver_options": {"type": "dict"},
    "ipam_config": {
        "type": "list",
        "elements": "dict",
        "options": {
            "subnet": {"type": "str", "required": True},
            "gateway": {"type": "str"},
            "iprange": {"type": "str"},
            "aux_addresses": {"type": "dict"},
        },
    },
    "enable_ipv4": {"type": "bool"},
    "enable_ipv6": {"type": "bool"},
    "internal": {"type": "bool"},
    "attachable": {"type": "bool"},
    "ingress": {"type": "bool"},
    "scope": {"type": "str", "choices": ["local", "global", "swarm"]},
    "config_only": {"type": "bool"},
    "config_from": {"type": "str"},
    "labels": {"type": "dict"},
    "connected": {"type": "list", "elements": "str", "aliases": ["containers"]},
    "appends": {"type": "bool", "default": False, "aliases": ["incremental"]},
    "undeclared": {"type": "str", "default": "reset", "choices": ["reset", "keep"]},
    "force": {"type": "bool", "default": False},
}
