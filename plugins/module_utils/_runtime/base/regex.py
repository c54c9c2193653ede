# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that are compiled when they are first used.

Python compiles one in a tenth of a millisecond, and a command imports eighty and uses a dozen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    # The very same thing to whoever checks types.
    from re import compile as regex
else:

    class regex:
        """As re.compile(); what a pattern has, such as ``fullmatch``, is there at its first use."""

        def __init__(self, pattern: Union[str, bytes], flags: int = 0) -> None:
            self._given = pattern, flags

        def __getattr__(self, name: str) -> Any:
            found = getattr(re.compile(*self._given), name)
            setattr(self, name, found)
            return found


__all__ = ["regex"]
