# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage from outside (R11), and process numbers that are in use again (R12):

suffering        a play, somebody beside it, and what has to be true after a damage
of_hosts         rows: what is done to the host
of_state         rows: what is done to the state on its disk
test_damage      all rows
test_unreadable  a container whose record cannot be read is removed all the same
test_unreadable_shared  nor can the record of a network or a volume, and it goes
test_other_pids  numbers of processes that are those of others now
"""
