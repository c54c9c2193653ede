# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many resources as one: containers, networks, volumes and images that are converged together.

``member`` is what a stack consists of. ``options`` reads entries by the tables of the modules,
``declare`` makes members of them, ``needs`` says what a container waits for and uses, ``order``
which goes first, ``orphans`` finds what left the declaration, ``decide`` plans. ``act`` carries the
plan out side by side: ``course`` is how far a member is, ``waits`` what it waits for, ``jobs`` what
the processes do. ``outcome`` says what became of each member.
"""
