# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play: ``play`` has its tasks, what was left out and what belongs into a vault, ``objects``
makes the tasks, ``checked`` says which options of a container are taken, ``yaml_text`` writes it.
"""
