# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module container, one table per subject; ``catalogue`` joins them. Pure.

An Option names the field of ContainerSpec it speaks of, how text becomes its value and how it is
shown; ``consistency`` checks several of them together, ``refused`` has those that are not
supported.
"""
