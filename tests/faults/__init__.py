# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Goals of docs/reliability.md: faults of every kind, at every point, and what is left after them.

``./check faults`` runs a sample within minutes, ``./check faults=all`` all of it; the points that
were tried and those that were survived are counted in .build/check/figures/::

    killing        the points of a piece of work: system calls and events, and dying there
    scene          a piece of work, what is there before, and what undoes it
    state          what an installation holds, and what may not be in it after a fault
    figures        how many of how many, kept for the table
    tasks          tasks of all kinds, in few words
    test_killed_*  SIGKILL at every point (R1)
    test_check_mode  a task in check mode writes nothing (R14)
    test_cycles    containers made and removed over and over leave nothing (R6)
    test_refused   errors at the calls that make, write and fork (R9)
    test_power     power cuts (R2); ``disk`` has the filesystem that loses what is not written to
                   it, ``power`` says what has to be found there
    test_damage    damage from outside (R11); ``damage`` says what has to be true after it,
                   ``damages_of_hosts`` and ``damages_of_state`` have the rows
    test_together  many processes at once (R5)
    test_other_pids  process numbers that are in use again (R12)
    test_left_behind  the next task clears away what was left, whatever it is about
"""
