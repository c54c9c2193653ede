# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a container as it sees them (``filesystem``), whether it runs or not.

``freeze`` freezes the container meanwhile, ``private_mount`` mounts the root of a container that
does not run, ``cp`` is docker cp.
"""
