# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of tests/fuzz: every item of every corpus, and some mutations, which hypothesis shrinks;
and that the fuzzer sees what it is to see.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from fuzz import mutate, watched
from fuzz.catalogue import PARSERS
from fuzz.parser import CORPUS, Escaped, Parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error

EACH = pytest.mark.parametrize("parser", PARSERS.values(), ids=lambda parser: str(parser.name))


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    place = watched.place()
    yield place
    shutil.rmtree(place)


@EACH
def test_a_corpus_is_taken_or_refused(parser: Parser, ground: Path) -> None:
    """Also what once found a fault: it stays in the corpus."""
    place = ground / parser.name
    place.mkdir()
    corpus = parser.corpus(place)
    assert corpus
    # Were all of them refused, mutations would not get far into the parser.
    taken = [parser.take(data, place) for data in corpus]
    assert any(taken)


@EACH
def test_mutations_are_taken_or_refused(parser: Parser, ground: Path) -> None:
    place = ground / f"mutated-{parser.name}"
    place.mkdir()
    corpus = parser.corpus(place)

    @settings(max_examples=20, derandomize=True, database=None, suppress_health_check=HealthCheck)
    @given(st.randoms(use_true_random=False))
    def feed(random: Random) -> None:
        parser.take(parser.mutate(random, corpus, parser.words), place)

    feed()


def test_every_corpus_has_a_parser() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(PARSERS)


def test_an_input_is_a_function_of_its_number(ground: Path) -> None:
    for name in ("manifest", "dockerfile", "mountinfo"):
        corpus = PARSERS[name].corpus(ground)
        first, again, other = (PARSERS[name].made(number, corpus) for number in (7, 7, 8))
        assert first == again != other


def _raise(error: BaseException) -> None:
    raise error


def _spin(data: bytes, place: Path) -> None:
    while True:
        pass


#: What a parser must not do: a part of what is said of it.
FAULTS = {
    "index out of range": lambda data, place: data[1 << 30],
    "Escaped": lambda data, place: _raise(Escaped("a canary changed")),
    "Hang": _spin,
    "MemoryError": lambda data, place: bytes(watched._ADDRESSES),
    "are in memory": lambda data, place: len(b"x" * (watched.MEMORY + 1)),
    "the process ended with status": lambda data, place: os._exit(3),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_fault_is_seen(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if said == "Hang":
        monkeypatch.setattr(watched, "PROCESSOR_S", 0.2)
    found = watched.feed_all(Parser("faulty", mutate.raw, FAULTS[said]), 5, 3)
    assert found.tried == 3 and len(found.faults) == 1
    ((at, words),) = found.faults.values()
    assert at == 5 and said in words


def test_one_that_blocks_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "CLOCK_S", 1.0)
    found = watched.feed_all(
        Parser("blocked", mutate.raw, lambda data, place: time.sleep(60)), 0, 1
    )
    assert ["it hung" in words for dummy, words in found.faults.values()] == [True]


def test_errors_of_ours_are_refusals() -> None:
    refusing = Parser("refusing", mutate.raw, lambda data, place: _raise(Error("no")))
    found = watched.feed_all(refusing, 0, 10)
    assert (found.tried, found.taken, found.faults) == (10, 0, {})
