# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of builds share::

building    contexts for builds, and what came of them
buildah     buildah with a storage of its own, and podman to look at what it built
dying       a build that kills itself at a named place; a program
wild        Dockerfiles with their contexts, written in text files
"""
