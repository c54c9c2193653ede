# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are read, and what they take from others: override files, extends, include."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest
import yaml

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.base.findings import (
    Findings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading import (
    files,
    project,
)


def written(directory: Path, given: dict[str, str]) -> None:
    for name, text in given.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(directory: Path, given: dict[str, str], **asked: Any) -> tuple[files.Source, Findings]:
    written(directory, given)
    findings = Findings()
    found = files.read(files.Asked(**{"directory": str(directory), **asked}), findings)
    return found, findings


A = "services: {a: {image: i}}"


@pytest.mark.parametrize(
    ("there", "asked", "names"),
    [
        (["compose.yaml"], {}, ["compose.yaml"]),
        (["compose.yml", "docker-compose.yml"], {}, ["compose.yml"]),
        (["docker-compose.yml", "docker-compose.yaml"], {}, ["docker-compose.yml"]),
        (["compose.yaml", "compose.override.yaml"], {}, ["compose.yaml", "compose.override.yaml"]),
        (["compose.yaml", "docker-compose.override.yml", "compose.override.yml"], {},
         ["compose.yaml", "compose.override.yml"]),
        (["compose.yaml", "compose.override.yaml"], {"files": ("compose.yaml",)}, ["compose.yaml"]),
        (["a.yml", "b.yml"], {"files": ("a.yml", "b.yml")}, ["a.yml", "b.yml"]),
        (["a.yml", "b.yml"], {"around": {"COMPOSE_FILE": "a.yml:b.yml"}}, ["a.yml", "b.yml"]),
        (["a.yml", "b.yml"],
         {"around": {"COMPOSE_FILE": "b.yml|a.yml", "COMPOSE_PATH_SEPARATOR": "|"}},
         ["b.yml", "a.yml"]),
        (["compose.yaml", "b.yml"], {"files": ("b.yml",), "around": {"COMPOSE_FILE": "x"}},
         ["b.yml"]),
    ],
)  # fmt: skip
def test_which_files(
    tmp_path: Path, there: list[str], asked: dict[str, Any], names: list[str]
) -> None:
    found, dummy = read(tmp_path, dict.fromkeys(there, A), **asked)
    assert [Path(path).name for path in found.files] == names
    assert found.base == str(tmp_path)


def test_a_file_above(tmp_path: Path) -> None:
    written(tmp_path, {"compose.yaml": A, "b/c/x": ""})
    asked = files.Asked(directory=str(tmp_path / "b/c"), upwards=True)
    assert files.read(asked, Findings()).files == (str(tmp_path / "compose.yaml"),)
    with pytest.raises(Error, match="has no Compose file"):
        files.read(files.Asked(directory=str(tmp_path / "b/c")), Findings())


@pytest.mark.parametrize(
    ("given", "around", "env_files", "value"),
    [
        ({".env": "X=1"}, {}, (), "1"),
        ({".env": "X=1"}, {"X": "2"}, (), "2"),
        ({".env": "X=1", "b": "X=3"}, {}, ("b",), "3"),
        ({"b": "X=3", "c": "X=4"}, {}, ("b", "c"), "4"),
        ({"b": "X=3"}, {"COMPOSE_ENV_FILES": "b"}, (), "3"),
        ({}, {}, (), ""),
    ],
)
def test_where_variables_are_from(
    tmp_path: Path,
    given: dict[str, str],
    around: dict[str, str],
    env_files: tuple[str, ...],
    value: str,
) -> None:
    given = {"compose.yaml": "services: {a: {image: 'i$X'}}", **given}
    found, dummy = read(tmp_path, given, around=around, env_files=env_files)
    assert found.content["services"]["a"]["image"] == f"i{value}"


#: The files, what becomes of the service a (its image is i), and what is wrong.
EXTENDS: list[tuple[dict[str, str], Optional[dict[str, Any]], str]] = [
    ({"compose.yaml": "services: {a: {extends: b, user: u}, b: {image: i, user: v, tty: true}}"},
     {"user": "u", "tty": True}, ""),
    ({"compose.yaml": "services: {a: {extends: {service: b}}, b: {image: i}}"}, {}, ""),
    ({"compose.yaml": "services: {a: {extends: b}, b: {extends: c, user: u}, c: {image: i}}"},
     {"user": "u"}, ""),
    ({"compose.yaml": "services: {a: {extends: {file: f.yml, service: b}}}",
      "f.yml": "services: {b: {image: i, environment: [A=1]}}"}, {"environment": ["A=1"]}, ""),
    ({"compose.yaml": "services: {a: {extends: {file: d/f.yml, service: b}}}",
      "d/f.yml": "services: {b: {image: i, env_file: x.env, volumes: [./v:/v, n:/n]}}"},
     {"env_file": "{here}/d/x.env", "volumes": ["{here}/d/v:/v", "n:/n"]}, ""),
    ({"compose.yaml": "services: {a: {extends: {file: d/f.yml, service: b}, env_file: [y.env]}}",
      "d/f.yml": "services: {b: {image: i, env_file: x.env}}"},
     {"env_file": ["{here}/d/x.env", "y.env"]}, ""),
    ({"compose.yaml": "services: {a: {extends: {file: d/f.yml, service: b}}}",
      "d/f.yml": "services: {b: {extends: {file: e/g.yml, service: c}}}",
      "d/e/g.yml": "services: {c: {image: i, build: {context: .}}}"},
     {"build": {"context": "{here}/d/e"}}, ""),
    ({"compose.yaml": "services: {a: {extends: b, ports: ['2:2']}, b: {image: i, ports: ['1:1']}}"},
     {"ports": ["1:1", "2:2"]}, ""),
    ({"compose.yaml": "services: {a: {extends: b, ports: !reset []}, "
                      "b: {image: i, ports: ['1:1']}}"}, {}, ""),
    ({"compose.yaml": "services: {a: {extends: b, ports: !override ['2:2']}, "
                      "b: {image: i, ports: ['1:1']}}"}, {"ports": ["2:2"]}, ""),
    ({"compose.yaml": "services: {a: {extends: b}, b: {image: i, depends_on: [c]}, c: {image: i}}"},
     {"depends_on": ["c"]}, ""),
    ({"compose.yaml": "services: {a: {extends: {file: f.yml, service: b}}}",
      "f.yml": "services: {b: {image: i, user: '$U'}}"}, {"user": "me"}, ""),
    ({"compose.yaml": "services: {a: {image: i, extends: b}}"}, {},
     "services.a.extends: there is no service b"),
    ({"compose.yaml": "services: {a: {image: i, extends: {file: f.yml, service: b}}}"}, {},
     "services.a.extends: {here}/f.yml: No such file or directory"),
    ({"compose.yaml": "services: {a: {image: i, extends: {file: f.yml, service: b}}}",
      "f.yml": "services: {}"}, {}, "services.a.extends: there is no service b in {here}/f.yml"),
    ({"compose.yaml": "services: {a: {image: i, extends: {service: b, files: x}}, b: {}}"}, {},
     "services.a.extends.files: unknown key; did you mean file?"),
    ({"compose.yaml": "services: {a: {image: i, extends: {file: x}}}"}, {},
     "services.a.extends: it must name a service"),
    ({"compose.yaml": "services: {a: {image: i, extends: b}, b: {extends: a}}"}, None,
     "services extend one another: a -> b -> a"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "service", "said"), EXTENDS)
def test_extends(
    tmp_path: Path, given: dict[str, str], service: Optional[dict[str, Any]], said: str
) -> None:
    found, findings = read(tmp_path, given, around={"U": "me"})
    here = str(tmp_path)
    assert (said.replace("{here}", here) in findings.mistakes) or any(
        said.replace("{here}", here) in line for line in findings.mistakes or [""]
    )
    if not said:
        assert findings.mistakes == []
    if service is not None:
        wanted = yaml.safe_load(yaml.safe_dump({"image": "i", **service}).replace("{here}", here))
        assert found.content["services"]["a"] == wanted


INCLUDED = {"d/f.yml": "services: {b: {image: '$X', volumes: [./v:/v]}}\nnetworks: {n: }\n"
                       "secrets: {s: {file: s.txt}}"}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "part", "said"),
    [
        ({**INCLUDED, "compose.yaml": f"include: [d/f.yml]\n{A}"},
         {"services": {"a": {"image": "i"}, "b": {"image": "", "volumes": ["{here}/d/v:/v"]}},
          "networks": {"n": None}, "secrets": {"s": {"file": "{here}/d/s.txt"}}}, ""),
        ({**INCLUDED, "d/.env": "X=of-d", "compose.yaml": f"include: [d/f.yml]\n{A}"},
         {"services": {"a": {"image": "i"},
                       "b": {"image": "of-d", "volumes": ["{here}/d/v:/v"]}}}, ""),
        ({**INCLUDED, "d/.env": "X=of-d", ".env": "X=ours",
          "compose.yaml": f"include: [d/f.yml]\n{A}"},
         {"services": {"a": {"image": "i"},
                       "b": {"image": "ours", "volumes": ["{here}/d/v:/v"]}}}, ""),
        ({**INCLUDED, "x.env": "X=of-x",
          "compose.yaml": "include: [{path: d/f.yml, env_file: x.env, project_directory: .}]\n"
                          f"{A}"},
         {"services": {"a": {"image": "i"}, "b": {"image": "of-x", "volumes": ["{here}/v:/v"]}}},
         ""),
        ({**INCLUDED, "g.yml": "services: {b: {image: of-g}}",
          "compose.yaml": f"include: [{{path: [d/f.yml, g.yml]}}]\n{A}"},
         {"services": {"a": {"image": "i"},
                       "b": {"image": "of-g", "volumes": ["{here}/d/v:/v"]}}}, ""),
        ({**INCLUDED, "compose.yaml": f"include: [d/f.yml]\n{A}",
          "compose.override.yaml": "services: {b: {image: over}}"},
         {"services": {"a": {"image": "i"},
                       "b": {"image": "over", "volumes": ["{here}/d/v:/v"]}}}, ""),
        ({"d/f.yml": "include: [e/g.yml]", "d/e/g.yml": "services: {c: {image: i}}",
          "compose.yaml": f"include: [d/f.yml]\n{A}"},
         {"services": {"a": {"image": "i"}, "c": {"image": "i"}}}, ""),
        ({"d/f.yml": A, "compose.yaml": f"include: [d/f.yml]\n{A}"},
         {"services": {"a": {"image": "i"}}}, ""),
        ({"d/f.yml": "services: {a: {image: j}}", "compose.yaml": f"include: [d/f.yml]\n{A}"},
         None, "services.a: {here}/d/f.yml, which is included, has it too"),
        ({"d/f.yml": "include: [../compose.yaml]", "compose.yaml": f"include: [d/f.yml]\n{A}"},
         None, "include[0]: files include one another: "),
        ({"compose.yaml": f"include: [x.yml]\n{A}"}, None, "include[0]: {here}/x.yml: No such"),
        ({"compose.yaml": f"include: [https://example.com/x.yml]\n{A}"}, None,
         "include[0]: files of other hosts are not fetched"),
        ({"compose.yaml": f"include: {{path: x}}\n{A}"}, None, "include: a list is expected"),
        ({"compose.yaml": f"include: [{{paths: x}}]\n{A}"}, None, "include[0]: path is required"),
    ],
)  # fmt: skip
def test_include(
    tmp_path: Path, given: dict[str, str], part: Optional[dict[str, Any]], said: str
) -> None:
    found, findings = read(tmp_path, given)
    here = str(tmp_path)
    if said:
        assert any(said.replace("{here}", here) in line for line in findings.mistakes)
    else:
        assert findings.mistakes == []
    for key, wanted in (part or {}).items():
        text = yaml.safe_dump(wanted).replace("{here}", here)
        assert found.content[key] == yaml.safe_load(text)
    assert "include" not in found.content


def test_documents_of_one_file(tmp_path: Path) -> None:
    given = {"compose.yaml": f"{A}\n---\nservices: {{a: {{user: u}}}}\n"}
    assert read(tmp_path, given)[0].content == {"services": {"a": {"image": "i", "user": "u"}}}


@pytest.mark.parametrize(
    ("given", "asked", "name", "said"),
    [
        (A, {}, "my-app_1", ""),
        (f"name: other\n{A}", {}, "other", ""),
        (f"name: '$N'\n{A}", {"around": {"N": "by-variable"}}, "by-variable", ""),
        (f"name: other\n{A}", {"project": "asked"}, "asked", ""),
        (f"name: other\n{A}", {"around": {"COMPOSE_PROJECT_NAME": "env"}}, "env", ""),
        (f"name: other\n{A}", {"project": "asked", "around": {"COMPOSE_PROJECT_NAME": "e"}},
         "asked", ""),
        (f"name: Not.Good\n{A}", {}, "notgood", "name: 'Not.Good' cannot name a project"),
    ],
)  # fmt: skip
def test_the_name(tmp_path: Path, given: str, asked: dict[str, Any], name: str, said: str) -> None:
    directory = tmp_path / "My-App._1"
    directory.mkdir()
    source, findings = read(directory, {"compose.yaml": given}, **asked)
    found = project.project(source, files.Asked(**asked), findings)
    assert found.name == name
    assert any(said in line for line in findings.mistakes or [""])


PROFILES = "services: {a: {}, b: {profiles: [x]}, c: {profiles: [x, y]}, d: {profiles: y}}"


@pytest.mark.parametrize(
    ("profiles", "around", "named", "services"),
    [
        ((), "", (), "a"),
        (("x",), "", (), "abc"),
        (("y",), "", (), "acd"),
        (("x", "y"), "", (), "abcd"),
        (("*",), "", (), "abcd"),
        ((), "x", (), "abc"),
        ((), "x, y", (), "abcd"),
        (("x",), "y", (), "abcd"),
        ((), "", ("d",), "ad"),
        (("z",), "", (), "a"),
    ],
)
def test_profiles(
    tmp_path: Path, profiles: tuple[str, ...], around: str, named: tuple[str, ...], services: str
) -> None:
    variables = {"COMPOSE_PROFILES": around} if around else {}
    source, findings = read(tmp_path, {"compose.yaml": PROFILES}, around=variables)
    asked = files.Asked(profiles=profiles, project="p")
    assert "".join(project.project(source, asked, findings, named).services) == services


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servces: {}", "servces: unknown key; did you mean services?"),
        ("services: [a]", "services: a mapping of names is expected"),
        ("services: {a: i}", "services.a: a mapping is expected"),
        ("services: {}", "services: there are none"),
        (f"{A}\nnetworks: [a]", "networks: a mapping of names is expected"),
    ],
)
def test_what_is_wrong_at_the_top(tmp_path: Path, text: str, said: str) -> None:
    source, findings = read(tmp_path, {"compose.yaml": text})
    project.project(source, files.Asked(project="p"), findings)
    assert said in findings.mistakes


def test_a_definition_in_place_of_files(tmp_path: Path) -> None:
    definition = {"services": {"a": {"extends": {"file": "f.yml", "service": "b"}, "user": "$U"}}}
    found, findings = read(
        tmp_path,
        {"f.yml": "services: {b: {image: i}}"},
        definition=definition,
        around={"U": "me"},
    )
    assert findings.mistakes == []
    assert (found.files, found.content["services"]["a"]) == ((), {"image": "i", "user": "me"})
