# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files as stacks: ``options`` of the modules, ``declare`` makes members of what
``_runtime/compose/`` reads, ``belonging`` says what is left of a project; ``decide`` is the
resource, ``shown`` what is told of it. ``pulling`` is compose_pull, ``executing`` compose_exec;
``one_off`` and ``running`` are compose_run.
"""
