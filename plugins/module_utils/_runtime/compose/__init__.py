# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading Compose files, for the module compose, the program's verbs and ``slipway declare``.

::

    service   services, networks and volumes as options of containers, networks and volumes
    reading   several files as one document, and what it says of the whole project
    base      the forms values are written in, and what is found to be wrong

``compiled`` has all of it: the entries that a project comes to.
"""
