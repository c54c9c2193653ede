# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that misbehaves: what passes is survived, what does not is one clear error.

The cells are those of the reliability goals: each transient fault ends in success within the
tries, each permanent one in an error that names registry, repository and tag or digest, and in no
case is there a complete file whose hash is wrong.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from email.utils import formatdate
from pathlib import Path
from typing import Callable

import pytest
from support.servers import faults
from support.servers.faults import (
    Act,
    Fault,
    FaultyServer,
    Reply,
    edit,
    endless,
    reset,
    stall,
    trickle,
    truncate,
)
from support.servers.registry import Registry as RealRegistry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    NotFound,
    Unreachable,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.client import (
    Registry,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.failure import (
    Denied,
    Limits,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.oci import Descriptor

REPOSITORY = "tests/faulty"
HURRIED = Limits(
    connect_s=2,
    read_s=0.4,
    tries=5,
    backoff_s=0.01,
    deadline_s=4,
    minimum_rate=4096,
    rate_window_s=0.2,
)
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Content:
    blob: Descriptor
    manifest: Descriptor
    document: bytes


@pytest.fixture(scope="module")
def content(registry: RealRegistry, sandbox: Path) -> Content:
    """An image of one layer of 3 MiB in the real registry, under the tag ``t``."""
    data, config = os.urandom(3 * MIB), b"{}"
    layer = Descriptor(oci.LAYER, oci.digest_of(data), len(data))
    described = Descriptor(oci.CONFIG, oci.digest_of(config), len(config))
    document = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": oci.MANIFEST,
            "config": described.document(),
            "layers": [layer.document()],
        }
    ).encode()
    with Registry(registry.host) as client:
        for descriptor, body in ((layer, data), (described, config)):
            path = sandbox / "upload"
            path.write_bytes(body)
            client.upload_blob(REPOSITORY, descriptor, path)
        client.put_manifest(REPOSITORY, "t", oci.MANIFEST, document)
    manifest = Descriptor(oci.MANIFEST, oci.digest_of(document), len(document))
    return Content(layer, manifest, document)


@pytest.fixture
def server(registry: RealRegistry) -> Iterator[FaultyServer]:
    with ExitStack() as stack:
        yield stack.enter_context(FaultyServer(registry.host).running())


@pytest.fixture
def client(server: FaultyServer) -> Iterator[Registry]:
    with Registry(server.address, limits=HURRIED) as made:
        yield made


def _header(name: str, value: str) -> Act:
    return edit(lambda reply: reply.with_header(name, value))


def _body(change: Callable[[bytes], bytes]) -> Act:
    return edit(lambda reply: reply.with_body(change(reply.body)))


def _flip(data: bytes) -> bytes:
    return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]


def _skewed(connection: faults.Connection, reply: Reply) -> None:
    """A server whose clock is a day ahead asks to wait a second."""
    now = 1_900_000_000
    date, until = formatdate(now, usegmt=True), formatdate(now + 1, usegmt=True)
    faults.status(429, Date=date, Retry_After=until)(connection, reply)


PASSING: dict[str, tuple[Act, int]] = {
    "408": (faults.status(408), 2),
    "429 without Retry-After": (faults.status(429), 2),
    "429 with seconds": (faults.status(429, Retry_After="1"), 1),
    "429 with a date, clock a day ahead": (_skewed, 1),
    "429 with nonsense": (faults.status(429, Retry_After="soon"), 2),
    "500": (faults.status(500), 2),
    "502": (faults.status(502), 4),
    "503": (faults.status(503), 2),
    "503 with seconds": (faults.status(503, Retry_After="1"), 1),
    "504": (faults.status(504, b"<html>gateway</html>"), 2),
    "reset before the answer": (reset(-1), 3),
    "silence before the answer": (stall(-1, 1.0), 1),
}
BODY_PASSING: dict[str, tuple[Act, int]] = {
    "reset at the first byte": (reset(0), 2),
    "reset in the middle": (reset(100), 3),
    "ended in the middle": (truncate(100), 3),
    "silence in the middle": (stall(100), 2),
    "one byte at a time": (trickle(), 1),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_of_a_head_request(
    name: str, server: FaultyServer, client: Registry, content: Content
) -> None:
    act, times = PASSING[name]
    server.faults.append(Fault("HEAD .*manifests", act, times))
    assert client.resolve(REPOSITORY, "t") == content.manifest
    assert len(server.paths("HEAD")) == times + 1


@pytest.mark.parametrize("name", [*PASSING, *BODY_PASSING])
def test_a_passing_fault_of_a_manifest(
    name: str, server: FaultyServer, client: Registry, content: Content
) -> None:
    act, times = {**PASSING, **BODY_PASSING}[name]
    server.faults.append(Fault("GET .*manifests", act, times))
    assert client.manifest(REPOSITORY, "t") == (content.manifest, content.document)


@pytest.mark.parametrize("name", [*PASSING, *BODY_PASSING])
def test_a_passing_fault_of_a_blob(
    name: str, server: FaultyServer, client: Registry, content: Content, tmp_path: Path
) -> None:
    act, times = {**PASSING, **BODY_PASSING}[name]
    server.faults.append(Fault("GET .*blobs", act, times))
    path = tmp_path / "blob.part"
    client.download(REPOSITORY, content.blob, path)
    assert oci.digest_of(path.read_bytes()) == content.blob.digest


def test_a_blob_that_breaks_again_and_again_comes_in_as_long_as_it_moves(
    server: FaultyServer, client: Registry, content: Content, tmp_path: Path
) -> None:
    # Twelve breaks are more than the tries, but each brought something.
    server.faults.append(Fault("GET .*blobs", reset(200_000), 12))
    client.download(REPOSITORY, content.blob, tmp_path / "blob.part")
    ranges = [seen.headers.get("Range") for seen in server.seen if "blobs" in seen.path]
    assert ranges[0] is None and all(ranges[1:])
    assert server.sent < 3 * MIB + MIB


def test_a_server_that_knows_no_range_sends_all_again(
    server: FaultyServer, client: Registry, content: Content, tmp_path: Path
) -> None:
    whole: list[bytes] = []

    def ignore_range(connection: faults.Connection, reply: Reply) -> None:
        whole[:1] = whole[:1] or [reply.body]
        headers = (("Content-Length", str(len(whole[0]))),)
        connection.send(Reply(200, headers, whole[0]))

    def first(connection: faults.Connection, reply: Reply) -> None:
        whole.append(reply.body)
        reset(2 * MIB)(connection, reply)

    server.faults += [Fault("GET .*blobs", first, 1), Fault("GET .*blobs", ignore_range)]
    client.download(REPOSITORY, content.blob, tmp_path / "blob.part")
    assert oci.digest_of((tmp_path / "blob.part").read_bytes()) == content.blob.digest


MANIFEST_LASTING: dict[str, tuple[Act, type[Error], str]] = {
    "401 without end": (faults.status(401, WWW_Authenticate="Basic"), Denied, "registry_login"),
    "401 of an unknown kind": (faults.status(401, WWW_Authenticate="Kerb"), Denied, "denied"),
    "403": (
        faults.status(403, b'{"errors":[{"code":"DENIED","message":"no\\nway"}]}'),
        Denied,
        "DENIED no way",
    ),
    "404": (faults.status(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), NotFound, "not found"),
    "400": (faults.status(400), Error, "HTTP 400"),
    "451": (faults.status(451, b"\x1b[31m"), Error, "HTTP 451"),
    "429 for an hour": (faults.status(429, Retry_After="3600"), Unreachable, "3600 s"),
    "429 for ever": (faults.status(429), Unreachable, "5 attempts"),
    "500 for ever": (faults.status(500), Unreachable, "HTTP 500"),
    "503 for ever": (faults.status(503), Unreachable, "HTTP 503"),
    "reset for ever": (reset(-1), Unreachable, "Connection reset by peer (after 5 attempts)"),
    "truncated for ever": (truncate(100), Unreachable, "of 4"),
    "one byte at a time for ever": (trickle(), Unreachable, "too slow"),
    "a redirect to itself": (
        edit(lambda r: Reply(307, (("Location", "/v2/x"), ("Content-Length", "0")))),
        NotFound,
        "not found",
    ),
    "a redirect without a target": (faults.status(307), Error, "redirect without a target"),
    "a redirect to a metadata service": (
        faults.status(307, Location="http://169.254.169.254/latest/meta-data/"),
        Error,
        "link-local",
    ),
    "a redirect to another machine's http": (
        faults.status(307, Location="http://cdn.example.com/x"),
        Error,
        "plain http",
    ),
    "a redirect to a file": (faults.status(302, Location="file:///etc/shadow"), Error, "not a"),
    "a redirect with a login": (
        faults.status(302, Location="http://u:p@127.0.0.1/"),
        Error,
        "user",
    ),
    "another content": (_body(lambda b: b + b" "), Error, "digest"),
    "a digest that is none": (
        _header("Docker-Content-Digest", "sha256:../../x"),
        Error,
        "should be",
    ),
    "a digest of another": (
        _header("Docker-Content-Digest", "sha256:" + "0" * 64),
        Error,
        "should be",
    ),
    "not an image type": (edit(lambda r: r.with_header("Content-Type", None)), Error, "type"),
    "a wrong type": (_header("Content-Type", "image/png"), Error, "image/png"),
    "the type of an index": (_header("Content-Type", oci.INDEX), Error, "says it is"),
    "schema 1": (
        _header("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        Error,
        "schema 1",
    ),
    "an announced 100 MB": (_header("Content-Length", str(100 * MIB)), Error, "limit"),
    "no end": (endless(), Error, "limit"),
    "gzip nobody asked for": (
        edit(lambda r: r.with_body(gzip.compress(r.body)).with_header("Content-Encoding", "gzip")),
        Error,
        "encoded",
    ),
    "garbage": (_body(lambda b: b"\x1f\x8b" * 100), Error, ""),
    "two things at once": (
        _body(lambda b: b.replace(b'"layers"', b'"manifests": [], "layers"')),
        Error,
        "",
    ),
    "a key twice": (_body(lambda b: b.replace(b'"config"', b'"config": {}, "config"')), Error, ""),
}


@pytest.mark.parametrize("name", MANIFEST_LASTING)
def test_a_lasting_fault_of_a_manifest(
    name: str, server: FaultyServer, client: Registry, content: Content
) -> None:
    act, kind, words = MANIFEST_LASTING[name]
    server.faults.append(Fault("GET .*manifests", act))
    with pytest.raises(Error) as caught:
        client.manifest(REPOSITORY, content.manifest.digest if name == "another content" else "t")
    assert caught.type is kind
    message = str(caught.value)
    assert words in message
    assert message.isprintable()
    assert server.address in message and (REPOSITORY in message)


MADE_UP: dict[str, tuple[str, dict[str, object]]] = {
    "an index with layers": (oci.INDEX, {"manifests": [], "layers": []}),
    "an index with a config": (oci.INDEX, {"manifests": [], "config": {}}),
    "a manifest with manifests": (oci.MANIFEST, {"manifests": [], "layers": [], "config": {}}),
    "a list with layers": (oci.DOCKER_LIST, {"manifests": [], "layers": []}),
    "a manifest that says index": (oci.MANIFEST, {"mediaType": oci.INDEX, "layers": []}),
    "an index that says manifest": (oci.INDEX, {"mediaType": oci.MANIFEST, "manifests": []}),
    "a type that is not a string": (oci.MANIFEST, {"mediaType": 7, "layers": []}),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_a_document_that_is_two_things_is_refused(
    name: str, server: FaultyServer, client: Registry
) -> None:
    """CVE-2021-41190: what one engine reads as an image another must not read as an index."""
    media_type, document = MADE_UP[name]
    body = json.dumps({"schemaVersion": 2, **document}).encode()
    server.faults.append(Fault("manifests", faults.status(200, body, Content_Type=media_type)))
    for reference in ("t", oci.digest_of(body)):
        with pytest.raises(Error, match=REPOSITORY):
            client.manifest(REPOSITORY, reference)


@pytest.mark.parametrize("sent", ["application/json", "text/plain; charset=utf-8", "text/html"])
def test_a_document_sent_as_text_is_what_it_says(
    sent: str, server: FaultyServer, client: Registry
) -> None:
    for own in (oci.INDEX, oci.MANIFEST, oci.DOCKER_LIST, oci.DOCKER_MANIFEST, ""):
        member = "manifests" if own in oci.INDEX_TYPES else "layers"
        document: dict[str, object] = {"schemaVersion": 2, member: []}
        if own:
            document["mediaType"] = own
        body = json.dumps(document).encode()
        server.faults[:] = [Fault("manifests", faults.status(200, body, Content_Type=sent))]
        descriptor, data = client.manifest(REPOSITORY, oci.digest_of(body))
        assert (descriptor.media_type, data) == (own or oci.MANIFEST, body)
    refused = [made for dummy, made in MADE_UP.values() if len(made) > 1]
    refused += [{"mediaType": "text/html", "layers": []}, {"mediaType": []}, {"errors": []}]
    for document in refused:
        body = json.dumps({"schemaVersion": 2, **document}).encode()
        server.faults[:] = [Fault("manifests", faults.status(200, body, Content_Type=sent))]
        with pytest.raises(Error, match=REPOSITORY):
            client.manifest(REPOSITORY, oci.digest_of(body))


@pytest.mark.parametrize("key", ["mediaType", "layers", "config"])
def test_a_key_that_stands_twice_is_refused(
    key: str, server: FaultyServer, client: Registry
) -> None:
    body = f'{{"schemaVersion": 2, "{key}": "{oci.MANIFEST}", "{key}": []}}'.encode()
    server.faults.append(Fault("manifests", faults.status(200, body, Content_Type=oci.MANIFEST)))
    with pytest.raises(Error, match="duplicate key"):
        client.manifest(REPOSITORY, "t")


def test_a_redirect_loop_ends(server: FaultyServer, client: Registry) -> None:
    server.faults.append(Fault("GET .*blobs", faults.status(307, Location="/v2/a/blobs/x")))
    with pytest.raises(Error, match="more than 5 redirects"):
        client.fetch_blob(REPOSITORY, Descriptor(oci.LAYER, "sha256:" + "0" * 64, 1), bytes)
    assert len(server.paths("GET")) == 6


BLOB_LASTING: dict[str, tuple[Act, type[Error], str]] = {
    "a flipped bit": (_body(_flip), Error, "has the digest"),
    "a byte more": (_body(lambda b: b + b"x"), Error, "bytes, not"),
    "a byte less": (_body(lambda b: b[:-1]), Error, "bytes, not"),
    "nothing": (_body(lambda b: b""), Error, "bytes, not"),
    "no end": (endless(), Error, "has more than"),
    "a page of html": (faults.status(200, b"<html>sign in</html>"), Error, "bytes, not"),
    "403": (faults.status(403), Denied, "denied"),
    "404": (faults.status(404), NotFound, "not found"),
    "416": (faults.status(416), Error, "HTTP 416"),
    "reset for ever": (reset(0), Unreachable, "5 attempts"),
    "ended at once for ever": (truncate(0), Unreachable, "5 attempts"),
    "silence for ever": (stall(0, 1.0), Unreachable, "5 attempts"),
    "503 for ever": (faults.status(503), Unreachable, "503"),
}


@pytest.mark.parametrize("name", BLOB_LASTING)
@pytest.mark.parametrize("leftover", [0, 2 * MIB])
def test_a_lasting_fault_of_a_blob(
    name: str,
    leftover: int,
    server: FaultyServer,
    client: Registry,
    content: Content,
    tmp_path: Path,
) -> None:
    act, kind, words = BLOB_LASTING[name]
    path = tmp_path / "blob.part"
    if leftover:
        client.download(REPOSITORY, content.blob, path)
        os.truncate(path, leftover)
    server.faults.append(Fault("GET .*blobs", act))
    with pytest.raises(Error) as caught:
        client.download(REPOSITORY, content.blob, path)
    assert caught.type is kind
    assert words in str(caught.value)
    for part in (server.address, REPOSITORY, content.blob.digest):
        assert part in str(caught.value)
    # Never a complete file with a wrong hash, and the next run heals.
    assert path.stat().st_size < content.blob.size
    server.faults.clear()
    client.download(REPOSITORY, content.blob, path)
    assert oci.digest_of(path.read_bytes()) == content.blob.digest


@pytest.mark.parametrize("place", [0, 1_500_000, 2 * MIB - 1])
def test_a_damaged_leftover_is_found_and_fetched_anew(
    place: int, server: FaultyServer, client: Registry, content: Content, tmp_path: Path
) -> None:
    path = tmp_path / "blob.part"
    client.download(REPOSITORY, content.blob, path)
    data = bytearray(path.read_bytes()[: 2 * MIB])
    data[place] ^= 1
    path.write_bytes(data)
    client.download(REPOSITORY, content.blob, path)
    assert oci.digest_of(path.read_bytes()) == content.blob.digest


def test_another_range_than_asked_for_is_refused(
    server: FaultyServer, client: Registry, content: Content, tmp_path: Path
) -> None:
    path = tmp_path / "blob.part"
    client.download(REPOSITORY, content.blob, path)
    os.truncate(path, 2 * MIB)
    wrong = _header("Content-Range", f"bytes 0-{MIB - 1}/{3 * MIB}")
    server.faults.append(Fault("GET .*blobs", wrong))
    with pytest.raises(Error, match="sent others"):
        client.download(REPOSITORY, content.blob, path)


def test_a_registry_that_does_not_say_the_digest_is_asked_for_the_document(
    server: FaultyServer, client: Registry, content: Content
) -> None:
    for act in (
        edit(lambda reply: reply.with_header("Docker-Content-Digest", None)),
        _header("Docker-Content-Digest", "sha256:../../etc/passwd"),
        _header("Docker-Content-Digest", "SHA256:" + "0" * 64),
        faults.status(405),
    ):
        server.faults[:] = [Fault("HEAD .*manifests", act)]
        assert client.resolve(REPOSITORY, "t") == content.manifest


def test_a_digest_that_is_none_never_reaches_a_url(server: FaultyServer, client: Registry) -> None:
    for digest in ("sha256:../../x", "SHA256:" + "0" * 64, "sha256:" + "0" * 63, "x:y"):
        descriptor = Descriptor(oci.LAYER, digest, 1)
        for use in (
            lambda d=descriptor: client.fetch_blob(REPOSITORY, d, bytes),
            lambda d=descriptor: client.has_blob(REPOSITORY, d.digest),
            lambda d=descriptor: client.manifest(REPOSITORY, d.digest),
            lambda d=descriptor: client.mount_blob(REPOSITORY, d.digest, "a/b"),
        ):
            with pytest.raises(Error, match="is not a digest"):
                use()
    assert server.seen == []


@pytest.mark.parametrize("act", [reset(-1), faults.status(500), faults.status(503)])
@pytest.mark.parametrize("where", ["POST ", "PUT .*uploads", "PATCH "])
def test_an_upload_is_begun_anew(
    where: str, act: Act, server: FaultyServer, client: Registry, tmp_path: Path
) -> None:
    data = os.urandom(300_000)
    path = tmp_path / "up"
    path.write_bytes(data)
    descriptor = Descriptor(oci.LAYER, oci.digest_of(data), len(data))
    server.faults.append(Fault(where, act, 2))
    client.upload_blob("tests/up", descriptor, path, 100_000 if "PATCH" in where else 0)
    assert client.has_blob("tests/up", descriptor.digest)


def test_nobody_there_and_no_such_name(server: FaultyServer) -> None:
    port = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{port.getsockname()[1]}"
    port.close()
    for domain, words in (
        (address, "connection refused"),
        ("no.such.example:5000", "cannot be resolved"),
    ):
        with Registry(domain, limits=HURRIED) as client, pytest.raises(Unreachable) as caught:
            client.resolve(REPOSITORY, "t")
        assert words in str(caught.value) and f"{REPOSITORY}:t" in str(caught.value)
    with Registry("no.such.example:99999", limits=HURRIED) as client, pytest.raises(Error):
        client.resolve(REPOSITORY, "t")


def test_the_hash_is_of_the_algorithm_of_the_digest(
    server: FaultyServer, client: Registry, tmp_path: Path
) -> None:
    data = os.urandom(5000)
    digest = "sha512:" + hashlib.sha512(data).hexdigest()
    server.faults.append(Fault("GET .*blobs", faults.status(200, data)))
    client.download(REPOSITORY, Descriptor(oci.LAYER, digest, len(data)), tmp_path / "b")
    with pytest.raises(Error, match="has the digest sha512:"):
        wrong = Descriptor(oci.LAYER, "sha512:" + "0" * 128, len(data))
        client.download(REPOSITORY, wrong, tmp_path / "c")
