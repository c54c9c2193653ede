# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a host, asked for over its own connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.slipway.engine.plugins.plugin_utils._engine_host import (
    PROGRAM,
    EngineHost,
    NoProgram,
)

Containers = Sequence[Mapping[str, Any]]

#: Both at once, so that a host is asked once. What is removed in between is asked for again.
_READ = f'i=$({PROGRAM} ps -aq --no-trunc) && if [ -n "$i" ]; then exec {PROGRAM} inspect $i; fi'
_TRIES = 3


def containers_of(host: EngineHost) -> Containers:
    """What ``docker inspect`` shows of each container of a host; none where there never was one.
    Raises AnsibleError where the host cannot be reached or read.
    """
    for left in reversed(range(_TRIES)):
        try:
            status, out, err = host.run(_READ)
        except NoProgram:
            return []
        if status == 0 or not left:
            break
    if status:
        raise AnsibleError(to_text(err).strip() or f"slipway exited with {status}")
    found: Containers = json.loads(out) if out.strip() else []
    return found
