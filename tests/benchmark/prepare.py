# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make what a benchmark starts from: ``prepare.py TARBALL IMAGE NETWORK``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".build" / "collections"))

from ansible_collections.slipway.engine.plugins.module_utils.runtime import files
from ansible_collections.slipway.engine.plugins.module_utils.runtime.image import (
    importing,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.layout import (
    Layout,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.network import (
    record,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.network.spec import (
    NetworkSpec,
    Pool,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.plan import Host


def main() -> None:
    tarball, image, network = sys.argv[1:]
    host = Host(Layout.default())
    files.prepare(host.layout)
    declared = importing.declare({"name": image, "src": tarball, "cmd": ["sh"]})
    importing.RESOURCE.plan(declared, importing.observe(host, declared)).apply(host)
    pool = Pool("10.123.0.0/24", "10.123.0.1")
    record.write(host.layout, record.make(NetworkSpec(network, pools=(pool,))))


if __name__ == "__main__":
    main()
