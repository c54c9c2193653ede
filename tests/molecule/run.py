# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Molecule as role authors do, on images that the playbook ``base_image`` makes.

    tests/sandbox PYTHON tests/molecule/run.py MOLECULE DIRECTORY [PART ...] 9</proc/self/ns/net

MOLECULE is the program, DIRECTORY where root filesystems are kept from one run to the next. A PART
is ``base_image`` (the playbook, twice, to one image), ``page`` (the role of docs/molecule.md as
it is printed there) or a scenario of ``extensions/molecule``; without one it is all of them. The
file 9 is the network namespace whose mirror of Debian is used.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve()
CHECKOUT = HERE.parents[2]
COLLECTIONS = CHECKOUT / ".build" / "collections"
SCENARIOS = CHECKOUT / "extensions" / "molecule"
sys.path[:0] = [str(CHECKOUT / "tests"), str(COLLECTIONS)]

#: A line of the page that names the file shown below it, as far as lines are indented or empty.
_FILE = re.compile(r"^    # ([\w/]+\.yml)\n((?:(?!    # [\w/]+\.yml$) {4}.*\n|\n)+)", re.MULTILINE)
#: The machine's network, outside the sandbox.
_OUTSIDE = 9
_PORT = 3142


def main(molecule: str, directory: Path, parts: list[str]) -> int:
    """The exit status. Containers that are left are an error too."""
    link()
    from support import containers
    from support.inputs import images

    from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout

    scenarios = sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))
    known = ["base_image", "page", *scenarios]
    assert set(parts) <= set(known), f"the parts are {', '.join(known)}"
    sandbox = Path(os.environ["SLIPWAY_SANDBOX"])
    layout = Layout.default()
    files.prepare(layout)
    busybox = images.busybox_tar(sandbox / "busybox.tar")
    failed = False
    with containers.world(layout, sandbox, busybox) as world, mirror():
        base_image(sandbox, directory, again="base_image" in (parts or known))
        for part in parts or known[1:]:
            if part == "base_image":
                continue
            started = time.monotonic()
            place = page(sandbox / "greeter") if part == "page" else CHECKOUT
            words = ["test"] if part == "page" else ["test", "--scenario-name", part]
            done = subprocess.run(
                [molecule, *words], check=False, cwd=place, env=environment(molecule)
            )
            left = world.slipway("ps", "--all", "--quiet").stdout.decode().split()
            what = "the role of docs/molecule.md" if part == "page" else f"the scenario {part}"
            took = f"{time.monotonic() - started:.0f} seconds"
            if done.returncode or left:
                failed = True
                said = f"failed: {what}: status {done.returncode}, containers left: {left}"
                print(said, flush=True)
                world.clear()
            else:
                print(f"{what} passed in {took}", flush=True)
    return int(failed)


def base_image(sandbox: Path, directory: Path, again: bool) -> None:
    """The image ``debian-systemd:bookworm``, by the playbook; ``again``: twice, to the same ID."""
    from support.plays import Play

    os.environ["http_proxy"] = f"http://127.0.0.1:{_PORT}"
    try:
        made = []
        for name in ("first", "second") if again else ("first",):
            archive = directory / f"{name}.tar"
            if again:
                archive.unlink(missing_ok=True)
            play = Play(sandbox, timeout_s=1800)
            words = (
                "slipway.engine.base_image",
                "-c",
                "local",
                "-e",
                f"base_image_archive={archive}",
            )
            run = play.playbook(*words)
            assert run.status == 0, run.output
            made += re.findall(r"debian-systemd:bookworm is (sha256:\w+)", run.output)
            unchanged = play.playbook(*words)
            assert (unchanged.status, unchanged.changed) == (0, 0), unchanged.output
            assert made[-1] in unchanged.output, unchanged.output
    finally:
        del os.environ["http_proxy"]
    assert len(made) == 1 + again, made
    if again:
        assert made[0] == made[1], f"two runs of the playbook made two images: {made}"
        (directory / "second.tar").unlink()
        print(f"the playbook base_image made the same image twice: {made[0]}", flush=True)


@contextlib.contextmanager
def mirror() -> Iterator[None]:
    """A proxy on all addresses of the sandbox, for as long as the block lasts."""
    with socket.create_server(("", _PORT)) as listening:
        number = listening.fileno()
        process = subprocess.Popen(
            [
                *("nsenter", f"--net=/proc/self/fd/{_OUTSIDE}"),
                *(sys.executable, str(HERE.with_name("mirror.py")), str(number)),
            ],
            pass_fds=(number, _OUTSIDE),
            stdin=subprocess.DEVNULL,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


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
        "MOLECULE_PROXY_PORT": str(_PORT),
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
    # Molecule works in directories of its own.
    sys.exit(main(os.path.abspath(sys.argv[1]), Path(sys.argv[2]).absolute(), sys.argv[3:]))
