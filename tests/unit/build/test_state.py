# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What instructions make of an image's defaults while it is built."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked import state
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import (
    lines,
    parse,
)

BASE: dict[str, Any] = {"Env": ["A=1", "B=2"], "Cmd": ["base"], "WorkingDir": "/srv"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def after(text: str, given: Optional[dict[str, str]] = None) -> state.State:
    """The state after instructions on the base; ``given`` are build arguments."""
    found = parse.parse(f"FROM base\n{text}\n".encode(), "Dockerfile")
    configure = state.Configurer(found, given or {}, {"GLOBAL": "g"}, {"TARGETARCH": "amd64"})
    current = state.State(BASE, {})
    for at in found.stages[0].instructions:
        current = configure.apply(current, at)
    return current


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("ENV C=3", {"Env": ["A=1", "B=2", "C=3"]}),
        ("ENV A=9", {"Env": ["A=9", "B=2"]}),
        ("ENV A=9 C=$A", {"Env": ["A=9", "B=2", "C=1"]}),
        ("ENV A=9\nENV C=$A", {"Env": ["A=9", "B=2", "C=9"]}),
        ("ENV C old form", {"Env": ["A=1", "B=2", "C=old form"]}),
        ("ENV C='$A'", {"Env": ["A=1", "B=2", "C=$A"]}),
        ("ENV PATH=/x:$PATH", {"Env": ["A=1", "B=2", f"PATH=/x:{PATH}"]}),
        ("CMD run", {"Cmd": ["/bin/sh", "-c", "run"]}),
        ('CMD ["run", "$A"]', {"Cmd": ["run", "$A"]}),
        ("CMD []", {"Cmd": None}),
        ('SHELL ["/s"]\nCMD run', {"Shell": ["/s"], "Cmd": ["/s", "run"]}),
        ('ENTRYPOINT ["e"]', {"Entrypoint": ["e"], "Cmd": None}),
        ('CMD ["c"]\nENTRYPOINT ["e"]', {"Entrypoint": ["e"], "Cmd": ["c"]}),
        ("WORKDIR sub", {"WorkingDir": "/srv/sub"}),
        ("WORKDIR /x/$A/..", {"WorkingDir": "/x"}),
        ("WORKDIR ../../..", {"WorkingDir": "/"}),
        ("USER $A:$B", {"User": "1:2"}),
        ('LABEL "k$A"="v $B" l=m', {"Labels": {"k1": "v 2", "l": "m"}}),
        ("EXPOSE 80 ${B}00/udp", {"ExposedPorts": {"80/tcp": {}, "200/udp": {}}}),
        ('VOLUME ["/v$A"]', {"Volumes": {"/v1": {}}}),
        ("VOLUME /a /b", {"Volumes": {"/a": {}, "/b": {}}}),
        ("STOPSIGNAL SIGQUIT", {"StopSignal": "SIGQUIT"}),
        (
            "HEALTHCHECK --interval=5s --retries=2 CMD check it",
            {
                "Healthcheck": {
                    "Interval": 5_000_000_000,
                    "Retries": 2,
                    "Test": ["CMD-SHELL", "check it"],
                }
            },
        ),
        ("HEALTHCHECK NONE", {"Healthcheck": {"Test": ["NONE"]}}),
        ("ONBUILD COPY $A /x", {"OnBuild": ["COPY $A /x"]}),
    ],
)
def test_an_instruction(text: str, changed: dict[str, Any]) -> None:
    wanted = {key: value for key, value in {**BASE, **changed}.items() if value is not None}
    assert after(text).config == wanted


@pytest.mark.parametrize(
    ("text", "given", "args"),
    [
        ("ARG X=1", {}, {"X": "1"}),
        ("ARG X=1", {"X": "2"}, {"X": "2"}),
        ("ARG X", {}, {}),
        ("ARG GLOBAL", {}, {"GLOBAL": "g"}),
        ("ARG GLOBAL=own", {}, {"GLOBAL": "own"}),
        ("ARG TARGETARCH", {}, {"TARGETARCH": "amd64"}),
        ("ARG X=$A Y=${X}2", {}, {"X": "1", "Y": "12"}),
        ("ENV X=env\nARG X=1\nENV Y=$X", {"X": "2"}, {"X": "2"}),
    ],
)
def test_arguments(text: str, given: dict[str, str], args: dict[str, str]) -> None:
    assert after(text, given).args == args


def test_a_variable_of_the_environment_goes_before_an_argument() -> None:
    assert after("ENV X=env\nARG X=1\nENV Y=$X", {"X": "2"}).env["Y"] == "env"


def test_proxies_are_seen_and_not_kept() -> None:
    current = replace(after("ARG X=1"), args={"X": "1", "HTTP_PROXY": "p"})
    given = {"http_proxy": "q", "OTHER": "o"}
    assert state.run_arguments(current, given) == {
        "X": "1",
        "HTTP_PROXY": "p",
        "http_proxy": "q",
    }
    assert state.shown_arguments(current) == ["X=1"]


def test_defaults_have_the_time_of_the_layer_below() -> None:
    layered = state.with_layer(state.State({}, {}), "RUN x", None, "", "2026-01-01T00:00:00Z")
    noted = state.noted(layered, "CMD y")
    assert [entry["created"] for entry in noted.history] == ["2026-01-01T00:00:00Z"] * 2
    assert noted.created == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("WORKDIR $NONE", "Dockerfile:2: WORKDIR is empty"),
        ("EXPOSE 0", "Dockerfile:2: EXPOSE '0' is not a port"),
        ("STOPSIGNAL NONE", "Dockerfile:2: STOPSIGNAL"),
        ("ENV $NONE=1", "Dockerfile:2: ENV"),
        ("USER ${A:?no}$B${NONE:?must be}", "NONE: must be"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, why: str) -> None:
    with pytest.raises(lines.SyntaxFault) as caught:
        after(text)
    assert why in str(caught.value)
