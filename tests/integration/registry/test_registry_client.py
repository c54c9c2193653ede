# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry client against real registries, and against servers that want what is not theirs."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Optional

import pytest
from support.servers import faults
from support.servers.faults import Fault, FaultyServer, Reply, Tap, edit
from support.servers.registry import Registry as RealRegistry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    NotFound,
    Unreachable,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import credentials
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.client import (
    Registry,
    connect,
    pull_sources,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.credentials import (
    Credentials,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.failure import (
    Denied,
    Limits,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.settings import (
    RegistrySettings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.oci import Descriptor

LOGIN = Credentials("anna", "s3cret")
HURRIED = Limits(connect_s=2, read_s=1, tries=3, backoff_s=0.01, deadline_s=5)
MIB = 1 << 20
#: A place is refused before anything is sent there, not after it did not answer.
REFUSED = "which is not allowed|is not a plain http|contains user information"


def _blob(directory: Path, size: int) -> tuple[Descriptor, Path]:
    data = os.urandom(size)
    path = directory / f"blob-{size}"
    path.write_bytes(data)
    return Descriptor(oci.LAYER, oci.digest_of(data), size), path


def _image(client: Registry, repository: str, tag: str, directory: Path) -> Descriptor:
    """Push an image of one small layer, and return its manifest's descriptor."""
    layer, path = _blob(directory, 1000)
    client.upload_blob(repository, layer, path)
    path.write_bytes(b"{}")
    config = Descriptor(oci.CONFIG, oci.digest_of(b"{}"), 2)
    client.upload_blob(repository, config, path)
    document = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": config.document(),
        "layers": [layer.document()],
    }
    data = json.dumps(document).encode()
    digest = client.put_manifest(repository, tag, oci.MANIFEST, data)
    return Descriptor(oci.MANIFEST, digest, len(data))


def _failure(client: Registry, kind: type[Error], words: str) -> str:
    """What a client says that cannot be used."""
    with client, pytest.raises(kind, match=words) as caught:
        client.check()
    return str(caught.value)


@pytest.fixture
def guarded(registries: Callable[..., RealRegistry]) -> RealRegistry:
    """A registry with TLS and a login."""
    return registries(username="anna", password="s3cret", tls=True)


@pytest.fixture
def server(registry: RealRegistry) -> Iterator[FaultyServer]:
    with ExitStack() as stack:
        yield stack.enter_context(FaultyServer(registry.host).running())


@pytest.fixture
def other() -> Iterator[FaultyServer]:
    """A second server, which has nothing to do with the first."""
    with ExitStack() as stack:
        yield stack.enter_context(FaultyServer().running())


def _round_trip(client: Registry, directory: Path) -> None:
    client.check()
    made = _image(client, "trip/a", "t", directory)
    assert client.resolve("trip/a", "t") == made
    assert client.resolve("trip/a", made.digest) == made
    found, data = client.manifest("trip/a", "t")
    assert found == made and oci.digest_of(data) == made.digest
    assert client.manifest("trip/a", made.digest) == (made, data)
    for size, chunk in ((0, 0), (1, 0), (1, 1), (3 * MIB, 0), (3 * MIB + 7, MIB)):
        descriptor, path = _blob(directory, size)
        assert size == 0 or not client.has_blob("trip/a", descriptor.digest)
        client.upload_blob("trip/a", descriptor, path, chunk)
        assert client.has_blob("trip/a", descriptor.digest)
        target = directory / f"back-{size}-{chunk}"
        client.download("trip/a", descriptor, target)
        assert target.read_bytes() == path.read_bytes()
        assert target.stat().st_mode & 0o777 == 0o600
        pieces: list[bytes] = []
        client.fetch_blob("trip/a", descriptor, pieces.append, size // 2)
        assert b"".join(pieces) == path.read_bytes()[size // 2 :]
    assert client.mount_blob("trip/b", descriptor.digest, "trip/a")
    assert client.has_blob("trip/b", descriptor.digest)
    assert not client.mount_blob("trip/b", "sha256:" + "0" * 64, "trip/a")
    for missing in ("no-such-tag", "sha256:" + "0" * 64):
        with pytest.raises(NotFound, match="trip/a"):
            client.resolve("trip/a", missing)
        with pytest.raises(NotFound, match="trip/a"):
            client.manifest("trip/a", missing)


def test_there_and_back_in_plain_http_on_loopback(registry: RealRegistry, tmp_path: Path) -> None:
    with Registry(registry.host) as client:
        _round_trip(client, tmp_path)


def test_there_and_back_with_tls_and_a_login(guarded: RealRegistry, tmp_path: Path) -> None:
    settings = RegistrySettings(ca_file=str(guarded.ca))
    with Registry(guarded.host, settings, LOGIN) as client:
        _round_trip(client, tmp_path)


def test_by_the_name_localhost(guarded: RealRegistry) -> None:
    settings = RegistrySettings(ca_file=str(guarded.ca))
    with Registry(guarded.host.replace("127.0.0.1", "localhost"), settings, LOGIN) as client:
        client.check()


def test_an_unchanged_tag_costs_one_head_request(server: FaultyServer, tmp_path: Path) -> None:
    with Registry(server.address) as client:
        _image(client, "head/a", "t", tmp_path)
        server.seen.clear()
        client.resolve("head/a", "t")
    assert [(seen.method, seen.path) for seen in server.seen] == [
        ("HEAD", "/v2/head/a/manifests/t")
    ]


@pytest.mark.parametrize("login", [None, Credentials("anna", "wrong"), Credentials("eve", "x")])
def test_a_wrong_login_is_said_to_be_one(
    login: Optional[Credentials], guarded: RealRegistry
) -> None:
    settings = RegistrySettings(ca_file=str(guarded.ca))
    with Registry(guarded.host, settings, login) as client:
        for ask in (client.check, lambda: client.resolve("a/b", "t")):
            with pytest.raises(Denied) as caught:
                ask()
            assert guarded.host in str(caught.value) and "registry_login" in str(caught.value)
            assert login is None or login.username in str(caught.value)
            assert login is None or login.password not in str(caught.value).replace("wrong", "")


def test_a_certificate_nobody_vouches_for_fails_and_no_plain_request_follows(
    outside: str, guarded: RealRegistry
) -> None:
    """CVE-2014-5277: no fallback to http, on loopback neither."""
    with Tap(guarded.host, outside).running() as tap:
        client = Registry(tap.address, None, LOGIN, HURRIED)
        _failure(client, Unreachable, "certificate was not accepted")
        assert tap.first and set(tap.first) == {b"\x16"}
    with Tap(guarded.host).running() as tap:
        client = Registry(tap.address, RegistrySettings(insecure=False), LOGIN, HURRIED)
        _failure(client, Unreachable, "certificate was not accepted")
        assert tap.first and set(tap.first) == {b"\x16"}
        # Declared insecure it is spoken to, in TLS all the same.
        with Registry(tap.address, RegistrySettings(insecure=True), LOGIN) as client:
            client.check()
        assert set(tap.first) == {b"\x16"}


def test_on_loopback_a_certificate_nobody_vouches_for_is_accepted_with_one_warning(
    guarded: RealRegistry,
) -> None:
    """As in Docker; in TLS all the same, and not where the task names an authority."""
    warnings: list[str] = []
    with Tap(guarded.host).running() as tap:
        with Registry(tap.address, None, LOGIN, HURRIED, warnings.append) as client:
            client.check()
            client.check()
        assert set(tap.first) == {b"\x16"}
    assert len(warnings) == 1 and "nobody vouches" in warnings[0] and "ca_path" in warnings[0]


def test_leave_for_one_host_is_none_for_the_host_it_names(
    server: FaultyServer, guarded: RealRegistry
) -> None:
    """CVE-2024-35195: where certificates are not looked at is the registry itself and no other."""
    blob = Descriptor(oci.LAYER, "sha256:" + "0" * 64, 1)
    with Tap(guarded.host, "127.0.0.2").running() as tap:
        server.faults.append(Fault("blobs", faults.status(307, Location=f"https://{tap.address}/")))
        with Registry(server.address, RegistrySettings(insecure=True), None, HURRIED) as client:
            client.check()
            with pytest.raises(Unreachable, match="certificate was not accepted"):
                client.fetch_blob("a/b", blob, bytes)
        assert tap.first == [b"\x16"]


def test_a_certificate_of_another_name_fails(guarded: RealRegistry) -> None:
    """The authority is trusted, the name in the certificate is not this one."""
    settings = RegistrySettings(ca_file=str(guarded.ca))
    with Tap(guarded.host, "127.0.0.2").running() as tap:
        client = Registry(tap.address, settings, LOGIN, HURRIED)
        _failure(client, Unreachable, "certificate was not accepted")
        assert set(tap.first) == {b"\x16"}


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_missing_or_damaged_ca_file_is_named(
    content: Optional[bytes], guarded: RealRegistry, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    _failure(Registry(guarded.host, RegistrySettings(ca_file=str(path))), Error, r"ca\.pem")


@pytest.fixture
def outside() -> Iterator[str]:
    """An address of this machine that is not loopback's."""
    address = "198.51.100.7"
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    yield address
    subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], check=True)


def test_plain_http_beyond_loopback_needs_leave(
    outside: str, registry: RealRegistry, layout: Layout
) -> None:
    with FaultyServer(registry.host, outside).running() as server:
        _failure(Registry(server.address, None, LOGIN, HURRIED), Unreachable, "registry")
        assert server.seen == []
        layout.registries_file.write_text(
            json.dumps({"registries": {server.address: {"insecure": True}}})
        )
        with connect(layout, server.address) as client:
            client.check()
        assert len(server.seen) == 1
        client = connect(layout, server.address, insecure=False, limits=HURRIED)
        _failure(client, Unreachable, server.address)
        assert len(server.seen) == 1


def test_a_server_of_plain_http_is_recognised(outside: str) -> None:
    """Go's and nginx's servers answer a TLS greeting with an HTTP error, in plain text."""

    def answer(listener: socket.socket) -> None:
        peer, dummy = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request...")

    with socket.create_server((outside, 0)) as listener:
        answering = threading.Thread(target=answer, args=(listener,), daemon=True)
        answering.start()
        domain = f"{outside}:{listener.getsockname()[1]}"
        message = _failure(Registry(domain, None, None, HURRIED), Unreachable, "speaks plain http")
        answering.join()
    assert domain in message and "insecure_registry" in message


def test_the_login_goes_to_the_exact_origin_only(
    server: FaultyServer, other: FaultyServer, tmp_path: Path
) -> None:
    """CVE-2018-18074, CVE-2023-32681, GHSA-vh4v-2xq2-g5cg: another port is another origin."""
    data = os.urandom(1000)
    descriptor = Descriptor(oci.LAYER, oci.digest_of(data), len(data))
    server.faults += [
        Fault("blobs", faults.status(401, WWW_Authenticate='Basic realm="x"'), 1),
        Fault("blobs", faults.status(307, Location=f"http://{other.address}/storage?signed=1")),
    ]
    other.faults.append(Fault("storage", faults.status(200, data, Set_Cookie="a=b")))
    with Registry(server.address, None, LOGIN) as client:
        client.download("a/b", descriptor, tmp_path / "blob")
    assert [bool(seen.headers.get("Authorization")) for seen in server.seen] == [False, True]
    [seen] = other.seen
    assert not {"Authorization", "Cookie", "Proxy-Authorization"} & set(seen.headers)


def test_an_upload_sent_elsewhere_goes_without_the_login(
    server: FaultyServer, other: FaultyServer, tmp_path: Path
) -> None:
    """CVE-2026-50151."""
    descriptor, path = _blob(tmp_path, 1000)
    server.faults += [
        Fault("POST", faults.status(401, WWW_Authenticate='Basic realm="x"'), 1),
        Fault("POST", faults.status(202, Location=f"http://{other.address}/upload")),
    ]
    other.faults.append(Fault("PUT", faults.status(201)))
    with Registry(server.address, None, LOGIN) as client:
        client.upload_blob("a/b", descriptor, path)
    assert "Authorization" in server.seen[-1].headers
    assert [("Authorization" in seen.headers) for seen in other.seen] == [False]


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/x", "http://cdn.example.com/x", "ftp://x/", "//x:y@h/"]
)
def test_an_upload_sent_to_a_place_nobody_should_go(
    location: str, server: FaultyServer, tmp_path: Path
) -> None:
    descriptor, path = _blob(tmp_path, 1000)
    server.faults.append(Fault("POST", faults.status(202, Location=location)))
    with Registry(server.address) as client, pytest.raises(Error, match=REFUSED):
        client.upload_blob("a/b", descriptor, path)
    assert server.paths("PUT") == []


def _with_tokens(server: FaultyServer, realm: str = "", life: float = 300) -> list[str]:
    """Make a server ask for bearer tokens that its own /token gives out; returns those given."""
    given: list[str] = []

    def challenge(connection: faults.Connection, reply: Reply) -> None:
        where = realm or f"http://{server.address}/token"
        wanted = f'Bearer realm="{where}",service="s",scope="repository:evil:pull"'
        shown = connection.headers.get("Authorization", "")
        if given and shown == f"Bearer {given[-1]}":
            connection.send(reply)
        else:
            faults.status(401, WWW_Authenticate=wanted)(connection, reply)

    def token(connection: faults.Connection, reply: Reply) -> None:
        given.append(f"token{len(given)}")
        body = json.dumps({"token": given[-1], "expires_in": life}).encode()
        faults.status(200, body)(connection, reply)

    server.faults += [Fault(" /token", token), Fault(" /v2/", challenge)]
    return given


def test_tokens_are_asked_for_our_scope_and_kept(
    server: FaultyServer, registry: RealRegistry, tmp_path: Path
) -> None:
    with Registry(registry.host) as client:
        made = _image(client, "token/a", "t", tmp_path)
    given = _with_tokens(server)
    with Registry(server.address, None, LOGIN) as client:
        client.resolve("token/a", "t")
        client.manifest("token/a", made.digest)
        client.manifest("token/a", "t")
    assert len(given) == 1
    [path] = [path for path in server.paths("GET") if path.startswith("/token")]
    assert "scope=repository%3Atoken%2Fa%3Apull" in path and "evil" not in path
    basic = "Basic " + base64.b64encode(b"anna:s3cret").decode()
    shown = {seen.headers.get("Authorization") for seen in server.seen if seen.path[:4] != "/tok"}
    assert basic not in shown and "Bearer token0" in shown


def test_a_token_that_ends_in_the_middle_of_a_pull_is_renewed(
    server: FaultyServer, registry: RealRegistry, tmp_path: Path
) -> None:
    descriptor, path = _blob(tmp_path, 2 * MIB)
    with Registry(registry.host) as client:
        client.upload_blob("token/b", descriptor, path)
    given = _with_tokens(server)

    def expire(connection: faults.Connection, reply: Reply) -> None:
        given.append("nobody has this one")
        faults.reset(MIB)(connection, reply)

    with Registry(server.address) as client:
        client.has_blob("token/b", descriptor.digest)
        server.faults.insert(0, Fault("GET .*blobs", expire, 1))
        client.download("token/b", descriptor, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    assert [name for name in given if name.startswith("token")] == ["token0", "token2"]


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/token",
        "https://169.254.169.254/token",
        "http://evil.example.com/token",
        "https://10.0.0.1@evil.example.com/token",
        "file:///etc/shadow",
        "",
    ],
)
def test_a_token_service_nobody_should_ask(realm: str, server: FaultyServer) -> None:
    """CVE-2026-33540: the challenge of a registry may not lead the login anywhere."""
    challenge = faults.status(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s"')
    server.faults.append(Fault("", challenge))
    client = Registry(server.address, None, LOGIN, HURRIED)
    with client, pytest.raises(Error, match=REFUSED):
        client.resolve("a/b", "t")
    assert all("Authorization" not in seen.headers for seen in server.seen)


def test_a_token_service_that_redirects_is_not_followed(
    server: FaultyServer, other: FaultyServer
) -> None:
    _with_tokens(server)
    server.faults.insert(0, Fault("/token", faults.status(307, Location=f"http://{other.address}")))
    with Registry(server.address, None, LOGIN) as client, pytest.raises(Error, match="redirect"):
        client.resolve("a/b", "t")
    assert other.seen == []


def test_a_token_service_that_floods_is_cut_off(server: FaultyServer) -> None:
    _with_tokens(server)
    server.faults.insert(0, Fault("/token", faults.endless()))
    with Registry(server.address) as client, pytest.raises(Error, match="limit of 1048576"):
        client.resolve("a/b", "t")


def test_one_connection_serves_a_whole_pull(guarded: RealRegistry, tmp_path: Path) -> None:
    """A new one costs a TLS handshake each time."""
    settings = RegistrySettings(ca_file=str(guarded.ca))
    with Registry(guarded.host, settings, LOGIN) as client:
        made = _image(client, "one/a", "t", tmp_path)
    with Tap(guarded.host).running() as tap, Registry(tap.address, settings, LOGIN) as client:
        client.check()
        client.resolve("one/a", "t")
        dummy, data = client.manifest("one/a", made.digest)
        layer = Descriptor.parse(json.loads(data)["layers"][0], "layer")
        for number in range(3):
            client.download("one/a", layer, tmp_path / f"back{number}")
        with pytest.raises(NotFound):
            client.resolve("one/a", "absent")
        client.resolve("one/a", "t")
        # One greeting to see that it speaks TLS, and one connection.
        assert len(tap.first) == 2


def test_no_netrc_is_looked_into(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2024-47081."""
    (tmp_path / ".netrc").write_text("default login canary password canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.faults.append(Fault("", faults.status(401, WWW_Authenticate='Basic realm="x"')))
    with Registry(server.address) as client, pytest.raises(Denied):
        client.check()
    assert server.seen and all("Authorization" not in seen.headers for seen in server.seen)


def test_proxies_of_the_environment_are_used_but_not_for_loopback(
    server: FaultyServer, other: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://{other.address}")
    monkeypatch.setenv("NO_PROXY", "excepted.example")
    with Registry(server.address) as client:
        client.check()
    assert other.seen == []
    _failure(Registry("reg.example:5000", None, LOGIN, HURRIED), Unreachable, "proxy")
    assert {(seen.method, seen.path) for seen in other.seen} == {("CONNECT", "reg.example:5000")}
    other.seen.clear()
    _failure(
        Registry("excepted.example:5000", None, None, HURRIED), Unreachable, "cannot be resolved"
    )
    assert other.seen == []


def test_no_secret_gets_into_an_error_or_a_text(server: FaultyServer) -> None:
    server.faults.append(Fault("", faults.status(401, WWW_Authenticate='Basic realm="x"')))
    client = Registry(server.address, None, LOGIN)
    assert "s3cret" not in _failure(client, Denied, "anna") + repr(client)


def test_threads_download_through_one_client(server: FaultyServer, tmp_path: Path) -> None:
    blobs = []
    with Registry(server.address) as client:
        for number in range(6):
            descriptor, path = _blob(tmp_path, MIB + number)
            client.upload_blob("many/a", descriptor, path)
            blobs.append(descriptor)
        given = _with_tokens(server)
        with ThreadPoolExecutor(4) as pool:
            jobs = [
                pool.submit(client.download, "many/a", blob, tmp_path / f"back{number}")
                for number, blob in enumerate(blobs)
            ]
            for job in jobs:
                job.result()
    for number, blob in enumerate(blobs):
        assert oci.digest_of((tmp_path / f"back{number}").read_bytes()) == blob.digest
    assert len(given) == 1


def test_two_downloads_of_one_file_do_not_mix(server: FaultyServer, tmp_path: Path) -> None:
    descriptor, path = _blob(tmp_path, 2 * MIB)
    target = tmp_path / "back"
    with Registry(server.address) as client:
        client.upload_blob("two/a", descriptor, path)
        server.seen.clear()
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(client.download, "two/a", descriptor, target) for dummy in range(2)]
            for job in jobs:
                job.result()
    assert target.read_bytes() == path.read_bytes()
    # The second found the file whole.
    assert len([seen for seen in server.seen if "blobs" in seen.path]) == 1


PULL = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.oci import Descriptor
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.client import (
    Registry,
)
Registry({domain!r}).download("kill/a", Descriptor("x", {digest!r}, {size}), Path({target!r}))
"""


@pytest.mark.parametrize("percent", [10, 50, 90])
def test_a_killed_download_is_taken_up_where_it_was(
    percent: int, server: FaultyServer, registry: RealRegistry, tmp_path: Path
) -> None:
    descriptor, path = _blob(tmp_path, 12 * MIB)
    with Registry(registry.host) as client:
        client.upload_blob("kill/a", descriptor, path)

    def slowly(connection: faults.Connection, reply: Reply) -> None:
        connection.send(reply, 0)
        for start in range(0, len(reply.body), 65536):
            connection.wfile.write(reply.body[start : start + 65536])
            time.sleep(0.002)

    server.faults.append(Fault("GET .*blobs", slowly, 1))
    target = tmp_path / "back.part"
    paths = [path for path in sys.path if "collections" in path]
    code = PULL.format(
        paths=paths,
        domain=server.address,
        digest=descriptor.digest,
        size=descriptor.size,
        target=str(target),
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    wanted = descriptor.size * percent // 100
    deadline = time.monotonic() + 20
    while not target.exists() or target.stat().st_size < wanted:
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.001)
    child.kill()
    child.wait()
    present = target.stat().st_size
    assert present < descriptor.size
    server.sent = 0
    with Registry(server.address) as client:
        client.download("kill/a", descriptor, target)
    assert target.read_bytes() == path.read_bytes()
    assert server.sent == descriptor.size - present


def test_settings_and_mirrors_of_the_host(
    layout: Layout, registry: RealRegistry, guarded: RealRegistry, tmp_path: Path
) -> None:
    layout.registries_file.write_text(
        json.dumps(
            {
                "registries": {
                    guarded.host: {"ca_file": str(guarded.ca), "mirrors": [registry.host]},
                    "https://index.docker.io/v1/": {"mirrors": ["mirror.example"]},
                }
            }
        )
    )
    credentials.store(layout.auth_file, guarded.host, LOGIN)
    with connect(layout, guarded.host) as client:
        client.check()
    with Registry(registry.host) as client:
        made = _image(client, "mirrored/a", "t", tmp_path)
    mirror, origin = pull_sources(layout, guarded.host)
    assert mirror.resolve("mirrored/a", "t") == made
    with pytest.raises(NotFound):
        origin.resolve("mirrored/a", "t")
    assert [source.domain for source in pull_sources(layout, "docker.io")] == [
        "mirror.example",
        "docker.io",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "registries.json"),
        ('{"registries": {"q.io": {"insecur": true}}}', "insecur: unknown key"),
        ('{"registries": {"q.io": {"insecure": "no"}}}', "insecure: expected bool"),
        ('{"registries": {"q.io/x y": {}, "a b": {}}}', "not a registry"),
    ],
)
def test_a_damaged_settings_file_is_named(text: str, words: str, layout: Layout) -> None:
    layout.registries_file.write_text(text)
    with pytest.raises(Error, match=words):
        connect(layout, "q.io")


def test_skopeo_and_we_agree(registry: RealRegistry, busybox_layout: Path, tmp_path: Path) -> None:
    target = f"docker://{registry.host}/skopeo/busybox:1"
    copy = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false"]
    subprocess.run([*copy, f"oci:{busybox_layout}:latest", target], check=True, timeout=60)
    with Registry(registry.host) as client:
        descriptor, data = client.manifest("skopeo/busybox", "1")
        manifest = json.loads(data)
        layer = Descriptor.parse(manifest["layers"][0], "layer")
        client.download("skopeo/busybox", layer, tmp_path / "layer")
    inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", target]
    raw = subprocess.run(inspect, check=True, capture_output=True, timeout=60).stdout
    assert oci.digest_of(raw) == descriptor.digest


def test_an_edited_answer_does_not_get_through(server: FaultyServer, tmp_path: Path) -> None:
    """The check of the checks: without the hash this would be the blob."""
    descriptor, path = _blob(tmp_path, 5000)
    with Registry(server.address) as client:
        client.upload_blob("edit/a", descriptor, path)
        server.faults.append(Fault("GET .*blobs", edit(lambda r: r.with_body(r.body[::-1]))))
        with pytest.raises(Error, match="has the digest"):
            client.download("edit/a", descriptor, tmp_path / "back")
    assert (tmp_path / "back").stat().st_size == 0
