# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build that kills itself at a named place, as a program of its own.

    dying.py PARAMS.json EVENT PATTERN NUMBER COLLECTIONS

Python announces what it is about to do to the outside (sys.addaudithook). At the announcement of
EVENT number NUMBER whose arguments match PATTERN, the process gets SIGKILL, in the middle of
whatever it does. Without such a moment it ends with status 3; with the number 0 it builds to the
end.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    sys.path.insert(0, arguments[4])
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import (
        converge,
    )
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
        image_build,
    )

    params = json.loads(Path(arguments[0]).read_text())
    event, pattern, number = arguments[1], re.compile(arguments[2]), int(arguments[3])
    met = 0

    def hook(name: str, values: tuple[Any, ...]) -> None:
        nonlocal met
        if name == event and number and pattern.search(repr(values)):
            met += 1
            if met == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    converge(Host(Layout.default()), image_build.RESOURCE, image_build.declare(params))
    return 3 if number else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
