# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary for each place of a task that a secret can be given in, and tasks that give them there,
those that succeed and those that fail.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Any, Callable

from support.builds import building
from support.inputs import images
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import keys

_WORDS = """
login-password wrong-password pull-password push-password sign-password verify-password
search-password passphrase push-passphrase wrong-passphrase
secret-env new-secret-env rolled-back-env failing-env secret-file binary-file
exec-env exec-stdin failing-exec-env copied
build-value build-file build-env failing-build
stack-env stack-default stack-file compose-file compose-env compose-stdin
volume-option mount-option url-password
"""
#: Where a secret is given; each is the name of a canary.
NAMES = tuple(_WORDS.split())

#: What a container is created from in these tasks.
USUAL = {
    "image": "busybox:1",
    "pull": "never",
    "command": ["sleep", "1000"],
    "stop_signal": "KILL",
    "network_mode": "none",
}
DOCKERFILE = """
FROM busybox:1
RUN --mount=type=secret,id=value --mount=type=secret,id=file --mount=type=secret,id=env,env=GIVEN \\
    test -s /run/secrets/value && test -s /run/secrets/file && test "$GIVEN" && echo built >/built
"""
FAILING = 'FROM busybox:1\nRUN --mount=type=secret,id=value,env=GIVEN test -z "$GIVEN"\n'


def canaries() -> dict[str, str]:
    """Values nobody has used before, by name."""
    return {name: f"Canary{secrets.token_hex(6)}{name.replace('-', '')}Z" for name in NAMES}


def module(kind: str, **options: Any) -> dict[str, Any]:
    """A task; in check mode some of them fail, since others before it have not done anything."""
    return {
        "name": kind,
        f"slipway.engine.{kind}": options,
        "register": "said",
        "ignore_errors": "{{ ansible_check_mode }}",
    }


def fails(task: dict[str, Any]) -> dict[str, Any]:
    """A task that has to fail, with all that it says then; Ansible counts it as ignored."""
    return {**task, "ignore_errors": True}


class Given:
    """The tasks, and what they need on the host."""

    def __init__(
        self, canaries: dict[str, str], directory: Path, registries: Callable[..., Registry]
    ) -> None:
        self.canaries, self.directory = canaries, directory
        self.registries = {
            kind: registries(username="anna", password=canaries[f"{kind}-password"])
            for kind in ("login", "pull", "push", "sign", "verify", "search")
        }
        self.pairs = {
            name: keys.generate(canaries[name]) for name in ("passphrase", "push-passphrase")
        }
        for name, pair in self.pairs.items():
            canaries[f"key of {name}"] = "".join(pair.private.split("\n")[1:-2])[20:60]
        building.fill(directory / "context", {"Dockerfile": DOCKERFILE})
        building.fill(directory / "failing", {"Dockerfile": FAILING})
        (directory / "secret").write_text(canaries["build-file"])
        (directory / "root.tar").write_bytes(images.tar({"etc": None, "etc/f": b"f"}))

    def account(self, kind: str) -> dict[str, Any]:
        """What a task says to a registry of its own."""
        return {"username": "anna", "password": self.canaries[f"{kind}-password"]}

    def name(self, kind: str) -> str:
        return f"{self.registries[kind].host}/given:1"

    def container(self, name: str = "web", **given: Any) -> dict[str, Any]:
        return module("container", name=name, **{**USUAL, **given})

    def tasks(self) -> list[dict[str, Any]]:
        """All of them, in an order in which they work, also when all is there already."""
        return [*self._registries(), *self._containers(), *self._builds(), *self._many()]

    def undone(self) -> list[dict[str, Any]]:
        """What takes all of it away again."""
        given = self.canaries
        host = self.registries["login"].host
        stack = module("stack", name="shop", state="absent")
        empty = {"services": {"app": {"image": "busybox:1"}}}
        return [
            stack,
            module("compose", project_name="tools", definition=empty, state="absent"),
            *(module("container", name=name, state="absent", keep_volumes=False)
              for name in ("web", "nas")),
            module("volume", name="share", state="absent"),
            module("registry_login", registry_url=host, state="absent"),
            *(module("image_remove", name=self.name(kind), force=True)
              for kind in ("pull", "push", "sign")),
            module("image_remove", name="built:1", force=True),
            module("prune", images=True, builder_cache=True, volumes=True,
                   volumes_filters={"all": True}),
            fails(self.container(secret_env={"T": given["failing-env"]}, command=["/none"])),
            module("container", name="web", state="absent"),
            # A module of others logs its arguments, which shows that the log is listened to.
            {"ansible.builtin.command": {"argv": ["true"]}},
        ]  # fmt: skip

    def _registries(self) -> list[dict[str, Any]]:
        given = self.canaries
        host = self.registries["login"].host
        wrong = {"username": "anna", "password": given["wrong-password"]}
        key, other = self.pairs["passphrase"], self.pairs["push-passphrase"]
        push, sign, pull = self.name("push"), self.name("sign"), self.name("pull")
        sealed = {"key": other.private, "passphrase": given["push-passphrase"]}
        return [
            module("registry_login", registry_url=host, **self.account("login")),
            fails(module("registry_login", registry_url=host, **wrong)),
            *(module("image_import", name=name, src=f"{self.directory}/root.tar")
              for name in (pull, push, sign)),
            module("image_push", name=push, sign=sealed, **self.account("push")),
            fails(module("image_push", name=push, **wrong)),
            module("image_push", name=sign, **self.account("sign")),
            module("image_sign", name=sign, key=key.private, passphrase=given["passphrase"],
                   **self.account("sign")),
            fails(module("image_sign", name=sign, key=key.private,
                         passphrase=given["wrong-passphrase"], **self.account("sign"))),
            module("image_push", name=pull, **self.account("pull")),
            module("image_pull", name=pull, **self.account("pull")),
            fails(module("image_pull", name=pull, **wrong)),
            fails(module("image_verify", name=self.name("verify"), public_keys=[key.public],
                         **self.account("verify"))),
            module("image_search_info", registry=self.registries["search"].host, term="a",
                   **self.account("search")),
            fails(module("image_import", name="url:1",
                         src=f"http://anna:{given['url-password']}@127.0.0.1:1/root.tar")),
        ]  # fmt: skip

    def _containers(self) -> list[dict[str, Any]]:
        given = self.canaries
        files = [
            {"name": "text", "content": given["secret-file"]},
            {"name": "bytes", "content_is_b64": True,
             "content": base64.b64encode(given["binary-file"].encode()).decode()},
        ]  # fmt: skip
        said = ["sh", "-c", 'read -r given; test "$given$T"']
        options = {"type": "cifs", "device": "//127.0.0.1/x"}
        return [
            self.container(secret_env={"T": given["secret-env"]}, secrets=files),
            {"ansible.builtin.debug": {"var": "said"}},
            self.container(secret_env={"T": given["new-secret-env"]}, secrets=files),
            fails(self.container(secret_env={"T": given["rolled-back-env"]}, secrets=files,
                                 command=["sh", "-c", "exit 7"])),
            fails(self.container("nas", secret_env={"T": given["failing-env"]},
                                 command=["/none"])),
            module("container_exec", container="web", argv=said, env={"T": given["exec-env"]},
                   stdin=given["exec-stdin"]),
            {"ansible.builtin.debug": {"var": "said"}},
            fails(module("container_exec", container="web", argv=["/none"],
                         env={"T": given["failing-exec-env"]})),
            {**module("container_copy_into", container="web", container_path="/etc/secret",
                      content=given["copied"]), "diff": False},
            module("container_info", name="web"),
            {"ansible.builtin.debug": {"var": "said"}},
            module("volume", name="share",
                   driver_options={**options, "o": f"user=u,password={given['volume-option']}"}),
            # Not volume_info, whose documentation says that it shows passwords.
            {"ansible.builtin.debug": {"var": "said"}},
            fails(self.container("nas", mounts=[
                {"target": "/nas", "source": "nas", "type": "volume",
                 "volume_options":
                     {**options, "o": f"user=u,password={given['mount-option']}"}}])),
        ]  # fmt: skip

    def _builds(self) -> list[dict[str, Any]]:
        given = self.canaries
        value = {"id": "value", "type": "value"}
        return [
            module("image_build", name="built", tag="1", path=f"{self.directory}/context",
                   network="none", secrets=[
                       {**value, "value": given["build-value"]},
                       {"id": "file", "type": "file", "src": f"{self.directory}/secret"},
                       {"id": "env", "type": "env", "env": "GIVEN_TO_BUILD"}]),
            {"ansible.builtin.debug": {"var": "said"}},
            fails(module("image_build", name="failing", path=f"{self.directory}/failing",
                         network="none", secrets=[{**value, "value": given["failing-build"]}])),
        ]  # fmt: skip

    def _many(self) -> list[dict[str, Any]]:
        given = self.canaries
        member = {"name": "app", "secret_env": {"T": given["stack-env"]},
                  "secrets": [{"name": "s", "content": given["stack-file"]}]}  # fmt: skip
        service = {**{name: USUAL[name] for name in ("image", "stop_signal", "network_mode")},
                   "pull_policy": "never", "command": "sleep 1000", "secrets": ["s"]}  # fmt: skip
        definition = {
            "services": {"app": service},
            "secrets": {"s": {"content": given["compose-file"]}},
        }
        return [
            module("stack", name="shop", containers=[member],
                   defaults={**USUAL, "secret_env": {"ALL": given["stack-default"]}}),
            module("compose", project_name="tools", definition=definition),
            module("compose_exec", project_name="tools", definition=definition, service="app",
                   argv=["sh", "-c", 'read -r given; test "$given$T"'],
                   env={"T": given["compose-env"]}, stdin=given["compose-stdin"]),
            {"ansible.builtin.debug": {"var": "said"}},
        ]  # fmt: skip
