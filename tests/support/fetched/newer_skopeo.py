# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A skopeo that verifies cosign's signatures: that of Debian 13, run beside the host's own.

Debian 12 builds its skopeo without them. So the packages are taken from the archive that apt is
configured with, verified by apt, unpacked below .build and run with their own C library: nothing is
installed.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

PLACE = Path(__file__).resolve().parents[3] / ".build" / "skopeo"
RELEASE = "trixie"
PACKAGES = (
    "skopeo", "libc6", "libgpgme11t64", "libassuan9", "libgpg-error0", "libsubid5",
    "libdevmapper1.02.1", "libsqlite3-0",
)  # fmt: skip


def command() -> list[str]:
    """The words that run it. The first call fetches it."""
    root = PLACE / "root"
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _fetch(root)
    (loader,) = root.glob("usr/lib/*/ld-linux*.so.*")
    return [str(loader), "--library-path", str(loader.parent), str(root / "usr/bin/skopeo")]


def _fetch(root: Path) -> None:
    scratch = PLACE / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    for name in ("lists/partial", "archives/partial"):
        (scratch / name).mkdir(parents=True)
    (scratch / "status").touch()
    (scratch / "sources.list").write_text(f"deb {_archive()} {RELEASE} main\n")
    (scratch / "apt.conf").write_text(
        f'Dir::State "{scratch}";\nDir::State::status "{scratch}/status";\n'
        f'Dir::Cache "{scratch}";\nDir::Etc::sourcelist "{scratch}/sources.list";\n'
        'Dir::Etc::sourceparts "-";\nAPT::Sandbox::User "root";\n'
    )
    apt = ["apt-get", "-c", str(scratch / "apt.conf"), "-qq"]
    subprocess.run([*apt, "update"], check=True, cwd=scratch, capture_output=True)
    subprocess.run([*apt, "download", *PACKAGES], check=True, cwd=scratch, capture_output=True)
    unpacked = scratch / "root"
    for package in scratch.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(unpacked)], check=True)
    unpacked.rename(root)
    shutil.rmtree(scratch)


def _archive() -> str:
    """Where this host gets Debian from."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)",
         "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout  # fmt: skip
    for line in told.splitlines():
        if line.split()[1:] == ["Debian", "Debian"]:
            return line.split()[0]
    raise AssertionError("apt knows no archive of Debian")


if __name__ == "__main__":
    # ./check calls it: the sandboxes that tests run in reach no network.
    command()
