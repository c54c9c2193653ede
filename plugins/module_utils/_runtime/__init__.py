# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime library: everything that happens on the host. It imports nothing of Ansible.

Its folders are layers. Imports point from a line of this map to lines below it, never up and
never to another folder of the same line; a unit test reads the map and compares it with the
imports::

    cli                      the program slipway: Docker's verbs and flags
    program                  how the program is packed and installed
    report                   a page about the host, for people
    system                   the host as a whole: what is on it, what it takes, what it lacks
    resource                 one file or folder per module: observe, decide, steps
    compose                  reading Compose files
    build                    building images of Dockerfiles
    container                what is done to containers
    image network volume     what is done to images, networks and volumes
    trust                    signatures of images, and what an image needs of them
    registry                 talking to registries
    records                  the state on disk, and what a check-mode run predicts of it
    plan spec text tree      plans; values; tables and templates; trees of files
    kernel                   system calls, files of strangers, other programs, jobs side by side
    base                     the standard library: errors, values, files and locks

A folder below has such a map of its own where it has folders. A file next to folders is above all
of them.
"""
