# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the kernel, and other programs.

System calls (``linux``, the only user of ctypes), trees that others may change meanwhile
(``safefs``), control groups; other programs (``process``, the only user of subprocess;
``plain`` keeps what they inherit to what a service has), processes by their id (``processes``),
jobs done side by side (``workers``), waiting for files to change (``changes``); ``trace`` prints
what is done, when asked to.
"""
