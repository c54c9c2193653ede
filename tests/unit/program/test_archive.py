# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program: complete, the same from every source, and installed by one rename."""

from __future__ import annotations

import ast
import collections
import functools
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Optional

import pytest
from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.module_utils import _keeping, _library
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import start, zipapp

RUNTIME = CHECKOUT / "plugins" / "module_utils" / "_runtime"


@functools.lru_cache(maxsize=1)
def _built() -> bytes:
    """The program that the sources of the checkout make; it takes most of a second."""
    return zipapp.build()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "root", tmp_path / "run", tmp_path / "etc")
    files.prepare(made)
    return made


@pytest.fixture
def prepared(layout: Layout) -> Layout:
    """Where the archive is already, which takes most of a second to make, and is not in use."""
    path = layout.program / f"{zipapp.digest()}.pyz"
    path.write_bytes(_built())
    path.chmod(0o700)
    return layout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Where the program is installed, for tests that only run it or read it."""
    top = tmp_path_factory.mktemp("installed")
    made = Layout(top / "root", top / "run", top / "etc")
    files.prepare(made)
    zipapp.install(made, top / "slipway")
    return made


def _imports(module: str) -> Iterator[str]:
    """The modules below runtime/ that one of them imports, wherever in it the import stands."""
    package = module.split("/")[:-1]
    for node in ast.walk(ast.parse((RUNTIME / f"{module}.py").read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) + 1 - node.level]
        base += node.module.split(".") if node.module else []
        candidates = ["/".join([*base, alias.name]) for alias in node.names] + ["/".join(base)]
        yield from (name for name in candidates if name and (RUNTIME / f"{name}.py").is_file())


def _reached(module: str) -> set[str]:
    found, pending = set(), [module]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _imports(name)
    return found


class _Fetching:
    """A loader as Mitogen's: no files, and the sources of those modules only that were imported."""

    def __init__(self, package: str) -> None:
        self.package = package

    def get_source(self, name: str) -> Optional[str]:
        assert name in sys.modules and name.startswith(self.package)
        return (RUNTIME / f"{name[len(self.package) :].replace('.', '/')}.py").read_text()


@pytest.fixture
def uncached() -> Iterator[None]:
    def clear() -> None:
        zipapp.digest.cache_clear()
        zipapp.modules.cache_clear()

    clear()
    yield
    clear()


def test_a_loader_without_files_makes_the_same_program(
    monkeypatch: pytest.MonkeyPatch, uncached: None
) -> None:
    usual = (zipapp.modules(), zipapp.digest(), _built())
    zipapp.digest.cache_clear()
    zipapp.modules.cache_clear()
    package = zipapp.__name__[: -len("program.zipapp")]
    monkeypatch.setitem(vars(zipapp), "__loader__", _Fetching(package))
    assert (zipapp.modules(), zipapp.digest(), zipapp.build()) == usual


def test_a_loader_without_sources_is_named(monkeypatch: pytest.MonkeyPatch, uncached: None) -> None:
    monkeypatch.setitem(vars(zipapp), "__loader__", object())
    with pytest.raises(Error, match="object, which loaded this task, does not give the sources"):
        zipapp.digest()


def test_the_program_holds_all_that_cli_reaches() -> None:
    assert tuple(sorted(_reached("cli/main"))) == zipapp.modules()


def test_no_module_outside_the_standard_library_is_imported_at_the_top() -> None:
    for name in zipapp.modules():
        for node in ast.parse((RUNTIME / f"{name}.py").read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for imported in names:
                assert imported.split(".")[0] in sys.stdlib_module_names, f"{name}: {imported}"


def test_building_is_deterministic() -> None:
    assert zipapp.build() == _built()


def test_install_makes_the_program_current_once(layout: Layout, tmp_path: Path) -> None:
    launcher = tmp_path / "bin" / "slipway"
    launcher.parent.mkdir()
    assert not zipapp.installed(layout)
    zipapp.install(layout, launcher)
    assert zipapp.installed(layout)
    program = zipapp.program(layout)
    assert os.readlink(launcher) == str(program)
    assert program.stat().st_mode & 0o777 == 0o700
    made = program.stat()
    zipapp.install(layout, launcher)
    again = program.stat()
    assert (made.st_ino, made.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)
    assert sorted(path.name for path in layout.program.iterdir()) == sorted(
        [f"{zipapp.digest()}.pyz", "current"]
    )


def test_a_program_of_somebody_else_is_left_alone(prepared: Layout, tmp_path: Path) -> None:
    launcher = tmp_path / "slipway"
    launcher.write_text("mine")
    zipapp.install(prepared, launcher)
    assert launcher.read_text() == "mine"


def test_old_programs_go_and_the_newest_ones_stay(prepared: Layout, tmp_path: Path) -> None:
    for number in range(5):
        old = prepared.program / f"{number}.pyz"
        old.write_bytes(b"")
        os.utime(old, (number, number))
    zipapp.install(prepared, tmp_path / "slipway")
    left = {path.name for path in prepared.program.glob("*.pyz")}
    assert left == {f"{zipapp.digest()}.pyz", "3.pyz", "4.pyz"}


def test_a_missing_archive_is_not_installed(prepared: Layout, tmp_path: Path) -> None:
    zipapp.install(prepared, tmp_path / "slipway")
    zipapp.program(prepared).resolve().unlink()
    assert not zipapp.installed(prepared)
    zipapp.install(prepared, tmp_path / "slipway")
    assert zipapp.installed(prepared)


def _contents() -> bytes:
    return zipapp.contents(
        lambda name: path.read_bytes() if (path := RUNTIME / f"{name}.py").is_file() else None
    )


def _sent(path: Path, *, with_contents: bool) -> Path:
    """The sources in a zip with the collection's package in it, as a module is sent; or packed with
    what the program consists of, as the library is.
    """
    inside = Path("ansible_collections/slipway/engine/plugins/module_utils/_runtime")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for package in [*reversed(inside.parents[:-1]), inside]:
            packed.writestr(f"{package}/__init__.py", b"")
        for source in RUNTIME.rglob("*.py"):
            relative = source.relative_to(RUNTIME)
            if str(relative) != "__init__.py":
                packed.write(source, str(inside / relative))
        if with_contents:
            packed.writestr(f"{inside}/{zipapp.CONTENTS}.py", _contents())
    return path


def _identity(program: Path, package: str) -> list[str]:
    """Digest and content of the program that the sources in a zip make."""
    code = (
        "import sys, hashlib, importlib\n"
        f"sys.path.insert(0, {str(program)!r})\n"
        f"zipapp = importlib.import_module({package!r} + '.program.zipapp')\n"
        f"assert {str(program)!r} in zipapp.__file__\n"
        "print(zipapp.digest(), hashlib.sha256(zipapp.build()).hexdigest())\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True)
    return done.stdout.decode().split()


def test_sources_make_the_same_program_wherever_they_are(installed: Layout, tmp_path: Path) -> None:
    """In processes of their own: which strings a process has already is seen in compiled code."""
    package = "ansible_collections.slipway.engine.plugins.module_utils._runtime"
    module = _identity(_sent(tmp_path / "module.zip", with_contents=False), package)
    library = _identity(_sent(tmp_path / "library.zip", with_contents=True), package)
    assert module == library
    program = _identity(zipapp.program(installed), "slipway")
    assert program[0] == module[0] == zipapp.digest()


class _Counting(_keeping.Sent):
    """A library that was sent, and how often it compiled each module."""

    compiled: collections.Counter[str]

    def compile(self, name: str) -> CodeType:
        self.compiled[name] += 1
        return super().compile(name)


def test_what_is_compiled_already_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch, uncached: None, tmp_path: Path
) -> None:
    """By the library that was sent, of which the program is made and which is kept then."""
    expected = _built()
    plugins = RUNTIME.parent.parent
    sources = {
        str(path.relative_to(plugins)): path.read_bytes()
        for path in (*RUNTIME.rglob("*.py"), *RUNTIME.parent.glob("*.py"))
    }
    sources[f"module_utils/_runtime/{zipapp.CONTENTS}.py"] = _contents()
    sent = _Counting(_keeping.digest(sources), str(tmp_path), sources, _keeping.pack(sources))
    sent.compiled = collections.Counter()
    place = f"{sent.archive}/module_utils/_runtime/program/zipapp.py"
    monkeypatch.setitem(vars(zipapp), "__file__", place)
    monkeypatch.setitem(vars(zipapp), "__loader__", sent)
    assert zipapp.build() == expected
    sent.keep(lambda path, data: files.write_atomic(Path(path), data))
    assert set(sent.compiled) == set(sent.index) and set(sent.compiled.values()) == {1}

    kept = _library.find(sent.digest, directory=str(tmp_path))
    assert kept is not None
    monkeypatch.setitem(vars(zipapp), "__loader__", kept)
    monkeypatch.setattr(kept, "compile", None)
    assert zipapp.build() == expected


def test_sources_without_the_program_are_refused() -> None:
    with pytest.raises(Error, match=r"lack part of the program: cli/main\.py"):
        zipapp.reached(lambda name: None)


def test_the_program_runs_without_the_collection(installed: Layout, tmp_path: Path) -> None:
    program = tmp_path / "elsewhere" / "slipway"
    program.parent.mkdir()
    shutil.copy(zipapp.program(installed), program)
    places = [f"--{name}={getattr(installed, name)}" for name in ("root", "run", "etc")]
    done = subprocess.run(
        [str(program), *places, "ps", "-a"], check=True, capture_output=True, cwd="/"
    )
    assert done.stdout.decode().split() == [
        *("CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
    ]


def _ran(program: Path, code: str) -> list[str]:
    """What a command prints that is run by the program's own ``start``, with ``code`` before it."""
    text = (
        f"import sys; sys.path.insert(0, {str(program)!r}); sys.argv = ['slipway', 'nonsense']\n"
        "import importlib.util, __main__\n"
        f"{code}\n"
        "import runpy\n"
        "try: runpy.run_path(sys.path[0], run_name='__main__')\n"
        "except SystemExit as exc: print(exc.code)\n"
        "print(type(sys.modules['slipway.cli.main'].__loader__).__name__)\n"
        "print(sys.modules['slipway.cli.main'].__file__.rpartition('/slipway/')[2])\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", text], check=True, capture_output=True, text=True
    )
    assert "nonsense" in done.stderr
    return done.stdout.split()


def test_the_code_is_taken_by_the_python_that_compiled_it(installed: Layout) -> None:
    program = zipapp.program(installed).resolve()
    assert _ran(program, "") == ["1", "Compiled", "cli/main.py"]
    # Whoever is another Python compiles the sources.
    other = "importlib.util.MAGIC_NUMBER = b'0000'"
    assert _ran(program, other) == ["1", "zipimporter", "cli/main.py"]


def test_a_traceback_shows_the_lines(installed: Layout) -> None:
    compiled = start.Compiled(str(zipapp.program(installed)))
    name = "slipway.base.clock"
    spec = compiled.find_spec(name)
    assert spec is not None and spec.origin is not None and compiled.find_spec("os") is None
    source = compiled.get_source(name)
    assert source == (RUNTIME / "base" / "clock.py").read_text()
    assert compiled.get_data(spec.origin).decode() == source
    assert compiled.checksum(name) == (zlib.crc32(source.encode()), len(source.encode()))
    package = compiled.find_spec("slipway.base")
    assert package is not None and package.submodule_search_locations == []


def test_a_child_without_descriptors_goes_on_importing(installed: Layout) -> None:
    """As the children of the watcher do, whose checks are imported in them."""
    program = zipapp.program(installed).resolve()
    close = "import os; os.closerange(3, 256)"
    late = "print(__import__('slipway.text.table', fromlist=['x']).__name__)"
    text = f"{close}\n{late}"
    code = f"import atexit; atexit.register(lambda: exec({text!r}))"
    assert _ran(program, code)[-1] == "slipway.text.table"
