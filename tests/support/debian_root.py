# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root filesystem of Debian with systemd and Python, made once by the playbook's own script.

It takes a minute and the network, which the sandboxes that tests run in do not reach: ./check calls
this file before them.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from pathlib import Path

from support import CHECKOUT

PLACE = CHECKOUT / ".build" / "debian"
SCRIPT = CHECKOUT / "playbooks" / "files" / "debian-rootfs.sh"
PACKAGES = ("systemd-sysv", "dbus", "python3", "iproute2")


def archive() -> Path:
    """The tar archive. The first call makes it."""
    recipe = SCRIPT.read_bytes() + " ".join(PACKAGES).encode()
    made = PLACE / f"{hashlib.sha256(recipe).hexdigest()[:12]}.tar"
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in PLACE.glob("*.tar"):
                old.unlink()
            command = ["sh", str(SCRIPT), str(made), "bookworm", ",".join(PACKAGES)]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            assert done.returncode == 0, f"run {__file__} outside a sandbox: {done.stderr}"
    return made


if __name__ == "__main__":
    archive()
