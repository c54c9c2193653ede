# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps containers running without a task: ``health``, restart ``policy``, ``watcher``,
``boot``; and whether a container stayed up after its start (``first_moment``).
"""
