# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables table ``inet slipway``: its rules (``ruleset``, pure), replaced in one
transaction.

``other_firewalls`` finds what other tables of the host would drop of what ours lets pass.
"""
