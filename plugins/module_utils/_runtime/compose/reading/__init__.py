# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files as one document: ``files`` finds and reads them, ``yaml_text`` is their YAML,
``variables`` their ``${NAME}``, ``extends`` what services and files take from others, ``paths``
what their paths are relative to, ``merge`` how several become one. ``project`` is what they come
to: names, and which services are meant.
"""
