#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container
short_description: Declare containers
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Creates, starts, stops, recreates and removes containers on a host that has neither Docker nor
    Podman. The names and meanings of the options are those of
    M(community.docker.docker_container).
  - A task that names an O(image) declares the whole container. What it leaves out is its default,
    and what was removed from the playbook is removed from the container; see O(undeclared).
  - A task that names no O(image) only acts on the container that exists. It starts, stops or
    removes
    it, or changes the options it names and keeps all others.
  - A changed container is replaced in one go. If the new one does not start, the old one runs
    again
    and the task fails with the reason.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The values of O(env) are never shown.
  idempotent:
    support: partial
    details:
      - O(restart=true) and O(recreate=true) change the container on every run.
  platform:
    support: full
    platforms: linux
options:
  name:
    description:
      - Name of the container.
    type: str
    required: true
  state:
    description:
      - V(absent) removes the container.
      - V(present) or V(created) makes sure that it exists as declared; whether it runs is left as
        it is.
      - V(started) makes sure that it exists and runs, V(stopped) that it exists and does not run.
    type: str
    default: started
    choices: [absent, present, created, started, stopped]
  image:
    description:
      - The image, as C([REGISTRY/]NAME[:TAG][@DIGEST]) or as an image id.
      - It is pulled when it is not on the host, see O(pull).
      - When the name means another image now than when the container was made, the container is
        recreated.
    type: str
  pull:
    description:
      - V(missing) pulls the image when it is not on the host.
      - V(always) asks the registry on every run, and pulls when it has another image under this
        name.
        The container is then recreated.
      - V(never) fails when the image is not on the host.
    type: str
    default: missing
    choices: [missing, always, never]
  command:
    description:
      - The command of the container, as a list or as a string that is split as a shell splits
        words.
      - The image's when left out.
    type: raw
  entrypoint:
    description:
      - Takes the place of the image's entrypoint. The image's default command is then not used.
    type: list
    elements: str
  env:
    description:
      - Environment variables. Values must be strings, so put numbers and booleans in quotes.
      - The image's variables stay unless one of the same name is given.
    type: dict
  labels:
    description:
      - Labels of the container. Values must be strings.
    type: dict
  published_ports:
    description:
      - Ports of the container to publish on the host, each
        C([[HOST_IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]).
      - Ranges such as C(9000-9010:9000-9010) are allowed. The protocol is V(tcp), V(udp) or
        V(sctp).
      - Without a host address the port is published on every address of the host, without a host
        port
        on a free one.
    type: list
    elements: str
    aliases: [ports]
  volumes:
    description:
      - Volumes and directories of the host to mount, each C([SOURCE:]TARGET[:MODE]).
      - A source with a slash is a path on the host, one without is the name of a volume, which is
        made
        when it does not exist. Without a source an anonymous volume is made.
      - The mode is V(ro) or V(rw), V(z) or V(Z), V(nocopy), or a propagation such as V(rslave),
        joined by commas.
    type: list
    elements: str
  networks:
    description:
      - Networks the container joins; the first one has its default route.
      - Without this option and O(network_mode) the container joins the network V(bridge).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of a network. It must exist, see M(slipway.engine.network).
        type: str
        required: true
      ipv4_address:
        description: A fixed IPv4 address in the network.
        type: str
      ipv6_address:
        description: A fixed IPv6 address in the network.
        type: str
      mac_address:
        description: A fixed MAC address.
        type: str
      aliases:
        description: More names under which other containers of the network reach this one.
        type: list
        elements: str
  network_mode:
    description:
      - V(default) or V(bridge) for networks of its own, V(host) for the host's network, V(none)
        for
        loopback alone, V(container:NAME) for the network of another container.
    type: str
  restart_policy:
    description:
      - When the container is started again after it ended.
      - V(unless-stopped) is V(always) except that a container somebody stopped stays so over a
        reboot.
    type: str
    choices: ['no', 'on-failure', 'always', 'unless-stopped']
  restart_retries:
    description:
      - How often V(on-failure) starts it again, for O(restart_policy=on-failure). V(0) is without
        limit.
    type: int
  hostname:
    description:
      - Host name inside the container. The first 12 digits of its id when left out.
    type: str
  user:
    description:
      - User of the main process, as C(USER[:GROUP]), by name or number. The image's when left
        out.
    type: str
  working_dir:
    description:
      - Working directory of the main process. The image's when left out.
    type: path
  stop_signal:
    description:
      - Signal that asks the main process to end. The image's, or SIGTERM, when left out.
    type: str
  stop_timeout:
    description:
      - How many seconds to wait after O(stop_signal) before the container is killed.
      - V(10) when left out.
    type: int
  read_only:
    description:
      - Mount the container's root filesystem read-only.
    type: bool
  privileged:
    description:
      - Give the container all capabilities and take the masks of system paths away.
    type: bool
  capabilities:
    description:
      - Capabilities to add to the default ones, or V(all).
    type: list
    elements: str
  cap_drop:
    description:
      - Capabilities to take from the default ones, or V(all).
    type: list
    elements: str
  tty:
    description:
      - Give the main process a terminal.
    type: bool
  undeclared:
    description:
      - What happens to options that a declaring task leaves out, and to members of lists and
        dictionaries it does not name.
      - V(reset) gives them their defaults, so the playbook is the whole truth.
      - V(keep) leaves them as they are, as M(community.docker.docker_container) does.
    type: str
    default: reset
    choices: [reset, keep]
  comparisons:
    description:
      - How single options are compared, by option name or V(*) for all.
      - V(strict) wants exactly the declared value, V(ignore) takes what the container has, and
        V(allow_more_present) is content when lists and dictionaries hold more than declared.
    type: dict
  recreate:
    description:
      - Recreate the container even if nothing differs.
    type: bool
    default: false
  restart:
    description:
      - Restart the container if it runs and was not recreated.
    type: bool
    default: false
  force_kill:
    description:
      - Kill the container at once where it has to be stopped.
    type: bool
    default: false
    aliases: [forcekill]
  keep_volumes:
    description:
      - Keep the anonymous volumes of a container that is removed.
    type: bool
    default: true
seealso:
  - module: slipway.engine.container_info
  - module: slipway.engine.network
  - module: slipway.engine.image_pull
"""

EXAMPLES = r"""
- name: A web server with a volume and a published port
  slipway.engine.container:
    name: web
    image: registry.example.com/web:1.4
    command: httpd -f -p 80 -h /srv
    published_ports:
      - "127.0.0.1:8080:80"
    volumes:
      - site:/srv
    restart_policy: unless-stopped

- name: Two containers that reach each other by name
  slipway.engine.container:
    name: "{{ item.name }}"
    image: registry.example.com/app:2
    command: "{{ item.command }}"
    networks:
      - name: backend
  loop:
    - {name: db, command: serve-database}
    - {name: app, command: serve-app --database db}

- name: Stop it, and change nothing else
  slipway.engine.container:
    name: web
    state: stopped

- name: Remove it with its anonymous volumes
  slipway.engine.container:
    name: web
    state: absent
    keep_volumes: false
"""

RETURN = r"""
container:
  description:
    - The container after the task, in the shape of C(docker inspect). The values of variables in
      C(Config.Env) are hidden; M(slipway.engine.container_info) has them.
    - V(null) when there is none, and in check mode when it would only be made.
  returned: success
  type: dict
  sample:
    Name: /web
    State:
      Running: true
      Status: running
actions:
  description: What was done, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: [create and start container web]
differences:
  description: The options for which the container was recreated.
  returned: when the container was recreated, or would be
  type: list
  elements: str
  sample: [published_ports]
"""

from ansible_collections.slipway.engine.plugins.module_utils import task
from ansible_collections.slipway.engine.plugins.module_utils.runtime.container.resource import (
    RESOURCE,
    declare,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.program import with_program

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "default": "started",
        "choices": ["absent", "present", "created", "started", "stopped"],
    },
    "image": {"type": "str"},
    "pull": {"type": "str", "default": "missing", "choices": ["missing", "always", "never"]},
    "command": {"type": "raw"},
    "entrypoint": {"type": "list", "elements": "str"},
    "env": {"type": "dict"},
    "labels": {"type": "dict"},
    "published_ports": {"type": "list", "elements": "str", "aliases": ["ports"]},
    "volumes": {"type": "list", "elements": "str"},
    "networks": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "ipv4_address": {"type": "str"},
            "ipv6_address": {"type": "str"},
            "mac_address": {"type": "str"},
            "aliases": {"type": "list", "elements": "str"},
        },
    },
    "network_mode": {"type": "str"},
    "restart_policy": {
        "type": "str",
        "choices": ["no", "on-failure", "always", "unless-stopped"],
    },
    "restart_retries": {"type": "int"},
    "hostname": {"type": "str"},
    "user": {"type": "str"},
    "working_dir": {"type": "path"},
    "stop_signal": {"type": "str"},
    "stop_timeout": {"type": "int"},
    "read_only": {"type": "bool"},
    "privileged": {"type": "bool"},
    "capabilities": {"type": "list", "elements": "str"},
    "cap_drop": {"type": "list", "elements": "str"},
    "tty": {"type": "bool"},
    "undeclared": {"type": "str", "default": "reset", "choices": ["reset", "keep"]},
    "comparisons": {"type": "dict"},
    "recreate": {"type": "bool", "default": False},
    "restart": {"type": "bool", "default": False},
    "force_kill": {"type": "bool", "default": False, "aliases": ["forcekill"]},
    "keep_volumes": {"type": "bool", "default": True},
}


def main() -> None:
    task.converge(ARGUMENT_SPEC, declare, with_program(RESOURCE))


if __name__ == "__main__":
    main()
