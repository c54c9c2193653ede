# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers: from a spec and a root filesystem to processes, and back to nothing.

::

    lifecycle show           create, start, stop, replace, remove; containers as documents
    files                    a container's files: copied, frozen, mounted where nobody sees them
    root                     the root filesystem and all that is mounted on it
    supervision              health, restart policy, watcher, start at boot
    status                   whether it runs, what it wrote and used; reading only
    engine                   conmon and the OCI runtime
    bundle option            config.json of runtime-spec; options of the module. Pure.

``attached`` is above them: a run from before its start to its end, with what is read and written.
"""
