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
      - Addresses of name servers the container uses instead of the host's.
      - On networks with a name server, that server forwards other names to them.
    type: list
    elements: str
  dns_search_domains:
    description:
      - Search domains for short names, instead of the host's. V(.) alone means none.
    type: list
    elements: str
  dns_opts:
    description:
      - Options of C(resolv.conf) instead of the host's, such as V(ndots:2).
    type: list
    elements: str
  etc_hosts:
    description:
      - Additional names for the container's C(/etc/hosts), with their addresses.
      - V(host-gateway) stands for the address under which the container reaches its host.
    type: dict
"""
