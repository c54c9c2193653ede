# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible is told about the options of image, and what image_build shares of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...trust import policy

#: What both modules that build say of a build in the same way.
OF_BUILDS: Mapping[str, Mapping[str, Any]] = {
    "args": {"type": "dict"},
    "target": {"type": "str"},
    "labels": {"type": "dict"},
    "pull": {"type": "bool", "default": False},
    "nocache": {"type": "bool", "default": False},
    "cache_from": {"type": "list", "elements": "str"},
    "network": {"type": "str"},
    "etc_hosts": {"type": "dict"},
    "shm_size": {"type": "str"},
    "container_limits": {
        "type": "dict",
        "options": {
            "memory": {"type": "str"},
            "memswap": {"type": "str"},
            "cpushares": {"type": "int"},
            "cpusetcpus": {"type": "str"},
        },
    },
}

ARGUMENT_SPEC: Mapping[str, Mapping[str, Any]] = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str"},
    "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
    "source": {"type": "str", "choices": ["build", "import", "load", "local", "pull"]},
    "build": {
        "type": "dict",
        "options": {
            "path": {"type": "path"},
            "src": {"type": "path"},
            "dockerfile": {"type": "str"},
            **OF_BUILDS,
            "platform": {"type": "str"},
            "http_timeout": {"type": "int"},
            "rm": {"type": "bool", "default": True},
            "use_config_proxy": {"type": "bool"},
        },
        "mutually_exclusive": [("path", "src")],
        "required_one_of": [("path", "src")],
    },
    "pull": {"type": "dict", "options": {"platform": {"type": "str"}}},
    "import": {
        "type": "dict",
        "options": {
            "src": {"type": "path", "required": True},
            "changes": {"type": "list", "elements": "str"},
            "comment": {"type": "str"},
            "platform": {"type": "str"},
        },
    },
    "load_path": {"type": "path"},
    "force_source": {"type": "bool", "default": False},
    "repository": {"type": "str"},
    "force_tag": {"type": "bool", "default": False},
    "push": {"type": "bool", "default": False},
    "archive_path": {"type": "path"},
    "force_absent": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "insecure_registry": {"type": "bool"},
    "ca_path": {"type": "path"},
    "require_signature": policy.OPTION,
}

#: Options that others require, as Ansible is told: option, value, what it requires.
REQUIRED_IF: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("state", "present", ("source",)),
    ("source", "build", ("build",)),
    ("source", "import", ("import",)),
    ("source", "load", ("load_path",)),
)

REQUIRED_TOGETHER: Sequence[tuple[str, ...]] = (("username", "password"),)
