# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building images of Dockerfiles with the parts of this engine.

``request`` is what is asked, ``scheme`` which stages that needs, ``state`` a stage's layers and
defaults (all three pure). ``inputs`` tells what an image was built of. ``context`` finds files,
``copying`` is COPY and ADD, ``running`` is RUN, ``bases`` the images below, ``layouts`` those in
directories, ``steps`` joins them for one instruction. ``work`` builds stages side by side,
``builder`` makes the image of them, and ``log`` says what is done::

    sent                     contexts that come from the controller
"""
