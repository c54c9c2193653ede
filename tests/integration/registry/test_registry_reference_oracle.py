# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The golden table of references against another reader of the grammar: skopeo's."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from support.inputs.references import ACCEPTED, REFUSED

#: What this skopeo (1.9) has not learned yet: IPv6 addresses, hosts with capitals, and that the
#: limit of 255 characters is the path's, without the host.
NEWER_THAN_SKOPEO = re.compile(r"\[[0-9a-fA-F:]+\][:/]|[A-Za-z]*[A-Z][A-Za-z]*/|.{240}")
#: What we refuse beyond the grammar: a name without a registry, and a digest we do not compute.
STRICTER_THAN_SKOPEO = ("foo_bar.com/x", "foo_bar:80/x", "a@sha384:")

_NO_REFERENCE = (
    "invalid reference format",
    "cannot specify 64",
    "must be lowercase",
    "must not be more than 255",
    "invalid checksum digest",
    "unsupported digest algorithm",
)


def _accepts(text: str) -> bool:
    """Whether skopeo gets past the name; there is no network here, so it fails in any case."""
    argv = ["skopeo", "inspect", "--raw", "--command-timeout=2s", "--", f"docker://{text}"]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
    assert done.returncode != 0
    said = done.stderr.decode(errors="replace")
    return not any(words in said for words in _NO_REFERENCE)


def test_skopeo_reads_the_table_alike() -> None:
    rows = [(row[0], True) for row in ACCEPTED if not NEWER_THAN_SKOPEO.match(row[0])]
    # An argument of a program holds no NUL.
    rows += [
        (text, False)
        for text, dummy in REFUSED
        if "\0" not in text and len(text) < 20_000 and not text.startswith(STRICTER_THAN_SKOPEO)
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(_accepts, (text for text, dummy in rows)))
    differing = [row for row, answer in zip(rows, answers) if row[1] != answer]
    assert differing == []
    assert len(rows) > 200
