# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root filesystems of Debian, made once by the playbook's own script: one with systemd and Python
as an archive, and one that is a host of containers as a directory.

Each takes a minute and the network, which the sandboxes that tests run in do not reach: ./check
calls this file before them: ``debian_root.py`` for the archive, and for the other
``debian_root.py DIRECTORY RELEASE``.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from support import CHECKOUT

PLACE = CHECKOUT / ".build" / "debian"
SCRIPT = CHECKOUT / "playbooks" / "files" / "debian-rootfs.sh"
PACKAGES = ("systemd-sysv", "dbus", "python3", "iproute2")
#: What a host needs, what tests look at it with, and what ansible-test sanity asks for.
HOST_PACKAGES = (
    *("crun", "conmon", "nftables", "iproute2", "aardvark-dns"),
    *("python3", "python3-venv", "python3-requests", "python3-pyroute2"),
    *("busybox-static", "ca-certificates", "git", "shellcheck"),
)


def archive() -> Path:
    """The tar archive. The first call makes it."""
    made = PLACE / f"{_digest('bookworm', PACKAGES)}.tar"
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in PLACE.glob("*.tar"):
                old.unlink()
            _make(made, "bookworm", PACKAGES)
    return made


def host(directory: Path, release: str) -> None:
    """Make ``directory`` the root of a host; it is kept until what it is made of changes."""
    made = directory.with_name(f"{directory.name}.made")
    digest = _digest(release, HOST_PACKAGES)
    if made.exists() and made.read_text() == digest:
        return
    made.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    packed = directory.with_name(f"{directory.name}.tar")
    _make(packed, release, HOST_PACKAGES)
    subprocess.run(["tar", "-C", directory, "--xattrs", "-xpf", packed], check=True)
    packed.unlink()
    made.write_text(digest)


def _digest(release: str, packages: Sequence[str]) -> str:
    recipe = SCRIPT.read_bytes() + " ".join((release, *packages)).encode()
    return hashlib.sha256(recipe).hexdigest()[:12]


def _make(made: Path, release: str, packages: Sequence[str]) -> None:
    command = ["sh", str(SCRIPT), str(made), release, ",".join(packages)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"run {__file__} outside a sandbox: {done.stderr}"


if __name__ == "__main__":
    if sys.argv[1:]:
        host(Path(sys.argv[1]), sys.argv[2])
    else:
        archive()
