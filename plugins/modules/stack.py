#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack
short_description: Declare containers, networks, volumes and images as one
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Declares a whole application, or all of a host, in one task. The host is observed once, one plan
    is made of all that differs, and what does not depend on one another is done side by side.
  - The entries of O(containers), O(networks), O(volumes) and O(images) have the options of the
    modules M(slipway.engine.container), M(slipway.engine.network), M(slipway.engine.volume) and
    M(slipway.engine.image), with the same meaning.
  - Mistakes anywhere in the declaration are reported together, each with its path, such as
    C(containers[2].memory), before anything is touched.
  - Containers, networks and volumes get the label C(slipway.stack) with the name of the stack. What
    has it and left the declaration is removed; see O(orphans).
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.report
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the members that change. The values of C(env) and C(secret_env) are never shown.
  idempotent:
    support: partial
    details:
      - O(state=restarted) and O(recreate=always) change containers on every run.
  platform:
    support: full
    platforms: linux
options:
  name:
    description:
      - Name of the stack. It is the value of the label C(slipway.stack) of its containers, networks
        and volumes, and no part of their names.
    type: str
    required: true
  state:
    description:
      - V(present) converges all members. A container is started, unless its entry has another
        C(state).
      - V(stopped) is V(present), but containers do not run. Those that depend on others are stopped
        before them.
      - V(restarted) is V(present), and restarts the containers that are to run. One that has
        ended, such as a job, runs again.
      - V(absent) removes the containers and networks of the stack, also those that are no longer
        declared. Those that depend on others go before them. Volumes stay, see O(remove_volumes),
        and so do images.
    type: str
    default: present
    choices: [absent, present, restarted, stopped]
  containers:
    description:
      - The containers, each with the options of M(slipway.engine.container).
      - C(depends_on) says which containers of the stack one waits for before it is created,
        changed or started. It is a list of their names, or a dictionary of their names and what is
        waited for. C(started) is that it was started, C(healthy) that its health check succeeds,
        C(completed) that it has run to its end with exit status 0.
      - A container that another one waits for with C(completed) is a job. It runs when it is
        created or changed, and again if it failed, and is otherwise left alone.
      - A job with C(restart_policy) C(always) or C(unless-stopped), or with C(auto_remove), is
        refused, since it never completes, or nobody would know.
      - C(network_mode), C(pid_mode) and C(ipc_mode) can be C(service:NAME), which is
        C(container:NAME) of a container that the stack has.
      - Containers that share a namespace or volumes of another one, or are linked to it, wait for
        it without being told.
    type: list
    elements: dict
    default: []
  defaults:
    description:
      - Options that the entries of O(containers) have unless they give them. A dictionary or list
        of an entry takes the place of the one here as a whole.
    type: dict
    default: {}
  networks:
    description:
      - The networks, each with the options of M(slipway.engine.network). Containers may also use
        networks that are not declared here.
    type: list
    elements: dict
    default: []
  volumes:
    description:
      - The volumes, each with the options of M(slipway.engine.volume). A volume that needs no
        options need not be declared; it is then not part of the stack.
    type: list
    elements: dict
    default: []
  images:
    description:
      - The images, each with the options of M(slipway.engine.image), whose C(source) is C(pull)
        unless another one is given. A context on the controller, C(build.src), is not supported.
      - The images of containers need not be declared; they are pulled if they are missing. All
        images are there before a container is touched.
    type: list
    elements: dict
    default: []
  only:
    description:
      - Names of members. Only these are converged, with O(state=present) also the containers they
        depend on, and the networks, volumes and images that these use. O(orphans) has no effect.
    type: list
    elements: str
  orphans:
    description:
      - What happens to containers and networks that have the label of the stack and are no longer
        declared. V(remove) removes them, V(keep) leaves them, and V(report) leaves them and says so
        in a warning. RV(orphans) has those that stay.
      - Volumes that are no longer declared are only removed with O(remove_volumes=true).
    type: str
    default: remove
    choices: [keep, remove, report]
  on_error:
    description:
      - What happens when a member fails. V(stop) begins nothing more, and completes what is under
        way. V(continue) goes on with the members that do not depend on it. The task fails in either
        case.
      - A container whose replacement fails is rolled back, as with M(slipway.engine.container);
        other members are not.
    type: str
    default: stop
    choices: [continue, stop]
  recreate:
    description:
      - V(auto) recreates the containers whose options or images differ, V(always) all of them, and
        V(never) leaves those that exist as they are.
    type: str
    default: auto
    choices: [always, auto, never]
  pull:
    description:
      - When images of containers are pulled, in place of the entries' own C(pull).
    type: str
    choices: [always, missing, never]
  wait:
    description:
      - Wait until all containers that are to run are healthy, as C(state=healthy) of
        M(slipway.engine.container) does. Jobs are not waited for.
    type: bool
    default: false
  wait_timeout:
    description:
      - Maximum number of seconds to wait for a container to become healthy, in place of the
        C(healthy_wait_timeout) of its entry, which is 300 seconds unless given; and for the end of
        a job, which is otherwise waited for without limit.
    type: float
  remove_volumes:
    description:
      - Also remove volumes, and what is in them. With O(state=absent) all volumes of the stack and
        the anonymous ones of its containers, otherwise those that are no longer declared.
    type: bool
    default: false
seealso:
  - module: slipway.engine.container
  - module: slipway.engine.network
  - module: slipway.engine.volume
  - module: slipway.engine.image
"""

EXAMPLES = r"""
- name: Run a web shop
  slipway.engine.stack:
    name: shop
    networks:
      - name: backend
    volumes:
      - name: data
    defaults:
      image: registry.example.com/app:2
      networks:
        - name: backend
      restart_policy: unless-stopped
    containers:
      - name: db
        command: serve-database
        volumes:
          - data:/srv
      - name: app
        command: serve-app --database db
        depends_on: [db]
        published_ports:
          - "127.0.0.1:8080:80"

- name: Prepare a database before it is used
  slipway.engine.stack:
    name: shop
    defaults:
      image: registry.example.com/app:2
    containers:
      - name: migrate
        command: migrate-database --all
      - name: app
        command: serve-app
        depends_on:
          migrate: completed
    wait: true

- name: Run a service, and write a page about its host
  slipway.engine.stack:
    name: shop
    containers:
      - name: app
        image: registry.example.com/app:2
        command: serve-app
    report: /srv/report.html

- name: Update a service without losing a request
  slipway.engine.stack:
    name: shop
    defaults:
      update: start_first
      drain_timeout: 30
    containers:
      - name: app
        image: registry.example.com/app:2
        command: serve-app --workers 4
        published_ports:
          - "8080:80"

- name: Change one container and leave the others alone
  slipway.engine.stack:
    name: shop
    containers:
      - name: app
        image: registry.example.com/app:2
        command: serve-app --workers 4
      - name: db
        image: registry.example.com/app:2
        command: serve-database
    only: [app]

- name: Stop all containers of a stack
  slipway.engine.stack:
    name: shop
    state: stopped
    defaults:
      image: registry.example.com/app:2
    containers:
      - name: db
        command: serve-database

- name: Remove a stack with its volumes
  slipway.engine.stack:
    name: shop
    state: absent
    remove_volumes: true
"""

RETURN = r"""
members:
  description:
    - What happened to each member, in the order in which they were planned, and what its own module
      returns of it.
  returned: when the declaration has no mistakes
  type: list
  elements: dict
  contains:
    kind:
      description: C(container), C(network), C(volume) or C(image).
      type: str
      returned: always
      sample: container
    name:
      description: Its name.
      type: str
      returned: always
      sample: app
    changed:
      description: Whether it was changed, or would be.
      type: bool
      returned: always
      sample: true
    actions:
      description: What was done, or would be.
      type: list
      elements: raw
      returned: always
      sample: [create and start container app]
    differences:
      description: The options that differed.
      type: list
      elements: str
      returned: when it existed and differed
      sample: [command]
    failed:
      description: Whether it failed.
      type: bool
      returned: always
      sample: false
    skipped:
      description: Whether nothing was done because another member failed.
      type: bool
      returned: always
      sample: false
    msg:
      description: Why it failed.
      type: str
      returned: when it failed
      sample: container app exited with 1 right after its start
    container:
      description: As M(slipway.engine.container) returns it.
      type: dict
      returned: for a container
      sample: {Name: /app}
    network:
      description: As M(slipway.engine.network) returns it.
      type: dict
      returned: for a network
      sample: {Name: backend}
    volume:
      description: As M(slipway.engine.volume) returns it.
      type: dict
      returned: for a volume
      sample: {Name: data}
    image:
      description: As M(slipway.engine.image) returns it.
      type: dict
      returned: for an image
      sample: {RepoTags: ["registry.example.com/app:2"]}
actions:
  description: What was done, or in check mode what would be done, of all members.
  returned: success, or when a member failed
  type: list
  elements: str
  sample: [create network backend, create and start container app]
orphans:
  description: What has the label of the stack, is no longer declared, and stays.
  returned: success, or when a member failed
  type: list
  elements: str
  sample: [container old]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.report import asked
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.stack import (
    decide,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.stack import (
    declare as stack_declare,
)


def main() -> None:
    _task.converge(
        stack_declare.ARGUMENT_SPEC,
        stack_declare.declare,
        with_program(decide.RESOURCE, decide.needs_program),
        secrets=stack_declare.secrets,
        around=asked.of_task,
    )


if __name__ == "__main__":
    main()
