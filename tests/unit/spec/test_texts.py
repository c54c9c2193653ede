# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dictionaries of texts: what YAML makes of a value, in every option of every module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.build import (
    config_changes,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    declare as volume,
)

Read = Callable[[Mapping[str, Any]], Any]


def _container(option: str) -> Read:
    return lambda values: catalogue.BY_NAME[option].value({option: values})


def _mount(suboption: str, field: str) -> Read:
    def read(values: Mapping[str, Any]) -> Any:
        given = {"target": "/t", "source": "v", "type": "volume", suboption: values}
        return getattr(catalogue.BY_NAME["volumes"].value({"mounts": [given]})[0], field)

    return read


def _image(option: str) -> Read:
    key = {"env": "Env", "labels": "Labels"}[option]

    def read(values: Mapping[str, Any]) -> Any:
        found = config_changes.with_options({}, {option: values})[key]
        return found if option == "labels" else dict(text.split("=", 1) for text in found)

    return read


#: Option -> (how its values are read, a name it understands).
PLAIN: dict[str, tuple[Read, str]] = {
    "env": (_container("env"), "A"),
    "labels": (_container("labels"), "traefik.port"),
    "sysctls": (_container("sysctls"), "net.core.somaxconn"),
    "mounts[].labels": (_mount("labels", "labels"), "a"),
    "env of an image": (_image("env"), "A"),
    "labels of an image": (_image("labels"), "a"),
    "labels of a network": (lambda v: network.declare({"name": "n", "labels": v}).labels, "a"),
    "labels of a volume": (lambda v: volume.declare({"volume_name": "v", "labels": v}).labels, "a"),
}

_MTU = "com.docker.network.driver.mtu"
_ICC = "com.docker.network.bridge.enable_icc"

#: Those of drivers, where a boolean is the word of it.
SWITCHES: dict[str, tuple[Read, str]] = {
    "log_options": (_container("log_options"), "compress"),
    "mounts[].volume_options": (_mount("volume_options", "driver_options"), "o"),
    "driver_options": (
        lambda v: network.declare({"name": "n", "driver_options": v}).driver_options,
        _ICC,
    ),
    "ipam_driver_options": (
        lambda v: network.declare({"name": "n", "ipam_driver_options": v}).ipam_options,
        "a",
    ),
}


@pytest.mark.parametrize("option", PLAIN)
def test_whole_numbers_are_taken_and_what_yaml_interpreted_is_not(option: str) -> None:
    read, name = PLAIN[option]
    assert read({name: "1.10"}) == {name: "1.10"}
    assert read({name: 8080}) == {name: "8080"}
    for value in (True, False, 1.5, None, ["a"], {"a": "b"}):
        with pytest.raises(Error) as caught:
            read({name: value})
        plain = option.partition(" of ")[0]
        assert f"Non-string value found for {plain} option" in caught.value.message
        assert f"Key: {name} (" in caught.value.message
        assert str(value) not in str(caught.value)
    # As a byte of a command line is that is not UTF-8, and half of a surrogate pair of JSON.
    for bad in ({name: "geheim\udcff"}, {f"{name}\ud800": "geheim"}):
        with pytest.raises(Error, match="is not UTF-8 text") as caught:
            read(bad)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("option", SWITCHES)
def test_a_driver_takes_a_boolean_as_its_word(option: str) -> None:
    read, name = SWITCHES[option]
    assert read({name: True}) == {name: "true"}
    assert read({name: False}) == {name: "false"}
    for value in (1.5, None, ["a"]):
        with pytest.raises(Error, match=f"Key: {name}"):
            read({name: value})


def test_the_phrase_that_playbooks_match_on() -> None:
    with pytest.raises(
        Error,
        match=r"Non-string value found for env option\. Ambiguous env options"
        r" must be wrapped in quotes to avoid them being interpreted\. Key: A ",
    ):
        _container("env")({"A": True})


def test_numbers_of_a_driver() -> None:
    found = network.declare({"name": "n", "driver_options": {_MTU: 1400}}).driver_options
    assert found == {_MTU: "1400"}
