# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown in place of a secret. The controller uses it as well as the host."""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "********"

#: Passwords of network filesystems, among the words of a volume's option o.
_PASSWORD = r"\b(password2?|pass)=[^,]*"


def without_passwords(options: Mapping[str, str]) -> dict[str, str]:
    """Driver options of a volume fit to be printed and kept, in order."""
    return {
        key: re.sub(_PASSWORD, rf"\1={HIDDEN}", value, flags=re.IGNORECASE)
        for key, value in sorted(options.items())
    }
