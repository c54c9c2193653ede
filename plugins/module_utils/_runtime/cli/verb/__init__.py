# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs, in files that are imported when one of theirs is used.

::

    images                   the verbs of images: here, in archives, elsewhere; build, trust
"""
