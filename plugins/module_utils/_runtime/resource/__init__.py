# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules decide: each resource is observed, planned without side effects, and
converged.

::

    compose                   Compose files as stacks
    stack                     many of those below as one
    image                     the modules whose name begins with image
    container network volume  one resource each, in observe, decide and steps

A module that needs one file has it here, under its own name; prune has its steps in waste.
"""
