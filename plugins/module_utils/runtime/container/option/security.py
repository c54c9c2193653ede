# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about what a container may do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .option import Option, bad


def capabilities(option: str, names: Iterable[str]) -> tuple[str, ...]:
    """Capability names in the kernel's form, CAP_NET_ADMIN; ``all`` stays ALL."""
    found = set()
    for name in names:
        upper = str(name).upper()
        if not re.match(r"\A[A-Z_]+\Z", upper, re.ASCII):
            raise bad(option, str(name), "it is not the name of a capability")
        found.add(upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}")
    return tuple(sorted(found))


OPTIONS = (
    Option("read_only"),
    Option("privileged"),
    Option("capabilities", "cap_add", lambda value: capabilities("capabilities", value)),
    Option("cap_drop", parse=lambda value: capabilities("cap_drop", value)),
)
