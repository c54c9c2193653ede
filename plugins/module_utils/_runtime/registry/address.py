# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the distribution API addresses what a repository has: paths, scopes of logins, and the words
for it in errors. Pure.
"""

from __future__ import annotations

from urllib.parse import quote

from ..base.errors import Error
from ..spec import oci


def manifest_path(repository: str, reference: str) -> str:
    """The path of a manifest, by tag or digest. Raises Error for what only looks like a digest."""
    if ":" in reference:
        check_digest(reference)
    return f"/v2/{name_in_url(repository)}/manifests/{quote(reference, safe=':')}"


def blob_path(repository: str, digest: str) -> str:
    """The path of a blob. Raises Error for what is not a digest."""
    check_digest(digest)
    return f"/v2/{name_in_url(repository)}/blobs/{digest}"


def pull_scope(repository: str) -> tuple[str, ...]:
    """What a login is to be good for, to download."""
    return (f"repository:{repository}:pull",)


def push_scope(repository: str) -> tuple[str, ...]:
    """What a login is to be good for, to upload; that includes downloading."""
    return (f"repository:{repository}:pull,push",)


def what_of(kind: str, repository: str, reference: str) -> str:
    """What errors call a manifest or a blob: its repository, and tag or digest."""
    separator = "@" if ":" in reference else ":"
    return f"{kind} {repository}{separator}{reference}"


def check_digest(digest: str) -> None:
    """Refuse anything that is not a digest before it becomes part of a URL (CVE-2024-3727)."""
    if not oci.is_digest(digest):
        raise Error(f"{digest[:200]!a} is not a digest")


def name_in_url(repository: str) -> str:
    """A repository's path as part of a URL: from a parsed reference, and quoted all the same."""
    return quote(repository, safe="/")
