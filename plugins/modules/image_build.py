#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Build an image from a Dockerfile
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Builds an image from a Dockerfile and a directory on the host. Each C(RUN) is a container of
    this engine, with the confinement and the networks of any other.
  - What an image was built of is noted with it. When the Dockerfile, the files it copies, the
    arguments and the images below are the same, there is nothing to do; when they are not, the
    result and check mode say which of them changed.
  - Steps of earlier builds are not run again. Their files stay on the host until
    C(slipway builder prune) removes them.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
    details:
      - The id of an image that is not built yet is not known.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - Unless O(rebuild=always). A file at a URL that C(ADD) fetches is compared by what its server
        says of it, and fetched each time where that is nothing.
  platform:
    support: full
    platforms: linux
options:
  name:
    description:
      - The name of the image, as C([REGISTRY/]NAME[:TAG]).
    type: str
    required: true
  tag:
    description: The tag, when O(name) has none.
    type: str
    default: latest
  path:
    description:
      - The context, a directory on the host. What C(.dockerignore) in it names is not a part of it.
      - It can be a git repository too, as C(https://HOST/PATH.git#REF:DIRECTORY),
        C(ssh://USER@HOST/PATH) or C(USER@HOST:PATH), which the C(git) of the host fetches. To log
        in it uses O(secrets) called C(GIT_AUTH_TOKEN) or C(GIT_AUTH_HEADER), with C(.HOST) after it
        for other hosts than that of O(path), and of O(ssh) the agent C(default).
      - Either this or O(src) is required.
    type: path
  src:
    description:
      - The context, a directory on the controller. A relative path is looked for as the O(src) of
        M(ansible.builtin.copy) is.
      - Only files that the host lacks are sent, and only when something is built. The host keeps
        them for the next build, readable by root alone, until C(slipway builder prune) removes
        them or newer contexts take their place.
    type: path
  dockerfile:
    description:
      - The Dockerfile, relative to O(path) or O(src), or by an absolute path; with O(src), of the
        controller.
      - The default is C(Dockerfile), or C(Containerfile).
    type: str
  contexts:
    description:
      - More contexts for C(COPY --from) and C(FROM), by name. Each is a directory on the host, a
        git repository as in O(path), or an image as C(docker-image://NAME), or as C(oci-layout://DIRECTORY[:TAG][@DIGEST]).
    type: dict
  args:
    description:
      - Values for the C(ARG) instructions. They are kept in the history of the image, so a password
        does not belong here; see O(secrets).
    type: dict
  target:
    description: The stage to build, by name or number. The default is the last one.
    type: str
  labels:
    description: Labels for the image.
    type: dict
  platform:
    description:
      - The platform of the images it is built from, such as V(linux/arm64). One at a time.
    type: list
    elements: str
  pull:
    description: Ask the registries for newer images to build from.
    type: bool
    default: false
  nocache:
    description: Run every step, also those that earlier builds ran.
    type: bool
    default: false
  cache_from:
    description:
      - Caches that other hosts left, for steps that this host has not run. Each is
        V(type=registry,ref=NAME), V(type=local,src=DIRECTORY), with C(tag=) or C(digest=) where a
        directory has several, or just V(NAME).
      - They are asked only for steps that are not on the host. One that is not there, or that
        another builder wrote, is passed over; other types have no effect.
      - Who can write to a cache decides what is in the images that are built with it.
    type: list
    elements: str
  cache_to:
    description:
      - Where to leave the steps of this build for O(cache_from) of other hosts, as
        V(type=registry,ref=NAME) or V(type=local,dest=DIRECTORY), when something is built.
      - C(mode=max) leaves the steps of all stages, C(mode=min), the default, those that the image
        is made of. With C(ignore-error=true) a cache that cannot be written is a warning.
    type: list
    elements: str
  network:
    description: The network of C(RUN), by name, or V(host) or V(none).
    type: str
  etc_hosts:
    description: Names for the hosts file during C(RUN), with their addresses or V(host-gateway).
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
  rebuild:
    description:
      - When to build an image whose name is on the host.
      - V(changed) builds it when it would become another image.
      - V(never) is satisfied with any image of that name.
      - V(always) builds it each time. Steps of earlier builds are used unless O(nocache=true).
    type: str
    choices: [changed, never, always]
    default: changed
  source_date_epoch:
    description:
      - A time in seconds since 1970. The image has it for its own time, and no file that the build
        writes is younger, so the same build gives the same image on every host.
    type: int
  secrets:
    description:
      - What C(RUN --mount=type=secret) may read. No image and no cache keeps them.
    type: list
    elements: dict
    suboptions:
      id:
        description: The name that the Dockerfile uses.
        type: str
        required: true
      type:
        description:
          - V(file) is a file on the host, V(env) a variable of the task's environment, V(value) a
            value of the playbook.
        type: str
        choices: [file, env, value]
        required: true
      src:
        description: The file, with O(secrets[].type=file).
        type: path
      env:
        description: The variable, with O(secrets[].type=env).
        type: str
      value:
        description: The value, with O(secrets[].type=value).
        type: str
  ssh:
    description:
      - SSH agents that C(RUN --mount=type=ssh) may ask, each as V(ID=SOCKET), with the socket of an
        agent on the host, as V(ID=FILE), with a private key without a passphrase in a file on the
        host, or several with commas, or as V(ID), for the agent in C(SSH_AUTH_SOCK) of the task's
        environment. The ID that a Dockerfile means without another is V(default).
      - Keys stay on the host; a command can ask to sign with them as long as it runs. For files
        the host needs C(ssh-agent), of the package C(openssh-client).
    type: list
    elements: str
  outputs:
    description:
      - What else to make of the image, which always gets its name.
    type: list
    elements: dict
    suboptions:
      type:
        description:
          - V(local) writes its files into a directory, V(tar) into a tar archive.
          - V(docker) and V(oci) write an archive of the image, as M(slipway.engine.image_export)
            does.
          - V(image) gives it further names, and pushes it.
        type: str
        choices: [local, tar, oci, docker, image]
        required: true
      dest:
        description: The path on the host to write to.
        type: path
      context:
        description: Not supported; it names a Docker context.
        type: str
      name:
        description: Further names, with O(outputs[].type=image).
        type: list
        elements: str
      push:
        description: Push the image under these names.
        type: bool
        default: false
seealso:
  - module: slipway.engine.image
  - module: slipway.engine.image_push
"""

EXAMPLES = r"""
- name: Build an image
  slipway.engine.image_build:
    name: registry.example.org:5000/shop/web:1.4
    path: /srv/shop
    args:
      VERSION: "1.4"

- name: Build an image from a directory of the project, which is on the controller
  slipway.engine.image_build:
    name: shop/web:1.4
    src: shop

- name: Build a tag of a repository
  slipway.engine.image_build:
    name: shop/web:1.4
    path: https://git.example.org/shop.git#v1.4:web

- name: Build the stage that runs the tests, with a login for the package index
  slipway.engine.image_build:
    name: shop/tests
    path: /srv/shop
    target: tests
    secrets:
      - id: netrc
        type: value
        value: "{{ index_login }}"

- name: Build an image whose commands fetch from a private repository
  slipway.engine.image_build:
    name: shop/private
    path: /srv/shop
    ssh: ["default=/etc/deploy/key"]

- name: Build the same image on every host, and push it
  slipway.engine.image_build:
    name: registry.example.org:5000/shop/web:1.4
    path: /srv/shop
    source_date_epoch: 1767225600
    outputs:
      - type: image
        name: [registry.example.org:5000/shop/web:1.4]
        push: true

- name: Build with the steps of other hosts, and leave them ours
  slipway.engine.image_build:
    name: registry.example.org:5000/shop/web:1.4
    path: /srv/shop
    cache_from: ["type=registry,ref=registry.example.org:5000/shop/cache"]
    cache_to: ["type=registry,ref=registry.example.org:5000/shop/cache,mode=max"]

- name: Have the files of a stage on the host
  slipway.engine.image_build:
    name: shop/assets
    path: /srv/shop
    target: assets
    outputs:
      - type: local
        dest: /srv/www/assets
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["build image docker.io/shop/web:1"]
differences:
  description: What changed since the image was built, and why an output is written.
  returned: when the image is built again or an output is written, or would be
  type: list
  elements: str
  sample: ["the file src/main.c changed", "the argument VERSION changed"]
image:
  description:
    - The image in the shape of C(docker image inspect), plus its C(History).
    - In check mode, for an image that is not on the host yet, only what is known about it.
  returned: success
  type: dict
  sample:
    Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
    RepoTags: ["shop/web:1"]
    Architecture: amd64
    Os: linux
stderr:
  description: What the build said, if one ran.
  returned: success
  type: str
  sample: "[0] FROM busybox:1\n[0 1/1] RUN make\n[0 1/1] DONE 2.1s"
stdout:
  description: Empty; as with docker buildx, what is said is in RV(stderr).
  returned: success
  type: str
  sample: ""
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.image_build import (  # noqa: E501
    RESOURCE,
    declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.options import (  # noqa: E501
    OF_BUILDS,
)

_SECRETS = {
    "id": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["file", "env", "value"], "required": True},
    "src": {"type": "path"},
    "env": {"type": "str"},
    "value": {"type": "str", "no_log": True},
}
_OUTPUTS = {
    "type": {
        "type": "str",
        "choices": ["local", "tar", "oci", "docker", "image"],
        "required": True,
    },
    "dest": {"type": "path"},
    "context": {"type": "str"},
    "name": {"type": "list", "elements": "str"},
    "push": {"type": "bool", "default": False},
}


def main() -> None:
    _task.converge(
        {
            **_task.PROGRESS,
            **OF_BUILDS,
            "name": {"type": "str", "required": True},
            "tag": {"type": "str", "default": "latest"},
            "path": {"type": "path"},
            "src": {"type": "path"},
            "dockerfile": {"type": "str"},
            "contexts": {"type": "dict"},
            "cache_to": {"type": "list", "elements": "str"},
            "platform": {"type": "list", "elements": "str"},
            "rebuild": {
                "type": "str",
                "choices": ["changed", "never", "always"],
                "default": "changed",
            },
            "source_date_epoch": {"type": "int"},
            "secrets": {
                "type": "list",
                "elements": "dict",
                "no_log": False,
                "options": _SECRETS,
                "required_if": [
                    ("type", "file", ["src"]),
                    ("type", "env", ["env"]),
                    ("type", "value", ["value"]),
                ],
                "mutually_exclusive": [("src", "env", "value")],
            },
            "ssh": {"type": "list", "elements": "str"},
            "outputs": {
                "type": "list",
                "elements": "dict",
                "options": _OUTPUTS,
                "required_if": [
                    ("type", "local", ["dest"]),
                    ("type", "tar", ["dest"]),
                    ("type", "oci", ["dest"]),
                ],
                "mutually_exclusive": [
                    ("dest", "name"),
                    ("context", "name"),
                ],
            },
        },
        declare,
        with_program(RESOURCE),
        mutually_exclusive=[("path", "src")],
        required_one_of=[("path", "src")],
    )


if __name__ == "__main__":
    main()
