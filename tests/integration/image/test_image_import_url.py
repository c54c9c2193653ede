# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing from a URL: what is asked for, when a file counts as changed, what is refused."""

from __future__ import annotations

import gzip
import hashlib
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import compare_predictions
from support.converging import Task, apply, assert_play_is_predicted, check
from support.inputs import images
from support.plays import Play
from support.servers.faults import Act, Connection, Fault, FaultyServer, reset, status, truncate

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import (
    url_fetch,
    url_source,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import image
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)

# Of one size, so that nothing but what the server says tells them apart.
ONE, TWO = (gzip.compress(images.tar({"a": text}), 0) for text in (b"one", b"two"))
assert len(ONE) == len(TWO)
OLD = {"Last_Modified": "Mon, 05 Jan 2026 10:00:00 GMT", "Date": "Mon, 05 Jan 2026 11:00:00 GMT"}


@pytest.fixture
def site() -> Iterator[FaultyServer]:
    with ExitStack() as stack:
        yield stack.enter_context(FaultyServer().running())


def serve(site: FaultyServer, body: bytes, **headers: str) -> None:
    """Have the file there from now on, and forget what was asked."""
    site.faults[:] = [Fault(r"^(GET|HEAD) /root\.tar", status(200, body, **headers))]
    site.seen.clear()


def task(site: FaultyServer, path: str = "/root.tar", **options: Any) -> Task:
    params = {"name": "imported:1", "src": f"http://{site.address}{path}", **options}
    return Task(image_import.declare, image_import.RESOURCE, params)


def asked(site: FaultyServer) -> list[str]:
    found = [seen.method for seen in site.seen]
    site.seen.clear()
    return found


def checksum(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("validators", [{"ETag": '"1"'}, {"ETag": 'W/"1"'}, OLD])
def test_only_headers_are_asked_for_until_they_change(
    layout: Layout, site: FaultyServer, tmp_path: Path, validators: dict[str, str]
) -> None:
    serve(site, ONE, **validators)
    fresh = check(layout, task(site), {})
    assert (fresh.before["image"], fresh.after["image"]) == ("absent", "current")
    assert asked(site) == ["HEAD"]
    outcome, result = apply(layout, task(site))
    assert outcome == fresh
    assert asked(site) == ["HEAD", "GET"]
    # The same image as the same bytes on the host give.
    (tmp_path / "root.tar").write_bytes(ONE)
    local = Task(
        image_import.declare,
        image_import.RESOURCE,
        {"name": "local:1", "src": str(tmp_path / "root.tar")},
    )
    assert apply(layout, local)[1]["image"]["Id"] == result["image"]["Id"]
    assert apply(layout, task(site))[0].changed is False
    assert check(layout, task(site), {}).changed is False
    assert asked(site) == ["HEAD", "HEAD"]

    younger = {**validators, "Last_Modified": "Mon, 05 Jan 2026 10:00:01 GMT"}
    serve(site, TWO, **({"ETag": '"2"'} if "ETag" in validators else younger))
    foretold = check(layout, task(site), {})
    assert (foretold.changed, foretold.before["image"]) == (True, "outdated")
    outcome, other = apply(layout, task(site))
    assert outcome == foretold
    assert other["image"]["Id"] != result["image"]["Id"]
    assert apply(layout, task(site))[0].changed is False
    assert os.listdir(layout.tmp) == []


def test_without_validators_the_content_is_hashed(layout: Layout, site: FaultyServer) -> None:
    serve(site, ONE)
    assert apply(layout, task(site))[0].changed is True
    assert asked(site) == ["HEAD", "GET"]
    assert check(layout, task(site), {}).changed is False
    assert apply(layout, task(site))[0].changed is False
    assert asked(site) == ["HEAD", "GET"] * 2
    serve(site, TWO)
    foretold = check(layout, task(site), {})
    assert apply(layout, task(site))[0] == foretold
    assert foretold.changed is True


def test_a_time_too_young_to_tell_is_not_trusted(layout: Layout, site: FaultyServer) -> None:
    young = {**OLD, "Date": OLD["Last_Modified"]}
    serve(site, ONE, **young)
    apply(layout, task(site))
    assert apply(layout, task(site))[0].changed is False
    serve(site, ONE, **OLD)
    assert apply(layout, task(site))[0].changed is False
    serve(site, TWO, **OLD)
    assert apply(layout, task(site))[0].changed is True


def test_where_head_is_refused_a_conditional_get_asks(layout: Layout, site: FaultyServer) -> None:
    def answer(connection: Connection, reply: Any) -> None:
        if connection.headers.get("If-None-Match") == '"1"':
            status(304, ETag='"1"')(connection, reply)
        else:
            status(200, ONE, ETag='"1"')(connection, reply)

    site.faults[:] = [Fault("^HEAD", status(405)), Fault("^GET", answer)]
    apply(layout, task(site))
    site.seen.clear()
    site.sent = 0
    assert apply(layout, task(site))[0].changed is False
    assert (asked(site), site.sent) == (["HEAD", "GET"], 0)


def test_a_checksum_known_asks_nothing_and_a_wrong_one_makes_nothing(
    layout: Layout, site: FaultyServer
) -> None:
    serve(site, ONE)
    with pytest.raises(
        Error, match=rf"root.tar: .*checksum .* is {checksum(ONE)}, not {checksum(TWO)}"
    ):
        apply(layout, task(site, checksum=checksum(TWO)))
    assert store.all_images(layout) == ()
    assert os.listdir(layout.tmp) == []
    apply(layout, task(site, checksum=checksum(ONE)))
    site.seen.clear()
    assert apply(layout, task(site, checksum=checksum(ONE)))[0].changed is False
    assert asked(site) == []
    serve(site, TWO)
    assert apply(layout, task(site, checksum=checksum(TWO)))[0].changed is True
    with pytest.raises(Error, match="src is a path"):
        image_import.declare({"name": "x", "src": "/x", "checksum": checksum(ONE)})
    with pytest.raises(Error, match="64 hexadecimal"):
        image_import.declare({**task(site).params, "checksum": "md5:1"})


def test_redirects(layout: Layout, site: FaultyServer) -> None:
    serve(site, ONE, ETag='"1"')
    site.faults.append(Fault("/moved", status(302, Location="/root.tar?signature=s3cret")))
    site.faults.append(Fault("/round", status(302, Location="/round")))
    site.faults.append(Fault("/inner", status(302, Location="http://169.254.169.254/latest")))
    site.faults.append(Fault("/odd", status(302, Location="ftp://host/x")))
    assert apply(layout, task(site, "/moved"))[0].changed is True
    assert apply(layout, task(site, "/moved"))[0].changed is False
    assert "s3cret" not in (layout.images / "index.json").read_text()
    for path, words in (
        ("/round", "more than 5 redirects"),
        ("/inner", r"169\.254\.169\.254, which is not allowed"),
        ("/odd", "which is not a URL"),
    ):
        with pytest.raises(Error, match=words):
            apply(layout, task(site, path))


REFUSED: dict[str, tuple[Act, str]] = {
    "gone": (status(404), "root.tar: not found"),
    "denied": (status(403), "access denied"),
    "failing": (status(500), "HTTP 500"),
    "truncated": (truncate(20), "ended after 20 of"),
    "reset": (reset(20), "connection broke"),
    "no archive": (status(200, b"<html>" * 200), "root.tar: "),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_fetched(layout: Layout, site: FaultyServer, kind: str) -> None:
    act, words = REFUSED[kind]
    secret = task(site, "/root.tar?token=s3cret")

    def broken(connection: Connection, reply: Any) -> None:
        if kind in ("truncated", "reset"):
            pairs = (("Content-Length", str(len(ONE))),)
            reply = type(reply)(200, pairs, ONE)
            if connection.command == "HEAD":
                connection.send(reply)
                return
        act(connection, reply)

    site.faults[:] = [Fault("", broken)]
    assert check(layout, secret, {}).changed is True
    with pytest.raises(Error, match=words) as caught:
        apply(layout, secret)
    assert f"http://{site.address}/root.tar" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert store.all_images(layout) == ()
    assert os.listdir(layout.tmp) == []


def test_a_break_that_passes_is_survived(layout: Layout, site: FaultyServer) -> None:
    serve(site, ONE, ETag='"1"')
    whole = site.faults[0].act

    def cut(connection: Connection, reply: Any) -> None:
        connection.send(type(reply)(200, (("Content-Length", str(len(ONE))),), ONE), 10)
        connection.close_connection = True

    site.faults[:] = [Fault("^GET", cut, times=1), Fault("", whole)]
    assert apply(layout, task(site))[0].changed is True


def test_nobody_listens(layout: Layout) -> None:
    with FaultyServer().running() as site:
        pass
    with pytest.raises(Error, match=r"http://127\.0\.0\.1:\d+/root.tar: connection refused"):
        apply(layout, task(site))


@pytest.mark.parametrize("declared", [True, False])
def test_too_large(layout: Layout, site: FaultyServer, tmp_path: Path, declared: bool) -> None:
    serve(site, b"x" * 1000)
    if not declared:
        site.faults[:] = [
            Fault(
                "",
                lambda connection, reply: connection.send(
                    type(reply)(200, (("Transfer-Encoding", "chunked"),), b"3e8\r\n" + b"x" * 1000)
                ),
            )
        ]
    wanted = url_source.Source(f"http://{site.address}/root.tar", limit=999)
    with url_fetch.Fetch(wanted) as fetch, pytest.raises(Error, match="at most 999 are allowed"):
        fetch.download(tmp_path / "kept")


@contextmanager
def over_tls(directory: Path, *found: Fault) -> Iterator[FaultyServer]:
    """A server with a certificate by an authority of its own, at ``ca.pem``."""
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x"
    request += " -keyout key -out ca.pem"
    subprocess.run(
        ["openssl", *request.split(), *["-addext", "subjectAltName=IP:127.0.0.1"]],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    made = FaultyServer(faults=list(found))
    handler = type("Handler", (Connection,), {"faulty": made})
    # The TLS greeting is read from the plain socket, before the handler peeks into it.
    handler.handle = BaseHTTPRequestHandler.handle  # type: ignore[attr-defined]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "ca.pem", directory / "key")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        made.port = int(listener.server_address[1])
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        listener.shutdown()


def test_tls(layout: Layout, site: FaultyServer, tmp_path: Path) -> None:
    serve(site, ONE)
    faults = [
        Fault("/root.tar", status(200, ONE, ETag='"1"')),
        Fault("/plain", status(302, Location=f"http://{site.address}/root.tar")),
    ]
    with over_tls(tmp_path, *faults) as secure:

        def taken(path: str = "/root.tar", **options: Any) -> bool:
            src = f"https://{secure.address}{path}"
            return bool(apply(layout, task(secure, **{"src": src, **options}))[0].changed)

        trust = str(tmp_path / "ca.pem")
        with pytest.raises(Error, match=r"certificate was not accepted.*ca_path"):
            taken()
        with pytest.raises(Error, match=r"from https to plain http"):
            taken("/plain", ca_path=trust)
        assert asked(site) == []
        with pytest.raises(Error, match="cannot be read from"):
            taken(ca_path=str(tmp_path / "none"))
        assert taken(ca_path=trust) is True
        assert taken(validate_certs=False) is False


@pytest.mark.parametrize(
    "url", ["http://anna:s3cret@host/x", "http://host\\x/?k=s3cret", "http:///"]
)
def test_bad_urls(url: str) -> None:
    with pytest.raises(Error) as caught:
        image_import.declare({"name": "x", "src": url})
    assert "s3cret" not in str(caught.value)


def test_a_play_is_predicted(layout: Layout, site: FaultyServer) -> None:
    serve(site, ONE, ETag='"1"')
    whole = {
        "name": "imported:1",
        "state": "present",
        "source": "import",
        "import": {"src": f"http://{site.address}/root.tar"},
    }
    play = [
        task(site),
        task(site),
        task(site, cmd=["sh"]),
        task(site, name="other:1"),
        Task(image.declare, image.RESOURCE, whole),
    ]
    assert_play_is_predicted(layout, play)


def test_the_program_imports_a_url(layout: Layout, site: FaultyServer) -> None:
    serve(site, ONE, ETag='"1"')
    files.prepare(layout)
    zipapp.install(layout)
    program = ["/usr/bin/python3", str(zipapp.program(layout)), "import"]
    for dummy in range(2):
        done = subprocess.run(
            [*program, f"http://{site.address}/root.tar", "mine:1"],
            capture_output=True,
            text=True,
            check=False,
        )
        found = store.find(layout, "mine:1")
        assert found is not None
        assert (done.returncode, done.stdout.strip()) == (0, found.id), done.stderr
    assert asked(site) == ["HEAD", "GET", "HEAD"]
    done = subprocess.run(
        [*program, f"http://{site.address}/none.tar", "mine:2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"http://{site.address}/none.tar: not found" in done.stderr


def test_the_modules_import_a_url(layout: Layout, site: FaultyServer, tmp_path: Path) -> None:
    serve(site, ONE, ETag='"1"')
    src = f"http://{site.address}/root.tar?token=s3cret"
    options = {"name": "a:1", "src": src, "checksum": checksum(ONE), "validate_certs": False}
    tasks = [
        {"slipway.engine.image_import": options},
        {"slipway.engine.image": {"name": "b:1", "source": "import", "import": {"src": src}}},
    ]
    play = Play(tmp_path)
    foretold = play.tasks(tasks, "--check", "--diff")
    assert foretold.status == 0, foretold.output
    done = play.tasks(tasks, "--diff")
    assert (done.status, done.changed) == (0, 2), done.output
    assert "s3cret" not in done.output
    records = ([dict(one) for one in run.record] for run in (foretold, done))
    assert compare_predictions.differences(*records) == []
    again = play.tasks(tasks)
    assert (again.status, again.changed) == (0, 0), again.output
