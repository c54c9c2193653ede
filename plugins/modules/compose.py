#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compose
short_description: Run the application that Compose files declare
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Reads Compose files on the host and converges their services, networks and volumes as one, as
    M(slipway.engine.stack) does. The options and results are those of
    M(community.docker.docker_compose_v2).
  - The files are read by the rules of the Compose specification. What this collection cannot do is
    refused with its place in the file, such as C(services.web.gpus), and so is what the
    specification does not know. All mistakes are reported together, before anything is touched.
  - Containers, networks and volumes have the names and labels that C(docker compose) gives them.
requirements:
  - PyYAML on the host
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.report
  - slipway.engine.compose
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the members that change. The values of environments, secrets and configs are never
        shown.
  idempotent:
    support: partial
    details:
      - O(state=restarted) and O(recreate=always) change containers on every run.
  platform:
    support: full
    platforms: linux
options:
  state:
    description:
      - V(present) converges the project, as C(docker compose up) does.
      - V(stopped) is V(present), but containers do not run.
      - V(restarted) is V(present), and restarts the containers that are to run. One that has
        ended, such as a job, runs again, as C(docker
        compose restart) does.
      - V(absent) removes the containers and networks of the project, as C(docker compose down)
        does. Volumes and images stay, see O(remove_volumes) and O(remove_images).
    type: str
    default: present
    choices: [absent, present, restarted, stopped]
  services:
    description:
      - The services that the task is about, by default all. Those named here are meant even if they
        have a profile that is not active.
    type: list
    elements: str
  dependencies:
    description:
      - Whether the services that those of O(services) depend on are converged too.
    type: bool
    default: true
  scale:
    description:
      - How many containers services have, in place of what the files say.
    type: dict
  recreate:
    description:
      - V(auto) recreates the containers whose options or images differ, V(always) all of them, and
        V(never) leaves those that exist as they are.
    type: str
    default: auto
    choices: [always, auto, never]
  pull:
    description:
      - When images are pulled. V(policy) is the C(pull_policy) of each service, which is to pull
        what is missing unless the file says otherwise.
    type: str
    default: policy
    choices: [always, missing, never, policy]
  build:
    description:
      - Whether the images of services with C(build) are built. V(policy) builds those that are
        missing, V(always) also those of which the Dockerfile, the context or a base image changed,
        and V(never) none.
    type: str
    default: policy
    choices: [always, never, policy]
  ignore_build_events:
    description:
      - Has no effect. A build that changes nothing does not count as a change.
    type: bool
    default: true
  assume_yes:
    description:
      - Has no effect. Nothing asks.
    type: bool
    default: false
  remove_orphans:
    description:
      - Remove the containers of services that the files no longer declare. Without it a warning and
        RV(orphans) name them.
    type: bool
    default: false
  remove_volumes:
    description:
      - With O(state=absent), remove the volumes of the project too, and the anonymous ones of its
        containers.
    type: bool
    default: false
  remove_images:
    description:
      - With O(state=absent), remove images too. V(all) are those of all services, V(local) only
        those of services without C(image), which were built.
    type: str
    choices: [all, local]
  renew_anon_volumes:
    description:
      - Give containers that are recreated new anonymous volumes in place of those they had.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds processes get to end before they are killed, in place of the
        C(stop_grace_period) of their services.
    type: int
  update:
    description:
      - What is done first when a running container has to be recreated, in place of the C(order)
        that C(deploy.update_config) of a service has in the file. Without either it is
        V(stop_first). See O(slipway.engine.container#module:update).
      - With V(start_first), the task fails before anything is changed where the old and the new
        container would write to the same volume, unless the service has C(order) with
        C(start-first) in the file, which lets them share it. Name the others with O(services), or
        say the order in the file.
    type: str
    choices: [start_first, stop_first]
  drain_timeout:
    description:
      - Maximum number of seconds that connections to old containers go on while new ones serve. It
        is 10 unless given. See O(slipway.engine.container#module:drain_timeout).
    type: float
  wait:
    description:
      - Wait until all containers that are to run are healthy, or run if they have no health check.
    type: bool
    default: false
  wait_timeout:
    description:
      - Maximum number of seconds to wait for a container to become healthy. It is 300 unless given.
    type: int
seealso:
  - module: slipway.engine.stack
  - module: community.docker.docker_compose_v2
"""

EXAMPLES = r"""
- name: Run what /srv/shop/compose.yaml declares
  slipway.engine.compose:
    project_src: /srv/shop

- name: Run two containers of one service, and wait until they are healthy
  slipway.engine.compose:
    project_src: /srv/shop
    services: [web]
    scale:
      web: 2
    wait: true

- name: Update one service without a lost request
  slipway.engine.compose:
    project_src: /srv/shop
    services: [web]
    update: start_first
    drain_timeout: 30

- name: Declare the services in the play
  slipway.engine.compose:
    project_name: notes
    definition:
      services:
        web:
          image: registry.example.com/app:2
          command: serve-app
          ports:
            - "127.0.0.1:8080:80"

- name: Run a project, and write a page about its host
  slipway.engine.compose:
    project_src: /srv/shop
    report: /srv/report.html

- name: Stop a project
  slipway.engine.compose:
    project_src: /srv/shop
    state: stopped

- name: Remove a project with its volumes
  slipway.engine.compose:
    project_src: /srv/shop
    state: absent
    remove_volumes: true
"""

RETURN = r"""
containers:
  description:
    - The containers of the project, as C(docker compose ps --all --format json) shows them.
  returned: success
  type: list
  elements: dict
  contains:
    Name:
      description: The name of the container.
      type: str
      returned: always
      sample: shop-web-1
    Service:
      description: The service it is of.
      type: str
      returned: always
      sample: web
    State:
      description: What it does.
      type: str
      returned: always
      sample: running
    Status:
      description: The same in a sentence.
      type: str
      returned: always
      sample: Up 5 minutes (healthy)
    Health:
      description: What its health check says, empty without one.
      type: str
      returned: always
      sample: healthy
    ExitCode:
      description: The exit status of a container that has ended.
      type: int
      returned: always
      sample: 0
    ID:
      description: The ID of the container.
      type: str
      returned: always
      sample: 44a7d607219a60b7db0a4817fb3205dce46e91df2cb4b78a6100b6e27b0d3135
    Image:
      description: The image it was made of.
      type: str
      returned: always
      sample: registry.example.com/app:2
    Command:
      description: Its command.
      type: str
      returned: always
      sample: '"serve-app"'
    CreatedAt:
      description: When it was created.
      type: str
      returned: always
      sample: 2026-11-27 12:00:00 +0000 UTC
    RunningFor:
      description: How long ago that was.
      type: str
      returned: always
      sample: 5 minutes ago
    Labels:
      description: Its labels.
      type: dict
      returned: always
      sample: {com.docker.compose.project: shop}
    LocalVolumes:
      description: How many volumes it mounts.
      type: str
      returned: always
      sample: "1"
    Mounts:
      description: What it mounts.
      type: list
      elements: str
      returned: always
      sample: [shop_data]
    Names:
      description: Its names.
      type: list
      elements: str
      returned: always
      sample: [shop-web-1]
    Networks:
      description: The networks it is on.
      type: list
      elements: str
      returned: always
      sample: [shop_default]
    Ports:
      description: Its published ports in a sentence.
      type: str
      returned: always
      sample: 0.0.0.0:8080->80/tcp
    Project:
      description: The project it is of.
      type: str
      returned: always
      sample: shop
    Publishers:
      description: Its published ports.
      type: list
      elements: dict
      returned: always
      sample: [{URL: 0.0.0.0, TargetPort: 80, PublishedPort: 8080, Protocol: tcp}]
    Size:
      description: Always C(0B).
      type: str
      returned: always
      sample: 0B
images:
  description: The images of these containers, as C(docker compose images --format json) shows them.
  returned: success
  type: list
  elements: dict
  contains:
    ContainerName:
      description: The container it is of.
      type: str
      returned: always
      sample: shop-web-1
    ID:
      description: The ID of the image.
      type: str
      returned: always
      sample: sha256:6a8e1f2f0e0b2f8e5d2f0b8ea2ffed5a06b1d60b9fd8d41e5cc1a4cd7cf4f3c3
    Platform:
      description: What it runs on.
      type: str
      returned: always
      sample: linux/amd64
    Repository:
      description: Its name.
      type: str
      returned: always
      sample: registry.example.com/app
    Tag:
      description: Its tag.
      type: str
      returned: always
      sample: "2"
    Size:
      description: Its size in bytes.
      type: int
      returned: always
      sample: 4423680
actions:
  description: What was done, or in check mode what would be done.
  returned: success, or when a member failed
  type: list
  elements: dict
  contains:
    what:
      description: C(container), C(network), C(volume) or C(image).
      type: str
      returned: always
      sample: container
    id:
      description: Its name.
      type: str
      returned: always
      sample: shop-web-1
    status:
      description: What was done, in the words of C(docker compose).
      type: str
      returned: always
      sample: Creating
members:
  description:
    - What happened to each container, network, volume and image, as M(slipway.engine.stack) returns
      it.
  returned: when the files have no mistakes
  type: list
  elements: dict
  sample: [{kind: container, name: shop-web-1, changed: true, failed: false, skipped: false}]
orphans:
  description: What is of the project, is not declared any more, and stays.
  returned: success, or when a member failed
  type: list
  elements: str
  sample: [container shop-old-1]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.report import asked
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    decide,
    declare,
    options,
)


def main() -> None:
    _task.converge(
        options.ARGUMENT_SPEC,
        decide.declare,
        with_program(decide.RESOURCE, decide.needs_program),
        secrets=declare.secrets,
        around=asked.of_task,
        mutually_exclusive=options.EXCLUSIVE,
        required_one_of=options.ONE_OF,
        required_by=options.BY_DEFINITION,
    )


if __name__ == "__main__":
    main()
