# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about the main process and what it finds around it."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  command:
    description:
      - The command of the container, as a list or as a string that is split as a shell splits
        words.
      - The default is that of the image, also if it is empty. See O(command_handling) for lists.
    type: raw
  entrypoint:
    description:
      - Replaces the entrypoint of the image. The image's default command is then not used.
      - As in Docker's API, an empty list drops the image's entrypoint and keeps its default
        command, and a list of one empty string drops both.
    type: list
    elements: str
  command_handling:
    description:
      - V(correct) uses O(command) and O(entrypoint) as they are.
      - V(compatibility) joins their lists to one string and splits that like a shell, and treats an
        empty value as omitted.
    type: str
    default: correct
    choices: [compatibility, correct]
  env:
    description:
      - Environment variables. Values are strings or whole numbers. Put anything else in quotes, or
        add the filter C(string) to it where it is templated, so that YAML does not interpret it.
      - Variables of the image are kept unless they are overridden.
    type: dict
  secret_env:
    description:
      - More environment variables, whose values are never shown. They take precedence over O(env).
      - Ansible masks the values in the output of the task, and they appear as C(********) in the
        results of every module, in diffs and in C(slipway inspect). An image that is committed from
        the container does not have them.
      - Anybody who may run commands in the container, or is root on the host, can still read them.
    type: dict
    version_added: 0.3.0
  env_file:
    description:
      - A file on the host with one C(NAME=VALUE) per line, used literally, without quotes or
        escapes. Lines that start with C(#) are comments.
      - Variables in O(env) take precedence over those in the file. If the file changes, the
        container is recreated.
    type: path
  labels:
    description:
      - Labels of the container. Values are strings or whole numbers.
    type: dict
  hostname:
    description:
      - Host name inside the container. The default is the first 12 digits of its ID.
    type: str
  domainname:
    description:
      - NIS domain name inside the container, as C(domainname) prints it.
    type: str
  user:
    description:
      - User of the main process, as C(USER[:GROUP]), by name or number. The default is that of the
        image. C(USER:) is C(USER), whose group is that of the image's C(/etc/passwd), or 0.
    type: str
  groups:
    description:
      - Additional groups of the main process, by name or number. A name must exist in the image.
    type: list
    elements: str
  working_dir:
    description:
      - Working directory of the main process, an absolute path. The default is that of the image.
    type: str
  stop_signal:
    description:
      - Signal to stop the main process. The default is that of the image, or SIGTERM; for systemd
        it is SIGRTMIN+3 (O(systemd)).
      - A change is applied without recreating the container.
    type: str
  stop_timeout:
    description:
      - How many seconds to wait after O(stop_signal) before the container is killed.
      - The default is V(10). A change is applied without recreating the container.
    type: int
  tty:
    description:
      - Allocate a terminal for the main process.
    type: bool
  interactive:
    description:
      - Keep the standard input of the main process open, for clients that attach later.
      - Without this option, it is empty.
    type: bool
  init:
    description:
      - Run a small init as process 1, which forwards signals to the main process and reaps orphaned
        processes.
      - It is the host's C(catatonit), C(docker-init), C(tini) or C(dumb-init), whichever is
        installed and is linked statically. The role P(slipway.engine.host#role) installs one.
    type: bool
  systemd:
    description:
      - Whether the container gets what systemd needs as its process 1. The words are podman's.
      - V(true) and V(auto), the default, give it to a container whose command is systemd, which is
        one named C(systemd), or an C(init) in C(/sbin), C(/usr/sbin) or C(/usr/local/sbin) whose
        file in the image is systemd. V(always) gives it whatever the command is, V(false) never.
      - What it gets is its own control group, writable, in a control group namespace of its own;
        memory at C(/run), C(/run/lock), C(/tmp) and, if the image has it, C(/var/log/journal), each
        with the image's files and unless something else is mounted there; C(container=slipway) and
        C(container_uuid) in the environment; V(SIGRTMIN+3) as the O(stop_signal), unless the image
        or the task has one; and a boot ID that is new at each start. It needs no capability and no
        O(privileged).
      - A volume V(/sys/fs/cgroup:/sys/fs/cgroup), as playbooks for systemd declare it, is accepted.
        It mounts nothing of the host, and makes the container's own control group writable,
        whatever the command is, unless it is read-only.
      - On a host with cgroup v1, the control group is the one of cgroup v2 that the host has beside
        it, without limits, which is the only kind that newer versions of systemd accept.
    type: str
    choices: ['true', 'false', auto, always]
    version_added: 0.3.0
  runtime:
    description:
      - The OCI runtime that creates the container, by name or absolute path, such as V(crun) or
        V(runc). It must have their command line.
      - The default is the first of crun and runc that supports this host.
    type: str
"""
