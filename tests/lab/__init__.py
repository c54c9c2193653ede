# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real hosts in QEMU, emulated in software, and what slipway.engine does on them.

They have what no sandbox has: an init, control groups that systemd manages, AppArmor, reboots,
power cuts, other releases of Debian. ``./check lab`` runs the tests; guests are made below
.build/lab when they are missing, and kept::

    guest       a guest that exists: boot, snapshots, power cuts, ssh, ports
    making      making one: a release of Debian on a disk, its kernel, an initrd
    scenario    plays against a guest: checked first, run, run again
    declared    what the scenarios declare
    works       what power cuts come in the middle of, and their moments
    conftest    the guest of a run, with the role host applied to it
    __main__    the same by hand: python tests/lab --help
"""
