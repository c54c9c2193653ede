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
      - Give the container all capabilities and all devices of the host, and take the masks of
        system paths, the filter of system calls and security labels away.
    type: bool
  capabilities:
    description:
      - Capabilities to add to the default ones, or V(all).
    type: list
    elements: str
  cap_drop:
    description:
      - Capabilities to take from the default ones, or V(all).
    type: list
    elements: str
  security_opts:
    description:
      - V(no-new-privileges) keeps programs with set-user-id bits from giving anybody more rights.
      - V(seccomp=/PATH/OF/FILE) filters system calls by a profile on the host, in the form that
        Docker or the OCI runtimes have; V(seccomp=unconfined) does not filter any. When the file
        changes, the container is recreated.
      - V(apparmor=PROFILE) names a profile loaded on the host, or V(unconfined).
      - V(label=disable) gives the container no SELinux label. V(label=user:USER),
        V(label=role:ROLE), V(label=type:TYPE), V(label=level:LEVEL) and V(label=filetype:TYPE)
        change parts of it.
      - V(systempaths=unconfined) shows what is otherwise masked of C(/proc) and C(/sys), and lets
        it be written.
      - Without an option, a container has the default filter of system calls, and on hosts that
        enforce them the SELinux label of the distribution's policy for containers, with categories
        of its own, or an AppArmor profile of this collection.
    type: list
    elements: str
  sysctls:
    description:
      - Kernel parameters of the container's own namespaces, such as C(net.core.somaxconn).
      - Only C(net.*), C(fs.mqueue.*) and the parameters of System V IPC can be set, and only in
        namespaces that are not shared. All others are the host's.
    type: dict
"""
