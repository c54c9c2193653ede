# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for images on the host, with Docker's options and output."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from ....base.errors import Error, NotFound
from ....plan.plan import Host
from ...line.verbs import FILTER, STRING, SWITCH, Arguments, Flag, Verb, as_option, listed
from ...terminal.output import complain, say

if TYPE_CHECKING:
    from ....image.store.store import Image


def find(host: Host, text: str) -> Image:
    """The image a command line means. Raises NotFound."""
    from ....image.store import store

    found = store.find(host.layout, text)
    if found is None:
        raise NotFound(f"No such image: {text[:200]}")
    return found


# --- looking ---------------------------------------------------------------------------------


def _images(host: Host, arguments: Arguments) -> int:
    from ....base import clock
    from ....image.show import rows as listing
    from ....image.store import lineage, store
    from ....text import filters
    from ....text.table import listing as lines

    found = store.all_images(host.layout)
    kept = found
    given = as_option(arguments.filter)
    wanted = filters.parse(given, time.time(), ("dangling", "reference"))
    for image in found:
        labels = (image.config.get("config") or {}).get("Labels") or {}
        created = clock.seconds(str(image.config.get("created") or ""))
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
    from ....image.show import rows as listing
    from ....text.table import listing as lines

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
    from ....image.show import documents

    return documents.inspect(host.layout, find(host, name))


def _inspect(host: Host, arguments: Arguments) -> int:
    return inspect(arguments.operands, lambda name: document(host, name), arguments.format)


def inspect(names: list[str], read: Callable[[str], dict[str, Any]], form: str) -> int:
    """Show documents, as one JSON list or each as ``form`` says."""
    import json

    from ....text import template

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
    from ....plan.converge import converge
    from ....resource.image.names import image_tag

    source, target = arguments.operands
    params = {"name": source, "repository": [target]}
    converge(host, image_tag.RESOURCE, image_tag.declare(params))
    return 0


def _rmi(host: Host, arguments: Arguments) -> int:
    from ....plan.converge import converge
    from ....resource.image.names import image_remove

    failed = False
    for text in arguments.operands:
        try:
            params = {"name": _whole_id(host, text), "force": arguments.force}
            declared = image_remove.declare({**params, "prune": not arguments.no_prune})
            plan, dummy = converge(host, image_remove.RESOURCE, declared)
            if not plan.changed:
                raise NotFound(f"No such image: {text[:200]}")
            told = image_remove.report(host, plan)
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
    from ....image.store import store
    from ....spec.reference import is_id, parse_normalized

    if not is_id(text) or text.startswith("sha256:") or len(text) == 64:
        return text
    if store.find_reference(host.layout, parse_normalized(text)) is not None:
        return text
    found = store.find(host.layout, text)
    return found.id if found is not None else text


def _prune(host: Host, arguments: Arguments) -> int:
    from ...terminal.pruning import pruned

    which = "unused" if arguments.all else "dangling"
    filters = {"dangling": not arguments.all, **as_option(arguments.filter)}
    return pruned(host, arguments, "images", f"all {which} images", filters)


def _verify(host: Host, arguments: Arguments) -> int:
    from ....base import files
    from ....container.status import liveness
    from ....image import verify
    from ....records import container_record

    files.prepare(host.layout)
    running = {
        chain_id
        for found in container_record.records(host.layout)
        if liveness.truth(host.layout, found).phase in container_record.LIVE
        for chain_id in container_record.pinned(found)
    }
    wanted = None
    if arguments.operands:
        wanted = [digest for text in arguments.operands for digest in _manifests(host, text)]
    verified = verify.verify(host.layout, wanted, running)
    for finding in verified.findings:
        say(f"{finding.image}: {finding.what}")
    left = sum(not finding.repaired for finding in verified.findings)
    repaired = len(verified.findings) - left
    outcome = "no damage found"
    if verified.findings:
        outcome = f"{repaired} repaired, {left} still damaged"
    say(f"{verified.blobs} blobs and {verified.layers} layers verified: {outcome}")
    return int(bool(left))


def _manifests(host: Host, text: str) -> list[str]:
    """The manifests of an image that is named, also where its documents are damaged."""
    from ....image.store import index, store
    from ....image.store.blobs import Damaged
    from ....spec.reference import parse_normalized

    try:
        image = find(host, text)
        return [manifest.digest for manifest in store.manifests_of(host.layout, image)]
    except Damaged:
        name = index.name_of(parse_normalized(text))
        return [e.manifest.digest for e in index.entries(host.layout) if e.name == name != ""]


_FORMAT = Flag(
    "format",
    "f",
    STRING,
    "Format output using a custom template, such as '{{.Os}}' or '{{json .Config}}'",
)
_FILTER = Flag(
    "filter", "", FILTER, "Filter output based on conditions provided (e.g. 'until=24h')"
)
_LIST = Verb(
    _images,
    "List images",
    "[REPOSITORY[:TAG]]",
    (
        *listed(),
        Flag("all", "a", SWITCH, "Show all images (default hides intermediate images)"),
        Flag("digests", "", SWITCH, "Show digests"),
    ),
)
_REMOVE = Verb(
    _rmi,
    "Remove one or more images",
    "IMAGE [IMAGE...]",
    (
        Flag("force", "f", SWITCH, "Force removal of the image"),
        Flag("no-prune", "", SWITCH, "Do not delete untagged parents"),
    ),
)

VERBS = {
    "images": _LIST,
    "image ls": _LIST,
    "tag": Verb(
        _tag,
        "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
        "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    ),
    "rmi": _REMOVE,
    "image rm": _REMOVE,
    "history": Verb(
        _history,
        "Show the history of an image",
        "IMAGE",
        (
            *(flag for flag in listed() if flag.name != "filter"),
            Flag(
                "human", "H", SWITCH, "Print sizes and dates in human readable format", default=True
            ),
        ),
    ),
    "image inspect": Verb(
        _inspect,
        "Display detailed information on one or more images",
        "IMAGE [IMAGE...]",
        (_FORMAT,),
    ),
    "image prune": Verb(
        _prune,
        "Remove unused images",
        flags=(
            Flag("all", "a", SWITCH, "Remove all unused images, not just dangling ones"),
            Flag("force", "f", SWITCH, "Do not prompt for confirmation"),
            _FILTER,
        ),
    ),
    "image verify": Verb(
        _verify, "Verify the digests of images, and repair their layers", "[IMAGE...]"
    ),
}
