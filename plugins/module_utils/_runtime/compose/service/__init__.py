# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service as the options of its containers: ``options`` has all of them, ``service_keys`` is
the table of what is one option; ``mounts``, ``networks``, ``deploy`` and ``build`` are what is
several. ``objects`` are networks and volumes.
"""
