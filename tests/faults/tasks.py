# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of all kinds, in few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from support.containers import World
from support.converging import Task
from support.declaring import acting

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.credentials import (
    Credentials,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    commit as commit_resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    prune as prune_resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    registry_login,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image_build,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
    image_load,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
    image_tag,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_pull,
    image_push,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network_resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    decide as volume_resource,
)


def pull(name: str, **given: Any) -> Task:
    return Task(image_pull.declare, image_pull.RESOURCE, {"name": name, **given})


def push(name: str, **given: Any) -> Task:
    return Task(image_push.declare, image_push.RESOURCE, {"name": name, **given})


def load(path: str) -> Task:
    return Task(image_load.declare, image_load.RESOURCE, {"path": path})


def import_(name: str, src: str) -> Task:
    params = {"name": name, "tag": "1", "src": src, "changes": ['CMD ["sh"]']}
    return Task(image_import.declare, image_import.RESOURCE, params)


def tag(name: str, *others: str) -> Task:
    params = {"name": name, "repository": list(others)}
    return Task(image_tag.declare, image_tag.RESOURCE, params)


def untag(name: str) -> Task:
    return Task(image_remove.declare, image_remove.RESOURCE, {"name": name, "force": True})


def commit(container: str, name: str) -> Task:
    params = {"container": container, "name": name}
    return Task(commit_resource.declare, commit_resource.RESOURCE, params)


def build(name: str, path: str) -> Task:
    params = {"name": name, "path": path, "network": "none", "source_date_epoch": 1_000_000}
    return Task(image_build.declare, image_build.RESOURCE, params)


def network(name: str, **given: Any) -> Task:
    params = {"name": name, **given}
    return Task(network_declare.declare, network_resource.RESOURCE, params)


def volume(name: str, **given: Any) -> Task:
    params = {"volume_name": name, **given}
    return Task(volume_resource.declare, volume_resource.RESOURCE, params)


def prune(**given: Any) -> Task:
    return Task(prune_resource.declare, prune_resource.RESOURCE, given)


def login(host: str, user: str, password: str, state: str, layout: Layout) -> Task:
    """A task of registry_login, for a registry that speaks plain HTTP."""
    declared = registry_login.Declared(
        domain=host,
        registry_url=f"http://{host}",
        path=layout.auth_file,
        credentials=Credentials(user, password) if state == "present" else None,
        insecure=True,
    )
    return Task(lambda dummy: declared, registry_login.RESOURCE, {})


def gone(*names: str) -> Callable[[World], Sequence[Task]]:
    """What removes containers with their volumes."""
    return lambda world: [acting(name, state="absent", keep_volumes=False) for name in names]
