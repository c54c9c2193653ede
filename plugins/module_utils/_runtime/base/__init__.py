# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The foundation: the standard library, nothing about containers.

Errors; dataclasses (``frozen``) and regular expressions (``regex``) that are quick to declare;
where things are on the host (``layout``); files written whole and locks (``files``), JSON of
others (``strict_json``), JSON to dataclasses and back (``document``), digests of files
(``content``); times (``clock``); how far long work is (``progress``).
"""
