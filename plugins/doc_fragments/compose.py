# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which Compose project is meant."""

from __future__ import annotations


class ModuleDocFragment:
    """Which files are read, and with which variables."""

    DOCUMENTATION = r"""
options:
  project_src:
    description:
      - The directory of the project on the host. Its Compose file is C(compose.yaml),
        C(compose.yml), C(docker-compose.yml) or C(docker-compose.yaml), with
        C(compose.override.yaml) or the like beside it if that exists; see O(files).
      - One of it and O(definition) is required.
    type: path
  project_name:
    description:
      - The name of the project. By default it is what the files say, or the name of the directory.
        Required with O(definition).
    type: str
  files:
    description:
      - The Compose files, relative to O(project_src). Later ones change earlier ones.
    type: list
    elements: path
  definition:
    description:
      - What a Compose file says, in the play itself.
    type: dict
  env_files:
    description:
      - Files with variables for the Compose files, in place of C(.env), relative to
        O(project_src). The environment of the task goes before them.
    type: list
    elements: path
  profiles:
    description:
      - The profiles whose services are meant beside those that have none.
    type: list
    elements: str
  check_files_existing:
    description:
      - Has no effect. A directory without a Compose file is an error in any case.
    type: bool
    default: true
"""
