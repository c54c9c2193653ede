# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploading by the distribution API: blobs, blobs taken over from another repository, manifests.

Where the registry wants an upload is judged as a redirect is, and a digest is validated before it
becomes part of a URL.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Callable, Optional
from urllib.parse import urlencode

from ..base.errors import Error
from ..spec import oci
from ..spec.oci import Descriptor
from . import address
from .failure import Broken, Limits, Patience
from .response import Answer, Slice
from .transport import Request, Transport

_OCTETS = "application/octet-stream"


def mount(http: Transport, repository: str, digest: str, from_repository: str) -> bool:
    """Take a blob over from another repository of the registry; False when that was not
    possible.
    """
    what = address.what_of("blob", repository, digest)
    address.check_digest(digest)
    query = urlencode({"mount": digest, "from": from_repository})
    scope = (*address.push_scope(repository), *address.pull_scope(from_repository))
    path = f"/v2/{address.name_in_url(repository)}/blobs/uploads/?{query}"
    with http.send(Request("POST", path, what, scope)) as answer:
        if answer.status == 202:
            # It began an upload instead; ending that is a courtesy, and its failure is no
            # matter.
            with contextlib.suppress(Error):
                location = _location(http, answer)
                http.attempt(
                    Request("DELETE", location, what, address.push_scope(repository))
                ).close()
            return False
        if answer.status in (400, 404, 405):
            return False
        answer.require()
        return True


def blob(
    http: Transport,
    limits: Limits,
    repository: str,
    descriptor: Descriptor,
    path: Path,
    chunk_bytes: int = 0,
    count: Optional[Callable[[int], None]] = None,
) -> None:
    """Upload the file ``path`` as a blob; the registry verifies its digest.

    In one PUT, which every registry takes, or in PATCHes of ``chunk_bytes`` each. An upload
    that breaks is begun anew. ``count`` is told how many bytes were sent by now.
    """
    what = address.what_of("blob", repository, descriptor.digest)
    address.check_digest(descriptor.digest)
    patience = Patience(limits)
    while True:
        try:
            _upload(http, repository, descriptor, path, chunk_bytes, what, patience, count)
            return
        except Broken as exc:
            patience.wait(exc)


def manifest(http: Transport, repository: str, reference: str, media_type: str, data: bytes) -> str:
    """Upload a manifest or index under a tag or its digest; returns its digest."""
    what = address.what_of("manifest", repository, reference)
    digest = oci.digest_of(data)
    if oci.is_digest(reference) and reference != digest:
        raise Error(f"{what}: the document to upload has the digest {digest}")
    request = Request(
        "PUT",
        address.manifest_path(repository, reference),
        what,
        address.push_scope(repository),
        {"Content-Type": media_type},
        data,
    )
    with http.send(request) as answer:
        answer.require()
        told = answer.header("Docker-Content-Digest")
        if told.startswith("sha256:") and told != digest:
            raise answer.lie(f"it stored {told[:200]!a} instead of {digest}")
    return digest


def _upload(
    http: Transport,
    repository: str,
    descriptor: Descriptor,
    path: Path,
    chunk_bytes: int,
    what: str,
    patience: Patience,
    count: Optional[Callable[[int], None]],
) -> None:
    scope = address.push_scope(repository)
    start = Request(
        "POST", f"/v2/{address.name_in_url(repository)}/blobs/uploads/", what, scope, {}, b""
    )
    with http.send(start, patience) as answer:
        answer.require()
        location = _location(http, answer)
    position = 0
    while chunk_bytes and position < descriptor.size:
        length = min(chunk_bytes, descriptor.size - position)
        headers = {
            "Content-Type": _OCTETS,
            "Content-Range": f"{position}-{position + length - 1}",
        }
        body = Slice(path, position, length, count)
        with http.attempt(Request("PATCH", location, what, scope, headers, body)) as answer:
            answer.require()
            location = _location(http, answer)
        position += length
        patience.progress(length)
    rest = descriptor.size - position
    separator = "&" if "?" in location else "?"
    closing = Request(
        "PUT",
        f"{location}{separator}{urlencode({'digest': descriptor.digest})}",
        what,
        scope,
        {"Content-Type": _OCTETS},
        Slice(path, position, rest, count) if rest else b"",
    )
    with http.attempt(closing) as answer:
        answer.require()


def _location(http: Transport, answer: Answer) -> str:
    """Where the registry wants the upload: an absolute URL, judged as a redirect is
    (CVE-2026-50151).

    The login is shown to the registry's own origin only; the transport sees to that.
    """
    location = answer.header("Location")
    if not location:
        raise answer.lie("it started an upload without a Location")
    url = http.url(location)
    http.check_location(url)
    return url
