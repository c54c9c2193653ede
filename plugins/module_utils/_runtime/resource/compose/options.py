# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible is told about the options of the module compose, and of those beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Which project is meant, which every module about one has.
OF_PROJECTS: Mapping[str, Mapping[str, Any]] = {
    "project_src": {"type": "path"},
    "project_name": {"type": "str"},
    "files": {"type": "list", "elements": "path"},
    "definition": {"type": "dict"},
    "env_files": {"type": "list", "elements": "path"},
    "profiles": {"type": "list", "elements": "str"},
    "check_files_existing": {"type": "bool", "default": True},
}

ARGUMENT_SPEC: Mapping[str, Mapping[str, Any]] = {
    **OF_PROJECTS,
    "state": {
        "type": "str",
        "choices": ["absent", "present", "restarted", "stopped"],
        "default": "present",
    },
    "services": {"type": "list", "elements": "str"},
    "dependencies": {"type": "bool", "default": True},
    "scale": {"type": "dict"},
    "recreate": {"type": "str", "choices": ["always", "auto", "never"], "default": "auto"},
    "pull": {
        "type": "str",
        "choices": ["always", "missing", "never", "policy"],
        "default": "policy",
    },
    "build": {"type": "str", "choices": ["always", "never", "policy"], "default": "policy"},
    "ignore_build_events": {"type": "bool", "default": True},
    "assume_yes": {"type": "bool", "default": False},
    "remove_orphans": {"type": "bool", "default": False},
    "remove_volumes": {"type": "bool", "default": False},
    "remove_images": {"type": "str", "choices": ["all", "local"]},
    "renew_anon_volumes": {"type": "bool", "default": False},
    "timeout": {"type": "int"},
    "update": {"type": "str", "choices": ["start_first", "stop_first"]},
    "drain_timeout": {"type": "float"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int"},
    "report": {"type": "path"},
}

#: As Ansible is told: which of them exclude one another, and of which one is required.
EXCLUSIVE = (("definition", "project_src"), ("definition", "files"))
ONE_OF = (("definition", "project_src"),)
BY_DEFINITION: Mapping[str, tuple[str, ...]] = {"definition": ("project_name",)}


def defaults() -> dict[str, Any]:
    """The options of a task that gives none of them."""
    return {name: one.get("default") for name, one in ARGUMENT_SPEC.items()}
