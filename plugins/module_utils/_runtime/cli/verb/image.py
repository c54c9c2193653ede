# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for images and registries, with Docker's options and output.

The command line of a container never gets here, so it need not be as lean; what asks a registry is
imported by the verbs that do.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Callable

from .errors import Error, NotFound
from .plan import Host
from .terminal import ask, complain, say
from .verbs import FILTER, INT, STRING, SWITCH, Arguments, Flag, Verb, as_option, listed

if TYPE_CHECKING:
    from .image.store import Image


def find(host: Host, text: str) -> Image:
    """The image a command line means. Raises NotFound."""
    from .image import store

    found = store.find(host.layout, text)
    if found is None:
        raise NotFound(f"there is no image {text[:200]!a}")
    return found


# --- looking ---------------------------------------------------------------------------------


def _images(host: Host, arguments: Arguments) -> int:
    from . import filters
    from .image import lineage, listing, store
    from .table import listing as lines

    found = store.all_images(host.layout)
    kept = found
    given = as_option(arguments.filter)
    wanted = filters.parse(given, time.time(), ("dangling", "reference"))
    for image in found:
        labels = (image.config.get("config") or {}).get("Labels") or {}
        created = filters.seconds(str(image.config.get("created") or ""))
        dangling = not image.names and not lineage.has_child(found, image)
        asked = [str(value).lower() == "true" for value in given.get("dangling", [])]
        if not wanted.match(created, labels) or any(one != dangling for one in asked):
            kept = tuple(one for one in kept if one is not image)
    rows = list(listing.images(kept, time.time(), arguments.no_trunc, arguments.all))
    patterns = [*given.get("reference", []), *arguments.operands]
    rows = [row for row in rows if all(listing.is_meant(row, one) for one in patterns)]
    if arguments.quiet:
        for row in rows:
            say(row["ID"])
        return 0
    columns = ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"]
    if not arguments.digests:
        columns.remove("Digest")
    for line in lines(rows, listing.HEADINGS, columns, arguments.format):
        say(line)
    return 0


def _history(host: Host, arguments: Arguments) -> int:
    from .image import listing
    from .table import listing as lines

    image = find(host, arguments.operands[0])
    rows = listing.history(host.layout, image, time.time(), arguments.no_trunc, arguments.human)
    if arguments.quiet:
        for row in rows:
            say(row["ID"])
        return 0
    columns = ("ID", "CreatedSince", "CreatedBy", "Size", "Comment")
    for line in lines(rows, listing.HISTORY, columns, arguments.format):
        say(line)
    return 0


def document(host: Host, name: str) -> dict[str, Any]:
    """What is known of an image, in the shape of docker image inspect. Raises NotFound."""
    from .image import documents

    return documents.inspect(host.layout, find(host, name))


def _inspect(host: Host, arguments: Arguments) -> int:
    return inspect(arguments.operands, lambda name: document(host, name), arguments.format)


def inspect(names: list[str], read: Callable[[str], dict[str, Any]], form: str) -> int:
    """Show documents, as one JSON list or each as ``form`` says."""
    import json

    from . import template

    found, failed = [], False
    for name in names:
        try:
            value = read(name)
            found.append(template.render(form, value) if form else value)
        except Error as exc:
            complain(exc)
            failed = True
    if form:
        for text in found:
            say(text)
    else:
        say(json.dumps(found, indent=4, ensure_ascii=False))
    return int(failed)


# --- names -----------------------------------------------------------------------------------


def _tag(host: Host, arguments: Arguments) -> int:
    from .converge import converge
    from .image import tagging

    source, target = arguments.operands
    params = {"name": source, "repository": [target]}
    converge(host, tagging.RESOURCE, tagging.declare(params))
    return 0


def _rmi(host: Host, arguments: Arguments) -> int:
    from .converge import converge
    from .image import removing

    failed = False
    for text in arguments.operands:
        try:
            params = {"name": _whole_id(host, text), "force": arguments.force}
            declared = removing.declare({**params, "prune": not arguments.no_prune})
            plan, dummy = converge(host, removing.RESOURCE, declared)
            if not plan.changed:
                raise NotFound(f"there is no image {text[:200]!a}")
            told = removing.report(host, plan)
        except Error as exc:
            complain(exc)
            failed = True
            continue
        for name in told["untagged"]:
            say(f"Untagged: {name}")
        for digest in told["deleted"]:
            say(f"Deleted: {digest}")
    return int(failed)


def _whole_id(host: Host, text: str) -> str:
    """The id that a person began, unless it is a name as well; anything else as it is."""
    from .image import store
    from .reference import is_id, parse_normalized

    if not is_id(text) or text.startswith("sha256:") or len(text) == 64:
        return text
    if store.find_reference(host.layout, parse_normalized(text)) is not None:
        return text
    found = store.find(host.layout, text)
    return found.id if found is not None else text


def _prune(host: Host, arguments: Arguments) -> int:
    from .cli_prune import pruned

    which = "that no container uses" if arguments.all else "without a name"
    filters = {"dangling": not arguments.all, **as_option(arguments.filter)}
    return pruned(host, arguments, "images", f"all images {which}", filters)


def _verify(host: Host, arguments: Arguments) -> int:
    from . import files
    from .container import liveness, record
    from .image import verifying

    files.prepare(host.layout)
    running = {
        chain_id
        for found in record.records(host.layout)
        if liveness.truth(host.layout, found).phase in liveness.LIVE
        for chain_id in record.pinned(found)
    }
    wanted = None
    if arguments.operands:
        wanted = [digest for text in arguments.operands for digest in _manifests(host, text)]
    verified = verifying.verify(host.layout, wanted, running)
    for finding in verified.findings:
        say(f"{finding.image}: {finding.what}")
    left = sum(not finding.repaired for finding in verified.findings)
    repaired = len(verified.findings) - left
    outcome = "nothing is wrong"
    if verified.findings:
        outcome = f"{repaired} repaired, {left} still damaged"
    say(f"{verified.blobs} blobs and {verified.layers} layers verified: {outcome}")
    return int(bool(left))


def _manifests(host: Host, text: str) -> list[str]:
    """The manifests of an image that is named, also where its documents are damaged."""
    from .image import index, store
    from .image.blobs import Damaged
    from .reference import parse_normalized

    try:
        image = find(host, text)
        return [manifest.digest for manifest in store.manifests_of(host.layout, image)]
    except Damaged:
        name = index.name_of(parse_normalized(text))
        return [e.manifest.digest for e in index.entries(host.layout) if e.name == name != ""]


# --- registries ------------------------------------------------------------------------------


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
    """Bring an image from a registry, and tell of it as docker pull does; ``quiet`` tells only the
    name.
    """
    from .converge import converge
    from .image import pulling_all
    from .image.state import State

    params = {"name": name, "all_tags": all_tags, "platform": platform or None}
    declared = pulling_all.declare(params)
    each = declared.each if isinstance(declared, pulling_all.Repository) else declared
    reference = each.reference
    if not quiet:
        if not all_tags and reference.tag and not name.endswith(reference.tag):
            tell(f"Using default tag: {reference.tag}")
        what = "all tags" if all_tags else reference.wanted
        tell(f"{what}: Pulling from {reference.path}")
        sys.stdout.flush()
    plan, found = converge(host, pulling_all.RESOURCE, declared)
    before = {one.name: one for one in _states(plan.have)}
    for one in _states(found):
        if quiet:
            tell(one.name)
            continue
        state = before.get(one.name)
        newest = (state.newest if isinstance(state, State) else "") or reference.digest
        if newest:
            tell(f"Digest: {newest}")
        fresh = any(action.endswith(f" {one.name}") for action in plan.actions)
        outcome = "Downloaded newer image" if fresh else "Image is up to date"
        tell(f"Status: {outcome} for {one.name}")


def _states(found: Any) -> tuple[Any, ...]:
    from .image.state import State

    return (found,) if isinstance(found, State) else found.images


def _push(host: Host, arguments: Arguments) -> int:
    from .converge import converge
    from .image import pushing, store
    from .reference import parse_normalized

    [asked] = arguments.operands
    reference = parse_normalized(asked)
    names = [reference.canonical]
    if arguments.all_tags:
        if asked.rpartition("/")[2].count(":"):
            raise Error(f"{asked[:200]!a} names one image, and --all-tags asks for all")
        everything = (name for image in store.all_images(host.layout) for name in image.names)
        names = sorted(name for name in everything if name.startswith(f"{reference.repository}:"))
        if not names:
            raise NotFound(f"there is no image of {reference.repository} on this host")
    if not arguments.quiet:
        say(f"The push refers to repository [{reference.repository}]")
        host.progress = say
    for name in names:
        plan, found = converge(host, pushing.RESOURCE, pushing.declare({"name": name}))
        if arguments.quiet:
            say(name)
            continue
        told = pushing.result(host, found)
        if not plan.changed and found.local is not None and found.local.image is not None:
            for layer in reversed(found.local.image.layers):
                say(f"{layer.digest[7:19]}: Layer already exists")
        say(f"{parse_normalized(name).tag}: digest: {told['digest']} size: {told['size']}")
    return 0


def _search(host: Host, arguments: Arguments) -> int:
    from .image import searching
    from .image.transfer import Access
    from .table import listing, plain, shortened

    given = as_option(arguments.filter)
    for name in given:
        if name not in ("stars", "is-official"):
            raise Error(f"there is no filter {name[:100]!a}", hint="there are stars, is-official")
    try:
        stars = max(int(text) for text in given.get("stars", ["0"]))
    except ValueError as exc:
        raise Error("the filter stars has to be a number") from exc
    official = "true" in given.get("is-official", [])
    params = {"term": arguments.operands[0], "limit": arguments.limit}
    kept = {"filters": {"stars": stars, "is_official": official}}
    sought = searching.wanted({**params, **kept})
    prefix = "" if sought.domain == "docker.io" else f"{sought.domain}/"
    rows = []
    for one in searching.search(host, sought, Access()):
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
    from .converge import converge
    from .registry import resource
    from .registry.credentials import Credentials, registry_domain

    server = _server(arguments)
    domain = registry_domain(server)
    if arguments.password and arguments.password_stdin:
        raise Error("--password and --password-stdin exclude each other")
    if arguments.password_stdin and not arguments.username:
        raise Error("--password-stdin needs --username")
    username = arguments.username or ask("Username: ")
    password = arguments.password
    if password:
        complain("warning: a password on the command line is seen by all users of this host")
    elif arguments.password_stdin:
        password = sys.stdin.read().rstrip("\r\n")
    elif sys.stdin.isatty():
        import getpass

        password = getpass.getpass("Password: ")
    if not username or not password:
        raise Error("username and password are needed", hint="give -u and --password-stdin")
    declared = resource.Declared(
        domain=domain,
        registry_url=server,
        path=host.layout.auth_file,
        credentials=Credentials(username, password),
        reauthorize=True,
    )
    converge(host, resource.RESOURCE, declared)
    say("Login Succeeded")
    return 0


def _server(arguments: Arguments) -> str:
    return str(next(iter(arguments.operands), "docker.io"))


def _logout(host: Host, arguments: Arguments) -> int:
    from .converge import converge
    from .registry import resource
    from .registry.credentials import registry_domain

    server = _server(arguments)
    domain = registry_domain(server)
    declared = resource.Declared(domain, server, host.layout.auth_file)
    plan, dummy = converge(host, resource.RESOURCE, declared)
    if plan.changed:
        say(f"Removing login credentials for {domain}")
    else:
        say(f"Not logged in to {domain}")
    return 0


_QUIET = Flag("quiet", "q", SWITCH, "Only the image's name")
_ALL_TAGS = Flag("all-tags", "a", SWITCH, "All of the repository")
_PLATFORM = Flag("platform", "", STRING, "Which image of one for several: OS/ARCHITECTURE")
#: Docker's signatures of old, which nobody checks any more: accepted, as scripts name it.
_TRUST = Flag("disable-content-trust", "", SWITCH, "Skip image verification", True, hidden=True)
_FORMAT = Flag("format", "f", STRING, "Such as '{{.Os}}' or '{{json .Config}}'")
_FILTER = Flag("filter", "", FILTER, "Only what the conditions are true of, such as until=24h")
_LIST = Verb(
    _images,
    "List images",
    "[REPOSITORY[:TAG]]",
    (
        *listed(),
        Flag("all", "a", SWITCH, "Show intermediate ones too"),
        Flag("digests", "", SWITCH, "Show digests"),
    ),
)
_REMOVE = Verb(
    _rmi,
    "Remove images",
    "IMAGE [IMAGE...]",
    (
        Flag("force", "f", SWITCH, "Remove those in use too"),
        Flag("no-prune", "", SWITCH, "Keep untagged parents"),
    ),
)

VERBS = {
    "images": _LIST,
    "image ls": _LIST,
    "pull": Verb(
        _pull,
        "Bring an image from a registry",
        "NAME[:TAG|@DIGEST]",
        (_ALL_TAGS, _QUIET, _PLATFORM, _TRUST),
    ),
    "push": Verb(_push, "Bring an image to a registry", "NAME[:TAG]", (_ALL_TAGS, _QUIET, _TRUST)),
    "tag": Verb(_tag, "Give an image another name", "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]"),
    "rmi": _REMOVE,
    "image rm": _REMOVE,
    "history": Verb(
        _history,
        "Show how an image was made",
        "IMAGE",
        (
            *(flag for flag in listed() if flag.name != "filter"),
            Flag("human", "H", SWITCH, "Show sizes and dates for people", default=True),
        ),
    ),
    "image inspect": Verb(
        _inspect, "Show all that is known of images", "IMAGE [IMAGE...]", (_FORMAT,)
    ),
    "image prune": Verb(
        _prune,
        "Remove unused images",
        flags=(
            Flag("all", "a", SWITCH, "Remove all unused, not only those without a name"),
            Flag("force", "f", SWITCH, "Do not ask"),
            _FILTER,
        ),
    ),
    "image verify": Verb(_verify, "Hash images again, and repair their layers", "[IMAGE...]"),
    "search": Verb(
        _search,
        "Search a registry for images",
        "TERM",
        (
            *(flag for flag in listed() if flag.name != "quiet"),
            Flag("limit", "", INT, "How many to show at most", default=25),
        ),
    ),
    "login": Verb(
        _login,
        "Log in to a registry",
        "[SERVER]",
        (
            Flag("username", "u", STRING, "Username"),
            Flag("password", "p", STRING, "Password; better with --password-stdin"),
            Flag("password-stdin", "", SWITCH, "Take the password from standard input"),
        ),
    ),
    "logout": Verb(_logout, "Log out of a registry", "[SERVER]"),
}
