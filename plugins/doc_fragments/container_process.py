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
      - The image's when left out or empty. See O(command_handling) for lists.
    type: raw
  entrypoint:
    description:
      - Takes the place of the image's entrypoint. The image's default command is then not used.
      - As in Docker's API, an empty list drops the image's entrypoint and keeps its default
        command, and a list of one empty text drops both.
    type: list
    elements: str
  command_handling:
    description:
      - V(correct) takes O(command) and O(entrypoint) as they are.
      - V(compatibility) joins their lists to one string and splits that like a shell, and takes an
        empty value for one that was left out.
    type: str
    default: correct
    choices: [compatibility, correct]
  env:
    description:
      - Environment variables. Values are strings or whole numbers. Put anything else in quotes, or
        add the filter C(string) to it where it is templated, so that YAML does not interpret it.
      - The image's variables stay unless one of the same name is given.
    type: dict
  secret_env:
    description:
      - More environment variables, whose values nobody is shown. They win over O(env).
      - Ansible masks the values in all that the task prints, and C(********) stands for them in the
        results of every module, in diffs and in C(slipway inspect). An image that is committed from
        the container does not have them.
      - Whoever may run commands in the container, or is root on the host, reads them all the same.
    type: dict
    version_added: 0.3.0
  env_file:
    description:
      - A file on the host with one C(NAME=VALUE) in each line, taken as it is, without quotes or
        escapes. Lines that begin with C(#) are comments.
      - Variables in O(env) win over those of the file. When the file changes, the container is
        recreated.
    type: path
  labels:
    description:
      - Labels of the container. Values are strings or whole numbers.
    type: dict
  hostname:
    description:
      - Host name inside the container. The first 12 digits of its id when left out.
    type: str
  domainname:
    description:
      - NIS domain name inside the container, as C(domainname) prints it.
    type: str
  user:
    description:
      - User of the main process, as C(USER[:GROUP]), by name or number. The image's when left
        out.
    type: str
  groups:
    description:
      - Groups of the main process beside those it has in the image, by name or number. A name must
        be known in the image.
    type: list
    elements: str
  working_dir:
    description:
      - Working directory of the main process, an absolute path. The image's when left out.
    type: str
  stop_signal:
    description:
      - Signal that asks the main process to end. The image's, or SIGTERM, when left out.
      - A change applies to the container as it is.
    type: str
  stop_timeout:
    description:
      - How many seconds to wait after O(stop_signal) before the container is killed.
      - V(10) when left out. A change applies to the container as it is.
    type: int
  tty:
    description:
      - Give the main process a terminal.
    type: bool
  interactive:
    description:
      - Keep the standard input of the main process open, for whoever attaches to it later.
      - Without this option, it is empty.
    type: bool
  init:
    description:
      - Run a small init as process 1, which forwards signals to the main process and reaps what
        others leave behind.
      - It is the host's C(catatonit), C(docker-init), C(tini) or C(dumb-init), whichever is there
        and needs no libraries of the image. The role P(slipway.engine.host#role) installs one.
    type: bool
  runtime:
    description:
      - The OCI runtime that makes the container, by name or absolute path, such as V(crun) or
        V(runc). It must understand their command line.
      - The first of crun and runc that serves this host when left out.
    type: str
"""
