# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One layer of an image: read, verified, unpacked for overlayfs, or made of what a container
changed.

``tar`` and ``tarheader`` read and write headers, ``stream`` counts, hashes and limits,
``compression`` has gzip and zstd, ``unpack`` and ``unpack_dir`` make the directory of a layer,
and ``difference`` turns an upper directory into a layer.
"""
