# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of Quadlet: ``units`` reads them, ``unit_text`` is systemd's syntax, ``container_keys``
the table of what a container's keys are.
"""
