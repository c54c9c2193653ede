# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes and hosts that tests talk to, each real::

engines      Podman and Docker with stores of their own
faults       a server before a registry that misbehaves where a test tells it to
hub          what stands for Docker Hub: images under well-known names, and a search
laboratory   network namespaces with servers in them, and questions asked from one to another
named        the registries that examples name, on loopback under these names
registry     the distribution's docker-registry on a loopback port
segment      a host between a neighbour and somebody far away
slow         an image behind a server that stops halfway
sshd         OpenSSH on a loopback port, and accounts with and without sudo
system_log   the host's system log, listened to
traffic      a service in a container, and clients that ask it without a break
"""
