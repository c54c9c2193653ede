# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Molecule as role authors do: on the role that docs/molecule.md shows, as it is printed.

    tests/sandbox .build/check/host-venv/bin/python tests/molecule/run.py MOLECULE ARCHIVE

MOLECULE is the program, ARCHIVE a root filesystem of Debian with systemd and Python.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve()
CHECKOUT = HERE.parents[2]
COLLECTIONS = CHECKOUT / ".build" / "collections"
sys.path[:0] = [str(CHECKOUT / "tests"), str(COLLECTIONS)]

#: A line of the page that names the file shown below it, as far as lines are indented or empty.
_FILE = re.compile(r"^    # ([\w/]+\.yml)\n((?:(?!    # [\w/]+\.yml$) {4}.*\n|\n)+)", re.MULTILINE)
NAME = "debian-systemd"


def main(molecule: str, archive: str) -> int:
    """The exit status. Containers that are left are an error too."""
    link()
    from support import containers
    from support.inputs import images

    from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout

    sandbox = Path(os.environ["SLIPWAY_SANDBOX"])
    layout = Layout.default()
    files.prepare(layout)
    busybox = images.busybox_tar(sandbox / "busybox.tar")
    with containers.world(layout, sandbox, busybox) as world:
        world.add_image(NAME, Path(archive))
        world.slipway("tag", f"{NAME}:1", f"{NAME}:bookworm")
        place = page(sandbox / "greeter")
        words = [molecule, "test"]
        done = subprocess.run(words, check=False, cwd=place, env=environment(molecule))
        left = world.slipway("ps", "--all", "--quiet").stdout.decode().split()
    if done.returncode or left:
        print(f"failed: status {done.returncode}, containers left: {left}", flush=True)
        return 1
    print("the role of docs/molecule.md passed", flush=True)
    return 0


def page(directory: Path) -> Path:
    """The role of the page, with each file as it is printed there."""
    found = _FILE.findall((CHECKOUT / "docs/molecule.md").read_text())
    assert len(found) >= 6, "the page shows a role and a scenario"
    for name, text in found:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\n" + textwrap.dedent(text))
    return directory


def environment(molecule: str) -> dict[str, str]:
    """As in an activated environment, with the collection that this tree is."""
    return {
        **os.environ,
        "PATH": f"{Path(molecule).parent}:{os.environ['PATH']}",
        "HOME": os.environ["SLIPWAY_SANDBOX"],
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }


def link() -> None:
    """Where Python and Ansible find the checkout as a collection."""
    place = COLLECTIONS / "ansible_collections/slipway/engine"
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink():
        place.symlink_to(CHECKOUT, target_is_directory=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
