# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and files that tests feed in, and ways to make such::

example_needs      what the examples of the documentation find on a host
hostile_archives   image archives that attack, with the advisory each replays
hostile_layers     layers that attack, with the advisory each replays
images             root filesystems and image layouts, made without the library
option_rows        a row for each option of a container: a value, another one, what is shown
references         image references: what Docker's grammar accepts and refuses
tars               tar streams byte by byte, and descriptions of trees
"""
