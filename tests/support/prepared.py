# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on which the collection has run before: it keeps the program and the compiled library.

To compile both takes seconds, more than most tests do. So they are made once of each state of the
sources, below .build, and hosts get copies. Tests of the host that nobody has touched want none.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ansible_collections.slipway.engine.plugins.module_utils import _keeping
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.plugin_utils import _sources
from support import CHECKOUT, COLLECTIONS, TESTS

#: The Python of a host's tasks.
HOST_PYTHON = "/usr/bin/python3"


def prepare(layout: Layout) -> None:
    """Copy what an earlier task has left into the installation's program directory."""
    for made in _made().iterdir():
        target = layout.program / made.name
        if not target.exists():
            shutil.copyfile(made, target)
            target.chmod(made.stat().st_mode & 0o777)


@functools.lru_cache(maxsize=1)
def _made() -> Path:
    """The directory of what these sources make; made when it is missing."""
    sources = _sources.of_hosts(CHECKOUT / "plugins")
    place = CHECKOUT / ".build" / "prepared"
    place.mkdir(parents=True, exist_ok=True)
    made = place / _keeping.digest(sources)
    with open(place / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in place.glob("[0-9a-f]*"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(dir=place) as making:
                # Each names its interpreter in its first line, so these are two programs.
                for python in sorted({sys.executable, HOST_PYTHON}):
                    path = os.pathsep.join([str(COLLECTIONS), str(TESTS)])
                    subprocess.run(
                        [python, "-m", "support.prepared", making],
                        env={**os.environ, "PYTHONPATH": path},
                        check=True,
                    )
                Path(making).rename(made)
                Path(making).mkdir()
    return made


def _make(directory: Path) -> None:
    """What this Python makes of the sources, by the code that makes it on a host."""

    def write(path: str, data: bytes) -> None:
        Path(path).write_bytes(data)
        Path(path).chmod(0o600)

    sources = _sources.with_contents(_sources.of_hosts(CHECKOUT / "plugins"))
    packed = _keeping.pack(sources)
    directory.chmod(0o700)
    library = _keeping.Sent(_keeping.digest(sources), str(directory), sources, packed)
    library.keep(write)
    program = directory / f"{zipapp.digest()}.pyz"
    program.write_bytes(zipapp.build())
    program.chmod(0o700)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
