# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs that talk to registries, with Docker's options and output.

What talks to them is imported by the verbs when they do.
"""

from __future__ import annotations

import sys
from typing import Any, Callable

from ....base.errors import Error, NotFound
from ....plan.plan import Host
from ...line.verbs import INT, STRING, SWITCH, Arguments, Flag, Verb, as_option, listed
from ...terminal.output import ask, complain, say


def _pull(host: Host, arguments: Arguments) -> int:
    [name] = arguments.operands
    pull(host, name, arguments.platform, arguments.all_tags, arguments.quiet)
    return 0


def pull(
    host: Host,
    name: str,
    platform: str = "",
    all_tags: bool = False,
    quiet: bool = False,
    tell: Callable[[str], object] = say,
) -> None:
    """Download an image and report on it as docker pull does; ``quiet`` prints only the
    name.
    """
    from ....plan.converge import converge
    from ....resource.image.names.named_image import State
    from ....resource.image.remote import image_pull
    from ....spec.reference import parse_normalized
    from ...terminal.progress import shown

    params = {"name": name, "all_tags": all_tags, "platform": platform or None}
    declared = image_pull.declare(params)
    each = declared.each if isinstance(declared, image_pull.Repository) else declared
    reference = each.reference
    if not quiet:
        if not all_tags and reference.tag and not name.endswith(reference.tag):
            tell(f"Using default tag: {reference.tag}")
        what = "all tags" if all_tags else reference.wanted
        tell(f"{what}: Pulling from {reference.path}")
        sys.stdout.flush()
    with shown(host, quiet, tell):
        plan, found = converge(host, image_pull.RESOURCE, declared)
    before = {one.name: one for one in _states(plan.have)}
    for one in _states(found):
        if quiet:
            tell(one.name)
            continue
        state = before.get(one.name)
        newest = (state.newest if isinstance(state, State) else "") or reference.digest
        if newest:
            tell(f"Digest: {newest}")
        # Actions have the name as people write it: without docker.io/library.
        familiar = parse_normalized(one.name).familiar
        fresh = any(action.endswith(f" {familiar}") for action in plan.actions)
        outcome = "Downloaded newer image" if fresh else "Image is up to date"
        tell(f"Status: {outcome} for {one.name}")


def _states(found: Any) -> tuple[Any, ...]:
    from ....resource.image.names.named_image import State

    return (found,) if isinstance(found, State) else found.images


def _push(host: Host, arguments: Arguments) -> int:
    from ....image.store import store
    from ....plan.converge import converge
    from ....resource.image.remote import image_push
    from ....spec.reference import parse_normalized
    from ...terminal.progress import shown

    [asked] = arguments.operands
    reference = parse_normalized(asked)
    names = [reference.canonical]
    if arguments.all_tags:
        if asked.rpartition("/")[2].count(":"):
            raise Error(
                f"{asked[:200]!a} names a tag or digest, which cannot be combined with --all-tags"
            )
        everything = (name for image in store.all_images(host.layout) for name in image.names)
        names = sorted(name for name in everything if name.startswith(f"{reference.repository}:"))
        if not names:
            raise NotFound(f"No such image: {reference.repository}")
    if not arguments.quiet:
        say(f"The push refers to repository [{reference.repository}]")
        sys.stdout.flush()
    for name in names:
        with shown(host, arguments.quiet, say):
            plan, found = converge(host, image_push.RESOURCE, image_push.declare({"name": name}))
        if arguments.quiet:
            say(name)
            continue
        told = image_push.result(host, found)
        if not plan.changed and found.local is not None and found.local.image is not None:
            layers = [layer.digest[7:19] for layer in reversed(found.local.image.layers)]
            for outcome in ("Preparing", "Layer already exists"):
                for layer in layers:
                    say(f"{layer}: {outcome}")
        say(f"{parse_normalized(name).tag}: digest: {told['digest']} size: {told['size']}")
    return 0


def _search(host: Host, arguments: Arguments) -> int:
    from ....image.access import Access
    from ....resource.image.remote import image_search_info
    from ....text.table import listing, plain, shortened

    given = as_option(arguments.filter)
    for name in given:
        if name not in ("stars", "is-official"):
            raise Error(f"unknown filter {name[:100]!a}", hint="known filters: is-official, stars")
    try:
        stars = max(int(text) for text in given.get("stars", ["0"]))
    except ValueError as exc:
        raise Error("filter stars: expected a number") from exc
    official = "true" in given.get("is-official", [])
    params = {"term": arguments.operands[0], "limit": arguments.limit}
    kept = {"filters": {"stars": stars, "is_official": official}}
    sought = image_search_info.wanted({**params, **kept})
    prefix = "" if sought.domain == "docker.io" else f"{sought.domain}/"
    rows = []
    for one in image_search_info.search(host, sought, Access()):
        text = plain(one.description)
        rows.append(
            {
                "Name": f"{prefix}{one.name}",
                "Description": text if arguments.no_trunc else shortened(text, 45),
                "StarCount": str(one.stars),
                "IsOfficial": "[OK]" if one.official else "",
            }
        )
    headings = {
        "Name": "NAME",
        "Description": "DESCRIPTION",
        "StarCount": "STARS",
        "IsOfficial": "OFFICIAL",
    }
    for line in listing(rows, headings, tuple(headings), arguments.format):
        say(line)
    return 0


def _login(host: Host, arguments: Arguments) -> int:
    from ....plan.converge import converge
    from ....registry.credentials import Credentials, registry_domain
    from ....resource import registry_login

    server = _server(arguments)
    domain = registry_domain(server)
    if arguments.password and arguments.password_stdin:
        raise Error("--password and --password-stdin are mutually exclusive")
    if arguments.password_stdin and not arguments.username:
        raise Error("must provide --username with --password-stdin")
    username = arguments.username or ask("Username: ")
    password = arguments.password
    if password:
        complain("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    elif arguments.password_stdin:
        password = sys.stdin.read().rstrip("\r\n")
    elif sys.stdin.isatty():
        import getpass

        password = getpass.getpass("Password: ")
    if not username or not password:
        raise Error("a username and a password are required", hint="use -u and --password-stdin")
    declared = registry_login.Declared(
        domain=domain,
        registry_url=server,
        path=host.layout.auth_file,
        credentials=Credentials(username, password),
        reauthorize=True,
    )
    converge(host, registry_login.RESOURCE, declared)
    say("Login Succeeded")
    return 0


def _server(arguments: Arguments) -> str:
    return str(next(iter(arguments.operands), "docker.io"))


def _logout(host: Host, arguments: Arguments) -> int:
    from ....plan.converge import converge
    from ....registry.credentials import registry_domain
    from ....resource import registry_login

    server = _server(arguments)
    domain = registry_domain(server)
    declared = registry_login.Declared(domain, server, host.layout.auth_file)
    plan, dummy = converge(host, registry_login.RESOURCE, declared)
    if plan.changed:
        say(f"Removing login credentials for {domain}")
    else:
        say(f"Not logged in to {domain}")
    return 0


_QUIET = Flag("quiet", "q", SWITCH, "Suppress verbose output")
_ALL_TAGS = Flag("all-tags", "a", SWITCH, "Use all tagged images of the repository")
_PLATFORM = Flag("platform", "", STRING, "Set platform if server is multi-platform capable")
#: Docker's signatures of old, which nobody checks any more: accepted, as scripts name it.
_TRUST = Flag("disable-content-trust", "", SWITCH, "Skip image verification", True, hidden=True)

VERBS = {
    "pull": Verb(
        _pull,
        "Download an image from a registry",
        "NAME[:TAG|@DIGEST]",
        (_ALL_TAGS, _QUIET, _PLATFORM, _TRUST),
    ),
    "push": Verb(_push, "Upload an image to a registry", "NAME[:TAG]", (_ALL_TAGS, _QUIET, _TRUST)),
    "search": Verb(
        _search,
        "Search a registry for images",
        "TERM",
        (
            *(flag for flag in listed() if flag.name != "quiet"),
            Flag("limit", "", INT, "Max number of search results", default=25),
        ),
    ),
    "login": Verb(
        _login,
        "Authenticate to a registry",
        "[SERVER]",
        (
            Flag("username", "u", STRING, "Username"),
            Flag("password", "p", STRING, "Password or Personal Access Token (PAT)"),
            Flag(
                "password-stdin",
                "",
                SWITCH,
                "Take the Password or Personal Access Token (PAT) from stdin",
            ),
        ),
    ),
    "logout": Verb(_logout, "Log out from a registry", "[SERVER]"),
}
