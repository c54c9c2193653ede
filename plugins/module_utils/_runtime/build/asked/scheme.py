# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stages of a Dockerfile a build needs, and what each is based on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional, Union

from ...base.errors import Error
from ...base.frozen import dataclass
from ...image.dockerfile import flags, words
from ...image.dockerfile.parse import Dockerfile, Instruction, Stage
from ...image.store.platform import Platform, parse_platform

#: The base without files.
SCRATCH = "scratch"


@dataclass(frozen=True)
class Planned:
    """A stage that is needed. ``base`` is the number of a stage, or the name of an image or
    context; ``origins`` are the same for COPY --from and mounts, by what is written there.
    """

    stage: Stage
    base: Union[int, str]
    platform: Platform
    origins: Mapping[str, Union[int, str]]

    @property
    def needs(self) -> frozenset[int]:
        """The stages it cannot be built without."""
        return frozenset(one for one in (self.base, *self.origins.values()) if isinstance(one, int))


@dataclass(frozen=True)
class Scheme:
    """The stages that are needed, in their order; the last one is what is built. ``globals`` are
    the arguments before the first FROM, ``platforms`` the predefined ones about platforms.
    """

    dockerfile: Dockerfile
    stages: tuple[Planned, ...]
    globals: Mapping[str, str]
    platforms: Mapping[str, str]
    declared: frozenset[str]

    @property
    def images(self) -> tuple[tuple[str, Platform], ...]:
        """Every image that is named, once, with the platform it is for."""
        found: dict[tuple[str, Platform], None] = {}
        for planned in self.stages:
            for name in (planned.base, *planned.origins.values()):
                if isinstance(name, str) and name != SCRATCH:
                    found[name, planned.platform] = None
        return tuple(found)


def scheme(
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    target: str,
    host: Platform,
    wanted: Platform,
) -> Scheme:
    """Find what is needed for ``target``, the last stage by default. Raises Error."""
    platforms = _platforms("BUILD", host) | _platforms("TARGET", wanted)
    known: dict[str, str] = {}
    for instruction in dockerfile.arguments:
        for name, default in instruction.pairs:
            scope = {**platforms, **known}
            value = args.get(name)
            if value is None and default is not None:
                value = _expand(dockerfile, instruction, default, scope)
            if value is not None:
                known[name] = value
    scope = {**platforms, **known}
    last = _target(dockerfile, target, scope)
    planned: dict[int, Planned] = {}
    pending = [last.index]
    while pending:
        number = pending.pop()
        if number not in planned:
            planned[number] = _planned(dockerfile, dockerfile.stages[number], scope, wanted)
            pending += planned[number].needs
    stages = tuple(planned[number] for number in sorted(planned) if number != last.index)
    return Scheme(
        dockerfile, (*stages, planned[last.index]), known, platforms, _declared(dockerfile)
    )


def _declared(dockerfile: Dockerfile) -> frozenset[str]:
    """The names of all arguments that the file declares anywhere."""
    everything = [*dockerfile.arguments]
    for stage in dockerfile.stages:
        everything += stage.instructions
    return frozenset(
        name for one in everything if one.keyword == "ARG" for name, dummy in one.pairs
    )


def _platforms(kind: str, found: Platform) -> dict[str, str]:
    return {
        f"{kind}PLATFORM": str(found),
        f"{kind}OS": found.os,
        f"{kind}ARCH": found.architecture,
        f"{kind}VARIANT": found.variant,
    }


def _target(dockerfile: Dockerfile, target: str, scope: Mapping[str, str]) -> Stage:
    if not target:
        return dockerfile.stages[-1]
    found = stage_of(dockerfile, target, len(dockerfile.stages))
    if found is None:
        names = [stage.name for stage in dockerfile.stages if stage.name]
        shown = f"; there are {', '.join(names)}" if names else ""
        raise Error(
            f"{dockerfile.file} has no stage {target[:60]!r}{flags.near(target, names) or shown}"
        )
    return dockerfile.stages[found]


def stage_of(dockerfile: Dockerfile, name: str, before: int) -> Optional[int]:
    """The number of a stage by its name or number, of those before another one."""
    for stage in reversed(dockerfile.stages[:before]):
        if stage.name and stage.name == name.lower():
            return stage.index
    if name.isdecimal() and int(name) < before:
        return int(name)
    return None


def origin(dockerfile: Dockerfile, at: Instruction, name: str, before: int) -> Union[int, str]:
    """What COPY --from or a mount's ``from`` names: a stage before this one, or an image or
    context.
    """
    found = stage_of(dockerfile, name, before)
    if found is not None:
        return found
    if name.isdecimal():
        raise dockerfile.fault(at, f"names the stage {name}, but there are only {before} before it")
    later = stage_of(dockerfile, name, len(dockerfile.stages))
    if later is not None:
        raise dockerfile.fault(
            at, f"names the stage {name}, which comes later", "a stage can only use earlier ones"
        )
    return name


def _planned(
    dockerfile: Dockerfile, stage: Stage, scope: Mapping[str, str], wanted: Platform
) -> Planned:
    at = Instruction("FROM", stage.number)
    name = _expand(dockerfile, at, stage.base, scope)
    if not name:
        raise dockerfile.fault(
            at,
            f"{stage.base} is empty once its variables are replaced",
            "set a default for the argument before the first FROM, or pass a value to the build",
        )
    asked = _expand(dockerfile, at, stage.platform, scope)
    base: Union[int, str] = name
    if name != SCRATCH:
        number = stage_of(dockerfile, name, stage.index)
        # A stage is named by its name here; digits may be those of an image.
        base = number if number is not None and not name.isdecimal() else name
    return Planned(
        stage,
        base,
        parse_platform(asked) if asked else wanted,
        origins(dockerfile, stage.instructions, stage.index),
    )


def origins(
    dockerfile: Dockerfile, instructions: tuple[Instruction, ...], before: int
) -> dict[str, Union[int, str]]:
    """Everything that instructions take files from, besides the context."""
    found: dict[str, Union[int, str]] = {}
    for at in instructions:
        names = [at.flag("from")] if at.flag("from") else []
        if at.keyword == "RUN":
            for text in at.all("mount"):
                name = flags.mount(text).origin if "$" not in text else ""
                names += [name] if name else []
        for name in names:
            found[name] = origin(dockerfile, at, name, before)
    return found


def _expand(dockerfile: Dockerfile, at: Instruction, text: str, scope: Mapping[str, str]) -> str:
    try:
        return words.expand(text, scope, dockerfile.lines.escape)
    except words.Malformed as exc:
        raise dockerfile.fault(at, str(exc)) from exc
