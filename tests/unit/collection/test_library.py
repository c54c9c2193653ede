# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection kept on a host: the same answers whatever became of its files."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils import _keeping, _library
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout

_HERE = Path(_keeping.__file__)
OLD = {
    "module_utils/__init__.py": b"",
    "module_utils/_keeping.py": _HERE.read_bytes(),
    "zone/__init__.py": b"",
    "zone/answer.py": b"from .deep import value\n\n\ndef answer():\n    return value.VALUE\n",
    "zone/deep/__init__.py": b"",
    "zone/deep/value.py": b"VALUE = 'old'\n",
}
NEW = {**OLD, "zone/deep/value.py": b"VALUE = 'new'\n"}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    place = tmp_path / "slipway" / "program"
    place.mkdir(parents=True, mode=0o700)
    place.parent.chmod(0o700)
    return place


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    _forget()


def _forget() -> None:
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _library.Library)]
    for name in [name for name in sys.modules if name.startswith(f"{_library.PACKAGE}.zone")]:
        del sys.modules[name]


def _write(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)


def _keep(program: Path, sources: Mapping[str, bytes]) -> _library.Library:
    sent = program.parent / "sent.zip"
    sent.write_bytes(_keeping.pack(sources))
    found = _library.find(_keeping.digest(sources), str(sent), str(program))
    assert found is not None
    found.keep(_write)
    return found


def _code(program: Path, sources: Mapping[str, bytes]) -> Path:
    return program / f"{_keeping.digest(sources)}.{sys.implementation.cache_tag}.code"


def _answer(program: Path, sources: Mapping[str, bytes]) -> str:
    """What the module says that runs from what is kept of these sources."""
    found = _library.find(_keeping.digest(sources), directory=str(program))
    if found is None:
        return "missing"
    _forget()
    sys.meta_path.insert(0, found)
    module = importlib.import_module(f"{_library.PACKAGE}.zone.answer")
    return str(module.answer())


def _task(program: Path, sources: Mapping[str, bytes]) -> str:
    """What a task comes to: it sends the sources when they are missing."""
    if _library.find(_keeping.digest(sources), directory=str(program)) is None:
        _keep(program, sources)
    return _answer(program, sources)


def test_the_place_is_that_of_the_program() -> None:
    assert str(Layout.default().program) == _library.PROGRAM


def test_sources_that_were_sent_are_kept_and_run(program: Path) -> None:
    assert _answer(program, OLD) == "missing"
    _keep(program, OLD)
    assert _answer(program, OLD) == "old"
    # Its code came from the file: with the sources gone it still runs.
    (program / f"{_keeping.digest(OLD)}.zip").unlink()
    assert _answer(program, OLD) == "old"


def test_sources_run_from_memory_where_nothing_can_be_kept(program: Path) -> None:
    program.rmdir()
    found = _keep(program, OLD)
    sys.meta_path.insert(0, found)
    assert importlib.import_module(f"{_library.PACKAGE}.zone.answer").answer() == "old"


def test_a_full_disk_is_no_failure(program: Path) -> None:
    sent = program.parent / "sent.zip"
    sent.write_bytes(_keeping.pack(OLD))
    found = _library.find(_keeping.digest(OLD), str(sent), str(program))
    assert found is not None
    sys.meta_path.insert(0, found)

    def write(path: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    _library.keep(write)
    assert importlib.import_module(f"{_library.PACKAGE}.zone.answer").answer() == "old"
    assert list(program.iterdir()) == []
    found.keeps = False
    _library.keep(_write)
    assert list(program.iterdir()) == []


def test_several_versions_stand_side_by_side_and_old_ones_go(program: Path) -> None:
    versions = [{**OLD, "zone/more.py": b"#" * count} for count in range(5)]
    for age, sources in enumerate(versions):
        _keep(program, sources)
        for path in (program / f"{_keeping.digest(sources)}.zip", _code(program, sources)):
            os.utime(path, (age, age))
    _keep(program, NEW)
    assert _answer(program, NEW) == "new"
    assert [_answer(program, sources) for sources in versions] == [
        "missing", "missing", "old", "old", "old",
    ]  # fmt: skip
    assert len(list(program.iterdir())) == 8


@pytest.mark.parametrize("position", [0, 6, 20, 60, -200, -1])
def test_damaged_code_is_never_run(program: Path, position: int) -> None:
    _keep(program, OLD)
    code = bytearray(_code(program, OLD).read_bytes())
    code[position] ^= 0xFF
    _code(program, OLD).write_bytes(code)
    assert _task(program, OLD) == "old"


@pytest.mark.parametrize("length", [0, 3, 30, 100, -10])
def test_half_written_code_is_never_run(program: Path, length: int) -> None:
    _keep(program, OLD)
    _code(program, OLD).write_bytes(_code(program, OLD).read_bytes()[:length])
    assert _task(program, OLD) == "old"


def test_code_of_another_python_is_replaced(program: Path) -> None:
    _keep(program, OLD)
    code = _code(program, OLD).read_bytes()
    _code(program, OLD).write_bytes(b"\x01\x02\r\n" + code[4:])
    assert _answer(program, OLD) == "missing"
    assert _task(program, OLD) == "old"
    assert _code(program, OLD).read_bytes() == code


def test_damaged_code_with_other_sources_is_an_error(program: Path) -> None:
    _keep(program, OLD)
    code = _code(program, OLD)
    code.write_bytes(code.read_bytes()[:-1])
    (program / f"{_keeping.digest(OLD)}.zip").write_bytes(_keeping.pack(NEW))
    with pytest.raises(ImportError, match="is damaged; remove it and run the task again"):
        _answer(program, OLD)


def test_something_else_than_was_announced_is_not_run(program: Path) -> None:
    sent = program.parent / "sent.zip"
    for data in (_keeping.pack(NEW), b"", b"PK"):
        sent.write_bytes(data)
        assert _library.find(_keeping.digest(OLD), str(sent), str(program)) is None


@pytest.mark.parametrize("what", ["program", "above", "code and sources"])
def test_what_others_can_write_to_is_neither_run_nor_written(program: Path, what: str) -> None:
    _keep(program, OLD)
    paths = {
        "program": [program],
        "above": [program.parent],
        "code and sources": list(program.iterdir()),
    }[what]
    for path in paths:
        path.chmod(path.stat().st_mode | 0o020)
    assert _answer(program, OLD) == "missing"
    if what != "code and sources":
        _keep(program, NEW)
        assert not _code(program, NEW).exists()


def test_a_link_is_not_followed(program: Path) -> None:
    _keep(program, OLD)
    for path in list(program.iterdir()):
        moved = program.parent / path.name
        path.rename(moved)
        path.symlink_to(moved)
    assert _answer(program, OLD) == "missing"


def test_tracebacks_show_the_source(program: Path) -> None:
    found = _keep(program, OLD)
    name = f"{_library.PACKAGE}.zone.answer"
    assert found.get_source(name).startswith("from .deep")
    spec = found.find_spec(name)
    assert spec is not None and spec.origin is not None
    assert found.get_data(spec.origin) == OLD["zone/answer.py"]
    assert _code(program, OLD).read_bytes()[:4] == importlib.util.MAGIC_NUMBER
