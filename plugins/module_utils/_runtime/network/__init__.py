# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: their links, their firewall and their names, as functions of all records.

::

    names firewall           names between containers; one nftables table
    link                     links, addresses and sysctls; netlink; pyroute2 in host_side alone

``attach`` puts a container on its networks, ``lease`` gives addresses, ``port`` publishes ports,
``synchronise`` makes the host follow the records, ``inspect`` shows networks, and ``salvage`` lets
one go whose record is damaged.
"""
