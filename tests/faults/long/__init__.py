# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done over and over, or by many at once:

test_cycles    containers made and removed leave nothing (R6)
test_together  many processes at once (R5)
"""
