# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that the distribution lacks. Each file is also a program, which fetches them once::

debian_root     Debian with systemd, for whole systems in containers, and a host
newer_skopeo    a skopeo that verifies signatures
"""
