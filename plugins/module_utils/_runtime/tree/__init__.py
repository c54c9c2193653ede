# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Untrusted trees of files, read and copied by descriptor.

``scan`` looks, ``copy`` makes one tree like another, ``overlay`` knows how overlayfs keeps
layers, ``snapshot`` mounts a root filesystem over them, and ``selinux`` relabels what containers
share.
"""
