# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes declared quickly are what the standard library makes of them."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document, frozen


def declared(dataclass: Callable[..., Any], field: Callable[..., Any]) -> tuple[type[Any], ...]:
    """The same classes by either way of declaring them."""

    @dataclass(frozen=True)
    class Base:
        name: str
        size: int = 3

        @property
        def twice(self) -> int:
            return self.size * 2

    @dataclass(frozen=True)
    class Derived(Base):
        more: Optional[str] = None
        env: Mapping[str, str] = field(default_factory=dict, repr=False)
        seen: tuple[str, ...] = field(default=(), compare=False)

    @dataclass(frozen=True)
    class Own:
        secret: str

        def __repr__(self) -> str:
            return "Own(***)"

        def __eq__(self, other: object) -> bool:
            return True

    @dataclass(frozen=True, repr=False, eq=False)
    class Bare:
        name: str

    return Base, Derived, Own, Bare


WAYS = (
    declared(dataclasses.dataclass, dataclasses.field),
    declared(frozen.dataclass, frozen.field),
)


def both(look: Callable[..., object]) -> None:
    """Assert that both ways give the same."""
    theirs, ours = (look(*classes) for classes in WAYS)
    assert ours == theirs


def test_values_are_alike() -> None:
    both(
        lambda base, *rest: repr(base("a")) + repr(base("a", size=4)) + repr(base(size=1, name=""))
    )
    both(lambda base, derived, *rest: repr(derived("a", 1, seen=("x",), env={"b": "c"})))
    both(lambda base, derived, *rest: dataclasses.asdict(derived("a", 1, "m", {"k": "v"})))
    both(
        lambda base, derived, *rest: dataclasses.astuple(dataclasses.replace(derived("a"), size=9))
    )
    both(lambda base, *rest: (base("a") == base("a"), base("a") == base("b"), base("a") == "a"))
    both(lambda base, *rest: hash(base("a", 1)) == hash(("a", 1)))
    both(lambda base, *rest: len({base("a"), base("a"), base("b")}))
    both(lambda base, derived, *rest: derived("a", seen=("x",)) == derived("a"))
    both(lambda base, derived, *rest: base("a") == derived("a"))
    both(lambda base, *rest: (base("a").twice, copy.deepcopy(base("a")) == base("a")))
    both(
        lambda *classes: [
            [(f.name, f.type, f.repr) for f in dataclasses.fields(c)] for c in classes
        ]
    )
    both(lambda base, derived, *rest: derived("a").env is derived("a").env)
    both(lambda *classes: repr(classes[2]("s3cret")) + str(classes[2]("a") == classes[2]("b")))
    both(lambda *classes: classes[3]("a") == classes[3]("a"))


@pytest.mark.parametrize("classes", WAYS)
def test_nothing_changes(classes: tuple[type[Any], ...]) -> None:
    value = classes[1]("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.size


@pytest.mark.parametrize("classes", WAYS)
@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a", 1, None, {}, (), 6), {}), (("a",), {"name": "b"}), (("a",), {"none": 1})],
)
def test_what_does_not_fit_is_refused(
    classes: tuple[type[Any], ...], values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        classes[1](*values, **named)


def test_what_may_change_is_declared_as_changing() -> None:
    @frozen.changing
    class Work:
        name: str
        done: list[str] = frozen.field(default_factory=list)

    work = Work("a")
    work.name = "b"
    work.done.append("c")
    assert (repr(work), work) == (f"{Work.__qualname__}(name='b', done=['c'])", Work("b", ["c"]))
    with pytest.raises(TypeError):
        hash(work)
    with pytest.raises(TypeError):
        frozen.dataclass(frozen=False)


def test_what_is_asked_of_a_class_is_what_it_declares() -> None:
    derived = WAYS[1][1]
    value = derived("a", more="b")
    assert [f.name for f in frozen.fields(derived) if f.required] == ["name"]
    assert dict(frozen.items(value)) == dataclasses.asdict(value)
    assert frozen.replace(value, size=9) == dataclasses.replace(value, size=9) != value
    assert frozen.fields(object()) == ()
    assert document.to_json(value) == {**dataclasses.asdict(value), "seen": []}


def test_one_default_that_may_change_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Shared\.names"):

        @frozen.dataclass(frozen=True)
        class Shared:
            names: Any = []  # noqa: RUF012 # what is refused


def test_declaring_needs_no_dataclasses() -> None:
    """Its import brings inspect, which is as much as Python itself takes to start."""
    code = "import sys; from base import frozen; sys.exit('inspect' in sys.modules)"
    runtime = str(Path(frozen.__file__).parents[1])
    done = subprocess.run([sys.executable, "-B", "-S", "-c", code], cwd=runtime, check=False)
    assert done.returncode == 0
