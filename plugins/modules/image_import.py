#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_import
short_description: Create an image from a root filesystem
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Creates an image with one layer from a tar archive, on the host or at a URL, or from a directory
    on the host, as C(docker import) does.
  - The image ID is a function of the content and the options alone. A second run with the same
    content changes nothing, and check mode reads the source to find out.
  - For a URL the host only requests the headers (C(HEAD)). As long as C(ETag), or else
    C(Last-Modified), and C(Content-Length) match the last import, and redirects end at the same
    place, nothing is downloaded and nothing changes. Otherwise the file is imported again. From a
    server that sends neither C(ETag) nor C(Last-Modified), the file is downloaded and hashed each
    time, in check mode too.
  - If the imported file had the given O(checksum), the server is not contacted.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.registry.defaults
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
    details:
      - The ID of an image that is still to be downloaded is not known, so it is empty in the
        result. If a URL cannot be reached, a change is predicted with a warning.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  name:
    description:
      - The name of the image, as C([REGISTRY/]NAME[:TAG]).
      - The registry is docker.io and the tag V(latest) unless specified in the name.
    type: str
    required: true
  tag:
    description:
      - The tag, if O(name) has none.
    type: str
  src:
    description:
      - A tar archive on the host, plain or compressed by gzip, zstd, bzip2 or xz, or a directory on
        it, or
        such an archive at a URL that begins with V(http://) or V(https://).
      - No login is sent to a URL, and one inside it is rejected. At most five redirects are
        followed, none from https to plain http. The maximum size is 64 GiB. C(HTTP_PROXY),
        C(HTTPS_PROXY) and C(NO_PROXY) apply. The query of a URL is neither shown nor stored.
    type: path
    required: true
  checksum:
    description:
      - The checksum of the file at the URL, as V(sha256:) and 64 hexadecimal digits. It is verified
        during the download, before the file is used.
    type: str
  validate_certs:
    description:
      - Whether the server of a URL must have a certificate signed by a trusted authority.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file on the host with CA certificates to trust in addition to the system's, for a URL.
    type: path
  created:
    description:
      - The creation time of the image, such as V(2026-01-31T12:00:00Z).
      - The default is 1970, so that the same content is the same image whenever it is imported.
    type: str
  comment:
    description: A comment kept in the history of the image.
    type: str
  platform:
    description:
      - The platform of the content, such as V(linux/arm64). The default is the host's own.
    type: str
"""

EXAMPLES = r"""
- name: Import a root filesystem
  slipway.engine.image_import:
    name: base:1
    src: /srv/images/rootfs.tar.gz
    cmd: [sh]
    env:
      PATH: /usr/sbin:/usr/bin:/sbin:/bin

- name: Import an archive from a server
  slipway.engine.image_import:
    name: base:2
    src: https://images.example.org/rootfs.tar.gz
    checksum: sha256:9d7d0c5e3d1f6f6f0d7a1a2f7d8a0bb1e3c1a8a4d6a2d1c4b5e6f708192a3b4c

- name: Import a directory, with changes as in a Dockerfile
  slipway.engine.image_import:
    name: registry.example.org:5000/tools:2026
    src: /srv/images/tools
    changes:
      - ENTRYPOINT ["/bin/tool"]
      - EXPOSE 8080
      - USER 1000
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["Imported image base:1 from /srv/images/rootfs.tar.gz"]
image:
  description:
    - The image in the shape of C(docker image inspect), plus its C(History).
    - In check mode, for an image that is not on the host yet, only what is known about it.
    - Empty if there is none.
  returned: success
  type: dict
  sample:
    Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
    RepoTags: ["busybox:1"]
    Architecture: amd64
    Os: linux
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)


def main() -> None:
    _task.converge(
        {
            **_task.PROGRESS,
            "name": {"type": "str", "required": True},
            "tag": {"type": "str"},
            "src": {"type": "path", "required": True},
            "checksum": {"type": "str"},
            "validate_certs": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "created": {"type": "str"},
            "comment": {"type": "str"},
            "platform": {"type": "str"},
            "changes": {"type": "list", "elements": "str"},
            "cmd": {"type": "list", "elements": "str"},
            "entrypoint": {"type": "list", "elements": "str"},
            "env": {"type": "dict"},
            "exposed_ports": {"type": "list", "elements": "str"},
            "labels": {"type": "dict"},
            "stop_signal": {"type": "str"},
            "user": {"type": "str"},
            "volumes": {"type": "list", "elements": "str"},
            "working_dir": {"type": "str"},
        },
        image_import.declare,
        image_import.RESOURCE,
        secrets=image_import.secrets,
    )


if __name__ == "__main__":
    main()
