# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage as it is after some of its instructions: layers, defaults, history. Pure.

No time of the clock is in here: an entry that adds no layer has the time of the newest layer below.
So an image is a function of its layers and its Dockerfile, and a build whose layers are all known
gives the same image again.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any, Optional

from ...base.document import canonical
from ...base.errors import Error
from ...base.frozen import dataclass, field, replace
from ...container.bundle.process import PATH
from ...image.build import assemble, config_changes
from ...image.dockerfile import words
from ...image.dockerfile.parse import Dockerfile, Instruction
from ...image.store.platform import Platform
from ...image.store.store import Image
from ...spec import oci
from ...spec.oci import Descriptor
from .request import PROXIES

_SHELL = ["/bin/sh", "-c"]


@dataclass(frozen=True)
class State:
    """``config`` is the config section of the image, ``made_for`` its platform, ``args`` the
    arguments that were declared so far. ``own_command`` is whether this stage set CMD.
    """

    config: Mapping[str, Any]
    made_for: Mapping[str, str]
    layers: tuple[Descriptor, ...] = ()
    diff_ids: tuple[str, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    created: str = assemble.EPOCH
    author: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    own_command: bool = False

    @property
    def env(self) -> dict[str, str]:
        pairs = (entry.partition("=") for entry in self.config.get("Env") or [])
        return {name: value for name, dummy, value in pairs}

    @property
    def variables(self) -> dict[str, str]:
        """What variables of this stage mean: ENV goes before ARG. A base without PATH has the one
        its commands get, so that ``ENV PATH=/mine:$PATH`` adds to it.
        """
        return {"PATH": PATH, **self.args, **self.env}

    @property
    def chain_ids(self) -> tuple[str, ...]:
        return tuple(oci.chain_ids(self.diff_ids))

    @property
    def shell(self) -> list[str]:
        return list(self.config.get("Shell") or _SHELL)

    @property
    def working_dir(self) -> str:
        return str(self.config.get("WorkingDir") or "/")

    @property
    def digest(self) -> str:
        """What a step that follows depends on besides the files."""
        return oci.digest_of(canonical({"config": self.config, "made_for": self.made_for}))

    def document(self) -> dict[str, Any]:
        """The image's config."""
        return {
            **self.made_for,
            **({"author": self.author} if self.author else {}),
            "created": self.created,
            "config": dict(self.config),
            "rootfs": {"type": "layers", "diff_ids": list(self.diff_ids)},
            "history": [dict(entry) for entry in self.history],
        }


def scratch(platform: Platform) -> State:
    """What ``FROM scratch`` begins with: no files, Docker's default PATH, the platform."""
    made_for = {"os": platform.os, "architecture": platform.architecture}
    if platform.variant:
        made_for["variant"] = platform.variant
    return State({"Env": [f"PATH={PATH}"], "WorkingDir": "/"}, made_for)


def on_image(image: Image) -> State:
    """A stage that begins with an image, without what ONBUILD kept in it."""
    base = image.config
    config = {key: value for key, value in (base.get("config") or {}).items() if key != "OnBuild"}
    made_for = {
        key: str(base[key])
        for key in ("architecture", "os", "variant", "os.version")
        if key in base
    }
    return State(
        config,
        made_for,
        image.layers,
        image.diff_ids,
        tuple(base.get("history") or ()),
        str(base.get("created") or assemble.EPOCH),
        str(base.get("author") or ""),
    )


def on_stage(below: State) -> State:
    """A stage that begins with another one: its arguments are inherited."""
    config = {key: value for key, value in below.config.items() if key != "OnBuild"}
    return replace(below, config=config, own_command=False)


def with_layer(
    state: State, text: str, layer: Optional[Descriptor], diff_id: str, created: str
) -> State:
    """After a step that wrote files; without a layer it turned out to have written none."""
    entry: dict[str, Any] = {"created": created, "created_by": text}
    newest = max(created, state.created)
    if layer is None:
        entry["empty_layer"] = True
        return replace(state, history=(*state.history, entry), created=newest)
    return replace(
        state,
        layers=(*state.layers, layer),
        diff_ids=(*state.diff_ids, diff_id),
        history=(*state.history, entry),
        created=newest,
    )


def noted(state: State, text: str) -> State:
    """After a step that concerns the defaults alone."""
    entry = {"created": state.created, "created_by": text, "empty_layer": True}
    return replace(state, history=(*state.history, entry))


def labelled(state: State, labels: Mapping[str, str]) -> State:
    """With the labels that are asked for with the build itself."""
    if not labels:
        return state
    config = {**state.config, "Labels": {**(state.config.get("Labels") or {}), **labels}}
    return replace(state, config=config)


class Configurer:
    """The instructions that change defaults, of one Dockerfile. ``given`` are the build's
    arguments, ``before`` those declared before the first FROM, ``platforms`` the predefined ones.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        given: Mapping[str, str],
        before: Mapping[str, str],
        platforms: Mapping[str, str],
    ) -> None:
        self._dockerfile = dockerfile
        self._given = given
        self._before = before
        self._platforms = platforms
        self._acts = {
            "ARG": self._arg,
            "CMD": self._cmd,
            "ENTRYPOINT": self._entrypoint,
            "ENV": self._env,
            "EXPOSE": self._expose,
            "HEALTHCHECK": self._healthcheck,
            "LABEL": self._label,
            "MAINTAINER": self._maintainer,
            "ONBUILD": self._onbuild,
            "SHELL": self._shell,
            "STOPSIGNAL": self._stop_signal,
            "USER": self._user,
            "VOLUME": self._volume,
            "WORKDIR": self._workdir,
        }

    def knows(self, keyword: str) -> bool:
        return keyword in self._acts

    def apply(self, state: State, at: Instruction) -> State:
        """The state after one such instruction. Raises SyntaxFault naming it."""
        try:
            return self._acts[at.keyword](state, at)
        except (ValueError, words.Malformed) as exc:
            raise self._dockerfile.fault(at, str(exc)) from exc
        except Error as exc:
            if exc.message.startswith(f"{self._dockerfile.file}:"):
                raise
            raise self._dockerfile.fault(at, exc.message, exc.hint) from exc

    def expand(self, state: State, at: Instruction, text: str) -> str:
        """A word with this stage's variables. Raises SyntaxFault."""
        try:
            return words.expand(text, state.variables, self._dockerfile.lines.escape)
        except words.Malformed as exc:
            raise self._dockerfile.fault(at, str(exc)) from exc

    def _words(self, state: State, at: Instruction) -> list[str]:
        escape = self._dockerfile.lines.escape
        if at.exec_form:
            return [words.expand(word, state.variables, escape) for word in at.words]
        return words.expand_words(" ".join(at.words), state.variables, escape)

    def _arg(self, state: State, at: Instruction) -> State:
        for name, default in at.pairs:
            value = self._given.get(name)
            if value is None and default is not None:
                value = self.expand(state, at, default)
            elif value is None:
                value = self._before.get(name, self._platforms.get(name))
            if value is not None:
                state = replace(state, args={**state.args, name: value})
        return state

    def _env(self, state: State, at: Instruction) -> State:
        env, old = state.env, state
        for name, value in at.pairs:
            key = self.expand(old, at, name)
            if not key or "\0" in key + (value or ""):
                raise ValueError("has a variable with an empty name")
            env[key] = self.expand(old, at, value or "")
        entries = [f"{name}={value}" for name, value in env.items()]
        text = " ".join(f"{name}={value}" for name, value in at.pairs)
        return noted(_set(state, Env=entries), f"ENV {text}")

    def _label(self, state: State, at: Instruction) -> State:
        labels = dict(state.config.get("Labels") or {})
        for name, value in at.pairs:
            labels[self.expand(state, at, name)] = self.expand(state, at, value or "")
        text = " ".join(f"{name}={value}" for name, value in at.pairs)
        return noted(_set(state, Labels=labels), f"LABEL {text}")

    def _command(self, state: State, at: Instruction) -> list[str]:
        return list(at.words) if at.exec_form else [*state.shell, *at.words] if at.words else []

    def _cmd(self, state: State, at: Instruction) -> State:
        command = self._command(state, at)
        done = noted(_set(state, Cmd=command), f"CMD {json.dumps(command)}")
        return replace(done, own_command=True)

    def _entrypoint(self, state: State, at: Instruction) -> State:
        command = self._command(state, at)
        # The arguments of the base's entry point mean nothing to this one.
        kept = state if state.own_command else _set(state, Cmd=[])
        return noted(_set(kept, Entrypoint=command), f"ENTRYPOINT {json.dumps(command)}")

    def _expose(self, state: State, at: Instruction) -> State:
        ports = self._words(state, at)
        if not ports:
            return state
        config = config_changes.change(state.config, [f"EXPOSE {' '.join(ports)}"])
        return noted(replace(state, config=config), f"EXPOSE {' '.join(ports)}")

    def _healthcheck(self, state: State, at: Instruction) -> State:
        given = "".join(f"--{name}={value} " for name, value in at.flags)
        line = f"HEALTHCHECK {given}{at.rest}"
        config = config_changes.change(state.config, [line])
        return noted(replace(state, config=config), line)

    def _maintainer(self, state: State, at: Instruction) -> State:
        return noted(replace(state, author=at.words[0]), f"MAINTAINER {at.words[0]}")

    def _onbuild(self, state: State, at: Instruction) -> State:
        triggers = [*(state.config.get("OnBuild") or []), at.trigger]
        return noted(_set(state, OnBuild=triggers), f"ONBUILD {at.trigger}")

    def _shell(self, state: State, at: Instruction) -> State:
        return noted(_set(state, Shell=list(at.words)), f"SHELL {json.dumps(list(at.words))}")

    def _stop_signal(self, state: State, at: Instruction) -> State:
        from ...spec.identifiers import signal_number

        name = self.expand(state, at, at.words[0])
        signal_number(name)
        return noted(_set(state, StopSignal=name), f"STOPSIGNAL {name}")

    def _user(self, state: State, at: Instruction) -> State:
        name = self.expand(state, at, at.words[0])
        return noted(_set(state, User=name), f"USER {name}")

    def _volume(self, state: State, at: Instruction) -> State:
        paths = self._words(state, at)
        config = config_changes.change(state.config, [f"VOLUME {json.dumps(paths)}"])
        return noted(replace(state, config=config), f"VOLUME {json.dumps(paths)}")

    def _workdir(self, state: State, at: Instruction) -> State:
        path = self.expand(state, at, at.words[0])
        if not path:
            raise ValueError("is empty once its variables are replaced")
        joined = posixpath.normpath(posixpath.join(state.working_dir, path))
        return _set(state, WorkingDir="/" + joined.lstrip("/"))


def _set(state: State, **members: Any) -> State:
    """With members of the config; what is empty is left out."""
    config = dict(state.config)
    for key, value in members.items():
        config.pop(key, None)
        if value:
            config[key] = value
    return replace(state, config=config)


def run_arguments(state: State, given: Mapping[str, str]) -> dict[str, str]:
    """The arguments that a RUN sees as variables: what is declared, and the proxies that were
    given.
    """
    proxies = {name: value for name, value in given.items() if name in PROXIES}
    return {**proxies, **state.args}


def shown_arguments(state: State) -> list[str]:
    """Those among them that history and cache know: no proxies."""
    return sorted(f"{name}={value}" for name, value in state.args.items() if name not in PROXIES)
