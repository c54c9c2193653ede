# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns, spans of time and sizes as Docker shows them, and the templates of --format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.text import table, template


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "Less than a second"),
        (1.9, "1 second"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (3 * 3600, "3 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
    ],
)
def test_a_span_of_time_in_dockers_words(seconds: float, words: str) -> None:
    assert table.duration(seconds) == words


def test_columns_are_aligned_as_dockers_are() -> None:
    rows = [["CONTAINER ID", "IMAGE", "NAMES"], ["abc", "a-long-image:1", "web"]]
    assert list(table.table(rows)) == [
        "CONTAINER ID   IMAGE            NAMES",
        "abc            a-long-image:1   web",
    ]
    assert next(iter(table.table([["IMAGE", "NAMES"]]))) == "IMAGE     NAMES"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (4_261_550, "4.26MB"),
        (141_838_643, "142MB"),
        (999_600, "1MB"),
        (1_020_000_000, "1.02GB"),
        (10**18, "1000PB"),
    ],
)
def test_a_size_in_dockers_digits(count: int, text: str) -> None:
    assert table.size(count) == text


ROWS = [{"Name": "a", "Size": "1kB"}, {"Name": "a-long-name", "Size": "20MB"}]
SWAPPED = ["SIZE      NAME", "1kB       A", "20MB      A-LONG-NAME"]
TITLES = {"Name": "NAME", "Size": "SIZE"}


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        ("", ["NAME          SIZE", "a             1kB", "a-long-name   20MB"]),
        ("table", ["NAME          SIZE", "a             1kB", "a-long-name   20MB"]),
        ("table {{.Size}}\t{{upper .Name}}", SWAPPED),
        ("{{.Name}}={{ .Size }}", ["a=1kB", "a-long-name=20MB"]),
        ("json", [json.dumps(row, separators=(",", ":")) for row in ROWS]),
    ],
)
def test_a_list_in_every_form(form: str, lines: list[str]) -> None:
    assert list(table.listing(ROWS, TITLES, ("Name", "Size"), form)) == lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand  blanks", "two lines and blanks"),
        ("\x1b[31mred\x07\u202e", "[31mred"),
        ("naïve 文", "naïve 文"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(text: str, shown: str) -> None:
    assert table.plain(text) == shown


IMAGE = {
    "Os": "linux",
    "Size": 42,
    "Nothing": None,
    "RepoTags": ["a:1", "b:2"],
    "Config": {"Env": ["A=1", "B=2"], "Tty": False, "Labels": {"z": "1", "a": "2"}, "Cmd": []},
}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{ .Os }}", "linux"),
        ("{{.Os}}/{{.Size}}", "linux/42"),
        ("{{.Config.Tty}}", "false"),
        ("{{.Nothing}}", "<no value>"),
        ("{{.RepoTags}}", "[a:1 b:2]"),
        ("{{.Config.Labels}}", "map[a:2 z:1]"),
        ("{{json .RepoTags}}", '["a:1","b:2"]'),
        ("{{.RepoTags | json}}", '["a:1","b:2"]'),
        ("{{json .Nothing}}", "null"),
        ("{{index .RepoTags 1}}", "b:2"),
        ('{{index .Config.Labels "z"}}', "1"),
        ('{{join .Config.Env ","}}', "A=1,B=2"),
        ("{{len .Config.Cmd}}", "0"),
        ("{{upper (index .RepoTags 0)}}", "A:1"),
        ("{{index .RepoTags 0 | upper | lower | title}}", "A:1"),
        ('{{`raw`}} {{"a\\tb"}}', "raw a\tb"),
        (r"{{.Os}}\t{{.Size}}\n", "linux\t42\n"),
        ("{{json .}}", json.dumps(IMAGE, separators=(",", ":"))),
        ("{{range .RepoTags}}<{{.}}>{{end}}", "<a:1><b:2>"),
        ("{{range $i, $e := .RepoTags}}{{$i}}={{$e}} {{end}}", "0=a:1 1=b:2 "),
        ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}},{{end}}", "a=2,z=1,"),
        ("{{range .Config.Cmd}}x{{else}}none{{end}}", "none"),
        ("{{range .Nothing}}x{{end}}", ""),
        ("{{range .RepoTags}}{{range $.RepoTags}}{{.}}{{end}}{{end}}", "a:1b:2a:1b:2"),
        ("{{if .Config.Tty}}tty{{else if .Size}}{{.Size}}{{else}}no{{end}}", "42"),
        ("{{if and .Os (not .Config.Tty)}}y{{end}}", "y"),
        ("{{if eq .Os `bsd` `linux`}}{{if gt .Size 41}}big{{end}}{{end}}", "big"),
        ("{{with .Config.Labels}}{{.a}}{{end}}{{with .Nothing}}x{{else}}y{{end}}", "2y"),
        ("{{$c := .Config}}{{$c.Tty}} {{(index .RepoTags 0) | len}}", "false 3"),
        ("a {{- .Os -}} b {{/* nothing */}}c", "alinuxb c"),
        ("{{printf `%5d|%-5s|%q|%.1f` .Size .Os .Os 1.25}}", '   42|linux|"linux"|1.2'),
        ("{{println .Os .Size}}{{print 1 2}}", "linux 42\n1 2"),
        ("{{index .Config.Labels `nothere`}}", "<no value>"),
        ("{{slice .Os 1 3}} {{split .Os `n`}} {{truncate .Os 2}}", "in [li ux] li"),
    ],
)
def test_a_template(form: str, text: str) -> None:
    assert template.render(form, IMAGE) == text


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ("{{.Nope}}", "unknown field Nope; known fields: Os, Size"),
        ("{{.Os.Deeper}}", "unknown field Deeper; known fields: none"),
        ("{{nope .Os}}", "unknown function nope; known functions: json"),
        ("{{.Os", "unbalanced braces in '{{.Os'"),
        ("Os}}", "unbalanced braces in"),
        ("{{}}", "is not valid"),
        ("{{.Os .Size}}", "is not valid"),
        ("{{json (.Os}}", "is not valid"),
        ("{{.Os | }}", "is not valid"),
        ("{{.Os | .Size}}", "is not valid"),
        ("{{range .RepoTags}}", "has no {{end}}"),
        ("{{$x}}", "unknown variable $x"),
        ("{{end}}", "is not valid"),
        ("{{if .Os}}a{{else}}b{{else}}c{{end}}", "is not valid"),
        ("{{$x, $y := .Os}}", "is not valid"),
        ("{{range .Os}}{{end}}", "range cannot iterate over 'linux'"),
        ("{{index .RepoTags 7}}", "index cannot be used this way"),
        ("{{json}}", "json cannot be used this way"),
        ("{{len .Size}}", "len cannot be used this way"),
    ],
)
def test_a_template_that_asks_in_vain(form: str, complaint: str) -> None:
    with pytest.raises(Error) as caught:
        template.render(form, IMAGE)
    assert complaint in str(caught.value)


def test_a_method_is_called() -> None:
    row = {"Label": {"a": "b"}.get}
    assert template.render('{{.Label "a"}}', row) == "b"


def test_any_value_is_shown() -> None:
    value: Any = {"b": [1, None, True], "a": {}}
    assert template.shown(value) == "map[a:map[] b:[1 <no value> true]]"
