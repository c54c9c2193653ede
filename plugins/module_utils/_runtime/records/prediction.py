# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check-mode run predicts of a container: its spec, with secrets that survive the way.

Ansible takes the values of no_log options out of a module's result, and a prediction is a part of
it: what came back would be another container. So secrets are veiled in it.
"""

from __future__ import annotations

from typing import Any

from ..base import document
from ..spec.container import ContainerSpec


def told(spec: ContainerSpec) -> dict[str, Any]:
    """The JSON of a spec for Host.predicted."""
    found: dict[str, Any] = document.to_json(spec)
    if spec.secret_env or spec.secrets:
        from ..text import veil  # Few containers have secrets.

        values = (*spec.secret_env.values(), *(file.content for file in spec.secrets))
        found["secret_env"] = {k: veil.veil(v, values) for k, v in spec.secret_env.items()}
        for one in found["secrets"]:
            one["content"] = veil.veil(one["content"], values)
    return found


def read(value: dict[str, Any], what: str) -> ContainerSpec:
    """The spec again; ``what`` is what errors call it."""
    if value.get("secret_env") or value.get("secrets"):
        from ..text import veil

        env = {k: veil.unveil(v) for k, v in value.get("secret_env", {}).items()}
        files = [{**f, "content": veil.unveil(f["content"])} for f in value.get("secrets", ())]
        value = {**value, "secret_env": env, "secrets": files}
    return document.from_json(ContainerSpec, value, what)
