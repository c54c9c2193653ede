# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root filesystem of a container, prepared for a run.

``provision`` finds what it needs when it is made; ``rootfs`` mounts; ``mounting``,
``mount_sources`` and ``mount_assembly`` resolve what is mounted on it; ``user`` reads its passwd;
``host_support`` and ``confinement`` say what this host has for it.
"""
