# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page about the host for people: one static HTML file. ``facts`` reads what is on it,
``drift`` compares it with an earlier page, ``page`` writes the HTML with the parts of
``drawing`` and ``style``, and ``written`` puts it in its place. Nothing imports them but who is
asked for a page.
"""
