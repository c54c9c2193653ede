# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module container: ``declare`` makes a spec of options, ``observe`` reads, ``decide`` plans,
``steps`` make and remove, ``run_steps`` start, stop and wait, ``outcome`` says what came of it.
``image`` looks up what the image means, ``host_files`` reads what a task names by a file of the
host, ``docker_actions`` says what a plan does as docker_container says it. ``command`` is the
module container_exec.
"""
