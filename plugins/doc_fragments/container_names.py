# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about the names it knows."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  dns_servers:
    description:
      - Addresses of name servers the container asks in place of the host's.
      - On networks that give names, the network's own resolver asks them for what it does not know.
    type: list
    elements: str
  dns_search_domains:
    description:
      - Domains that short names are looked up in, in place of the host's. V(.) alone is none.
    type: list
    elements: str
  dns_opts:
    description:
      - Options of C(resolv.conf) in place of the host's, such as V(ndots:2).
    type: list
    elements: str
  etc_hosts:
    description:
      - More names for the container's C(/etc/hosts), with their addresses.
      - V(host-gateway) as an address is the one under which the container reaches its host.
    type: dict
"""
