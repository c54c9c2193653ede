# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names between containers: which there are (``zones``), who answers for them, what files say.

``aardvark`` runs the name server, whose files and process are in ``server``; ``questions`` keeps
what containers ask while it reads its files, and ``dns_query`` asks it one question. ``etc_files``
writes a container's hosts, resolv.conf and hostname.
"""
