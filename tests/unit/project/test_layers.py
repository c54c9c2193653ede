# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The architecture's two rules: imports point downwards only; read, decide and act are apart.

Where a file lies says its layer. The order of folders stands in the docstring of the folder that
holds them, as a map for whoever reads it; this test reads it too.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Optional

import pytest
from support import CHECKOUT

PLUGINS = CHECKOUT / "plugins"
TOP = "module_utils/_runtime/"
RUNTIME = "ansible_collections.slipway.engine.plugins.module_utils._runtime"

#: Of the standard library, what reaches outside of Python: each has one door, as has everything
#: that is not of the standard library.
OUTSIDE = frozenset({"subprocess", "ctypes"})

#: What reads the predictions of a check-mode run as they come, and what hands them on.
FORESEEING = frozenset({"records/foreseen.py", "plan/sequence.py"})

#: A line of a map: the folders of one layer, two spaces or more, what they are for.
_MAP = re.compile(r"^    ([a-z_]+(?: [a-z_]+)*)  +\S", re.MULTILINE)

#: Calls that read or act; no function whose name starts with ``plan`` may make one.
EFFECTS = frozenset({"open", "execute", "apply", "observe", "exists", "is_dir", "is_file"}) | {
    "run", "spawn", "system", "stat", "lstat", "listdir", "scandir", "read_text", "read_bytes",
    "read_json", "write_json", "write_atomic", "write_text", "write_bytes", "mkdir", "unlink",
}  # fmt: skip


def layers(docstring: str) -> list[list[str]]:
    """The map in a folder's docstring: its folders, the top layer first."""
    return [line.split() for line in _MAP.findall(docstring)]


def _parents(module: str) -> list[str]:
    """The folders a module lies in below _runtime/, the top one first."""
    parts = module.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def upward(here: str, target: str, maps: Mapping[str, list[list[str]]]) -> Optional[str]:
    """What is wrong with an import between two modules, by path below _runtime/; None if nothing.

    ``maps`` has the layers of each folder, the top one under "".
    """
    mine, other = here.split("/"), target.split("/")
    shared = 0
    while shared < min(len(mine), len(other)) - 1 and mine[shared] == other[shared]:
        shared += 1
    if len(mine) - 1 == shared:
        return None  # A file may import its neighbours, and what lies in folders beside it.
    if len(other) - 1 == shared:
        return f"imports upward, {target}"
    order = maps["/".join(mine[:shared])]
    place = {name: depth for depth, names in enumerate(order) for name in names}
    if not {mine[shared], other[shared]} <= set(place):
        return None  # That a map lacks a folder is said once.
    above, below = place[mine[shared]], place[other[shared]]
    if above > below:
        return f"imports upward, {target}"
    return f"imports sideways, {target}" if above == below else None


def circles(arrows: Mapping[str, frozenset[str]]) -> list[str]:
    """The modules that reach themselves by imports."""
    found = []
    # What imports nothing but such that import nothing is in no circle, and neither is what only
    # such import. The rest is little, so that it may be gone through one by one.
    arrows = _without_ends(_without_ends(arrows, False), True)
    for start in arrows:
        reached: set[str] = set()
        pending = list(arrows[start])
        while pending:
            module = pending.pop()
            if module not in reached:
                reached.add(module)
                pending += arrows.get(module, ())
        if start in reached:
            found.append(f"{start}: imports itself in a circle")
    return found


def _without_ends(arrows: Mapping[str, frozenset[str]], turned: bool) -> dict[str, frozenset[str]]:
    """Without modules that no arrow goes out of, again and again; with ``turned``, into."""
    left = {name: set(targets) for name, targets in arrows.items()}
    if turned:
        left = {name: set() for name in arrows}
        for name, targets in arrows.items():
            for target in targets & set(arrows):
                left[target].add(name)
    while ends := {name for name, targets in left.items() if not targets & set(left)}:
        left = {name: targets - ends for name, targets in left.items() if name not in ends}
    return {name: arrows[name] & frozenset(left) for name in left}


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Every import, those inside functions and under TYPE_CHECKING too, as dotted names."""
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join([*(parts if node.level else ()), *filter(None, [node.module])])
            yield from (f"{base}.{name.name}" for name in node.names)


def _runtime_target(name: str, modules: frozenset[str]) -> Optional[str]:
    """The module below _runtime/ that a dotted name is, or is a name in."""
    target = name[len(RUNTIME) + 1 :].replace(".", "/")
    while target and target not in modules:
        target = target.rpartition("/")[0]
    return target or None


def folder_maps(trees: Mapping[str, ast.Module]) -> dict[str, list[list[str]]]:
    """The layers of every folder below _runtime/, which is "" itself."""
    return {
        path[len(TOP) : -len("/__init__.py")] if path != f"{TOP}__init__.py" else "": layers(
            ast.get_docstring(tree) or ""
        )
        for path, tree in trees.items()
        if path.startswith(TOP) and path.endswith("/__init__.py")
    }


def arrows(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """For each module below _runtime/ those that it imports."""
    paths = {path[len(TOP) : -3]: path for path in trees if path.startswith(TOP)}
    modules = frozenset(name for name in paths if not name.endswith("__init__"))
    return {
        module: {
            target
            for name in imports(trees[paths[module]], _package(paths[module]))
            if name.startswith(RUNTIME + ".")
            and (target := _runtime_target(name, modules))
            and target != module
        }
        for module in modules
    }


def _package(path: str) -> str:
    whole = f"ansible_collections.slipway.engine.plugins.{path[:-3].replace('/', '.')}"
    return whole.rpartition(".")[0]


def violations(sources: Mapping[str, str]) -> list[str]:
    """What breaks the rules in these files, given as path below plugins/ -> source."""
    trees = {path: _parsed(source) for path, source in sources.items()}
    maps, drawn = folder_maps(trees), arrows(trees)
    found = _unmapped(drawn, maps)
    for here, targets in drawn.items():
        complaints = (upward(here, target, maps) for target in sorted(targets))
        found += [f"{here}: {complaint}" for complaint in complaints if complaint]
    found += circles({name: frozenset(targets) for name, targets in drawn.items()})
    doors: dict[str, set[str]] = {}
    for path, tree in trees.items():
        inside = path.startswith(TOP)
        for name in imports(tree, _package(path)) if inside else ():
            top = name.split(".")[0]
            if top == "ansible_collections":
                if not name.startswith(RUNTIME):
                    found.append(f"{path}: imports {name}, outside _runtime/")
            elif top in OUTSIDE or top not in sys.stdlib_module_names:
                doors.setdefault(top, set()).add(path)
        if inside and path[len(TOP) :] not in FORESEEING and _reads_predictions(tree):
            found.append(f"{path}: reads host.predicted, which is for records/foreseen.py")
        found += [f"{path}: {what}" for what in _mixed(tree)]
        if path != "module_utils/_task.py" and not path.startswith("action/"):
            found += [f"{path}: asks for check_mode" for dummy in _check_mode(tree)]
        if inside and path.endswith("__init__.py") and len(tree.body) > 1:
            found.append(f"{path}: holds code; every module of the folder would run it")
    for top, paths in doors.items():
        if top == "ansible":
            found += [f"{path}: imports ansible" for path in sorted(paths)]
        elif len(paths) > 1:
            found.append(f"{top} is imported in {len(paths)} places: {', '.join(sorted(paths))}")
    task = trees.get("module_utils/_task.py")
    branches = 1 if task is None else len(list(_check_mode(task)))
    if branches != 1:
        found.append(f"module_utils/_task.py: {branches} branches on check_mode, not one")
    return found


def _unmapped(modules: Iterable[str], maps: Mapping[str, list[list[str]]]) -> list[str]:
    """Folders that no map has, and maps of folders that are not there."""
    folders = {folder for module in modules for folder in _parents(module)}
    found = [f"{folder}/: has no __init__.py with a docstring" for folder in folders - set(maps)]
    for parent, order in maps.items():
        mapped = {name for names in order for name in names}
        prefix = f"{parent}/" if parent else ""
        there = {f[len(prefix) :] for f in folders if f.rpartition("/")[0] == parent}
        found += [
            f"{prefix}{name}/: the map of {parent or '_runtime'} lacks it"
            for name in there - mapped
        ]
        found += [f"{prefix}{name}/: is on a map and not there" for name in mapped - there]
    return found


def _reads_predictions(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "predicted" for node in _nodes(tree)
    )


def _check_mode(tree: ast.AST) -> Iterator[ast.AST]:
    """The places that branch on check mode."""
    for node in _nodes(tree):
        if isinstance(node, (ast.If, ast.IfExp, ast.While)) and "check_mode" in {
            inner.attr for inner in ast.walk(node.test) if isinstance(inner, ast.Attribute)
        }:
            yield node


def _mixed(tree: ast.AST) -> Iterator[str]:
    """Effects inside functions that only decide."""
    for node in _nodes(tree):
        if not isinstance(node, ast.FunctionDef) or node.name.lstrip("_").split("_")[0] != "plan":
            continue
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                if name in EFFECTS:
                    yield f"{node.name} calls {name}; deciding is pure"


@functools.cache
def _nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All of a file: a walk takes as long as parsing it, and there is one for each rule."""
    return tuple(ast.walk(tree))


@functools.cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


@functools.cache
def _sources() -> dict[str, str]:
    return {
        str(path.relative_to(PLUGINS)): path.read_text() for path in sorted(PLUGINS.rglob("*.py"))
    }


def test_the_collection_keeps_the_rules() -> None:
    assert violations(_sources()) == []


#: A house of four folders, for the tests of the rules.
MAP = """House.

::

    cli            verbs
    image network  acts
    base           stands below

"""
HOUSE = {
    "__init__": f'"""{MAP}"""',
    "base/__init__": '"""Base."""',
    "cli/__init__": '"""Cli."""',
    "image/__init__": '"""Images.\n\n::\n\n    archive    tars\n    store      blobs\n"""',
    "image/archive/__init__": '"""Tars."""',
    "image/store/__init__": '"""Blobs."""',
    "network/__init__": '"""Networks."""',
    "base/files": "",
    "base/linux": "import ctypes",
    "cli/main": "from ..image import transfer",
    "image/transfer": "from .store import blobs\nfrom ..base.files import x",
    "image/archive/save": "from ..store import blobs",
    "image/store/blobs": "from ...base import files",
    "network/attach": "def f():\n from ..base import files",
}


def _house(changed: Mapping[str, str]) -> list[str]:
    return violations({f"{TOP}{name}.py": text for name, text in {**HOUSE, **changed}.items()})


def test_what_points_down_is_fine() -> None:
    assert _house({}) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("base/files", "from ..image import transfer", "imports upward, image/transfer"),
        ("image/transfer", "from ..network import attach", "imports sideways, network/attach"),
        (
            "network/attach",
            "def f():\n from ..image.store.blobs import x",
            "imports sideways, image",
        ),
        ("image/store/blobs", "from ..archive import save", "imports upward, image/archive/save"),
        ("image/store/blobs", "from .. import transfer", "imports upward, image/transfer"),
        ("cli/main", "from ..base import extra", "imports itself in a circle"),
        ("base/files", "import ctypes", "ctypes is imported in 2 places"),
        ("image/transfer", "def f():\n import ansible.x", "imports ansible"),
        ("image/transfer", "def plan(a):\n run(['ip'])", "plan calls run"),
        ("image/transfer", "def f(m):\n if m.check_mode: pass", "asks for check_mode"),
        ("image/transfer", "def f(host):\n return host.predicted", "reads host.predicted"),
        ("image/__init__", '"""Images."""\nX = 1', "holds code"),
        ("image/__init__", '"""Images."""', "image/store/: the map of image lacks it"),
        ("cli/verb/ps", "", "cli/verb/: has no __init__.py"),
        ("__init__", f'"""{MAP}    other  lost\n"""', "other/: is on a map and not there"),
    ],
)
def test_a_violation_is_found(path: str, source: str, complaint: str) -> None:
    changed = {path: source}
    if "extra" in source:
        changed["base/extra"] = "from . import more"
        changed["base/more"] = "from . import extra"
    assert [line for line in _house(changed) if complaint in line]


def test_a_file_in_a_wrong_folder_is_found() -> None:
    """Every file of the library, put into the lowest or the highest layer, breaks a rule; save for
    those that only stand on the one, or that only the other stands on.
    """
    trees = {path: _parsed(source) for path, source in _sources().items()}
    maps = folder_maps(trees)
    drawn = arrows(trees)
    top, bottom = maps[""][0][0], maps[""][-1][0]
    for module in drawn:
        name = module.rpartition("/")[2]
        used = {t for t in drawn[module] if not t.startswith(f"{bottom}/")}
        users = {m for m, ts in drawn.items() if module in ts and not m.startswith(f"{top}/")}
        for folder, neighbours in ((bottom, used), (top, users)):
            if module.startswith(f"{folder}/"):
                continue
            moved = f"{folder}/moved_{name}"
            # All other arrows are as before, which another test is for.
            found = [upward(moved, target, maps) for target in drawn[module]]
            found += [upward(other, moved, maps) for other in drawn if module in drawn[other]]
            assert any(found) or not neighbours, f"{module} in {folder}/"


def test_two_branches_on_check_mode_are_one_too_many() -> None:
    branch = "def f(m):\n if m.check_mode: pass\n"
    assert violations({"module_utils/_task.py": branch * 2})
    assert violations({"module_utils/_task.py": branch}) == []


def test_ansible_is_met_in_one_file_of_the_library_side() -> None:
    """Controller-side plugins live inside Ansible; on the host there is _task, and beside it the
    module that stands for all others, and is sent without the library.
    """
    met = [
        path
        for path, source in _sources().items()
        if path.startswith(("module_utils/", "modules/"))
        and any(name.split(".")[0] == "ansible" for name in imports(_parsed(source), "x"))
    ]
    assert met == ["module_utils/_task.py", "modules/library.py"]
