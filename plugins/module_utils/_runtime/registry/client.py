# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI distribution API (v1.1), and Docker's of the same form: resolve, fetch, upload.

Nothing a registry says is believed: a manifest is hashed, a blob's size and digest are checked
while it streams in, and a digest is validated before it becomes part of a URL. Errors name the
registry, the repository and the tag or digest. NotFound means the registry does not have it;
Unreachable that it could not be asked; any other Error will not pass by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Optional

from ..base.errors import Error
from ..base.layout import Layout
from ..base.regex import regex
from ..spec import oci
from ..spec.oci import Descriptor
from . import address
from . import catalog as listing
from . import credentials as stored
from .credentials import Credentials
from .download import Part
from .failure import Broken, Limits, Patience
from .response import Answer
from .settings import RegistrySettings, read_settings
from .transport import Request, Transport

MANIFEST_LIMIT = 4 << 20

_ACCEPT = ", ".join((oci.INDEX, oci.MANIFEST, oci.DOCKER_LIST, oci.DOCKER_MANIFEST))
_KNOWN_TYPES = oci.INDEX_TYPES | oci.MANIFEST_TYPES
#: What servers that know nothing of images send their documents as; these say themselves what they
#: are.
_GENERIC_TYPES = frozenset({"application/json", "text/plain", "text/html"})
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_OBSOLETE = "it uses Docker's obsolete schema 1"
_PUSH_AGAIN = "push the image again with a current tool"
_CONTENT_RANGE = regex(r"\Abytes ([0-9]+)-[0-9]+/(?:[0-9]+|\*)\Z", re.ASCII)


def connect(
    layout: Layout,
    domain: str,
    *,
    credentials: Optional[Credentials] = None,
    insecure: Optional[bool] = None,
    ca_file: Optional[str] = None,
    limits: Optional[Limits] = None,
    warn: Optional[Callable[[str], None]] = None,
) -> Registry:
    """A registry as the host knows it: its settings, and its stored login unless one is given.

    Nothing is sent yet. ``domain`` is that of a Reference, such as ``docker.io`` or ``host:5000``.
    """
    settings = read_settings(layout, domain, insecure=insecure, ca_file=ca_file)
    login = credentials or stored.read(layout.auth_file, domain)
    return Registry(domain, settings, login, limits or Limits(), warn)


def pull_sources(
    layout: Layout,
    domain: str,
    *,
    credentials: Optional[Credentials] = None,
    insecure: Optional[bool] = None,
    ca_file: Optional[str] = None,
    warn: Optional[Callable[[str], None]] = None,
) -> tuple[Registry, ...]:
    """Whom to ask for an image, in order: the registry's mirrors, then the registry itself.

    The next one is asked where one raises NotFound or Unreachable. A mirror has settings and a
    login of its own; what the task says is meant for the registry and is not told to a mirror.
    """
    mirrors = (stored.registry_domain(name) for name in read_settings(layout, domain).mirrors)
    origin = connect(
        layout, domain, credentials=credentials, insecure=insecure, ca_file=ca_file, warn=warn
    )
    return (*(connect(layout, mirror, warn=warn) for mirror in mirrors), origin)


class Registry:
    """One registry. Owns its connections: close it, or leave its ``with`` block. Threads may share
    it.
    """

    def __init__(
        self,
        domain: str,
        settings: Optional[RegistrySettings] = None,
        credentials: Optional[Credentials] = None,
        limits: Optional[Limits] = None,
        warn: Optional[Callable[[str], None]] = None,
    ) -> None:
        self.domain = domain
        self.limits = limits or Limits()
        self._http = Transport(
            domain, settings or RegistrySettings(), credentials, self.limits, warn
        )

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def check(self) -> None:
        """Ask whether the registry is one and accepts the login. Raises Error when it does not."""
        with self._http.send(Request("GET", "/v2/", "the API")) as answer:
            if answer.status == 200:
                return
            if answer.status == 404:
                raise Error(
                    f"{self.domain} is not a registry: it does not serve /v2/",
                    hint="check host and port",
                )
            answer.require()

    def tags(self, repository: str) -> tuple[str, ...]:
        """Every tag of a repository. Raises NotFound when there is no such repository."""
        return listing.tags(self._http, self.limits, repository)

    def catalog(self) -> tuple[str, ...]:
        """Every repository. Raises NotFound where the registry does not list them."""
        return listing.catalog(self._http, self.limits)

    def search(self, term: str, count: int) -> tuple[listing.Found, ...]:
        """At most ``count`` repositories by Docker Hub's search API. Raises NotFound where there
        is none.
        """
        return listing.search(self._http, self.limits, term, count)

    def resolve(self, repository: str, reference: str) -> Descriptor:
        """What a tag or digest names now: one HEAD request.

        The digest is the registry's word, good for comparing and for asking further: what is
        fetched by it is hashed. A registry that does not say is asked for the manifest, which is
        hashed here.
        """
        what = address.what_of("manifest", repository, reference)
        with self._http.send(self._ask("HEAD", repository, reference, what)) as answer:
            if answer.status in (401, 403, 404):
                answer.require()
            media_type = answer.media_type
            digest = answer.header("Docker-Content-Digest")
            told = answer.status == 200 and media_type in _KNOWN_TYPES and oci.is_digest(digest)
            if told and answer.length:
                if oci.is_digest(reference) and digest != reference:
                    raise answer.lie(f"it names {digest}")
                return Descriptor(media_type, digest, answer.length)
        return self.manifest(repository, reference)[0]

    def manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        """A manifest or an index, verified: its digest, its type, and that it is one thing only.

        A document that has both ``manifests`` and ``layers`` or ``config``, a duplicate key, or a
        mediaType other than its Content-Type is refused (CVE-2021-41190). One sent as JSON or text
        is what its mediaType says, or else its members.
        """
        what = address.what_of("manifest", repository, reference)
        request = self._ask("GET", repository, reference, what)
        patience = Patience(self.limits)
        while True:
            try:
                with self._http.send(request, patience) as answer:
                    answer.require()
                    data = answer.body(MANIFEST_LIMIT)
                    break
            except Broken as exc:
                patience.wait(exc)
        algorithm = reference.partition(":")[0] if oci.is_digest(reference) else "sha256"
        digest = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
        told = answer.header("Docker-Content-Digest")
        if oci.is_digest(reference) and digest != reference:
            raise answer.lie(f"its content has the digest {digest}")
        if told.startswith(f"{algorithm}:") and told != digest:
            raise answer.lie(f"it should be {told[:200]!a} but is {digest}")
        return Descriptor(_check_document(data, answer), digest, len(data)), data

    def fetch_blob(
        self,
        repository: str,
        descriptor: Descriptor,
        sink: Callable[[bytes], object],
        offset: int = 0,
    ) -> None:
        """Hand a blob's bytes from ``offset`` to its end to ``sink``, in order and each once.

        A connection that breaks is taken up again where it broke (Range). Never hands over more
        than the descriptor's size, and raises when there is more or less. The caller hashes.
        """
        what = address.what_of("blob", repository, descriptor.digest)
        path = address.blob_path(repository, descriptor.digest)
        patience = Patience(self.limits)
        position = offset
        while position < descriptor.size:
            headers = {"Range": f"bytes={position}-"} if position else {}
            request = Request("GET", path, what, address.pull_scope(repository), headers)
            try:
                with self._http.send(request, patience) as answer:
                    for data in self._blob_body(answer, descriptor, position):
                        sink(data)
                        position += len(data)
                        patience.progress(len(data))
            except Broken as exc:
                patience.wait(exc)

    def download(
        self,
        repository: str,
        descriptor: Descriptor,
        path: Path,
        count: Optional[Callable[[int], None]] = None,
    ) -> None:
        """Leave a blob, verified and durable, in the file ``path``, or raise.

        What an earlier, killed download left in ``path`` is taken up again from 1 MiB on, after its
        bytes were hashed. The file is locked meanwhile. A blob that turns out wrong is emptied, so
        that it can never be published; one that began with leftover bytes is fetched anew once
        before that. ``count`` is told how many bytes there are by now.
        """
        what = address.what_of("blob", repository, descriptor.digest)
        with Part(path, descriptor, f"registry {self.domain}: {what}", count=count) as part:
            if part.complete() or part.resumed:
                if not part.complete():
                    self.fetch_blob(repository, descriptor, part.write, part.size)
                if part.verified():
                    return
                part.restart()
            self.fetch_blob(repository, descriptor, part.write)
            part.verify()

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether a repository has a blob."""
        what = address.what_of("blob", repository, digest)
        path = address.blob_path(repository, digest)
        with self._http.send(Request("HEAD", path, what, address.pull_scope(repository))) as answer:
            if answer.status == 404:
                return False
            answer.require()
            return True

    def mount_blob(self, repository: str, digest: str, from_repository: str) -> bool:
        """Take a blob over from another repository of the registry; False when that was not
        possible.
        """
        from . import upload  # Most that ask a registry only pull.

        return upload.mount(self._http, repository, digest, from_repository)

    def upload_blob(
        self,
        repository: str,
        descriptor: Descriptor,
        path: Path,
        chunk_bytes: int = 0,
        count: Optional[Callable[[int], None]] = None,
    ) -> None:
        """Upload the file ``path`` as a blob, as upload.blob() says."""
        from . import upload

        upload.blob(self._http, self.limits, repository, descriptor, path, chunk_bytes, count)

    def put_manifest(self, repository: str, reference: str, media_type: str, data: bytes) -> str:
        """Upload a manifest or index under a tag or its digest; returns its digest."""
        from . import upload

        return upload.manifest(self._http, repository, reference, media_type, data)

    def _blob_body(self, answer: Answer, descriptor: Descriptor, position: int) -> Iterator[bytes]:
        """The bytes from ``position`` on, whether or not the server honours Range."""
        skip = 0
        if answer.status == 206:
            given = _CONTENT_RANGE.match(answer.header("Content-Range"))
            if given is None or int(given.group(1)) != position:
                raise answer.lie(f"it was asked for bytes from {position} and sent others")
        else:
            answer.require()
            skip = position
        rest = descriptor.size - position
        if answer.length is not None and answer.length != rest + skip:
            raise answer.lie(
                f"it has {answer.length + position - skip} bytes, not {descriptor.size}"
            )
        for data in answer.chunks():
            if skip:
                dropped = min(skip, len(data))
                skip -= dropped
                data = data[dropped:]
            rest -= len(data)
            if rest < 0:
                raise answer.lie(f"it has more than {descriptor.size} bytes")
            if data:
                yield data
        if rest:
            raise answer.broken(f"the body is {rest} bytes short")

    def _ask(self, method: str, repository: str, reference: str, what: str) -> Request:
        path = address.manifest_path(repository, reference)
        return Request(method, path, what, address.pull_scope(repository), {"Accept": _ACCEPT})


def _check_document(data: bytes, answer: Answer) -> str:
    """The media type of a manifest, once its parts agree on what it is."""
    told = answer.media_type
    if told.startswith(_SCHEMA_1):
        raise answer.error(_OBSOLETE, _PUSH_AGAIN)
    if told not in _KNOWN_TYPES | _GENERIC_TYPES:
        raise answer.error(f"its type {told[:100]!a} is not an image type")
    try:
        document = oci.load(data, answer.place)
    except Error as exc:
        if told in _GENERIC_TYPES:
            raise answer.error(f"its type {told!a} is not an image type") from exc
        raise
    if told in _GENERIC_TYPES:
        told = _own_type(document, answer)
    own = document.get("mediaType", told)
    if own != told:
        raise answer.error(f"it was sent as {told[:100]!a}, but says it is {str(own)[:100]!a}")
    for name in ("layers", "config") if told in oci.INDEX_TYPES else ("manifests",):
        if name in document:
            raise answer.error(f"it was sent as {told}, but has {name!r}")
    return told


def _own_type(document: Mapping[str, Any], answer: Answer) -> str:
    """What a document says it is; without a mediaType it is OCI's (image-spec, manifest.md)."""
    if document.get("schemaVersion") == 1:
        raise answer.error(_OBSOLETE, _PUSH_AGAIN)
    own = document.get("mediaType", oci.INDEX if "manifests" in document else oci.MANIFEST)
    known = isinstance(own, str) and own in _KNOWN_TYPES
    if not known or not {"manifests", "layers"} & set(document):
        raise answer.error(f"{str(own)[:100]!a} is not an image type")
    return str(own)
