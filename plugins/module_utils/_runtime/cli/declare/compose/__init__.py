# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files: ``project`` has networks and volumes, ``service`` one service, ``service_keys``
the table of what is one option; ``compose_text`` is their YAML, their variables, and how several
become one.
"""
