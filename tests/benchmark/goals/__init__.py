# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far this engine is from what it aims at: all in one command, as root, from a checkout.

    ./check goals[=ROUNDS]

It runs the benchmarks whose figures docs/performance.md compares with goals, each in a sandbox, and
prints a row for each goal. Figures and plots are written to .build/benchmark/. Peers that are not
installed are left out, and so are the rows that need them::

    __main__      runs them, compares, plots
    figures       what a benchmark measured, as lines of JSON
    compared      the goals, and how far off each is: pure
    applications  many services: slipway compose, docker-compose, podman play kube
"""
