# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of images in cosign's format: made, attached in registries, and verified.

``keys`` has the cryptography, and is the only user of the library of that name; ``payload`` is what
is signed; ``policy`` says what an image needs, from a task or from containers-policy.json(5);
``attached`` reads and writes the signatures beside an image in its registry; ``verify`` holds the
one against the other.
"""
