# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of images: those that are here (``image``), in archives (``files``) and elsewhere
(``registry``), how they are made (``build``), and who signed them (``trust``).
"""
