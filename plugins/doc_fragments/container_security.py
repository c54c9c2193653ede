# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about what a container may do."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  read_only:
    description:
      - Mount the container's root filesystem read-only.
    type: bool
  privileged:
    description:
      - Give the container all capabilities and all devices of the host, and remove masked system
        paths, the system call filter and security labels.
    type: bool
  capabilities:
    description:
      - Capabilities to add to the default ones, or V(all).
    type: list
    elements: str
  cap_drop:
    description:
      - Capabilities to drop from the default ones, or V(all).
    type: list
    elements: str
  security_opts:
    description:
      - V(no-new-privileges) prevents processes from gaining privileges through set-user-ID
        programs.
      - V(seccomp=/PATH/OF/FILE) filters system calls with a profile on the host, in the format of
        Docker or of the OCI runtimes; V(seccomp=unconfined) disables the filter. If the file
        changes, the container is recreated.
      - V(apparmor=PROFILE) names a profile loaded on the host, or V(unconfined).
      - V(label=disable) gives the container no SELinux label. V(label=user:USER),
        V(label=role:ROLE), V(label=type:TYPE), V(label=level:LEVEL) and V(label=filetype:TYPE)
        change parts of it.
      - V(systempaths=unconfined) exposes the masked parts of C(/proc) and C(/sys), and makes them
        writable.
      - By default a container has the default system call filter, and on hosts that enforce them
        the SELinux label of the distribution's policy for containers, with categories of its own,
        or an AppArmor profile of this collection.
    type: list
    elements: str
  sysctls:
    description:
      - Kernel parameters of the container's own namespaces, such as C(net.core.somaxconn).
      - Only C(net.*), C(fs.mqueue.*) and the parameters of System V IPC can be set, and only in
        namespaces that are not shared. All others belong to the host.
    type: dict
"""
