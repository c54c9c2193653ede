# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a build takes files and images from.

``context`` finds the files of a directory, ``git_url`` reads where a repository is. ``bases`` are
the images below stages, ``layouts`` those that are in directories.
"""
