# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries: the OCI distribution API over requests, which only ``transport`` imports.

``client`` resolves and fetches, and uploads by ``upload``. Below them: ``address`` (paths, scopes),
``transport`` (sessions, TLS, redirects, retries), ``auth`` and ``credentials``, ``origin`` (where a
request may go), ``response`` (reading with limits), ``failure`` (what may pass, what to say),
``download`` (a blob that survives a kill), ``catalog`` (what a registry lists) and ``settings``.
``url_fetch`` and ``url_source`` are for files at URLs of the user.
"""
