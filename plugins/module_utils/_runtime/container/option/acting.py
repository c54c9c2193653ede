# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say what a task does, not what a container is. Pure."""

from __future__ import annotations

from .form.option import Argument

_STATES = (
    *("absent", "present", "created", "started", "stopped", "restarted", "paused", "healthy"),
)

OPTIONS = (
    Argument("name", required=True),
    Argument("state", choices=_STATES, default="started"),
    Argument("healthy_wait_timeout", "float", default=300),
    Argument("rollback_unless_healthy", "bool", default=False),
    Argument("paused", "bool"),
    # The image
    Argument("image"),
    Argument("platform"),
    Argument("pull", "raw", default="missing"),
    Argument(
        "pull_check_mode_behavior",
        choices=("image_not_present", "always"),
        default="image_not_present",
    ),
    Argument(
        "image_comparison", choices=("desired-image", "current-image"), default="desired-image"
    ),
    Argument("image_label_mismatch", choices=("ignore", "fail"), default="ignore"),
    Argument("image_name_mismatch", choices=("recreate", "ignore"), default="recreate"),
    Argument(
        "require_signature",
        "dict",
        suboptions=(
            Argument("public_keys", "list"),
            Argument("threshold", "int", default=1),
            Argument("identity", choices=("exact", "repository"), default="exact"),
            Argument("policy", "path"),
        ),
    ),
    # Waiting for its end
    Argument("detach", "bool"),
    Argument("cleanup", "bool", default=False),
    Argument("output_logs", "bool", default=False),
    # What is compared
    Argument(
        "container_default_behavior",
        choices=("compatibility", "no_defaults"),
        default="no_defaults",
    ),
    Argument("undeclared", choices=("reset", "keep"), default="reset"),
    Argument("comparisons", "dict"),
    # What is told
    Argument("debug", "bool"),
    # Stopping, replacing and removing
    Argument("recreate", "bool", default=False),
    Argument("restart", "bool", default=False),
    Argument("force_kill", "bool", default=False, aliases=("forcekill",)),
    Argument("kill_signal"),
    Argument("removal_wait_timeout", "float"),
    Argument("keep_volumes", "bool", default=True),
    Argument("update", choices=("stop_first", "start_first"), default="stop_first"),
    Argument("drain_timeout", "float", default=10),
    Argument("share_volumes", "bool", default=False),
)
