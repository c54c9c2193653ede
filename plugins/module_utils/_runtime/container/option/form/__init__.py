# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an option is (``option``), and the forms of its texts: sizes, times, addresses, words
(``text``), and the many ways to write a mount (``mount_forms``).
"""
