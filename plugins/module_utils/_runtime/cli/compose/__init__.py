# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose``: Compose's verbs, flags and output.

``flags`` are those that say which project is meant, ``chosen`` finds it and its containers.
``converging`` has the verbs that make the host what the files say (``beside`` stays with what they
began), ``images`` pull and build, ``acting`` those that do something to containers, ``showing`` and
``config`` those that only show, ``running`` those that begin a process,
``following`` those that stay and look (``events`` has what they look for), ``passing`` those that
are verbs of the program itself, and those that are refused.
"""
