# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module container, one table per subject; ``catalogue`` joins them. Pure.

::

    form    what an option is, and the forms its texts have

An Option names the field of ContainerSpec it speaks of, how text becomes its value and how it is
shown. ``acting`` has options that say what to do and are not part of a container, ``refused`` those
that are not supported; ``consistency`` checks several options together, ``beside`` what two
containers cannot share.
"""
