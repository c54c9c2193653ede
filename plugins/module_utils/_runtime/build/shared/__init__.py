# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that builds of several hosts share, in a registry or a directory.

``form`` is what is written there, ``places`` brings it there and back, ``taken`` finds the steps
that a build lacks, and ``given`` leaves those that it used.
"""
