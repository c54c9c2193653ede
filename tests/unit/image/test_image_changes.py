# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What --change instructions and their options make of an image's defaults."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.build import (
    config_changes,
)

Config = dict[str, Any]


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ({}, 'CMD ["a", "b c"]', {"Cmd": ["a", "b c"]}),
        ({}, "CMD echo $HOME", {"Cmd": ["/bin/sh", "-c", "echo $HOME"]}),
        ({}, "cmd [not json", {"Cmd": ["/bin/sh", "-c", "[not json"]}),
        ({"Cmd": ["x"]}, 'ENTRYPOINT ["e"]', {"Entrypoint": ["e"]}),
        ({}, "ENV A=1 B='2 3'", {"Env": ["A=1", "B=2 3"]}),
        ({"Env": ["A=0", "C=4"]}, "ENV A=1", {"Env": ["C=4", "A=1"]}),
        ({}, "ENV OLD the form", {"Env": ["OLD=the form"]}),
        ({}, 'LABEL a=b c="d e"', {"Labels": {"a": "b", "c": "d e"}}),
        ({"Labels": {"a": "0", "z": "1"}}, "LABEL a=b", {"Labels": {"a": "b", "z": "1"}}),
        ({}, "EXPOSE 80 53/udp", {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}}),
        ({}, "EXPOSE 8000-8001", {"ExposedPorts": {"8000/tcp": {}, "8001/tcp": {}}}),
        ({}, 'VOLUME ["/a", "/b/"]', {"Volumes": {"/a": {}, "/b": {}}}),
        ({}, "VOLUME /a /b", {"Volumes": {"/a": {}, "/b": {}}}),
        ({}, "WORKDIR srv", {"WorkingDir": "/srv"}),
        ({"WorkingDir": "/srv"}, "WORKDIR www", {"WorkingDir": "/srv/www"}),
        ({}, "USER 33:33", {"User": "33:33"}),
        ({}, "STOPSIGNAL SIGQUIT", {"StopSignal": "SIGQUIT"}),
        ({}, "ONBUILD RUN true", {"OnBuild": ["RUN true"]}),
    ],
)
def test_an_instruction(before: Config, line: str, after: Config) -> None:
    assert config_changes.change(before, [line]) == after


def test_a_command_given_with_the_entry_point_stays() -> None:
    lines = ['CMD ["c"]', 'ENTRYPOINT ["e"]']
    assert config_changes.change({"Cmd": ["old"]}, lines) == {"Cmd": ["c"], "Entrypoint": ["e"]}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "RUN rm -rf /",
        "CMD",
        "ENV",
        "ENV =x",
        "ENV A",
        "EXPOSE 0",
        "EXPOSE 70000",
        "EXPOSE 9-8",
        "EXPOSE 80/icmp",
        "EXPOSE http",
        "VOLUME data",
        "USER a\nCMD b",
        "LABEL 'open",
    ],
)
def test_what_is_no_instruction(line: str) -> None:
    with pytest.raises(Error):
        config_changes.change({}, [line])


def test_options_say_the_same_as_instructions() -> None:
    options = {
        "cmd": ["c"],
        "entrypoint": ["e"],
        "env": {"B": "true", "A": 1},
        "exposed_ports": ["80"],
        "labels": {"l": "1"},
        "stop_signal": "SIGINT",
        "user": "0",
        "volumes": ["/v"],
        "working_dir": "/w",
    }
    lines = ['CMD ["c"]', 'ENTRYPOINT ["e"]', "ENV A=1 B=true", "EXPOSE 80", "LABEL l=1"]
    lines += ["STOPSIGNAL SIGINT", "USER 0", "VOLUME /v", "WORKDIR /w"]
    assert config_changes.with_options({}, options) == config_changes.change({}, lines)


def test_an_option_left_out_leaves_the_image_as_it_is() -> None:
    config = {"Cmd": ["c"], "Env": ["A=1"], "User": "33"}
    assert config_changes.with_options(config, {"cmd": None, "env": None, "user": None}) == config
