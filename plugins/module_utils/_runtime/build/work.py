# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build under way: its stages side by side, and what each step of them works with."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Callable, Optional, Union

from ..base.errors import Error
from ..base.frozen import replace
from ..image.build import assemble
from ..image.dockerfile import parse
from ..image.dockerfile.lines import SyntaxFault
from ..image.dockerfile.parse import Instruction
from ..image.store import step_cache
from ..image.store.step_cache import Kept
from ..plan.plan import Host
from ..spec.oci import Descriptor
from ..tree import snapshot
from . import trees
from .asked import state
from .asked.request import PROXIES, Request
from .asked.scheme import SCRATCH, Planned, Scheme
from .asked.state import State
from .log import Log, Step
from .shared.taken import Taken
from .source.bases import Bases
from .source.context import Source
from .source.layouts import is_image

#: The diff_id of a layer without entries: a tar that is its end alone.
NOTHING = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

#: Told the upper directory of what a step wrote, and paths to leave out while they are empty.
Take = Callable[[Path, frozenset[str]], None]


class Cancelled(Error):
    """Another stage failed; its error is the one that counts."""


class _Stage(threading.Thread):
    """A stage that is being built. (concurrent.futures takes as long to import as all of this.)"""

    def __init__(self, act: Callable[[], State]) -> None:
        super().__init__()
        self._act = act
        self._state: Optional[State] = None
        self.error: Optional[BaseException] = None

    def run(self) -> None:
        try:
            self._state = self._act()
        except BaseException as exc:
            self.error = exc

    def result(self) -> State:
        """Wait for it."""
        self.join()
        if self.error is not None:
            raise self.error
        if self._state is None:
            raise AssertionError("a stage without an error has a state")
        return self._state


class Build:
    """One build under way: its stages, by number, each built once."""

    def __init__(
        self,
        host: Host,
        request: Request,
        found: Scheme,
        source: Optional[Source],
        act: Callable[[Build, Planned, State, Instruction, str], State],
        taken: Taken,
    ) -> None:
        """``act`` carries one instruction out; its last argument says where it stands. What is not
        in the cache of the host may be ``taken`` from another one.
        """
        self.host = host
        self.request = request
        self.scheme = found
        self.source = source
        self.log = Log(host)
        self.bases = Bases(host, request)
        #: The steps that were run or found, by key.
        self.used: dict[str, Kept] = {}
        self._taken = taken
        self.configure = state.Configurer(
            found.dockerfile, request.args, found.globals, found.platforms
        )
        self._planned = {one.stage.index: one for one in found.stages}
        self._stages: dict[int, _Stage] = {}
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._act = act

    def result(self) -> State:
        """Build all stages that are needed; the last one's state."""
        unused = sorted(set(self.request.args) - self.scheme.declared - PROXIES)
        if unused:
            self.host.warn(f"no ARG of {self.scheme.dockerfile.file} names {', '.join(unused)}")
        stages = self.scheme.stages
        for one in stages:
            self._stages[one.stage.index] = _Stage(functools.partial(self._stage, one))
        for stage in self._stages.values():
            stage.start()
        failed: Optional[BaseException] = None
        try:
            for stage in self._stages.values():
                with contextlib.suppress(Cancelled):
                    stage.result()
        except BaseException as exc:
            failed = exc
            self._cancel()
        for stage in self._stages.values():
            stage.join()
        if failed is not None:
            raise self._first() or failed
        return self._stages[stages[-1].stage.index].result()

    def _first(self) -> Optional[BaseException]:
        """The error of a stage, other than that another one failed."""
        for stage in self._stages.values():
            if stage.error is not None and not isinstance(stage.error, Cancelled):
                return stage.error
        return None

    def _cancel(self) -> None:
        from ..container.lifecycle import actions

        self._stop.set()
        with self._lock:
            running = list(self._running)
        for container_id in running:
            with contextlib.suppress(Error):
                actions.kill(self.host, container_id)

    def began(self, container_id: str) -> None:
        """A container was made; it is killed when another stage fails."""
        with self._lock:
            self._running.add(container_id)
        if self._stop.is_set():
            raise Cancelled("another stage failed")

    def ended(self, container_id: str) -> None:
        with self._lock:
            self._running.discard(container_id)

    # --- stages

    def _stage(self, planned: Planned) -> State:
        try:
            return self._build(planned)
        except BaseException:
            # Nobody waits for the others in vain.
            self._cancel()
            raise

    def _build(self, planned: Planned) -> State:
        dockerfile = self.scheme.dockerfile
        current, triggers = self._base(planned)
        instructions = [
            *(parse.trigger(dockerfile.lines, text, planned.stage.number) for text in triggers),
            *planned.stage.instructions,
        ]
        total = len(instructions)
        for number, at in enumerate(instructions, 1):
            if self._stop.is_set():
                raise Cancelled("another stage failed")
            where = f"{planned.stage.title} {number}/{total}"
            try:
                current = self._act(self, planned, current, at, where)
            except (Cancelled, SyntaxFault):
                raise
            except Error as exc:
                if self._stop.is_set():
                    raise Cancelled("another stage failed") from exc
                raise dockerfile.fault(at, exc.message, exc.hint) from exc
            except OSError as exc:
                said = f"{exc.filename or 'system call'}: {exc.strerror or exc}"
                raise dockerfile.fault(at, said) from exc
        return current

    def _base(self, planned: Planned) -> tuple[State, Sequence[str]]:
        """What a stage begins with, and what ONBUILD kept in it."""
        at = Instruction("FROM", planned.stage.number)
        named = planned.base if isinstance(planned.base, str) else f"stage {planned.base}"
        self.log.say(f"[{planned.stage.title}] FROM {named}")
        if isinstance(planned.base, int):
            below = self.wait(planned.base)
            return state.on_stage(below), below.config.get("OnBuild") or ()
        if planned.base == SCRATCH:
            return state.scratch(planned.platform), ()
        kind = self.request.contexts.get(planned.base, "")
        if kind and not is_image(kind):
            raise self.scheme.dockerfile.fault(
                at, f"{planned.base} is a context of files", "a stage begins with an image"
            )
        try:
            image = self.bases.image(planned.base, planned.platform)
        except Error as exc:
            raise self.scheme.dockerfile.fault(
                at, f"{planned.base}: {exc.message}", exc.hint
            ) from exc
        triggers = (image.config.get("config") or {}).get("OnBuild") or ()
        return state.on_image(image), [str(text) for text in triggers]

    def wait(self, number: int) -> State:
        """Another stage, once it is built."""
        return self._stages[number].result()

    # --- where files come from

    @contextlib.contextmanager
    def origin(self, name: Union[int, str, None], planned: Planned) -> Iterator[Source]:
        """The context (None), a stage, a named context or an image, to take files from."""
        from ..container.files import private_mount

        if name is None:
            if self.source is None:
                raise Error("takes files from the context, but this build has none")
            yield self.source
            return
        if isinstance(name, str):
            kind = self.request.contexts.get(name, "")
            if kind and not is_image(kind):
                with trees.opened(self.host, self.request, kind) as source:
                    yield source
                return
        below, title = self.below(name, planned)
        self.unpack(below)
        with private_mount.shown(self.host, below.chain_ids, title) as root:
            yield Source(root, title, owned=True)

    def is_tree(self, name: Union[int, str, None]) -> bool:
        """Whether files are compared one by one; layers are known by their chain id."""
        return name is None or (
            isinstance(name, str)
            and name in self.request.contexts
            and not is_image(self.request.contexts[name])
        )

    def below(self, name: Union[int, str], planned: Planned) -> tuple[State, str]:
        """The state of a stage or an image that files are taken from."""
        if isinstance(name, int):
            stage = self._planned[name].stage
            return self.wait(name), f"the stage {stage.title}"
        image = self.bases.image(name, planned.platform)
        return state.on_image(image), f"the image {name}"

    # --- layers

    def layer(
        self,
        current: State,
        step: Step,
        text: str,
        content: Any,
        act: Callable[[Take], None],
        exact: bool = False,
        alone: bool = False,
    ) -> State:
        """A step that writes files: from the cache, or ``act`` makes them. With ``exact`` every
        file gets the time of SOURCE_DATE_EPOCH, not only younger ones. What writes ``alone`` is the
        same layer on whatever is below.
        """
        parent = current.chain_ids[-1] if current.diff_ids else ""
        epoch = self.request.epoch
        below = ("", "") if alone else (parent, current.digest)
        key = step_cache.key(*below, [content, epoch])
        kept = None if self.request.no_cache else self._known(current, parent, key)
        if kept is not None:
            step.cached()
            self.used[key] = replace(kept, parent=parent)
            return state.with_layer(current, text, kept.layer, kept.diff_id, kept.created)
        self.unpack(current)
        made: list[Kept] = []

        def take(upper: Path, skip: frozenset[str]) -> None:
            layer, diff_id = self._take(current, upper, skip, exact)
            created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
            made.append(Kept(parent, diff_id, created, text[:2000], layer))

        act(take)
        step_cache.keep(self.host.layout, key, made[0])
        self.used[key] = made[0]
        step.done()
        return state.with_layer(current, text, made[0].layer, made[0].diff_id, made[0].created)

    def _known(self, current: State, parent: str, key: str) -> Optional[Kept]:
        """A step that was run before, here or where a cache is shared."""
        kept = step_cache.find(self.host.layout, key)
        if kept is not None:
            return kept
        kept = self._taken.find(key)
        if kept is None:
            return None
        try:
            # Only now its layer is known to be what it says, and to harm nobody.
            self.unpack(state.with_layer(current, "", kept.layer, kept.diff_id, kept.created))
        except Error as exc:
            self.host.warn(f"a step of a shared build cache is not used: {exc.message}")
            return None
        kept = replace(kept, parent=parent)
        step_cache.keep(self.host.layout, key, kept)
        return kept

    def unpack(self, current: State) -> list[Path]:
        """The directories of a stage's layers, bottom first."""
        from ..image.store import layers

        paths: list[Path] = []
        for layer, diff_id, chain_id in zip(current.layers, current.diff_ids, current.chain_ids):
            done = layers.unpack_layer(self.host.layout, layer, diff_id, chain_id, tuple(paths))
            paths.append(done)
        return paths

    def _take(
        self, current: State, upper: Path, skip: frozenset[str], exact: bool
    ) -> tuple[Optional[Descriptor], str]:
        from ..image.layer import difference

        epoch = self.request.epoch

        def times(modified: int) -> int:
            if epoch is None:
                return modified
            return epoch if exact else min(epoch, modified)

        with assemble.writing_layer(self.host.layout) as out:
            made = difference.write_layer(upper, out, skip | snapshot.INIT_PATHS, times)
            if made.diff_id == NOTHING:
                return None, ""
            layer = out.publish()
        after = replace(
            current,
            layers=(*current.layers, layer),
            diff_ids=(*current.diff_ids, made.diff_id),
        )
        self.unpack(after)
        return layer, made.diff_id
