# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a home directory for ansible-test: ansible_test_home.py HOME

ansible-test keeps its environments and caches in the home directory, and hands pip no environment
variables. So it gets a home of its own, with what pip is told on this machine written down there.
"""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages


def write_pip_config(home: Path) -> None:
    """Every setting pip has here, from wherever; the file may hold a password, so it is private."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    config = configparser.RawConfigParser()
    config["global"] = {}
    for line in listed.stdout.splitlines():
        key, dummy, value = line.partition("=")
        config["global"][key.rpartition(".")[2]] = ast.literal_eval(value)
    path = home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    with path.open("w") as file:
        config.write(file)


def write_pip_bootstrap(home: Path) -> None:
    """What ansible-test would download to get pip into its environments: Python has it."""
    python = SimpleNamespace(version="{}.{}".format(*sys.version_info[:2]))
    version = get_venv_packages(python)["pip"].replace(".", "_")
    script = home / ".ansible" / "test" / "cache" / f"get_pip_{version}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n")


if __name__ == "__main__":
    write_pip_config(Path(sys.argv[1]))
    write_pip_bootstrap(Path(sys.argv[1]))
