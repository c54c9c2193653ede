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
  auto_remove:
    description:
      - Remove the container, with its anonymous volumes, when it has ended, unless that is to start
        it again. It does not go together with a O(restart_policy).
    type: bool
  restart_on_change:
    description:
      - Files and directories of the host, such as bind-mounted configuration. What they hold is
        kept when the container starts; a later task that wants it to run restarts it when they
        hold something else. Times and modes do not count.
      - A path that is named for a container that runs already counts as changed when it was
        changed since the container started.
    type: list
    elements: str
  healthcheck:
    description:
      - The check that says whether the container is well. Times and counts that are left out are
        those of the image's C(HEALTHCHECK), then Docker's defaults.
      - It is run in the container, as its user. One small process per host makes all checks, while
        a container with a check runs.
      - It is changed without recreating the container. What it says is in C(State.Health) of the
        container and in C(slipway ps).
    type: dict
    suboptions:
      test:
        description:
          - The command, whose exit status is 0 when the container is well. A string is run by
            C(/bin/sh -c). A list begins with V(CMD), V(CMD-SHELL), or is only V(NONE), which turns
            the check of the image off.
          - Without it there is no check, unless O(healthcheck.test_cli_compatible) is V(true).
        type: raw
      test_cli_compatible:
        description:
          - With V(true), the test of the image's C(HEALTHCHECK) is used when O(healthcheck.test) is
            left out, with the times that are given here. Docker's command line does so.
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
          - How many checks in a row have to fail until the container is unhealthy. The default is
            V(3).
        type: int
      start_period:
        description:
          - For how long after the start failures do not count, unless the container was healthy in
            between. The default is V(0s).
        type: str
      start_interval:
        description:
          - The time between two checks within O(healthcheck.start_period), while the container was
            not healthy yet. The default is V(5s).
        type: str
"""
