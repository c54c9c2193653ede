# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task, as the module runs it: pull an image: ``fetch.py NAME``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".build" / "collections"))

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    pull_one,
)


def main() -> None:
    host = Host(Layout.default())
    files.prepare(host.layout)
    declared = pull_one.declare({"name": sys.argv[1]})
    plan = pull_one.RESOURCE.plan(declared, pull_one.RESOURCE.observe(host, declared))
    plan.apply(host)


if __name__ == "__main__":
    main()
