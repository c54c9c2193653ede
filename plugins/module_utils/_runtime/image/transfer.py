# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images between the store and registries: resolve, pull, push.

A pull names digests only: what the tag referred to when the plan was made is what is downloaded.
Nothing gets a name before every blob is verified and every layer unpacked, so a pull that fails or
is killed leaves content that the next one reuses, and no image.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from ..base import clock, progress
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, replace
from ..base.layout import Layout
from ..plan.plan import Host
from ..spec import oci
from ..spec.oci import Descriptor
from ..spec.reference import Reference, parse_normalized
from ..trust.policy import Asked
from . import signatures
from .access import OF_HOST, Access, connect, first, sources_of
from .store import blobs, index, layers, manifest, platform, store
from .store.manifest import Manifest
from .store.platform import Platform

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ..registry.client import Registry

#: As many as Docker; more only share the same line, and registries count connections.
_THREADS = 3
#: What stays free for everything else on the host.
_RESERVE_BYTES = 64 << 20
#: How much larger than its compressed layers an image is expected to be, blobs included.
_EXPANSION = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Pinned:
    """What a reference means in its registry now. ``image_id`` is "" unless the image is here."""

    reference: Reference
    descriptor: Descriptor
    image_id: str = ""


def resolve(host: Host, reference: Reference, access: Access = OF_HOST) -> Pinned:
    """Ask for what a reference names, by one HEAD request.

    Raises NotFound, Unreachable, or Error when access is denied.
    """
    with sources_of(host, reference.domain, access) as sources:
        descriptor = first(sources, lambda r: r.resolve(reference.path, reference.wanted))
    named = Reference(reference.domain, reference.path, None, descriptor.digest)
    image = None
    with contextlib.suppress(blobs.Damaged):
        image = store.find_reference(host.layout, named)
    return Pinned(reference, descriptor, image.id if image else "")


def tags(host: Host, reference: Reference, access: Access) -> tuple[str, ...]:
    """Every tag of a reference's repository. Raises NotFound, Unreachable, or Error."""
    with sources_of(host, reference.domain, access) as sources:
        return first(sources, lambda registry: registry.tags(reference.path))


def resolve_for_push(host: Host, reference: Reference, access: Access) -> str:
    """The digest the registry itself, no mirror of it, has under a tag; "" for none."""
    with connect(host, reference.domain, access) as registry:
        try:
            return registry.resolve(reference.path, reference.wanted).digest
        except NotFound:
            return ""


def newest_digest(host: Host, name: str) -> str:
    """The digest a registry has for a name now."""
    return resolve(host, parse_normalized(name)).descriptor.digest


def fetch(
    host: Host,
    name: str,
    digest: str = "",
    made_for: str = "",
    asked: Optional[Asked] = None,
) -> store.Image:
    """Pull an image by its name; ``digest`` pins what it means, as newest_digest() gave it, and
    ``asked`` are the signatures it needs.

    ``made_for`` is the platform to choose, the host's own when it is "".
    """
    reference = parse_normalized(name)
    wanted = platform.parse_platform(made_for) if made_for else None
    pinned = resolve(host, replace(reference, digest=digest or reference.digest))
    return pull(host, replace(pinned, reference=reference), Access(asked=asked), wanted)


def pull(
    host: Host, pinned: Pinned, access: Access = OF_HOST, wanted: Optional[Platform] = None
) -> store.Image:
    """Bring an image into the store, unpack it, and give it its name last.

    ``wanted`` chooses from an image for several platforms, the host's by default; asked for
    expressly it must be what a single image is made for.
    """
    layout, reference = host.layout, pinned.reference
    with store.lease(layout), sources_of(host, reference.domain, access) as sources:
        digest = pinned.descriptor.digest
        accepted = signatures.verified(layout, sources, reference, digest, access)
        found = _fetch_manifest(layout, sources, pinned, wanted)
        config = _fetch_config(layout, sources, reference.path, found)
        platform.check_serves(config, reference.canonical)
        _check_platform(host, reference, platform.of_image(config), wanted)
        chain = oci.chain_ids(config["rootfs"].get("diff_ids") or [])
        _check_space(layout, reference, found, chain)
        _fetch_layers(
            host, sources, reference.path, found, config["rootfs"].get("diff_ids") or [], chain
        )
        if accepted:
            signatures.keep(layout, digest, accepted)
        index.tag(
            layout,
            reference,
            found.descriptor,
            digests=(f"{reference.repository}@{digest}",),
            asked=clock.now(),
        )
    image = store.find_reference(layout, reference)
    if image is None:
        raise Error(
            f"{reference.canonical} was removed by another process while it was being pulled"
        )
    return image


def push(host: Host, image: store.Image, reference: Reference, access: Access = OF_HOST) -> str:
    """Bring to the registry the blobs that it lacks, then the manifest. Returns the digest."""
    layout = host.layout
    data = blobs.read(layout, image.manifest)
    elsewhere = _repositories(layout, reference)
    content = {d.digest: d for d in (*image.layers, image.config_descriptor)}
    with store.lease(layout), connect(host, reference.domain, access) as registry:

        def told(descriptor: Descriptor, outcome: str, total: int = 0) -> None:
            if descriptor.digest != image.id:
                host.show(progress.named(descriptor.digest), outcome, total)

        def offer(descriptor: Descriptor) -> None:
            if registry.has_blob(reference.path, descriptor.digest):
                told(descriptor, progress.PRESENT)
                return
            for other in elsewhere.get(descriptor.digest, ()):
                if registry.mount_blob(reference.path, descriptor.digest, other):
                    told(descriptor, f"{progress.MOUNTED} {other}")
                    return
            if not blobs.has(layout, descriptor):
                raise blobs.Damaged(
                    f"the layer {descriptor.digest} of {reference.canonical} is not in the store",
                    hint="pull or import the image again",
                )
            thing, blob = progress.named(descriptor.digest), layout.blob(descriptor.digest)
            # A config is small, and no layer.
            layer = descriptor.digest != image.id
            count = host.counting(thing, progress.PUSHING, descriptor.size) if layer else None
            registry.upload_blob(reference.path, descriptor, blob, count=count)
            told(descriptor, progress.PUSHED)

        for descriptor in content.values():
            told(descriptor, progress.PREPARING, descriptor.size)
        with side_by_side(offer, content) as futures:
            for future in futures.values():
                future.result()
        tag = reference.tag or image.manifest.digest
        digest = registry.put_manifest(reference.path, tag, image.manifest.media_type, data)
    index.tag(layout, reference, image.manifest, digests=(f"{reference.repository}@{digest}",))
    return digest


# --- what a pull is made of ------------------------------------------------------------------


def _fetch_manifest(
    layout: Layout, sources: Sequence[Registry], pinned: Pinned, wanted: Optional[Platform]
) -> Manifest:
    """The manifest of one image, through the index it is chosen from where there is one."""
    reference = pinned.reference
    where = f"{reference.repository}@{pinned.descriptor.digest}"
    descriptor, data = _fetch_document(layout, sources, reference.path, pinned.descriptor.digest)
    if descriptor.media_type in oci.INDEX_TYPES:
        listed = manifest.parse_index(data, descriptor.media_type, where)
        chosen = platform.choose(listed, wanted or platform.host_platform(), where)
        promised = chosen.media_type
        descriptor, data = _fetch_document(layout, sources, reference.path, chosen.digest)
        if (descriptor.media_type, descriptor.size) != (promised, chosen.size):
            raise Error(
                f"{where}: the index says {chosen.digest} is {chosen.size} bytes of "
                f"{promised}, and it is {descriptor.size} of {descriptor.media_type}"
            )
    found = manifest.parse_manifest(data, descriptor, f"{reference.repository}@{descriptor.digest}")
    blobs.put(layout, data, descriptor.media_type)
    return found


def _fetch_document(
    layout: Layout, sources: Sequence[Registry], repository: str, digest: str
) -> tuple[Descriptor, bytes]:
    """A manifest or index by its digest, verified; kept in the store only by who parsed it."""
    known = index.find_manifest(layout, digest)
    if known is not None:
        with contextlib.suppress(blobs.Damaged):
            return known, blobs.read(layout, known)
    return first(sources, lambda registry: registry.manifest(repository, digest))


def _fetch_config(
    layout: Layout, sources: Sequence[Registry], repository: str, found: Manifest
) -> dict[str, Any]:
    fetch_blob(layout, sources, repository, found.config)
    try:
        return store.read_config(layout, found)
    except blobs.Damaged:
        blobs.delete(layout, found.config.digest)
        fetch_blob(layout, sources, repository, found.config)
        return store.read_config(layout, found)


def _fetch_layers(
    host: Host,
    sources: Sequence[Registry],
    repository: str,
    found: Manifest,
    diff_ids: Sequence[str],
    chain: Sequence[str],
) -> None:
    """Download layers side by side, and unpack each as soon as it and those below it are here."""

    layout = host.layout
    over = threading.Event()

    def unless_over(count: Optional[progress.Count]) -> progress.Count:
        def counted(done: int) -> None:
            # Nobody waits for the rest any more; the next pull takes it up where it is.
            if over.is_set():
                raise Error("the pull was given up")
            if count is not None:
                count(done)

        return counted

    def fetch(layer: Descriptor) -> None:
        thing = progress.named(layer.digest)
        count = host.counting(thing, progress.DOWNLOADING, layer.size)
        fetch_blob(layout, sources, repository, layer, unless_over(count))
        if layer.digest not in present:
            host.show(thing, progress.DOWNLOADED)

    wanted = {layer.digest: layer for layer in found.layers}
    present = {
        layer.digest
        for layer, chain_id in zip(found.layers, chain)
        if layers.is_unpacked(layout, chain_id) and blobs.has(layout, layer)
    }
    for digest, layer in wanted.items():
        if digest in present:
            host.show(progress.named(digest), progress.EXISTS)
        else:
            host.show(progress.named(digest), progress.PULLING, layer.size)
    with layers.Stack(layout) as stack, side_by_side(fetch, wanted, over) as futures:
        for layer, diff_id, chain_id in zip(found.layers, diff_ids, chain):
            futures[layer.digest].result()
            thing = progress.named(layer.digest)
            count = host.counting(thing, progress.EXTRACTING, layer.size)
            try:
                stack.add(layer, diff_id, chain_id, count)
            except blobs.Damaged:
                # It lay here damaged; unpacking found out, and now it is fetched anew.
                fetch(layer)
                stack.add(layer, diff_id, chain_id, count)
            if layer.digest not in present:
                host.show(thing, progress.PULLED)


def fetch_blob(
    layout: Layout,
    sources: Sequence[Registry],
    repository: str,
    descriptor: Descriptor,
    count: Optional[progress.Count] = None,
) -> None:
    """Have a blob in the store. Whoever waited for another task's download finds it there."""
    if blobs.has(layout, descriptor):
        return
    with blobs.locked(layout, descriptor.digest):
        if blobs.has(layout, descriptor):
            return
        from ..registry.download import RESUME_FROM

        part = layout.ingest / f"{descriptor.digest.partition(':')[2]}.part"
        try:
            first(sources, lambda registry: registry.download(repository, descriptor, part, count))
        except BaseException:
            # What the next pull cannot take up again is of no use to it.
            with contextlib.suppress(FileNotFoundError):
                if part.stat().st_size < RESUME_FROM:
                    part.unlink()
            raise
        blobs.adopt(layout, part, descriptor)


@contextlib.contextmanager
def side_by_side(
    act: Callable[[Descriptor], None],
    items: Mapping[str, Descriptor],
    over: Optional[threading.Event] = None,
) -> Iterator[dict[str, Future[None]]]:
    """Do it for every blob in a few threads, in order; the first failure keeps others from
    starting, and is told to those under way by ``over``.
    """
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(max_workers=_THREADS)
    try:
        yield {digest: executor.submit(act, item) for digest, item in items.items()}
    except BaseException:
        if over is not None:
            over.set()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _check_platform(
    host: Host, reference: Reference, found: Platform, wanted: Optional[Platform]
) -> None:
    if wanted is not None and not platform.runs_on(found, wanted):
        raise Error(
            f"{reference.canonical} is an image for {found}, not for {wanted}",
            hint="omit the option platform, or use another image",
        )
    own = platform.host_platform()
    if wanted is None and not platform.runs_on(found, own):
        host.warn(f"{reference.canonical} is an image for {found}, but this host is {own}")


def _check_space(
    layout: Layout, reference: Reference, found: Manifest, chain: Sequence[str]
) -> None:
    """Refuse a pull that cannot end well before it has filled the disk."""
    sizes = {
        layer.digest: layer.size
        for layer, chain_id in zip(found.layers, chain)
        if not layers.is_unpacked(layout, chain_id)
    }
    needed = sum(sizes.values()) * _EXPANSION + (_RESERVE_BYTES if sizes else 0)
    disk = os.statvfs(layout.root)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise Error(
            f"{reference.canonical} needs about {needed >> 20} MiB below {layout.root}, and "
            f"only {free >> 20} MiB are free",
            hint="free some space, or remove unused images",
        )


def _repositories(layout: Layout, reference: Reference) -> dict[str, list[str]]:
    """Where in the registry the store's blobs are known to be, for mounting them from there."""
    found: dict[str, list[str]] = {}
    for image in store.all_images(layout):
        for pair in image.repo_digests:
            domain, dummy, path = pair.partition("@")[0].partition("/")
            if domain == reference.domain and path != reference.path:
                for descriptor in (*image.layers, image.config_descriptor):
                    known = found.setdefault(descriptor.digest, [])
                    if path not in known:
                        known.append(path)
    return found
