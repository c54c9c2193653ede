# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The architecture's two rules: imports point downwards only; read, decide and act are apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGINS = CHECKOUT / "plugins"
RUNTIME = "ansible_collections.slipway.engine.plugins.module_utils.runtime"

#: What stands in each layer, by path below runtime/ without ``.py``. What else is in a subsystem's
#: directory is L2, the strictest: a new file that joins subsystems is named here.
LEVELS = (
    "errors frozen layout files cgroups safefs linux overlay process document plan converge table"
    " template template_functions filters sequence version treecopy treescan selinux",
    "reference oci container/spec network/spec volume/spec container/seccomp",
    "snapshot registry/* image/* network/* volume/* container/*",
    "container/listing registry/resource image/resource image/transfer image/pulling"
    " image/pushing image/removing"
    " image/searching image/pulling_all image/importing prune"
    " network/resource network/state network/steps network/pruning network/names"
    " network/inspect network/attach network/publish"
    " volume/resource container/joining"
    " container/mounting container/sources container/staging container/provision"
    " volume/users volume/pruning"
    " container/resource container/lifecycle container/supervise container/inspect"
    " container/copy container/commit container/documents container/incarnation container/rootfs"
    " container/state container/selection system/* container/steps container/swap"
    " container/changed container/tree container/transfer container/export container/execute"
    " container/gathering container/copying container/fetch container/offline container/still"
    " container/creation",
    "cli cli_* verbs terminal archive program console session run_flags run_params names"
    " completion",
)
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names.split()}

#: The one place each of these may be imported in.
DOORS = {
    # Controller-side plugins live inside Ansible; on the host there is one door, and beside it the
    # module that stands for all others, and is sent without the library.
    "ansible": ("module_utils/task.py", "modules/library.py", "action/", "plugin_utils/"),
    "requests": ("runtime/registry/transport.py",),
    "urllib3": ("runtime/registry/transport.py",),
    "pyroute2": ("runtime/network/link.py",),
    "subprocess": ("runtime/process.py",),
    "ctypes": ("runtime/linux.py",),
}

#: Calls that read or act; no function whose name starts with ``plan`` may make one.
EFFECTS = frozenset({"open", "execute", "apply", "observe", "exists", "is_dir", "is_file"}) | {
    "run", "spawn", "system", "stat", "lstat", "listdir", "scandir", "read_text", "read_bytes",
    "read_json", "write_json", "write_atomic", "write_text", "write_bytes", "mkdir", "unlink",
}  # fmt: skip


def level(module: str) -> int:
    """The layer of a module, given as its path below runtime/."""
    family = "cli_*" if module.startswith("cli_") else module.split("/")[0] + "/*"
    known = LEVEL.get(module, LEVEL.get(family))
    assert known is not None, f"runtime/{module}.py stands in no layer: add it to the table"
    return known


def subsystem(module: str) -> str:
    return module.split("/")[0]


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Every import, those inside functions and under TYPE_CHECKING too, as dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join([*(parts if node.level else ()), *filter(None, [node.module])])
            yield from (f"{base}.{name.name}" for name in node.names)


def violations(sources: Mapping[str, str]) -> list[str]:
    """What breaks the rules in these files, given as path below plugins/ -> source."""
    modules = {path[21:-3] for path in sources if path.startswith("module_utils/runtime/")}
    found = []
    for path, source in sources.items():
        tree = ast.parse(source, path)
        package = f"ansible_collections.slipway.engine.plugins.{path[:-3].replace('/', '.')}"
        package = package.rpartition(".")[0]
        inside = path.startswith("module_utils/runtime/")
        here = path[21:-3]
        for name in imports(tree, package):
            top = name.split(".")[0]
            if top in DOORS and not any(
                path.startswith((f"module_utils/{door}", door)) for door in DOORS[top]
            ):
                found.append(f"{path}: imports {top} outside its door")
            if not inside or not name.startswith(RUNTIME + "."):
                if inside and top == "ansible_collections":
                    found.append(f"{path}: imports {name}, outside runtime/")
                continue
            target = name[len(RUNTIME) + 1 :].replace(".", "/")
            while target and target not in modules:
                target = target.rpartition("/")[0]
            if not target or target.endswith("__init__") or here.endswith("__init__"):
                continue
            if level(target) > level(here):
                found.append(f"{path}: imports upward, {target}")
            elif level(target) == level(here) == 2 and subsystem(target) != subsystem(here):
                found.append(f"{path}: imports sideways, {target}")
        found += [f"{path}: {what}" for what in _mixed(tree)]
        if path != "module_utils/task.py" and not path.startswith("action/"):
            found += [f"{path}: asks for check_mode" for dummy in _check_mode(tree)]
    branches = len(list(_check_mode(ast.parse(sources.get("module_utils/task.py", "")))))
    if "module_utils/task.py" in sources and branches != 1:
        found.append(f"module_utils/task.py: {branches} branches on check_mode, not one")
    return found


def _check_mode(tree: ast.AST) -> Iterator[ast.AST]:
    """The places that branch on check mode."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.If, ast.IfExp, ast.While)) and "check_mode" in {
            inner.attr for inner in ast.walk(node.test) if isinstance(inner, ast.Attribute)
        }:
            yield node


def _mixed(tree: ast.AST) -> Iterator[str]:
    """Effects inside functions that only decide."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or node.name.lstrip("_").split("_")[0] != "plan":
            continue
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                if name in EFFECTS:
                    yield f"{node.name} calls {name}; deciding is pure"


def _sources() -> dict[str, str]:
    return {
        str(path.relative_to(PLUGINS)): path.read_text() for path in sorted(PLUGINS.rglob("*.py"))
    }


def test_the_collection_keeps_the_rules() -> None:
    assert violations(_sources()) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("files.py", "from .oci import load", "imports upward, oci"),
        ("image/store.py", "from ..registry import client", "imports sideways, registry/client"),
        ("image/store.py", "def f():\n from ..snapshot import x", "imports sideways, snapshot"),
        ("network/link.py", "from .resource import x", "imports upward, network/resource"),
        ("files.py", "import subprocess", "imports subprocess outside its door"),
        ("image/store.py", "def f():\n import requests", "imports requests outside its door"),
        ("cli.py", "from ansible.module_utils.basic import x", "imports ansible outside its door"),
        ("network/resource.py", "def plan(a):\n run(['ip'])", "plan calls run"),
        ("network/resource.py", "def f(m):\n if m.check_mode: pass", "asks for check_mode"),
    ],
)
def test_a_violation_is_found(path: str, source: str, complaint: str) -> None:
    names = ("oci", "snapshot", "registry/client", "network/resource")
    sources = {f"module_utils/runtime/{name}.py": "" for name in names}
    sources[f"module_utils/runtime/{path}"] = source
    assert [line for line in violations(sources) if complaint in line]


def test_what_points_down_is_fine() -> None:
    sources = {
        "module_utils/runtime/image/store.py": "from ..errors import Error\nfrom .blobs import x",
        "module_utils/runtime/image/blobs.py": "from .. import files",
        "module_utils/runtime/errors.py": "",
        "module_utils/runtime/files.py": "",
        "module_utils/task.py": "from ansible.module_utils.basic import AnsibleModule\n"
        "def f(m):\n if not m.check_mode: pass",
    }
    assert violations(sources) == []


def test_two_branches_on_check_mode_are_one_too_many() -> None:
    branch = "def f(m):\n if m.check_mode: pass\n"
    assert violations({"module_utils/task.py": branch * 2})
