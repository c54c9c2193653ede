# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of git repositories for builds, by the git of the host.

A repository is somebody else's, and git runs as root. It gets settings of its own and none of the
host's: no hooks, no filters, no credential helpers, only the protocols that git_url knows, and
nothing to ask anybody with. No URL and no password is in its arguments, where others could read it.
Submodules are not fetched, as they may name any other place. The commit is what is checked: git
verifies that what it fetched is what the commit says.
"""

from __future__ import annotations

import base64
import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional
from urllib.parse import urlsplit

from ..base import files
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, replace
from ..kernel import process
from ..plan.plan import Host
from .asked.request import Request
from .source import git_url
from .source.git_url import Repository

#: Secrets that log in by http, as with BuildKit: a token, or a whole header. ``.HOST`` after a name
#: says for which host; without it, it is that of the context.
TOKEN, HEADER = "GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"
#: Which agent answers for ssh.
_AGENT = "default"

_TIMEOUT_S = 3600.0
_CONFIG = """\
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tprotectHFS = true
\tprotectNTFS = true
[protocol]
\tallow = never
[protocol "https"]
\tallow = always
[protocol "http"]
\tallow = always
[protocol "ssh"]
\tallow = always
[protocol "git"]
\tallow = always
[submodule]
\trecurse = false
[credential]
\thelper =
[http]
\tlowSpeedLimit = 1000
\tlowSpeedTime = 60
[gc]
\tauto = 0
[maintenance]
\tauto = false
[init]
\tdefaultBranch = main
"""
#: What of our environment says how to reach other hosts.
_PASSED = (
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND"),
)
_LOCK = threading.Lock()


@dataclass(frozen=True)
class _Found:
    """What a repository means: the whole name of its reference and the commit."""

    ref: str
    commit: str


def commit(host: Host, request: Request, repository: Repository) -> str:
    """The commit that a repository means now, asked once per task. Raises NotFound, and Error."""
    with _LOCK:
        return _look(host, request, repository).commit


def tree(host: Host, request: Request, repository: Repository, keep: bool = False) -> Path:
    """The directory of a repository's files, fetched once per task; it stays as long as the task.
    With ``keep`` it has its ``.git``. Raises NotFound, and Error.
    """
    whole = replace(repository, directory="")
    with _LOCK:
        known = ("git tree", whole, keep)
        if known not in host.fetched:
            found = _look(host, request, repository)
            host.tell(f"fetch {repository.shown} {found.commit[:12]}")
            host.fetched[known] = _checked_out(host, request, whole, found, keep)
        top: Path = host.fetched[known]
    return _below(top, repository)


def _below(top: Path, repository: Repository) -> Path:
    found = Path(os.path.realpath(top / repository.directory))
    if not found.is_dir() or not found.is_relative_to(os.path.realpath(top)):
        raise NotFound(f"{repository.shown} has no directory {repository.directory} at this commit")
    return found


def _look(host: Host, request: Request, repository: Repository) -> _Found:
    known = ("git commit", replace(repository, directory=""))
    if known not in host.fetched:
        found = _Found(repository.pinned, repository.pinned)
        accepted = {repository.pinned}
        if not repository.pinned:
            with _room(host, request, repository) as git:
                found, accepted = listed(git.run("ls-remote", "-q", "origin"), repository)
        if not any(one.startswith(repository.checksum) for one in accepted):
            raise Error(
                f"{repository} is the commit {found.commit}, not {repository.checksum}",
                hint="correct the checksum, if the repository is the right one",
            )
        host.fetched[known] = found
    made: _Found = host.fetched[known]
    return made


def listed(data: bytes, repository: Repository) -> tuple[_Found, set[str]]:
    """What a server says its references are: that which is meant, and what may be its checksum.
    Raises NotFound. Pure.
    """
    known: dict[str, str] = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        name, tab, ref = line.partition("\t")
        if tab and len(name) == 40:
            known[ref] = name
    wanted = repository.ref or "HEAD"
    for ref in (wanted, f"refs/tags/{wanted}", f"refs/heads/{wanted}", f"refs/{wanted}"):
        if ref in known and (ref == "HEAD" or ref.startswith("refs/")):
            peeled = known.get(f"{ref}^{{}}", known[ref])
            return _Found(ref, peeled), {peeled, known[ref]}
    raise NotFound(
        f"{repository.shown} has no branch or tag {wanted}",
        hint="a commit has to be given in full, with 40 digits",
    )


def _checked_out(
    host: Host, request: Request, repository: Repository, found: _Found, keep: bool
) -> Path:
    with _room(host, request, repository, host.held) as git:
        # A commit is not always served by itself, nor every repository in part.
        if not git.tries("fetch", "-q", "--depth=1", "--no-tags", "origin", found.ref):
            every = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
            git.run("fetch", "-q", "origin", *every)
        done = git.run("rev-parse", "--verify", "-q", f"{found.commit}^{{commit}}", check=False)
        if done.decode().strip() != found.commit:
            raise Error(
                f"{repository}: the commit {found.commit} was not served",
                hint="run the build again",
            )
        git.run("checkout", "-q", "--detach", "-f", found.commit)
        top = git.directory
        if (top / ".gitmodules").is_file():
            host.warn(f"{repository.shown} has submodules, which are not fetched")
        if keep:
            git.run("config", "remote.origin.url", repository.shown)
            for name in ("FETCH_HEAD", "logs"):
                files.remove_tree(top / ".git" / name)
        else:
            files.remove_tree(top / ".git")
        return top


@dataclass(frozen=True)
class _Git:
    """A repository on the host, its files in ``directory``."""

    directory: Path
    environment: Mapping[str, str]
    title: str

    def run(self, *arguments: str, check: bool = True) -> bytes:
        # Others than root read the files of an image.
        script = 'umask 022 && exec git "$@"'
        done = process.run(
            ["sh", "-c", script, "git", *arguments],
            env=self.environment,
            cwd=self.directory,
            timeout_s=_TIMEOUT_S,
            check=False,
            unasked=True,
        )
        if check and done.returncode != 0:
            said = process.complaint(done.stderr) or f"status {done.returncode}"
            raise Error(f"{self.title} cannot be fetched: git {arguments[0]}: {said}")
        return done.stdout if done.returncode == 0 else b""

    def tries(self, *arguments: str) -> bool:
        try:
            self.run(*arguments)
        except Error:
            return False
        return True


@contextlib.contextmanager
def _room(
    host: Host,
    request: Request,
    repository: Repository,
    held: Optional[contextlib.ExitStack] = None,
) -> Iterator[_Git]:
    """An empty repository that knows the other one as ``origin``; its files last as long as
    ``held``, or as the block.
    """
    if process.which("git") is None:
        raise Error(
            f"{repository.shown} needs git, which is not on this host",
            hint="install git, or clone the repository and build the directory",
        )
    with contextlib.ExitStack() as stack:
        top = _scratch(host, held or stack)
        home = _scratch(host, stack)
        socket = _agent(host, request, repository, stack)
        config = _CONFIG + _remote(repository) + _login(request, repository)
        files.write_atomic(home / ".gitconfig", config.encode(), durable=False)
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        environment |= {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "none"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "http:https:ssh:git",
            "LC_ALL": "C",
            **({"SSH_AUTH_SOCK": socket} if socket else {}),
        }
        git = _Git(top / "files", environment, repository.shown)
        git.directory.mkdir(mode=0o755)
        git.run("init", "-q", "--template=")
        yield git


def _scratch(host: Host, stack: contextlib.ExitStack) -> Path:
    """A private directory, also where no installation is yet."""
    if host.layout.tmp.is_dir():
        return stack.enter_context(files.scratch(host.layout, "git"))
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-")))


def _agent(
    host: Host, request: Request, repository: Repository, stack: contextlib.ExitStack
) -> str:
    """The socket of the build's own agent, where it has one and ssh is asked."""
    by_ssh = repository.url.startswith("ssh://") or "://" not in repository.url
    paths = request.agents.get(_AGENT)
    if not by_ssh or not paths:
        return ""
    from . import agents

    return str(stack.enter_context(agents.agent(host.layout, _AGENT, paths)))


def _remote(repository: Repository) -> str:
    return f'[remote "origin"]\n\turl = {_quoted(repository.url)}\n'


def _login(request: Request, repository: Repository) -> str:
    """The header of a secret of the build, where it is meant for the host of a repository. What a
    Dockerfile adds from another host does not get what is for that of the context.
    """
    if not repository.url.startswith(("http://", "https://")):
        return ""
    from . import running

    known = {secret.id: secret for secret in request.secrets}
    for name, own in _logins(request, repository):
        secret = known.get(own)
        if secret is None:
            continue
        value = secret.value if secret.value is not None else running.read_secret(secret.path)
        text = value.decode("utf-8", "replace").strip()
        if not text.isprintable():
            raise Error(f"the secret {name} is not a line of text")
        if name == TOKEN:
            text = "basic " + base64.b64encode(f"x-access-token:{text}".encode()).decode()
        header = _quoted(f"Authorization: {text}")
        # Who is sent elsewhere does not take it along.
        return f"[http]\n\textraHeader = {header}\n\tfollowRedirects = false\n"
    return ""


def _logins(request: Request, repository: Repository) -> Iterator[tuple[str, str]]:
    """HEADER or TOKEN, with the name of a secret that may be one of them for a repository."""
    place = _host_of(repository)
    own = git_url.is_repository(request.context) and place == _host_of(
        git_url.repository(request.context)
    )
    for name in (HEADER, TOKEN):
        for host in dict.fromkeys((place, urlsplit(repository.url).hostname)):
            yield name, f"{name}.{host}"
    if own:
        yield from ((name, name) for name in (HEADER, TOKEN))


def _host_of(repository: Repository) -> str:
    """The host, with its port if one is given."""
    return urlsplit(repository.url).netloc.rpartition("@")[2].lower()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
