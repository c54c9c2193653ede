# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries have: tags and catalogues in pages, and searches as Docker Hub answers them."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from support.servers.faults import Act, Connection, Fault, FaultyServer, Reply, edit, status
from support.servers.registry import Registry as RealRegistry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import catalog
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import (
    credentials as stored,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.client import (
    Registry,
    connect,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.credentials import (
    Credentials,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.failure import Limits
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_search_info,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.oci import Descriptor

HURRIED = Limits(connect_s=1.0, read_s=1.0, tries=2, backoff_s=0.01, deadline_s=5.0)
TAGS = [f"t{number:02}" for number in range(7)]


@pytest.fixture
def server(registry: RealRegistry, tmp_path: Path) -> Iterator[FaultyServer]:
    """A real registry that has ``listed/a`` under seven tags, and a proxy before it."""
    with Registry(registry.host) as client:
        config = tmp_path / "config"
        config.write_bytes(b"{}")
        descriptor = Descriptor(oci.CONFIG, oci.digest_of(b"{}"), 2)
        client.upload_blob("listed/a", descriptor, config)
        document = {"schemaVersion": 2, "mediaType": oci.MANIFEST, "layers": []}
        data = json.dumps({**document, "config": descriptor.document()}).encode()
        for tag in TAGS:
            client.put_manifest("listed/a", tag, oci.MANIFEST, data)
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(FaultyServer(registry.host).running())


def client_of(server: FaultyServer) -> Registry:
    return Registry(server.address, limits=HURRIED)


def in_pages(size: int) -> Act:
    """What a registry answers that has smaller pages: docker-registry's own lists have no end."""

    def cut(connection: Connection, reply: Reply) -> None:
        document = json.loads(reply.body)
        [member] = [name for name in document if name != "name"]
        after = parse_qs(urlsplit(connection.path).query).get("last", [""])[0]
        names = [name for name in sorted(document[member]) if name > after]
        if len(names) > size:
            place = f"{urlsplit(connection.path).path}?last={names[size - 1]}&n={size}"
            reply = reply.with_header("Link", f'<{place}>; rel="next"')
        document[member] = names[:size]
        connection.send(reply.with_body(json.dumps(document).encode()))

    return cut


def test_the_tags_of_a_repository(server: FaultyServer) -> None:
    with client_of(server) as client:
        assert sorted(client.tags("listed/a")) == TAGS
        with pytest.raises(NotFound, match=r"tags of no/such: not found"):
            client.tags("no/such")
    assert server.paths()[0] == "/v2/listed/a/tags/list?n=1000"


@pytest.mark.parametrize(("size", "requests"), [(3, 3), (7, 1), (1, 7)])
def test_tags_on_several_pages(server: FaultyServer, size: int, requests: int) -> None:
    server.faults.append(Fault("tags/list", in_pages(size)))
    # The registry behind must not page by itself.
    with client_of(server) as client:
        assert sorted(client.tags("listed/a")) == TAGS
    assert len(server.seen) == requests


def test_a_page_that_fails_once_is_asked_for_again(server: FaultyServer) -> None:
    server.faults += [Fault("last=t02", status(503), 1), Fault("tags/list", in_pages(3))]
    with client_of(server) as client:
        assert sorted(client.tags("listed/a")) == TAGS
    assert len(server.seen) == 4


def test_a_catalogue_in_pages_of_the_registry_itself(
    registry: RealRegistry, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker-registry pages its catalogue, by as many as it is asked for."""
    with client_of(server) as client:
        whole = client.catalog()
        assert "listed/a" in whole
        monkeypatch.setattr(catalog, "_PAGE_SIZE", 1)
        assert client.catalog() == whole
    assert len(server.seen) >= 1 + len(whole)


def _link(text: str) -> Act:
    return edit(lambda reply: reply.with_header("Link", text))


def _tags(*names: object) -> Act:
    body = json.dumps({"name": "listed/a", "tags": names}).encode()
    return edit(lambda reply: reply.with_body(body))


@pytest.mark.parametrize(
    ("act", "complaint"),
    [
        (_link('<http://127.0.0.2:1/v2/listed/a/tags/list>; rel="next"'), "as its next page"),
        (_link("<https://evil.example/v2/listed/a/tags/list>; rel=next"), "as its next page"),
        (_link("</v2/other/tags/list?last=x>; rel=next"), "as its next page"),
        (_link("<//169.254.169.254/v2/listed/a/tags/list>; rel=next"), "as its next page"),
        (_link("</v2/listed/a/tags/list?last=t06>; rel=next"), "a page without new tags"),
        (_tags("fine", "../../etc"), r"its tags include '../../etc'"),
        (_tags("\x1b[2J"), r"its tags include '\\x1b\[2J'"),
        (_tags(7), "its tags include '7'"),
        (edit(lambda reply: reply.with_body(b'{"tags": {"a": 1}}')), "its tags are not a list"),
        (edit(lambda reply: reply.with_body(b'["a"]')), "its answer is not JSON"),
        (edit(lambda reply: reply.with_body(b"<html>")), "its answer is not JSON"),
        (edit(lambda reply: reply.with_body(b" " * (5 << 20))), "more than the limit"),
        (_tags(*(f"t{number}" for number in range(100_001))), "more than 100000 tags"),
    ],
)
def test_a_list_nobody_should_believe(server: FaultyServer, act: Any, complaint: str) -> None:
    server.faults.append(Fault("tags/list", act))
    with client_of(server) as client, pytest.raises(Error, match=complaint) as caught:
        client.tags("listed/a")
    assert server.address in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "nonsense", '<x>; rel="prev"', "<x>", '</v2/>; title="rel=next"', "<x; rel=next"]
)
def test_a_link_that_is_none_ends_the_list(server: FaultyServer, text: str) -> None:
    server.faults.append(Fault("tags/list", _link(text)))
    with client_of(server) as client:
        assert sorted(client.tags("listed/a")) == TAGS


def test_no_tags_are_none(server: FaultyServer) -> None:
    server.faults.append(Fault("tags/list", edit(lambda r: r.with_body(b'{"tags": null}'))))
    with client_of(server) as client:
        assert client.tags("listed/a") == ()


# --- searching -------------------------------------------------------------------------------

HUB = [
    ("nginx", "Official build of Nginx.", 20000, True),
    ("bitnami/nginx", "Bitnami \x1b[31mimage", 190, False),
    ("nginx/unit", "", 60, True),
    ("somebody/nginx", None, 0, False),
]


def hub(version: int) -> Fault:
    """The search API of Docker Hub, as ``docker search`` uses it (1) or its website does (2)."""

    def answer(connection: Connection, reply: Reply) -> None:
        if version == 2 and connection.headers["Host"] == "index.docker.io":
            connection.send(reply)
            return
        query = parse_qs(urlsplit(connection.path).query)
        term = query["q" if version == 1 else "query"][0]
        count = int(query["n" if version == 1 else "page_size"][0])
        name, text = ("name", "description") if version == 1 else ("repo_name", "short_description")
        results = [
            {name: found[0], text: found[1], "star_count": found[2], "is_official": found[3]}
            for found in HUB
            if term in found[0]
        ]
        body = json.dumps({"query": term, "results": results[:count]}).encode()
        connection.send(Reply(200).with_body(body))

    return Fault(r"GET /v1/search\?" if version == 1 else "/v2/search/repositories/", answer)


def found_by(layout: Layout, **params: Any) -> list[str]:
    results = image_search_info.gather(Host(layout), params)["results"]
    return [str(result["name"]) for result in results]


@pytest.mark.parametrize("version", [1, 2])
def test_a_server_that_searches_as_docker_hub_does(layout: Layout, version: int) -> None:
    with FaultyServer(faults=[hub(version)]).running() as made:
        place = made.address
        results = image_search_info.gather(Host(layout), {"term": f"{place}/nginx"})["results"]
        assert [result["name"] for result in results] == [f"{place}/{found[0]}" for found in HUB]
        assert results[0] == {
            "name": f"{place}/nginx",
            "description": "Official build of Nginx.",
            "star_count": 20000,
            "is_official": True,
        }
        assert results[3]["description"] == ""
        assert found_by(layout, term="nginx", registry=place, limit=2) == [
            f"{place}/nginx",
            f"{place}/bitnami/nginx",
        ]
        stars = {"stars": 100}
        assert len(found_by(layout, term="nginx", registry=place, filters=stars)) == 2
        official = {"is_official": True}
        assert found_by(layout, term="nginx", registry=place, filters=official, limit=1) == [
            f"{place}/nginx"
        ]
        assert found_by(layout, term="nothing like it", registry=place) == []


def test_a_registry_without_a_search_is_listed(layout: Layout, server: FaultyServer) -> None:
    place = server.address
    assert found_by(layout, term="LISTED", registry=place) == [f"{place}/listed/a"]
    assert [path.partition("?")[0] for path in server.paths()] == [
        "/v1/search",
        "/v2/search/repositories/",
        "/v2/_catalog",
    ]
    assert f"{place}/listed/a" in found_by(layout, term=f"{place}/")
    assert found_by(layout, term="listed", registry=place, filters={"stars": 1}) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"results": {}}', "no list of results"),
        (b'{"results": ["nginx"]}', "is not an object"),
        (b'{"results": [{"name": "a\\u001b[2Jb"}]}', "which is not a repository"),
        (b'{"results": [{"name": null}]}', "which is not a repository"),
        (b"hello", "its answer is not JSON"),
    ],
)
def test_an_answer_nobody_should_believe(layout: Layout, body: bytes, complaint: str) -> None:
    fault = Fault("/v1/search", status(200, body))
    with FaultyServer(faults=[fault]).running() as made, pytest.raises(Error, match=complaint):
        found_by(layout, term="x", registry=made.address)


def test_neither_search_nor_catalogue(layout: Layout) -> None:
    with (
        FaultyServer().running() as made,
        pytest.raises(Error, match="supports neither search nor a list"),
    ):
        found_by(layout, term="x", registry=made.address)


@contextmanager
def docker_hub(directory: Path, *faults: Fault) -> Iterator[FaultyServer]:
    """Docker Hub's hosts on this machine: TLS by an authority of our own, at ``ca.pem``."""
    names = ("index.docker.io", "hub.docker.com")
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=hub"
    extension = f"subjectAltName={','.join(f'DNS:{name}' for name in names)}"
    subprocess.run(
        ["openssl", *request.split(), "-addext", extension, "-keyout", "key", "-out", "ca.pem"],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    made = FaultyServer(faults=list(faults))
    handler = type("Handler", (Connection,), {"faulty": made})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "ca.pem", directory / "key")
    hosts = directory / "hosts"
    hosts.write_text(f"127.0.0.1 {' '.join(names)}\n")
    with ThreadingHTTPServer(("127.0.0.1", 443), handler) as listener:
        # The TLS greeting is read from the plain socket, before the handler peeks into it.
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        handler.handle = BaseHTTPRequestHandler.handle  # type: ignore[attr-defined]
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
        try:
            yield made
        finally:
            subprocess.run(["umount", "/etc/hosts"], check=True)
            listener.shutdown()


@pytest.mark.parametrize("version", [1, 2])
def test_docker_hub_is_searched_at_its_own_hosts(
    layout: Layout, tmp_path: Path, version: int
) -> None:
    with docker_hub(tmp_path, hub(version)) as made:
        trust = {"ca_path": str(tmp_path / "ca.pem")}
        stored.store(layout.auth_file, "docker.io", Credentials("anna", "s3cret"))
        assert found_by(layout, term="nginx", **trust) == [found[0] for found in HUB]
        with pytest.raises(Error, match=r"registry index\.docker\.io: search for 'nginx'.*cert"):
            found_by(layout, term="nginx")
    asked = {seen.headers["Host"] for seen in made.seen}
    assert asked == ({"index.docker.io"} if version == 1 else {"index.docker.io", "hub.docker.com"})
    assert not any("Authorization" in seen.headers for seen in made.seen)


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"term": ""}, "term is empty"),
        ({"term": "x", "limit": 101}, "limit is 101"),
        ({"term": "x", "filters": {"stars": -1}}, "stars is -1"),
        ({"term": "x", "registry": "http://a b/"}, "is not a registry"),
        ({"term": "-x.y/z"}, "is not a registry"),
    ],
)
def test_a_search_that_cannot_be(params: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Error, match=complaint):
        image_search_info.wanted(params)


def test_a_term_may_name_its_registry() -> None:
    places = {
        text: (
            image_search_info.wanted({"term": text}).domain,
            image_search_info.wanted({"term": text}).term,
        )
        for text in ("nginx", "bitnami/nginx", "localhost/x", "r.example:5000/a/b", "docker.io/x")
    }
    assert list(places.values()) == [
        ("docker.io", "nginx"),
        ("docker.io", "bitnami/nginx"),
        ("localhost", "x"),
        ("r.example:5000", "a/b"),
        ("docker.io", "x"),
    ]


def test_lists_with_a_login(registries: Callable[..., RealRegistry], layout: Layout) -> None:
    guarded = registries(username="anna", password="s3cret", tls=True)
    right = Credentials("anna", "s3cret")
    with connect(layout, guarded.host, credentials=right, ca_file=str(guarded.ca)) as client:
        assert isinstance(client.catalog(), tuple)
    with (
        connect(layout, guarded.host, ca_file=str(guarded.ca)) as client,
        pytest.raises(Error, match="access denied"),
    ):
        client.catalog()
    assert re.search("GET /v2/_catalog", guarded.log)
