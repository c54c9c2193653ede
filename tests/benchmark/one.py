# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task, as the module runs it: converge one container, and print the engine's own milliseconds.

    one.py NAME IMAGE NETWORK [absent]

The library is imported before the clock starts; pyroute2, which is imported beside the OCI
runtime's work, is not, and its time counts as the engine's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".build" / "collections"))

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
)

#: Imported by the first step that acts; here before the clock starts.
PRELOADED = (actions,)


def main() -> None:
    name, image, network, *rest = sys.argv[1:]
    params = {
        **catalogue.defaults(),
        "name": name,
        "image": image,
        "state": "absent" if rest else "started",
        "command": ["sleep", "1000"],
        "networks": [{"name": network}],
        "pull": "missing",
        "keep_volumes": False,
        "force_kill": True,
    }
    began = time.perf_counter()
    host = Host(Layout.default())
    files.prepare(host.layout)
    resource = with_program(decide.RESOURCE)
    declared = decide.declare(params)
    plan = resource.plan(declared, resource.observe(host, declared))
    if plan.steps:
        plan.apply(host)
        found = resource.observe(host, declared)
        differing = resource.differences(plan.want, found)
        if differing:
            raise SystemExit("; ".join(differing))
    sys.stdout.write(f"{(time.perf_counter() - began) * 1000:.1f}\n")


if __name__ == "__main__":
    main()
