#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Manage images
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Makes sure that an image is on the host, from O(source), or that it is not. The options are
    those of M(community.docker.docker_image).
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.registry
  - slipway.engine.registry.require_signature
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
    details:
      - The registry is asked for the digest, so the prediction is exact. If it cannot be reached, a
        change is predicted with a warning.
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
      - The image, as C([REGISTRY/]NAME[:TAG]) or C(NAME@DIGEST).
      - The registry is docker.io and the tag V(latest) unless specified in the name.
      - With O(state=absent), O(source=local) or O(source=load) also an image ID. Removing a digest
        also removes the tags of its repository that refer to the same image.
    type: str
    required: true
  tag:
    description:
      - The tag, if O(name) has none. A digest (C(sha256:...)) is accepted too.
    type: str
  state:
    description:
      - V(present) makes sure that the image is on the host; this requires O(source).
      - V(absent) removes the name, and the image with its last name.
    type: str
    choices: [absent, present]
    default: present
  source:
    description:
      - V(pull) pulls the image from its registry unless it is on the host.
      - V(import) creates it from a root filesystem; see O(import).
      - V(load) loads it from an archive; see O(load_path).
      - V(build) builds it from a Dockerfile; see O(build).
      - V(local) expects it on the host and fails if it is not.
    type: str
    choices: [build, import, load, local, pull]
  build:
    description:
      - How to build the image, with O(source=build). M(slipway.engine.image_build) has further
        options, and rebuilds an image by itself when it would become another one.
    type: dict
    suboptions:
      path:
        description: The context, a directory on the host. Either this or O(build.src) is required.
        type: path
      src:
        description:
          - The context, a directory on the controller. The host is sent the files that it lacks,
            when it builds, and keeps them for the next build.
        type: path
      dockerfile:
        description:
          - The Dockerfile, relative to O(build.path) or O(build.src). The default is C(Dockerfile),
            or C(Containerfile).
        type: str
      args:
        description: Values for the C(ARG) instructions.
        type: dict
      target:
        description: The stage to build. The default is the last one.
        type: str
      labels:
        description: Labels for the image.
        type: dict
      platform:
        description: The platform of the images it is built from, such as V(linux/arm64).
        type: str
      pull:
        description: Ask the registries for newer images to build from.
        type: bool
        default: false
      nocache:
        description: Run every step, also those that earlier builds ran.
        type: bool
        default: false
      network:
        description: The network of C(RUN), by name, or V(host) or V(none).
        type: str
      etc_hosts:
        description: Names for the hosts file during C(RUN), with their addresses.
        type: dict
      shm_size:
        description: The size of C(/dev/shm) during C(RUN), such as V(64M).
        type: str
      container_limits:
        description: What each C(RUN) may take.
        type: dict
        suboptions:
          memory:
            description: Memory, such as V(512M); at least 6 MB.
            type: str
          memswap:
            description: Memory and swap together, or V(unlimited).
            type: str
          cpushares:
            description: The weight of its processor time.
            type: int
          cpusetcpus:
            description: The processors it may use, such as V(0-3).
            type: str
      cache_from:
        description:
          - Caches that other hosts left, for steps that this host has not run, as in
            M(slipway.engine.image_build).
        type: list
        elements: str
      http_timeout:
        description: Without effect, as there is no Docker daemon to wait for.
        type: int
      rm:
        description: Without effect, as the containers of a build are always removed.
        type: bool
        default: true
      use_config_proxy:
        description: Without effect; pass the proxies in O(build.args).
        type: bool
  load_path:
    description:
      - The archive on the host to load the image from, with O(source=load). It must contain the
        image O(name). M(slipway.engine.image_load) has more options.
    type: path
  pull:
    description: How to pull, with O(source=pull).
    type: dict
    suboptions:
      platform:
        description:
          - The platform to choose from a multi-platform image, such as V(linux/arm64).
          - The default is the host's own.
        type: str
  import:
    description:
      - The source of the image, with O(source=import). M(slipway.engine.image_import) has more
        options.
    type: dict
    suboptions:
      src:
        description:
          - A tar archive on the host, plain or compressed by gzip or zstd, or a directory on it, or
            such an archive at a URL that begins with V(http://) or V(https://).
        type: path
        required: true
      changes:
        description: Instructions as in a Dockerfile that change the image's defaults.
        type: list
        elements: str
      comment:
        description: A comment kept in the history of the image.
        type: str
      platform:
        description: The platform of the content. The default is the host's own.
        type: str
  force_source:
    description:
      - With O(source=pull), ask the registry even if the image is on the host, and pull a newer
        one.
      - With O(source=load), read the archive even if the image is on the host, and load what
        differs.
      - With O(source=build), rebuild an image that is on the host if it would become another
        image.
    type: bool
    default: false
  repository:
    description:
      - An additional name for the image, as C([REGISTRY/]NAME[:TAG]). The default tag is that of
        the image.
    type: str
  force_tag:
    description: Give the name O(repository) to the image even if another image has it.
    type: bool
    default: false
  push:
    description:
      - Push the image, as O(repository) if given, or else as O(name), to the registry in that name.
    type: bool
    default: false
  archive_path:
    description:
      - Write an archive of the image on the host, as C(docker save) does.
        M(slipway.engine.image_export) has more options.
    type: path
  force_absent:
    description:
      - Remove the last name of an image even if containers use it; it then stays as a dangling
        image until they are removed.
      - Remove an image by its ID even if it has several names.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make sure that an image is present
  slipway.engine.image:
    name: docker.io/library/debian:12
    source: pull

- name: Get the newest image of a tag
  slipway.engine.image:
    name: debian:12
    source: pull
    force_source: true

- name: Import a root filesystem
  slipway.engine.image:
    name: base:1
    source: import
    import:
      src: /srv/images/rootfs.tar
      changes:
        - CMD ["sh"]

- name: Build an image of a directory on the host
  slipway.engine.image:
    name: shop/web:1
    source: build
    build:
      path: /srv/shop
      args:
        VERSION: "1.4"

- name: Push an image to a private registry
  slipway.engine.image:
    name: debian:12
    source: pull
    repository: registry.example.org:5000/base/debian
    push: true

- name: Remove an image
  slipway.engine.image:
    name: debian:12
    state: absent
"""

RETURN = r"""
stdout:
  description: What the build said, if one ran.
  returned: with O(source=build)
  type: str
  sample: "[0] FROM busybox:1\\n[0 1/1] RUN make\\n[0 1/1] DONE 2.1s"
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["Removed image debian:12"]
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
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import options
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.image import (
    RESOURCE,
    builds,
    declare,
)


def main() -> None:
    _task.converge(
        {**_task.PROGRESS, **options.ARGUMENT_SPEC},
        declare,
        with_program(RESOURCE, builds),
        required_if=options.REQUIRED_IF,
        required_together=options.REQUIRED_TOGETHER,
    )


if __name__ == "__main__":
    main()
