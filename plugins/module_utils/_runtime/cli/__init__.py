# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program slipway: Docker's verbs over the functions that the modules use.

::

    compose                  Compose's verbs
    declare                  the verb declare: plays of what other tools were told, or run
    verb                     one file for verbs that belong together, each a table VERBS
    terminal                 output, a console, being attached to a container, what prune asks
    line                     flags and words as data; the flags of run; made-up names

``main`` runs a command line, ``directory`` says which file has which verb, ``help`` and
``complete`` are made of the same tables, and ``installing`` makes the program's installation a
step of a plan.
"""
