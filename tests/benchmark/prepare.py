# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make what a benchmark starts from: ``prepare.py TARBALL IMAGE NETWORK``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".build" / "collections"))

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import network_record
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    NetworkSpec,
    Pool,
)


def main() -> None:
    tarball, image, network = sys.argv[1:]
    host = Host(Layout.default())
    files.prepare(host.layout)
    declared = image_import.declare({"name": image, "src": tarball, "cmd": ["sh"]})
    image_import.RESOURCE.plan(declared, image_import.observe(host, declared)).apply(host)
    pool = Pool("10.123.0.0/24", "10.123.0.1")
    network_record.write(host.layout, network_record.make(NetworkSpec(network, pools=(pool,))))


if __name__ == "__main__":
    main()
