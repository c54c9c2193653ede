# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values: what was asked for, in one canonical form, without omissions.

ContainerSpec, NetworkSpec and Volume, references to images, the documents of the OCI image
specification, a looked-up user, and what may be a name. Nothing here reads or acts.
"""
