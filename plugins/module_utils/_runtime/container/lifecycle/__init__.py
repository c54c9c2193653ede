# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a container in its life, each under its lock.

``actions`` are the verbs, ``freezing`` those that pause, ``amend`` changes what it is asked to be,
``incarnation`` is one run between a start and its end, ``creation`` and ``replacement`` survive a
kill by a journal, ``handover`` turns clients from one container to another, ``reconnect`` changes
networks while it runs, ``foresight`` tells beforehand what will keep it from starting, ``execute``
runs one more process in it, ``on_exit`` is what conmon calls, ``host_power`` is what the host's
init calls, ``signals`` reach it by pidfd, ``salvage`` lets one go whose files are damaged.
"""
