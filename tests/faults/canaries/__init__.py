# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets stay where they belong (R15):

watched        a play of which every program that starts and every byte that is written is seen
given          a canary for each place of a task that a secret can be given in
test_canaries  where they may be, and that they are nowhere else
"""
