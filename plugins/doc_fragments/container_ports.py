# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about ports."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  published_ports:
    description:
      - Ports of the container to publish on the host, each
        C([[HOST_IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]).
      - Ranges such as C(9000-9010:9000-9010) are allowed. The protocol is V(tcp), V(udp) or
        V(sctp).
      - Without a host address the port is published on every address of the host, without a host
        port
        on a free one.
    type: list
    elements: str
    aliases: [ports]
"""
