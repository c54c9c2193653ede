# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of images, a file each.

::

    files remote    image_load, image_export, image_import; image_pull, image_push and the like
    names           image_tag, image_remove; what all of them have in common

Here are image, by the table in ``options``, and image_build: ``build_options`` is what both ask of
a build, ``build_output`` where else one goes.
"""
