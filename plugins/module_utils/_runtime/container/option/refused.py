# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of docker_container that are not supported: rejected with an error, or ignored with a
warning where Docker does not have them any more either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.errors import Error
from .form.option import Argument

#: Option -> why not, and what to do.
REFUSED: Mapping[str, tuple[str, str]] = {
    "device_requests": (
        "vendor devices need a hook inside the OCI runtime",
        "list the device nodes in the option devices, or have the option runtime name the"
        " vendor's OCI runtime",
    ),
    # Playbooks look for "is supported only for", which is how Docker begins its reason.
    "storage_opts": (
        "it is supported only for storage drivers that limit the root filesystem of a container",
        "put data that may grow on a volume or a size-limited tmpfs",
    ),
}

#: Option -> why it means nothing any more, here and with Docker.
IGNORED: Mapping[str, str] = {
    "kernel_memory": "Linux has no separate limit for it since 5.16, and memory includes it",
}

OPTIONS = (
    Argument(
        "device_requests",
        "list",
        suboptions=(
            Argument("capabilities", "list", "list"),
            Argument("count", "int"),
            Argument("device_ids", "list"),
            Argument("driver"),
            Argument("options", "dict"),
        ),
    ),
    Argument("kernel_memory"),
    Argument("storage_opts", "dict"),
)


def refuse(params: Mapping[str, Any]) -> None:
    """Raise Error when a task gives one of these. An empty value asks for nothing."""
    for option, (why, hint) in REFUSED.items():
        if params.get(option):
            raise Error(f"{option} is not supported: {why}", hint=hint)


def ignored(params: Mapping[str, Any]) -> tuple[str, ...]:
    """What a task gives of the options that mean nothing any more, in words for warnings."""
    return tuple(
        f"{option} is ignored: {why}"
        for option, why in IGNORED.items()
        if params.get(option) not in (None, "", "0")
    )
