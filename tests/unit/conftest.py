# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests run where: those of the library run with a host's own Python too, which has no
Ansible; those of the modules' options need it, and run where it is. So do those of this tree: it
says the same to every Python. What tests have in common: one leaves the umask as it found it.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says something about the machine.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")

#: What imports Ansible: modules, and what hands over to them.
_NEEDS_ANSIBLE = re.compile(
    r"^import ansible$|^from ansible_collections\.slipway\.engine\.plugins\."
    r"(modules|plugin_utils|module_utils\._task|module_utils import _task)\b",
    re.MULTILINE,
)

if importlib.util.find_spec("ansible") is None:
    collect_ignore = [
        str(path)
        for path in Path(__file__).parent.rglob("test_*.py")
        if path.parent.name == "project" or _NEEDS_ANSIBLE.search(path.read_text())
    ]


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The program sets its umask when it starts, also in the process of a test that calls it."""
    found = os.umask(0o022)
    os.umask(found)
    yield
    os.umask(found)
