# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests share. Fixtures are in the files conftest.py; everything else is here::

audit                 the leak audit: what a host has, before and after; also a program
bundles               containers without images or networks: busybox, conmon, an OCI runtime
compare_predictions   whether check mode told the truth: two records of a play; also a program
containers            World: a host with the program and an image, all of it gone after; until
composing             tasks of the module compose
converging            Task: a resource as a task has it, checked and applied without Ansible
declaring             tasks of the module container
dying                 a process that is killed between two changes on disk
plays                 Play: playbooks, run as users run them
preloaded             ansible-playbook, imported once for all plays of a process
prepared              a host on which the collection has run before: nothing left to compile
racing                a container that starts while its volume is swapped
sandboxed             what every test in a sandbox gets: fixtures and hooks for conftest.py
screens               a program at a pseudo-terminal
stacks                tasks of the module stack
builds                contexts for builds, what builds them, builds that are killed
documented            what the documentation shows: blocks to run, command lines
fetched               what the distribution lacks: a newer skopeo, root filesystems
inputs                tables and files that tests feed in
servers               processes and hosts that tests talk to
"""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CHECKOUT = TESTS.parent
#: Where Python and Ansible find the checkout as a collection; conftest.py makes it.
COLLECTIONS = CHECKOUT / ".build" / "collections"
