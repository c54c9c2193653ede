# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: layers, the store of an OCI image layout, archives, and the way to registries and back.

::

    show                     images as documents and as rows of a table
    archive                  docker save's archives and tars of an image layout, both ways
    build                    a new image: its defaults, its layer, its config and manifest
    store                    blobs, index and unpacked layers below images/ and layers/
    layer                    one layer: tar, compression, unpacking, and making one
    dockerfile               Dockerfiles and .dockerignore as values. Pure.

``transfer`` pulls and pushes, ``verify`` hashes everything again.
"""
