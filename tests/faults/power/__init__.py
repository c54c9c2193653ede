# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts (R2):

disk        the filesystem that loses what is not written to it
cuts        where the power goes, and what has to be found there
test_power  the pieces of work
"""
