# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One registry's HTTP: sessions, TLS, redirects, logins and retries. The only user of requests.

HTTP clients go wrong between hosts, so three things are done here and not left to requests:
redirects are followed by hand and only an exact origin is shown the Authorization header
(CVE-2018-18074, CVE-2018-20060); the environment is read for proxies and for nothing else, so no
.netrc is read (CVE-2024-47081); and a session belongs to one TLS mode for life (CVE-2024-35195).
Plain http is spoken to loopback and to registries declared insecure, and only where TLS is not
spoken (CVE-2014-5277).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Union
from urllib.parse import urljoin

from ..base.errors import Error
from ..base.frozen import dataclass, field
from ..spec.reference import DEFAULT_DOMAIN, HUB_HOST
from .auth import TOKEN_LIMIT, Login
from .credentials import Credentials
from .failure import Broken, Limits, Patience, Untrusted, failure
from .origin import Origin, check_redirect, check_resolved
from .response import Answer, Slice
from .settings import RegistrySettings

if TYPE_CHECKING:
    import requests

USER_AGENT = "slipway.engine"

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
#: What may pass by itself: a time-out at the server, too many requests, and trouble behind it.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
#: The system's own certificates, where private authorities are installed too; requests may bring
#: others.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)


@dataclass(frozen=True)
class Request:
    """One request to the registry. ``target`` is a path, or a URL the registry gave us.

    ``scope`` is what a token must allow, such as ``repository:library/busybox:pull``; ``what``
    names the request in errors, repository and digest or tag included.
    """

    method: str
    target: str
    what: str
    scope: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Union[bytes, Slice, None] = None


class Transport:
    """The connections to one registry. Threads may share it: each has sessions of its own."""

    def __init__(
        self,
        domain: str,
        settings: RegistrySettings,
        credentials: Optional[Credentials],
        limits: Limits,
        warn: Optional[Callable[[str], None]] = None,
    ) -> None:
        self.domain = domain
        self._warn = warn
        #: Whether the registry, on loopback, turned out to have a certificate nobody vouches for.
        self._unvouched = False
        self.settings = settings
        self.limits = limits
        self._host = HUB_HOST if domain == DEFAULT_DOMAIN else domain
        self._origin: Optional[Origin] = None
        self._lock = threading.Lock()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._login = Login(
            credentials,
            self._fetch_token,
            insecure=bool(settings.insecure),
            token_realms=settings.token_realms,
        )

    @property
    def origin(self) -> Origin:
        """Where the registry is. The first use asks one that may speak http whether it does."""
        return self._settle("the API")

    def _settle(self, what: str) -> Origin:
        with self._lock:
            if self._origin is None:
                secure = Origin.of_registry("https", self._host)
                plain = Origin.of_registry("http", self._host)
                may = secure.is_loopback or bool(self.settings.insecure)
                if may and not self._proxies(str(secure)) and not self._speaks_tls(secure, what):
                    self._origin = plain
                else:
                    self._origin = secure
            return self._origin

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    def send(self, request: Request, patience: Optional[Patience] = None) -> Answer:
        """Send, and send again as long as the trouble may pass; the answer's body is still to be
        read.

        Raises Unreachable when the tries or the time are used up. A status that does not pass by
        itself, 401 after a login included, is the caller's to judge.
        """
        patience = patience or Patience(self.limits)
        while True:
            try:
                return self.attempt(request)
            except Broken as exc:
                patience.wait(exc)

    def attempt(self, request: Request) -> Answer:
        """Send once, through redirects and logins. Raises Broken for what may pass."""
        origin = self._settle(request.what)
        url = self.url(request.target)
        logins = 0
        redirects = 0
        while True:
            target = Origin.of(url)
            headers = dict(request.headers)
            shown = self._login.header(origin, request.scope) if target == origin else None
            if shown is not None:
                headers["Authorization"] = shown
            answer = self._exchange(request.method, url, headers, request.body, request.what)
            if answer.status == 401 and target == origin and logins < 2:
                logins += 1
                challenge = answer.header("WWW-Authenticate")
                if self._login.answer(origin, challenge, request.scope, shown) is not None:
                    answer.drain()
                    continue
            elif answer.status in REDIRECTS and request.method in ("GET", "HEAD"):
                redirects += 1
                url = self._redirected(origin, url, answer, redirects)
                continue
            elif answer.status in PASSING:
                with answer:
                    raise answer.broken(f"HTTP {answer.status}{answer.complaint()}")
            return answer

    def url(self, target: str) -> str:
        """The absolute URL of a path at the registry, or of a Location relative to it."""
        return urljoin(f"{self.origin}/", target)

    def check_location(self, url: str) -> None:
        """Whether the place the registry gave for an upload may be used; it is treated as a
        redirect.
        """
        target = Origin.of(url)
        if target != self.origin:
            check_redirect(self.origin, target, insecure=bool(self.settings.insecure))
            self._check_addresses(self.origin, target)

    def _redirected(self, origin: Origin, url: str, answer: Answer, redirects: int) -> str:
        answer.drain()
        location = answer.header("Location")
        if not location:
            raise answer.lie("a redirect without a target")
        if redirects > MOST_REDIRECTS:
            raise answer.lie(f"more than {MOST_REDIRECTS} redirects")
        following = urljoin(url, location)
        try:
            target = Origin.of(following)
            check_redirect(origin, target, insecure=bool(self.settings.insecure))
            self._check_addresses(origin, target)
        except Error as exc:
            raise answer.error(exc.message, exc.hint) from exc
        if Origin.of(url).scheme == "https" and target.scheme == "http":
            raise answer.lie(f"a redirect from https to plain http, to {target}")
        return following

    def _check_addresses(self, origin: Origin, target: Origin) -> None:
        """The rule of check_resolved, where no proxy resolves names in our place."""
        if target.host == origin.host or target.address or self._proxies(str(target)):
            return
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError:
            return
        check_resolved(origin, target, (str(entry[4][0]) for entry in found))

    def _fetch_token(
        self, method: str, url: str, headers: Mapping[str, str], form: Optional[Mapping[str, str]]
    ) -> tuple[int, bytes]:
        """One request to a token service: no redirects, since it carries the login."""
        origin = self._origin
        target = Origin.of(url)
        what = f"a token from {target}"
        if origin is not None:
            self._check_addresses(origin, target)
        patience = Patience(self.limits)
        while True:
            try:
                with self._exchange(method, url, headers, form, what) as answer:
                    if answer.status in PASSING:
                        raise answer.broken(f"HTTP {answer.status}")
                    if answer.status in REDIRECTS:
                        raise answer.error(
                            "a redirect, which is not followed: it would expose the login"
                        )
                    return answer.status, answer.body(TOKEN_LIMIT)
            except Broken as exc:
                patience.wait(exc)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Union[bytes, Slice, Mapping[str, str], None],
        what: str,
    ) -> Answer:
        import requests

        # A certificate nobody vouches for is permitted at the registry declared so, and nowhere
        # else.
        target = Origin.of(url)
        own = self._origin is None or target.host == self._origin.host
        lenient = bool(self.settings.insecure) or self._unvouched
        session = self._session(verified=not (lenient and own))
        try:
            response = exchange(session, method, url, headers, self.limits, body)
        except requests.exceptions.RequestException as exc:
            problem = failure(exc, self.domain, target, what, self.limits)
            if own and isinstance(problem, Untrusted) and self._lets_pass(target):
                # Nothing was sent: the handshake had not ended.
                self._unvouched = True
                return self._exchange(method, url, headers, body, what)
            raise problem from exc
        login = self._login.credentials
        username = None if login is None else login.username
        return Answer(response, self.domain, what, username, self.limits)

    def _lets_pass(self, target: Origin) -> bool:
        """Whether a certificate nobody vouches for is accepted, with a warning: on loopback, as in
        Docker, unless the task or the administrator says otherwise or names an authority.
        """
        settings = self.settings
        if self._unvouched or settings.insecure is not None or settings.ca_file is not None:
            return False
        if not target.is_loopback:
            return False
        if self._warn is not None:
            self._warn(
                f"registry {self.domain}: nobody vouches for its TLS certificate, which is accepted"
                " since the registry is on this host; ca_path names the authority to check it by"
            )
        return True

    def _session(self, verified: bool) -> requests.Session:
        """This thread's session of a TLS mode."""
        sessions: dict[bool, requests.Session] = self._local.__dict__.setdefault("sessions", {})
        if verified not in sessions:
            sessions[verified] = self._new_session(verified)
            self._sessions.append(sessions[verified])
        return sessions[verified]

    def _new_session(self, verified: bool) -> requests.Session:
        try:
            return open_session(verified=verified, ca_file=self.settings.ca_file)
        except OSError as exc:
            raise Error(
                f"the CA certificates of the registry {self.domain} cannot be read from "
                f"{self.settings.ca_file}: {exc.strerror or exc}",
                hint="provide a PEM file with ca_path, or ca_file in /etc/slipway/registries.json",
            ) from exc

    def _proxies(self, url: str) -> dict[str, str]:
        return proxies_of(url)

    def _speaks_tls(self, origin: Origin, what: str) -> bool:
        """Whether a server answers a TLS greeting in TLS. Certificates are not looked at here.

        A handshake or an alert is TLS; anything else, an end or silence is not. Without a port in
        the registry's name, nobody at port 443 is a no as well.
        """
        import ssl

        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with contextlib.suppress(ssl.SSLWantReadError):
            context.wrap_bio(incoming, outgoing, server_hostname=origin.host).do_handshake()
        hello = outgoing.read()
        patience = Patience(self.limits)
        while True:
            try:
                return self._greet(origin, hello)
            except OSError as exc:
                if isinstance(exc, ConnectionRefusedError) and origin.port == 443:
                    return False
                problem = failure(exc, self.domain, origin, what, self.limits)
                if not isinstance(problem, Broken):
                    raise problem from exc
                patience.wait(problem)

    def _greet(self, origin: Origin, hello: bytes) -> bool:
        with socket.create_connection((origin.host, origin.port), self.limits.connect_s) as peer:
            peer.settimeout(min(self.limits.connect_s, 3.0))
            try:
                peer.sendall(hello)
                # The record types of RFC 8446, section 5.1: 21 alert, 22 handshake.
                return peer.recv(1) in (b"\x15", b"\x16")
            except (TimeoutError, socket.timeout, ConnectionError):
                return False


def open_session(*, verified: bool, ca_file: Optional[str]) -> requests.Session:
    """A session of one TLS mode, without .netrc, cookies and retries of its own.

    ``ca_file`` has authorities to trust beside the system's; OSError when it cannot be read.
    """
    import http.cookiejar
    import warnings

    import requests
    from urllib3.util.ssl_ import create_urllib3_context

    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    adapter = requests.adapters.HTTPAdapter(max_retries=0)
    if verified and ca_file is not None:
        # urllib3's own kind of context: 1.26 compares host names and addresses itself.
        context = create_urllib3_context()
        context.load_verify_locations(cafile=ca_file)
        adapter.init_poolmanager(10, 10, block=False, ssl_context=context)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if verified:
        session.verify = next((name for name in _BUNDLES if Path(name).is_file()), True)
    else:
        session.verify = False
        # It was declared, and the task would repeat it for every request.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    return session


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    headers: Mapping[str, str],
    limits: Limits,
    body: Union[bytes, Slice, Mapping[str, str], None] = None,
) -> requests.Response:
    """One request and its answer, redirects included; the body is still on the wire."""
    return session.request(
        method,
        url,
        headers=dict(headers),
        data=body,
        timeout=(limits.connect_s, limits.read_s),
        allow_redirects=False,
        stream=True,
        proxies=proxies_of(url),
    )


def proxies_of(url: str) -> dict[str, str]:
    """The proxy of a URL by HTTP_PROXY, HTTPS_PROXY and NO_PROXY; loopback never has one."""
    from requests.utils import get_environ_proxies

    return {} if Origin.of(url).is_loopback else dict(get_environ_proxies(url))
