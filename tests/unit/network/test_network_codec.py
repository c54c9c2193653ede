# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is imported of pyroute2, and how."""

from __future__ import annotations

import json
import struct
import subprocess
import sys

from support import COLLECTIONS

LOADING = """
import json, platform, sys
before = platform.architecture
started = []
sys.addaudithook(lambda event, what: event == "subprocess.Popen" and started.append(what[1]))
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import codec
loaded = codec.load()
assert loaded.link().encode is not None and platform.architecture is before
modules = [name for name in sys.modules if name.startswith("pyroute2")]
print(json.dumps({"started": started, "modules": modules}))
"""


def test_the_codec_is_loaded_without_a_program_and_without_the_rest_of_pyroute2() -> None:
    """pyroute2.config asks the platform module, which runs ``uname -p`` and ``file``."""
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        env={"PYTHONPATH": str(COLLECTIONS), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["started"] == []
    assert "pyroute2.netlink.rtnl.ifinfmsg" in found["modules"]
    assert "pyroute2" not in found["modules"] and "pyroute2.iproute" not in found["modules"]


ISOLATED = """
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import codec
port = codec.load().link()
data = ["IFLA_INFO_SLAVE_DATA", {"attrs": [["IFLA_BRPORT_ISOLATED", 1]]}]
info = {"attrs": [["IFLA_INFO_SLAVE_KIND", "bridge"], data]}
port["attrs"] = [["IFLA_LINKINFO", info]]
port.encode()
print(bytes(port.data).hex())
"""


def test_a_port_is_isolated_with_older_releases_too() -> None:
    """They leave out what they do not know, and the port would not be isolated."""
    done = subprocess.run(
        [sys.executable, "-c", ISOLATED],
        env={"PYTHONPATH": str(COLLECTIONS), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # linux/if_link.h: a length of 5, IFLA_BRPORT_ISOLATED, and a byte.
    assert struct.pack("=HHB", 5, 33, 1) in bytes.fromhex(done.stdout.strip())
