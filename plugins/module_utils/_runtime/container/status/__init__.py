# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of a container now, read and never written.

``liveness`` (does it run), ``logs`` and ``journald``, ``usage`` and ``top``, ``changed`` (what it
wrote on its image), ``fingerprint`` (what it was started with), ``adrift`` (what of that is gone).
"""
