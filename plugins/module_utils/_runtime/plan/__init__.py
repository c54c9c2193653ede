# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deciding, apart from reading and acting: what every module is made of.

``plan`` has Plan, Step and Resource, ``converge`` carries one out, and ``sequence`` makes one
resource of several.
"""
