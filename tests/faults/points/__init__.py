# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A piece of work that is killed (R1) or refused (R9) at each of its calls, and what clears away
after it; and one in check mode, which may make none (R14):

    test_killed_*     SIGKILL at every point
    test_refused      errors at the calls that make, write and fork
    test_check_mode   a task in check mode writes nothing
    test_left_behind  the next task clears away what was left, whatever it is about
"""
