# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts that come from the controller.

``listing`` is the list of what a context holds, made on the controller and compared on the host;
``kept`` are the contexts the host keeps, so that only what changed is sent; ``place`` is one of
them for a task: a stand-in to plan by, and the files themselves once something is built.
"""
