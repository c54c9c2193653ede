# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running engine: ``api`` asks it, ``inspected`` makes tasks of what it answers, of which
``process_config``, ``host_config`` and ``mount_config`` are the options of a container,
``network_config`` those of a network.
"""
