# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway declare``: the play that declares here what another tool was told, or runs.

::

    quadlet engine           units of Quadlet; a running Docker or Podman
    command                  lines of docker run, podman create, docker volume create ...
    play                     the play that all of them end in

``compose`` are Compose files. ``verb`` is the verb: which source it is, and where the play goes.
Every source ends in the parameters of tasks, and those of containers are read by the parsers of the
module: what is printed is what the module takes.
"""
