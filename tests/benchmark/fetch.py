# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task, as the module runs it: pull an image: ``fetch.py NAME``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".build" / "collections"))

from ansible_collections.slipway.engine.plugins.module_utils.runtime import files
from ansible_collections.slipway.engine.plugins.module_utils.runtime.image import pulling
from ansible_collections.slipway.engine.plugins.module_utils.runtime.layout import (
    Layout,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.plan import Host


def main() -> None:
    host = Host(Layout.default())
    files.prepare(host.layout)
    declared = pulling.declare({"name": sys.argv[1]})
    plan = pulling.RESOURCE.plan(declared, pulling.RESOURCE.observe(host, declared))
    plan.apply(host)


if __name__ == "__main__":
    main()
