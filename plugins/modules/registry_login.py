#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_login
short_description: Log in to and out of image registries
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Stores the login for a registry on the host, where the other modules of this collection find it.
    The options are those of M(community.docker.docker_login).
  - The login is stored in the format of Docker's C(config.json), so Docker, Podman and skopeo can
    read it as well. Where that file names a credential helper for the registry (C(credHelpers),
    C(credsStore)), the helper stores the login.
  - The registry is asked whether it accepts the login before it is stored, in check mode too.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - A diff shows whether the password differs, never the password.
  idempotent:
    support: partial
    details:
      - With O(reauthorize=true) the login is stored again on every run.
  platform:
    support: full
    platforms: linux
options:
  registry_url:
    description:
      - The registry, as C(HOST[:PORT]) or as a URL.
      - The default is Docker Hub.
    type: str
    default: https://index.docker.io/v1/
    aliases: [registry, url]
  username:
    description:
      - The user's name. Required when O(state=present).
    type: str
  password:
    description:
      - The user's password or access token. Required when O(state=present).
    type: str
  reauthorize:
    description:
      - Store the login even if the same one is already stored.
    type: bool
    default: false
    aliases: [reauth]
  validate:
    description:
      - Ask the registry whether it accepts the login.
      - If the registry cannot be reached, a new login is not stored and the task fails. If the same
        login is already stored, the task warns and changes nothing.
      - With V(false) the registry is not contacted, for hosts that are offline.
    type: bool
    default: true
  insecure_registry:
    description:
      - Allow plain http, and certificates not signed by a trusted authority, for this task.
      - Plain http to the host's own loopback addresses is always allowed.
      - The default is taken from C(/etc/slipway/registries.json).
    type: bool
  ca_path:
    description:
      - A PEM file on the host with CA certificates to trust in addition to the system's.
      - The default is taken from C(/etc/slipway/registries.json).
    type: path
  config_path:
    description:
      - The file to store the login in. The other modules only read the default file.
      - The file gets mode 0600 and belongs to the user the task becomes.
    type: path
    default: /etc/slipway/auth.json
    aliases: [dockercfg_path]
  state:
    description:
      - V(present) logs in, V(absent) logs out.
    type: str
    default: present
    choices: [present, absent]
"""

EXAMPLES = r"""
- name: Log in to Docker Hub
  slipway.engine.registry_login:
    username: docker
    password: "{{ vault_docker_password }}"

- name: Log in to a registry with a private CA
  slipway.engine.registry_login:
    registry_url: registry.example.org:5000
    username: deploy
    password: "{{ vault_registry_password }}"
    ca_path: /etc/ssl/certs/our-authority.pem

- name: Store a login on a host that cannot reach the registry now
  slipway.engine.registry_login:
    registry_url: registry.example.org
    username: deploy
    password: "{{ vault_registry_password }}"
    validate: false

- name: Log out of Docker Hub
  slipway.engine.registry_login:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["log in to registry.example.org:5000 as deploy"]
differences:
  description: Why the login was stored.
  returned: when O(state=present) changed something
  type: list
  elements: str
  sample: ["password"]
login_result:
  description: The registry and the user that is logged in.
  returned: when O(state=present)
  type: dict
  sample: {"serveraddress": "registry.example.org:5000", "username": "deploy"}
login_results:
  description:
    - The same as RV(login_result), by the name M(community.docker.docker_login) documents.
  returned: when O(state=present)
  type: dict
  sample: {"serveraddress": "registry.example.org:5000", "username": "deploy"}
"""

from pathlib import Path
from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import credentials
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import registry_login


def declare(params: dict[str, Any]) -> registry_login.Declared:
    present = params["state"] == "present"
    return registry_login.Declared(
        domain=credentials.registry_domain(params["registry_url"]),
        registry_url=params["registry_url"],
        path=Path(params["config_path"]),
        credentials=credentials.Credentials(params["username"], params["password"])
        if present
        else None,
        reauthorize=params["reauthorize"],
        validate=params["validate"],
        insecure=params["insecure_registry"],
        ca_file=params["ca_path"],
    )


def main() -> None:
    _task.converge(
        {
            "registry_url": {
                "type": "str",
                "default": "https://index.docker.io/v1/",
                "aliases": ["registry", "url"],
            },
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "reauthorize": {"type": "bool", "default": False, "aliases": ["reauth"]},
            "validate": {"type": "bool", "default": True},
            "insecure_registry": {"type": "bool"},
            "ca_path": {"type": "path"},
            "config_path": {
                "type": "path",
                "default": "/etc/slipway/auth.json",
                "aliases": ["dockercfg_path"],
            },
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        },
        declare,
        registry_login.RESOURCE,
        required_if=[("state", "present", ("username", "password"))],
    )


if __name__ == "__main__":
    main()
