# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The defences of docs/security.md and docs/reliability.md, each taken out and missed by its test.

``./check mutations`` takes one after the other out of a copy of this tree, runs the test that names
it and prints ``N of N``. A defence whose test still passes has none. The unit tests look whether
every row still fits (tests/unit/project/test_mutations.py)::

    row        what a row of the tables is, and how it is applied
    images     layers, archives, documents, registries
    hosts      containers, mounts, commands, copies, networks
    state      what is on disk, what is left after a fault, check mode
    catalogue  all rows
    __main__   the program: python tests/mutations [--only WORD ...] [--list]
"""
