# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image store, a valid OCI image layout at ``images/``, and the layers unpacked beside it.

``blobs`` and ``index`` are the layout, ``layers`` its unpacked layers, ``manifest`` reads documents
strictly, ``platform`` chooses among those of several platforms, ``lineage`` says which image was
made from which, and ``store`` answers what images there are.
"""
