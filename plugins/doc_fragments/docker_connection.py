# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about a connection to Docker's daemon: accepted by every module, and of no effect."""

from __future__ import annotations


class ModuleDocFragment:
    """What playbooks written for community.docker may still give; task.py has the options."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description: There is no Docker daemon, so this only causes a warning.
    type: str
    aliases: [docker_url]
  tls:
    description: There is no Docker daemon, so this only causes a warning.
    type: bool
  tls_hostname:
    description: There is no Docker daemon, so this only causes a warning.
    type: str
  client_cert:
    description: There is no Docker daemon, so this only causes a warning.
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description: There is no Docker daemon, so this only causes a warning.
    type: path
    aliases: [tls_client_key, key_path]
  api_version:
    description: There is no Docker daemon, so this only causes a warning.
    type: str
    aliases: [docker_api_version]
  timeout:
    description: There is no Docker daemon, so this only causes a warning.
    type: int
  use_ssh_client:
    description: There is no Docker daemon, so this only causes a warning.
    type: bool
  debug:
    description: There is no Docker daemon, so this only causes a warning.
    type: bool
"""

    # Apart, since modules about registries have one of their own.
    CA = r"""
options:
  ca_path:
    description: There is no Docker daemon, so this only causes a warning.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
"""

    # The same for what fetches from a URL.
    VERIFY = r"""
options:
  validate_certs:
    description: There is no Docker daemon, so this only causes a warning.
    type: bool
    aliases: [tls_verify]
"""
