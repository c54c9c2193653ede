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
  - A task with an O(image) declares the whole container. Omitted options have their defaults, and
    what was removed from the playbook is removed from the container; see O(undeclared).
  - A task without an O(image) only acts on an existing container. It starts, stops or removes it,
    or changes the options given and keeps all others.
  - A changed container is replaced atomically. If the new one does not start, the old one is
    restarted and the task fails with the reason. A replacement that is interrupted, by a kill or a
    power failure, is undone or completed by the next task on the container, or the next command.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.container_process
  - slipway.engine.container_ports
  - slipway.engine.container_mounts
  - slipway.engine.container_networks
  - slipway.engine.container_names
  - slipway.engine.container_security
  - slipway.engine.container_namespaces
  - slipway.engine.container_resources
  - slipway.engine.container_logging
  - slipway.engine.container_supervision
  - slipway.engine.registry.require_signature
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The values of O(env) and O(secret_env) are never shown.
  idempotent:
    support: partial
    details:
      - O(state=restarted), O(restart=true) and O(recreate=true) change the container on every run.
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
      - V(present) or V(created) makes sure that it exists as declared; whether it is running is not
        changed.
      - V(started) makes sure that it exists and is running, V(stopped) that it exists and is not
        running. A container that waits to be started again by its O(restart_policy) counts as
        running.
      - A container that the task starts and that exits with an error in its first 150 milliseconds
        fails the task, unless its O(restart_policy) starts it again or it has O(auto_remove).
      - V(restarted) is V(started), and restarts an already running container on every run. It is
        meant for handlers.
      - V(paused) is V(started) with O(paused=true).
      - V(healthy) is V(started), and waits until the container's health check reports it healthy;
        see O(healthcheck) and O(healthy_wait_timeout). A container without a check counts as
        healthy while it is running. Waiting alone is not a change.
    type: str
    default: started
    choices: [absent, present, created, started, stopped, restarted, paused, healthy]
  healthy_wait_timeout:
    description:
      - Maximum number of seconds O(state=healthy) and O(rollback_unless_healthy) wait. V(0) waits
        without limit.
    type: float
    default: 300
  rollback_unless_healthy:
    description:
      - If the container has to be recreated, restore the old one unless the new one becomes healthy
        within O(healthy_wait_timeout). It fails as soon as it is unhealthy.
      - The task then fails with the reason. Without this option the old container is restored only
        if the new one does not start, or fails within its first 150 milliseconds and is not
        restarted by its O(restart_policy).
    type: bool
    default: false
  paused:
    description:
      - Whether the processes of a running container are frozen.
      - A task that declares a started container and omits this option unpauses it, unless
        O(undeclared=keep). Other tasks do not change it.
    type: bool
  image:
    description:
      - The image, as C([REGISTRY/]NAME[:TAG][@DIGEST]) or as an image ID.
      - It is pulled when it is not on the host, see O(pull).
      - If the name now refers to another image than when the container was created, the container
        is recreated.
    type: str
  pull:
    description:
      - V(missing) pulls the image when it is not on the host.
      - V(always) asks the registry on every run, and pulls the image if the registry has another
        one under this name. The container is then recreated.
      - V(never) fails when the image is not on the host.
      - V(daily), V(weekly), and V(every_) with a duration such as V(every_12h) or V(every_1d12h),
        are V(always) if the registry was last asked for this name longer ago than that, and
        V(missing) otherwise. The units are V(w), V(d), V(h), V(m) and V(s). An image that was
        never pulled under its name, such as one that was built, counts as not asked for.
      - V(true) is V(always), and V(false) is V(missing).
    type: raw
    default: missing
  pull_check_mode_behavior:
    description:
      - Accepted for playbooks written for M(community.docker.docker_container), and has no effect.
        Check mode asks the registry as a run does, so its prediction is exact.
    type: str
    default: image_not_present
    choices: [image_not_present, always]
  image_comparison:
    description:
      - Accepted for playbooks written for M(community.docker.docker_container), and has no effect.
        What an image contributes is kept separate from what is declared, so it does not matter
        which image it is compared with. With V(ignore) for O(image) in O(comparisons), the
        container is kept whatever the image has.
    type: str
    default: desired-image
    choices: [desired-image, current-image]
  image_label_mismatch:
    description:
      - Whether the task fails when the image has labels that are not in O(labels). V(fail) only
        applies if O(comparisons) has V(strict) for O(labels) or for V(*).
    type: str
    default: ignore
    choices: [ignore, fail]
  image_name_mismatch:
    description:
      - What happens if the container was created from the same image under another name. V(ignore)
        keeps it.
    type: str
    default: recreate
    choices: [recreate, ignore]
  detach:
    description:
      - With V(false), the task waits until a container that it starts exits. Its output and exit
        status are in the result, and the task fails unless the status is 0.
      - A container that is already running is not affected.
    type: bool
  cleanup:
    description:
      - With O(detach=false), remove the container and its anonymous volumes when it has exited.
    type: bool
    default: false
  output_logs:
    description:
      - With O(detach=false), also write the output of the container to the log of the host.
    type: bool
    default: false
  platform:
    description:
      - The platform to choose from a multi-platform image, such as V(linux/arm64) or
        V(linux/arm/v7). The default is the host's own, which V(linux) means too.
      - If the image of that name on the host is for another platform, it is pulled, and the
        container recreated. Programs for another architecture run if the host has an emulator
        registered for them.
    type: str
  container_default_behavior:
    description:
      - V(compatibility) gives omitted options the defaults that
        M(community.docker.docker_container) once had, even with O(undeclared=keep). O(init),
        O(interactive), O(paused), O(privileged), O(read_only) and O(tty) are V(false) then, and
        O(memory) is without limit.
    type: str
    default: no_defaults
    choices: [compatibility, no_defaults]
  undeclared:
    description:
      - What happens to options that a declaring task omits, and to members of lists and
        dictionaries it does not mention.
      - V(reset) gives them their defaults, so that the playbook describes the container completely.
      - V(keep) leaves them as they are, as M(community.docker.docker_container) does. Of O(env) and
        O(labels), where the task gives them, what the image has too is not kept, but is again as in
        the image.
    type: str
    default: reset
    choices: [reset, keep]
  comparisons:
    description:
      - How single options are compared, by the name or an alias of the option, O(image) included,
        or V(*) for all others.
      - V(strict) requires exactly the declared value, V(ignore) accepts what the container has, and
        V(allow_more_present) accepts lists and dictionaries that contain more than declared.
    type: dict
  debug:
    description:
      - V(true) returns RV(actions) as the dictionaries that
        M(community.docker.docker_container) returns with it.
    type: bool
  recreate:
    description:
      - Recreate the container even if nothing differs.
    type: bool
    default: false
  restart:
    description:
      - Restart the container if it is running and was not recreated.
    type: bool
    default: false
  force_kill:
    description:
      - Kill the container at once if it has to be stopped.
    type: bool
    default: false
    aliases: [forcekill]
  kill_signal:
    description:
      - The signal that O(force_kill) sends instead of V(SIGKILL). A container that does not exit
        within its O(stop_timeout) is then killed with V(SIGKILL).
    type: str
  removal_wait_timeout:
    description:
      - Maximum number of seconds to wait for another process that works on a container to be
        removed.
    type: float
  keep_volumes:
    description:
      - Keep the anonymous volumes of a container that is removed.
      - When a container is recreated, the new one takes over the anonymous volumes of the old one
        that it mounts at the same path. With V(false) it gets new ones, and those of the old one
        are removed.
    type: bool
    default: true
  update:
    description:
      - What is done first when a running container has to be recreated.
      - V(stop_first) stops the old container, then starts the new one. Requests that clients make
        in between are lost.
      - V(start_first) starts the new container while the old one runs, with other addresses. When
        it can serve, its published ports and its names lead to it, all in one transaction of the
        firewall. Connections to the old container go on for up to O(drain_timeout); then it is
        stopped and removed. If the new container cannot serve, it is removed, and the old one keeps
        running.
      - A container with a O(healthcheck) can serve when it is healthy. Without one, it has to
        outlive its first 150 milliseconds, and to listen on the published ports on which the old
        one listens. The task waits for that for up to O(healthy_wait_timeout).
      - The task fails before anything is changed where both cannot run at once. That is so if both
        would have the same static IP or MAC address on a network, or O(network_mode=host), or share
        the network of another container; if another container runs in the network of this one; if a
        published port is served by a process, as between IPv6 and IPv4; and if both would write to
        the same volume or directory, unless O(share_volumes).
      - It cannot be combined with O(detach=false). A container that does not run, or is paused, is
        replaced as with V(stop_first).
    type: str
    default: stop_first
    choices: [stop_first, start_first]
    version_added: 0.3.0
  drain_timeout:
    description:
      - Maximum number of seconds that connections to the old container go on with
        O(update=start_first), from when new ones lead to the new container. It ends early when no
        client has been connected for half a second, or for two where a UDP port is published. V(0)
        does not wait.
      - The old container is then asked to stop, and has its O(stop_timeout) to answer what it has
        begun.
    type: float
    default: 10
    version_added: 0.3.0
  share_volumes:
    description:
      - With O(update=start_first), let the old and the new container write to the same volumes and
        directories while both run.
      - Most databases must not share their files. Volumes that are mounted read-only, sockets and
        O(volumes_from) are shared in any case.
    type: bool
    default: false
    version_added: 0.3.0
seealso:
  - module: slipway.engine.container_info
  - module: slipway.engine.network
  - module: slipway.engine.image_pull
"""

EXAMPLES = r"""
- name: Run a web server with a volume and a published port
  slipway.engine.container:
    name: web
    image: registry.example.com/web:1.4
    command: httpd -f -p 80 -h /srv
    published_ports:
      - "127.0.0.1:8080:80"
    volumes:
      - site:/srv
    restart_policy: unless-stopped

- name: Run two containers that reach each other by name
  slipway.engine.container:
    name: "{{ item.name }}"
    image: registry.example.com/app:2
    command: "{{ item.command }}"
    networks:
      - name: backend
  loop:
    - {name: db, command: serve-database}
    - {name: app, command: serve-app --database db}

- name: Roll an update back unless the new version becomes healthy
  slipway.engine.container:
    name: web
    image: registry.example.com/web:1.5
    state: healthy
    healthcheck:
      test: wget -q -O /dev/null http://127.0.0.1/
      interval: 5s
      start_period: 30s
    rollback_unless_healthy: true
    healthy_wait_timeout: 60

- name: Update a service without losing a request
  slipway.engine.container:
    name: web
    image: registry.example.com/web:1.5
    published_ports:
      - "8080:80"
    healthcheck:
      test: wget -q -O /dev/null http://127.0.0.1/
      interval: 5s
    update: start_first
    drain_timeout: 30

- name: Run a job and get its output
  slipway.engine.container:
    name: migrate
    image: registry.example.com/app:2
    command: migrate-database --all
    detach: false
    cleanup: true
  register: migration

- name: Restart a server when its configuration changes
  slipway.engine.container:
    name: proxy
    image: registry.example.com/proxy:3
    volumes:
      - /etc/proxy:/etc/proxy:ro
    restart_on_change:
      - /etc/proxy

- name: Stop a container without any other change
  slipway.engine.container:
    name: web
    state: stopped

- name: Remove a container with its anonymous volumes
  slipway.engine.container:
    name: web
    state: absent
    keep_volumes: false
"""

RETURN = r"""
container:
  description:
    - The container after the task, in the shape of C(docker inspect). In C(Config.Env), the values
      of O(secret_env) are hidden.
    - V(null) when there is none, and in check mode when it would only be made.
    - With O(detach=false), C(Output) is what it wrote, the last 10 MiB of it.
  returned: success
  type: dict
  sample:
    Name: /web
    State:
      Running: true
      Status: running
status:
  description: The exit status of the container.
  returned: with O(detach=false), when the task started it
  type: int
  sample: 0
actions:
  description:
    - What was done, or in check mode what would be done, in order.
    - >-
      With O(debug=true), dictionaries with the keys that M(community.docker.docker_container) uses,
      such as C({"pulled_image": "nginx:1.27", "changed": true}) or C({"started": ID}). Parameters
      in them are in the words of this module. C({"done": SENTENCE}) is what Docker has no key for.
    - Without it, sentences.
  returned: success
  type: list
  elements: raw
  sample: [create and start container web]
differences:
  description: The options for which the container was recreated.
  returned: when the container was recreated, or would be
  type: list
  elements: str
  sample: [published_ports]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
)

ARGUMENT_SPEC = catalogue.argument_spec()


def main() -> None:
    _task.converge({**_task.PROGRESS, **ARGUMENT_SPEC}, decide.declare, with_program(decide.ALONE))


if __name__ == "__main__":
    main()
