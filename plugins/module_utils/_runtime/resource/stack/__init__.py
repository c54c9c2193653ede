# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many resources as one: containers, networks, volumes and images that are converged together.

``options`` reads entries by the tables of the modules, ``declare`` makes members of them,
``order`` says which waits for which, ``decide`` plans, ``act`` carries the plan out side by side,
``jobs`` is what its processes do, ``outcome`` says what became of each member.
"""
