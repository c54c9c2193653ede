# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that speaks to a registry, and of every module that makes an image."""

from __future__ import annotations


class ModuleDocFragment:
    """What a task may say of its registry beside what the host knows of it."""

    DOCUMENTATION = r"""
options:
  username:
    description:
      - A user of the registry, for this task only; neither username nor password is stored.
      - By default the login stored by M(slipway.engine.registry_login) is used, if any.
      - Requires O(password).
    type: str
  password:
    description:
      - The user's password or access token, for this task only.
    type: str
  insecure_registry:
    description:
      - Allow plain http, and certificates not signed by a trusted authority, for this task.
      - A registry on the host's own loopback addresses needs no permission. A certificate that
        nobody vouches for is accepted there with a warning, unless this is V(false) or O(ca_path)
        names an authority.
      - The default is taken from C(/etc/slipway/registries.json).
    type: bool
  ca_path:
    description:
      - A PEM file on the host with CA certificates to trust in addition to the system's.
      - The default is taken from C(/etc/slipway/registries.json).
    type: path
"""

    # What an image made here says of the containers made from it.
    DEFAULTS = r"""
options:
  changes:
    description:
      - Instructions as in a Dockerfile, one per entry, that change the image's defaults. They come
        after the options that do the same.
      - Understood are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE), C(LABEL), C(ONBUILD),
        C(STOPSIGNAL), C(USER), C(VOLUME) and C(WORKDIR).
    type: list
    elements: str
  cmd:
    description: The command, or the arguments of O(entrypoint), of containers that name none.
    type: list
    elements: str
  entrypoint:
    description:
      - The program of the containers. Unless O(cmd) is given too, the image then has no command.
    type: list
    elements: str
  env:
    description: Environment variables.
    type: dict
  exposed_ports:
    description: Ports that containers listen on, such as V(80), V(53/udp) or V(8000-8010).
    type: list
    elements: str
  labels:
    description: Labels of the image.
    type: dict
  stop_signal:
    description: The signal that asks a container to end, such as V(SIGQUIT).
    type: str
  user:
    description: The user that the containers' main process runs as.
    type: str
  volumes:
    description: Absolute paths in the containers that get a volume of their own.
    type: list
    elements: str
  working_dir:
    description: The directory in which the containers' main process starts.
    type: str
"""
