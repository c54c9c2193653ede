# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Goals of docs/reliability.md: faults of every kind, at every point, and what is left after them.

``./check faults`` runs a sample within minutes, ``./check faults=all`` all of it; the points that
were tried and those that were survived are counted in .build/check/figures/::

    killing    the points of a piece of work: system calls and events, and dying there
    scene      a piece of work, what is there before, and what undoes it
    state      what an installation holds, and what may not be in it after a fault
    figures    how many of how many, kept for the table
    tasks      tasks of all kinds, in few words
    points/    kills (R1) and errors (R9) at each point of a piece of work, check mode (R14)
    power/     power cuts (R2)
    damage/    damage from outside (R11), process numbers that are in use again (R12)
    canaries/  secrets stay where they belong (R15)
    long/      the same over and over (R6), an hour of it (R13), many processes at once (R5)
"""
