# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everything else stands on: the standard library and the kernel, nothing of containers.

Errors and frozen dataclasses; where things lie on the host (``layout``); files written whole and
locks (``files``), JSON to dataclasses and back (``document``); system calls (``linux``, the only
user of ctypes), trees that somebody else wrote (``safefs``), other programs (``process``, the
only user of subprocess), processes and times, control groups.
"""
