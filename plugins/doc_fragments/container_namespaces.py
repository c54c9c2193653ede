# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about which namespaces it has for itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  pid_mode:
    description:
      - V(host) shows the container all processes of the host, V(container:NAME) those of another
        container. By default it only sees its own.
    type: str
  ipc_mode:
    description:
      - V(private) is the default, V(shareable) lets other containers share the memory of this one,
        V(none) has no C(/dev/shm).
      - V(host) shares the host's, V(container:NAME) that of a container with V(shareable).
    type: str
  uts:
    description:
      - V(host) lets the container see the host's name, and with the capability also change it. It
        cannot be combined with O(hostname) and O(domainname).
    type: str
  userns_mode:
    description:
      - Containers share the user namespace of the host, so V(host) changes nothing. Any other value
        is rejected.
    type: str
  cgroupns_mode:
    description:
      - V(private) shows the container its own control group as the root, V(host) the tree of the
        host.
      - The default is V(private) on hosts with cgroup v2 and V(host) on others, as with Docker.
    type: str
    choices: [host, private]
"""
