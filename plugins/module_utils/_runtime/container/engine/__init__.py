# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The native parts that run a container: conmon and the OCI runtime, their files and their
sockets.

``oci_runtime`` is the runtime and its verbs, ``oci_exec`` one more process in a container,
``capture`` what such a process writes, ``cgroup_layout`` the control groups of the host,
``io_weight`` what crun cannot write to them. ``conmon`` monitors a container, ``conmon_files`` are
those it leaves, ``attachment`` its socket, ``orphans`` what it left behind when it was killed.
"""
