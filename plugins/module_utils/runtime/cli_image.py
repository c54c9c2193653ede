# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for images and registries, with Docker's options and output.

The command line of a container never gets here, so it need not be as lean; what asks a registry is
imported by the verbs that do.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any, Callable

from .errors import Error, NotFound
from .plan import Host
from .terminal import ask, complain, say

if TYPE_CHECKING:
    from .image.store import Image

_Verb = Callable[[Host, argparse.Namespace], int]


def add(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Put the verbs into the program's command line, as themselves and below ``image`` as Docker
    has them. Returns the place of the latter.
    """
    image = verbs.add_parser("image", help="Manage images", description="Manage images")
    inner = image.add_subparsers(metavar="COMMAND", required=True)
    for place, of_image in ((verbs, False), (inner, True)):
        made = _verb(place, "ls" if of_image else "images", _images, "List images")
        made.add_argument("repository", metavar="REPOSITORY[:TAG]", nargs="?")
        made.add_argument("-a", "--all", action="store_true", help="also intermediate ones")
        made.add_argument("--digests", action="store_true", help="with their digests")
        made.add_argument("-f", "--filter", action="append", default=[], metavar="NAME=VALUE")
        _shown(made)
        made = _verb(place, "pull", _pull, "Bring an image from a registry")
        made.add_argument("name", metavar="NAME[:TAG|@DIGEST]")
        made.add_argument("-a", "--all-tags", action="store_true", help="all of the repository")
        made.add_argument("-q", "--quiet", action="store_true", help="only the image's name")
        made.add_argument("--platform", metavar="OS/ARCHITECTURE")
        made = _verb(place, "push", _push, "Bring an image to a registry")
        made.add_argument("name", metavar="NAME[:TAG]")
        made.add_argument("-a", "--all-tags", action="store_true", help="all of the repository")
        made.add_argument("-q", "--quiet", action="store_true", help="only the image's name")
        made = _verb(place, "tag", _tag, "Give an image another name")
        made.add_argument("source", metavar="IMAGE")
        made.add_argument("target", metavar="NAME[:TAG]")
        made = _verb(place, "rm" if of_image else "rmi", _rmi, "Remove images")
        made.add_argument("image", metavar="IMAGE", nargs="+")
        made.add_argument("-f", "--force", action="store_true", help="those in use too")
        made.add_argument("--no-prune", action="store_true", help="keep untagged parents")
        made = _verb(place, "history", _history, "Show how an image was made")
        made.add_argument("image", metavar="IMAGE")
        made.add_argument("-H", "--human", default="true", choices=("true", "false"))
        _shown(made)
    made = _verb(inner, "inspect", _inspect, "Show all that is known of images")
    made.add_argument("image", metavar="IMAGE", nargs="+")
    made.add_argument("-f", "--format", default="", help="such as '{{.Os}}' or '{{json .Config}}'")
    made = _verb(inner, "prune", _prune, "Remove unused images")
    made.add_argument("-a", "--all", action="store_true", help="not only those without a name")
    made.add_argument("-f", "--force", action="store_true", help="do not ask")
    made.add_argument("--filter", action="append", default=[], metavar="NAME=VALUE")
    made = _verb(inner, "verify", _verify, "Hash images again, and repair their layers")
    made.add_argument("image", metavar="IMAGE", nargs="*")
    _registries(verbs)
    return inner


def _registries(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    made = _verb(verbs, "search", _search, "Search a registry for images")
    made.add_argument("term", metavar="TERM")
    made.add_argument("--limit", type=int, default=25, metavar="N")
    made.add_argument("-f", "--filter", action="append", default=[], metavar="NAME=VALUE")
    made.add_argument("--no-trunc", action="store_true", help="do not shorten what is shown")
    made.add_argument("--format", default="")
    made = _verb(verbs, "login", _login, "Log in to a registry")
    made.add_argument("server", metavar="SERVER", nargs="?", default="docker.io")
    made.add_argument("-u", "--username")
    made.add_argument("-p", "--password", help="better: --password-stdin")
    made.add_argument("--password-stdin", action="store_true")
    made = _verb(verbs, "logout", _logout, "Log out of a registry")
    made.add_argument("server", metavar="SERVER", nargs="?", default="docker.io")


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: _Verb, text: str
) -> argparse.ArgumentParser:
    made = verbs.add_parser(name, help=text, description=text)
    made.set_defaults(verb=run)
    return made


def _shown(made: argparse.ArgumentParser) -> None:
    made.add_argument("-q", "--quiet", action="store_true", help="only ids")
    made.add_argument("--no-trunc", action="store_true", help="do not shorten what is shown")
    made.add_argument("--format", default="", help="'json', 'table ...', or a line with {{.ID}}")


def find(host: Host, text: str) -> Image:
    """The image a command line means. Raises NotFound."""
    from .image import store

    found = store.find(host.layout, text)
    if found is None:
        raise NotFound(f"there is no image {text[:200]!a}")
    return found


# --- looking ---------------------------------------------------------------------------------


def _images(host: Host, arguments: argparse.Namespace) -> int:
    from . import filters
    from .image import lineage, listing, store
    from .table import listing as lines

    found = store.all_images(host.layout)
    kept = found
    given = _given(arguments.filter)
    wanted = filters.parse(given, time.time(), ("dangling", "reference"))
    for image in found:
        labels = (image.config.get("config") or {}).get("Labels") or {}
        created = filters.seconds(str(image.config.get("created") or ""))
        dangling = not image.names and not lineage.has_child(found, image)
        asked = [str(value).lower() == "true" for value in given.get("dangling", [])]
        if not wanted.match(created, labels) or any(one != dangling for one in asked):
            kept = tuple(one for one in kept if one is not image)
    rows = list(listing.images(kept, time.time(), arguments.no_trunc, arguments.all))
    patterns = [*given.get("reference", []), *filter(None, [arguments.repository])]
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


def _given(texts: list[str]) -> dict[str, Any]:
    """Filters of a command line as an option would give them."""
    from .image.listing import chosen

    found: dict[str, Any] = {}
    for name, value in map(chosen, texts):
        if name == "until":
            found[name] = value
        else:
            found.setdefault(name, []).append(value)
    return found


def _history(host: Host, arguments: argparse.Namespace) -> int:
    from .image import listing
    from .table import listing as lines

    image = find(host, arguments.image)
    human = arguments.human == "true"
    rows = listing.history(host.layout, image, time.time(), arguments.no_trunc, human)
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


def _inspect(host: Host, arguments: argparse.Namespace) -> int:
    return inspect(arguments.image, lambda name: document(host, name), arguments.format)


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


def _tag(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .image import tagging

    params = {"name": arguments.source, "repository": [arguments.target]}
    converge(host, tagging.RESOURCE, tagging.declare(params))
    return 0


def _rmi(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .image import removing

    failed = False
    for text in arguments.image:
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


def _prune(host: Host, arguments: argparse.Namespace) -> int:
    from . import prune
    from .converge import converge
    from .table import size

    if not arguments.force:
        which = "that no container uses" if arguments.all else "without a name"
        if ask(f"This removes all images {which}. Go on? [y/N] ").lower() not in ("y", "yes"):
            return 1
    wanted = {"dangling": not arguments.all, **_given(arguments.filter)}
    declared = prune.declare({"images": True, "images_filters": wanted})
    plan, dummy = converge(host, prune.RESOURCE, declared)
    told = prune.report(host, plan)
    if told["images"]:
        say("Deleted Images:")
        for one in told["images"]:
            for what, name in one.items():
                say(f"{what.lower()}: {name}")
        say("")
    say(f"Total reclaimed space: {size(told['images_space_reclaimed'])}")
    return 0


def _verify(host: Host, arguments: argparse.Namespace) -> int:
    from . import files
    from .container import liveness, record
    from .image import verifying

    files.prepare(host.layout)
    running = {
        chain_id
        for found in record.records(host.layout)
        if liveness.truth(host.layout, found).phase in liveness.LIVE
        for chain_id in found.layers
    }
    wanted = None
    if arguments.image:
        wanted = [digest for text in arguments.image for digest in _manifests(host, text)]
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


def _pull(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .image import pulling_all
    from .image.state import State

    params = {
        "name": arguments.name,
        "all_tags": arguments.all_tags,
        "platform": arguments.platform,
    }
    declared = pulling_all.declare(params)
    each = declared.each if isinstance(declared, pulling_all.Repository) else declared
    reference = each.reference
    if not arguments.quiet:
        if not arguments.all_tags and reference.tag and not arguments.name.endswith(reference.tag):
            say(f"Using default tag: {reference.tag}")
        what = "all tags" if arguments.all_tags else reference.wanted
        say(f"{what}: Pulling from {reference.path}")
        sys.stdout.flush()
    plan, found = converge(host, pulling_all.RESOURCE, declared)
    before = {one.name: one for one in _states(plan.have)}
    for one in _states(found):
        if arguments.quiet:
            say(one.name)
            continue
        state = before.get(one.name)
        newest = (state.newest if isinstance(state, State) else "") or reference.digest
        if newest:
            say(f"Digest: {newest}")
        fresh = any(action.endswith(f" {one.name}") for action in plan.actions)
        say(
            f"Status: {'Downloaded newer image' if fresh else 'Image is up to date'} for {one.name}"
        )
    return 0


def _states(found: Any) -> tuple[Any, ...]:
    from .image.state import State

    return (found,) if isinstance(found, State) else found.images


def _push(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .image import pushing, store
    from .reference import parse_normalized

    reference = parse_normalized(arguments.name)
    names = [reference.canonical]
    if arguments.all_tags:
        if arguments.name.rpartition("/")[2].count(":"):
            raise Error(f"{arguments.name[:200]!a} names one image, and --all-tags asks for all")
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


def _search(host: Host, arguments: argparse.Namespace) -> int:
    from .image import searching
    from .image.transfer import Access
    from .table import listing, plain, shortened

    given = _given(arguments.filter)
    for name in given:
        if name not in ("stars", "is-official"):
            raise Error(f"there is no filter {name[:100]!a}", hint="there are stars, is-official")
    try:
        stars = max(int(text) for text in given.get("stars", ["0"]))
    except ValueError as exc:
        raise Error("the filter stars has to be a number") from exc
    official = "true" in given.get("is-official", [])
    params = {"term": arguments.term, "limit": arguments.limit}
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


def _login(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .registry import resource
    from .registry.credentials import Credentials, registry_domain

    domain = registry_domain(arguments.server)
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
        registry_url=arguments.server,
        path=host.layout.auth_file,
        credentials=Credentials(username, password),
        reauthorize=True,
    )
    converge(host, resource.RESOURCE, declared)
    say("Login Succeeded")
    return 0


def _logout(host: Host, arguments: argparse.Namespace) -> int:
    from .converge import converge
    from .registry import resource
    from .registry.credentials import registry_domain

    domain = registry_domain(arguments.server)
    declared = resource.Declared(domain, arguments.server, host.layout.auth_file)
    plan, dummy = converge(host, resource.RESOURCE, declared)
    if plan.changed:
        say(f"Removing login credentials for {domain}")
    else:
        say(f"Not logged in to {domain}")
    return 0
