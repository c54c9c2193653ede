# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about who looks after it: restarts and health checks."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  restart_policy:
    description:
      - When to restart the container after it exited.
      - V(unless-stopped) is V(always), except that a stopped container stays stopped after a
        reboot.
    type: str
    choices: ['no', 'on-failure', 'always', 'unless-stopped']
  restart_retries:
    description:
      - How often V(on-failure) restarts it, for O(restart_policy=on-failure). V(0) is without
        limit.
    type: int
  auto_remove:
    description:
      - Remove the container, with its anonymous volumes, when it has exited. Cannot be combined
        with a O(restart_policy).
    type: bool
  restart_on_change:
    description:
      - Files and directories of the host, such as bind-mounted configuration. Their content is
        recorded when the container starts; a later task that declares it started restarts it if
        their content has changed. Times and modes do not count.
      - A path that is added for a running container counts as changed if it was modified since the
        container started.
    type: list
    elements: str
  healthcheck:
    description:
      - The health check of the container. Times and counts that are omitted are those of the
        image's C(HEALTHCHECK), then Docker's defaults.
      - It is run in the container, as its user. One small process per host runs all checks, while a
        container with a check is running.
      - It is updated without recreating the container. Its result is in C(State.Health) of the
        container and in C(slipway ps).
    type: dict
    suboptions:
      test:
        description:
          - The command, with exit status 0 if the container is healthy. A string is run by
            C(/bin/sh -c). A list starts with V(CMD) or V(CMD-SHELL), or is just V(NONE), which
            disables the check of the image.
          - Without it there is no check, unless O(healthcheck.test_cli_compatible) is V(true).
        type: raw
      test_cli_compatible:
        description:
          - With V(true), the test of the image's C(HEALTHCHECK) is used if O(healthcheck.test) is
            omitted, with the times given here, as Docker's command line does.
        type: bool
        default: false
        version_added: 0.3.0
      interval:
        description:
          - The time between two checks, such as V(1m30s). The default is V(30s).
        type: str
      timeout:
        description:
          - How long a check may take before it is killed and counts as failed. The default is
            V(30s).
        type: str
      retries:
        description:
          - How many consecutive checks have to fail until the container is unhealthy. The default
            is V(3).
        type: int
      start_period:
        description:
          - How long failures after the start do not count, unless the container has been healthy
            meanwhile. The default is V(0s).
        type: str
      start_interval:
        description:
          - The time between two checks within O(healthcheck.start_period), until the container is
            healthy. The default is V(5s).
        type: str
"""
