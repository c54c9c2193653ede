# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building images of Dockerfiles with the parts of this engine.

``inputs`` tells what an image was built of. ``copying`` is COPY and ADD, ``running`` is RUN with
its ``mounts`` and ``agents``, ``git`` brings repositories, ``trees`` opens contexts, ``steps``
joins them for one instruction. ``work`` builds stages side by side, ``builder`` makes the image of
them, ``log`` says what is done, and ``pruning`` takes away what is kept for the next build::

    sent                     contexts that come from the controller
    source                   where a build takes files and images from
    shared                   steps that builds of several hosts share
    asked                    what a build is asked for, and what it comes to
"""
