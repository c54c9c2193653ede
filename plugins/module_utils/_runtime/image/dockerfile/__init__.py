# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dockerfiles and ignore files as values. Pure; the grammar is that of the Dockerfile reference.

``lines`` joins physical lines (directives, continuations, heredocs), ``words`` splits and expands
them, ``flags`` reads flags and mounts, ``modes`` what ``--chmod`` says, ``parse`` makes stages of
instructions, ``ignore`` is ``.dockerignore`` and ``pattern`` one pattern of paths.
"""
