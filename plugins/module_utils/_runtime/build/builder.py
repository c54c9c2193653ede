# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building an image: from the cache where it can, and into the store under its names.

A step that writes files runs on the layers below and becomes a layer of its own; all others change
the defaults. What is half made is in tmp; what is done is in the cache, so a build that is killed
leaves nothing else, and the next one resumes from there.
"""

from __future__ import annotations

import contextlib
from typing import Optional

from ..base import files
from ..base.frozen import dataclass
from ..container.lifecycle import creation
from ..image.build import assemble
from ..image.store import index, store
from ..plan.plan import Host
from ..spec.oci import Descriptor
from ..spec.reference import Reference
from . import steps
from .asked import state
from .asked.request import Request
from .asked.scheme import Scheme
from .asked.state import State
from .shared import given
from .shared.taken import Taken
from .source.context import Source
from .work import Build


@dataclass(frozen=True)
class Built:
    """What a build made: the image's manifest and config, and how many steps ran."""

    id: str
    manifest: Descriptor
    state: State
    ran: int
    cached: int
    bases: dict[str, str]


def build(host: Host, request: Request, found: Scheme, source: Optional[Source]) -> Built:
    """Build what a scheme says, and keep it under the request's names. Raises Error naming the
    instruction that failed.
    """
    # A build that makes no container of its own finds those of killed ones, too.
    creation.recover(host, _remove)
    places = [host.layout.build / name for name in ("steps", "made", "outputs")]
    for directory in (*places, host.layout.creations, host.layout.images):
        files.sweep_beside(directory)
    with store.lease(host.layout), contextlib.ExitStack() as stack:
        taken = Taken(host, request.cache_from, stack)
        work = Build(host, request, found, source, steps.take, taken)
        final = state.labelled(work.result(), request.labels)
        document = final.document()
        manifest = assemble.put_image(host.layout, document, final.layers)
        unnamed = Reference("docker.io", "library/none", None, manifest.digest)
        for name in request.names or (unnamed,):
            index.tag(host.layout, name, manifest)
        given.leave(host, request.cache_to, work.used, final.chain_ids)
        used = {name: image.id for name, image in work.bases.used.items()}
        image_id = assemble.image_id(document)
        return Built(image_id, manifest, final, work.log.ran, work.log.cached, used)


def _remove(host: Host, container_id: str, volumes: bool, force: bool) -> None:
    from ..container.lifecycle import actions

    actions.remove(host, container_id, volumes, force)
