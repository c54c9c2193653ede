# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command line consists of: ``verbs`` reads it, ``run_flags`` and ``run_params`` are
docker run's, ``env_variables`` run's and exec's.
"""
