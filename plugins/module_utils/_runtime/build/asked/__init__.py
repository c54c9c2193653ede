# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build is asked for, and what it comes to: pure.

``request`` is what is asked, ``cache`` where steps are shared, ``scheme`` which stages of the
Dockerfile that needs, ``state`` the layers and defaults that a stage has after each instruction.
"""
