# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declaring: for every option, create, again, change, unset, under ``reset`` and under ``keep``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from support.inputs.option_rows import DOCKERS, LIVE, ROWS

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import strict_json
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
    refused,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import inspect
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
    observe,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    declare as container_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import (
    container as container_spec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    ImageDefaults,
)
from ansible_collections.slipway.engine.plugins.modules import container

IMAGE = "docker.io/library/busybox:1"
ID = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


def params(**given: Any) -> dict[str, Any]:
    return {**catalogue.defaults(), "name": "web", "image": "busybox:1", **given}


def spec(existing: ContainerSpec | None = None, **given: Any) -> ContainerSpec:
    return container_declare.resolve(
        container_declare.declare(params(**given)), IMAGE, ID, existing
    )


def test_every_option_has_a_row() -> None:
    """Whoever adds an option to the module says here what it is and how it is changed."""
    assert set(ROWS) == set(catalogue.FIELDS)
    assert {argument.name for argument in refused.OPTIONS} == {*refused.REFUSED, *refused.IGNORED}


def test_what_ansible_is_told_of_an_option() -> None:
    """One of each shape; that it agrees with the documentation, ansible-test looks at."""
    told = catalogue.argument_spec()
    assert told == container.ARGUMENT_SPEC
    assert told["name"] == {"type": "str", "required": True}
    assert told["undeclared"] == {"type": "str", "default": "reset", "choices": ["reset", "keep"]}
    assert told["keep_volumes"] == {"type": "bool", "default": True}
    assert told["cleanup"] == {"type": "bool", "default": False}
    assert told["exposed_ports"] == {
        "type": "list",
        "elements": "str",
        "aliases": ["exposed", "expose"],
    }
    assert told["device_read_iops"] == {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "rate": {"type": "int", "required": True},
        },
    }
    assert told["device_requests"]["options"]["capabilities"] == {
        "type": "list",
        "elements": "list",
    }
    assert told["healthcheck"]["options"]["test"] == {"type": "raw"}
    assert catalogue.defaults()["keep_volumes"] is True
    assert catalogue.defaults()["labels"] is None


def test_every_option_of_docker_container_is_there() -> None:
    """Moving a playbook over is replacing the module's name."""
    assert set(container.ARGUMENT_SPEC) >= DOCKERS


@pytest.mark.parametrize("option", ROWS)
def test_create_again_change_unset(option: str) -> None:
    first, second, kept = ROWS[option]
    made = spec(**{option: first})
    assert container_declare.differing(spec(), made) == [option]

    for undeclared in ("reset", "keep"):
        again = spec(made, undeclared=undeclared, **{option: first})
        assert again == made, "a second run changes nothing"

    assert (
        container_declare.shown(spec(made, **{option: second})).get(option)
        != container_declare.shown(made)[option]
    )
    assert (
        container_declare.shown(spec(made, undeclared="keep", **{option: second})).get(option)
        == kept
    )

    assert container_declare.differing(spec(), spec(made)) == [], "what is left out is reset"
    assert spec(made, undeclared="keep") == made, "what is left out is kept"


@pytest.mark.parametrize("option", ROWS)
def test_plans_of_every_option(option: str) -> None:
    """Created, run again, changed, left out: what is done, and that it is done then."""
    first, second, kept = ROWS[option]
    made = spec(**{option: first})
    verb = "update" if option in LIVE else "recreate"
    change = [f"{verb} container web ({option})"]
    for found, given, actions in (
        (None, {option: first}, ["create and start container web"]),
        (made, {option: first}, []),
        (made, {option: first, "undeclared": "keep"}, []),
        (made, {option: second}, change),
        (made, {}, change),
        (made, {"undeclared": "keep"}, []),
        (made, {"comparisons": {option: "ignore"}}, []),
        (
            made,
            {option: second, "image": None},
            [] if kept == container_declare.shown(made)[option] else change,
        ),
    ):
        planned = decide.plan(
            container_declare.declare(params(**given)), have(found, running=found is not None)
        )
        assert planned.actions == actions, given
        assert decide.plan(container_declare.declare(params(**given)), planned.want).actions == []
        assert (observe.view(planned.want) != observe.view(planned.have)) is bool(actions)


@pytest.mark.parametrize("option", ROWS)
def test_comparisons_override(option: str) -> None:
    first, second, dummy = ROWS[option]
    made = spec(**{option: first})
    assert spec(made, comparisons={option: "ignore"}, **{option: second}) == made
    assert spec(made, comparisons={"*": "ignore"}) == made
    strict = spec(made, undeclared="keep", comparisons={option: "strict"}, **{option: second})
    assert strict == spec(**{option: second})


@pytest.mark.parametrize("option", ROWS)
def test_the_wildcard_ignores_what_the_task_names(option: str) -> None:
    first, second, dummy = ROWS[option]
    made = spec(**{option: first})
    assert spec(made, comparisons={"*": "ignore"}, **{option: second}) == made
    changed = spec(made, comparisons={"*": "ignore", option: "strict"}, **{option: second})
    assert container_declare.differing(changed, spec(**{option: second})) == []


def test_the_wildcard_ignores_the_image() -> None:
    given = {"comparisons": {"*": "ignore"}, "labels": {"a": "2"}}
    for found in (
        have(MADE, running=True, image_id=OTHER),
        have(dataclasses.replace(MADE, image="docker.io/library/other:1"), running=True),
    ):
        planned = decide.plan(container_declare.declare(params(**given)), found)
        assert planned.actions == []
    strict = {**given, "comparisons": {"*": "ignore", "image": "strict"}}
    planned = decide.plan(
        container_declare.declare(params(**strict)), have(MADE, running=True, image_id=OTHER)
    )
    assert planned.actions == ["recreate container web (image)"]


@pytest.mark.parametrize(
    ("alias", "option"),
    [
        ("ports", "published_ports"),
        ("exposed", "exposed_ports"),
        ("expose", "exposed_ports"),
        ("log_opt", "log_options"),
        ("mounts", "volumes"),
        ("env_file", "env"),
    ],
)
def test_aliases_are_names_to_compare(alias: str, option: str) -> None:
    first, second, dummy = ROWS[option]
    made = spec(**{option: first})
    assert spec(made, comparisons={alias: "ignore"}, **{option: second}) == made
    with pytest.raises(Error, match="compared together"):
        spec(made, comparisons={alias: "ignore", option: "strict"})


#: Options whose value is one text, whatever else Ansible is told of it.
_TEXTS = [
    option.name for option in catalogue.OPTIONS if option.type == "str" and not option.choices
]


@pytest.mark.parametrize("option", _TEXTS)
def test_an_empty_text_is_the_default(option: str) -> None:
    """``default('')`` in a playbook says that there is to be nothing special."""
    made = spec(**{option: ROWS[option][0]})
    assert container_declare.differing(spec(), spec(**{option: ""})) == []
    for undeclared in ("reset", "keep"):
        assert spec(made, undeclared=undeclared, **{option: ""}) == spec()


def test_empty_suboptions_say_nothing() -> None:
    mount = {"target": "/t", "type": "tmpfs", "tmpfs_size": "", "tmpfs_mode": "", "subpath": ""}
    assert spec(mounts=[mount]) == spec(mounts=[{"target": "/t", "type": "tmpfs"}])
    check = {"test": "true", "interval": "", "timeout": "", "start_period": ""}
    assert spec(healthcheck=check) == spec(healthcheck={"test": "true"})
    network = {"name": "a", "ipv4_address": "", "ipv6_address": "", "mac_address": ""}
    assert spec(networks=[network]) == spec(networks=[{"name": "a"}])


@pytest.mark.parametrize(
    ("given", "entrypoint", "command"),
    [
        ({}, ("/entry",), ("word",)),
        ({"command": []}, ("/entry",), ("word",)),
        ({"command": ""}, ("/entry",), ("word",)),
        ({"command": ["a"]}, ("/entry",), ("a",)),
        ({"entrypoint": []}, (), ("word",)),
        ({"entrypoint": [], "command": ["a"]}, (), ("a",)),
        ({"entrypoint": ["/mine"]}, ("/mine",), ()),
        ({"entrypoint": ["/mine"], "command": []}, ("/mine",), ()),
        # What docker run --entrypoint "" sends.
        ({"entrypoint": [""]}, (), ()),
        ({"entrypoint": [""], "command": ["a"]}, (), ("a",)),
        ({"entrypoint": [], "command_handling": "compatibility"}, ("/entry",), ("word",)),
    ],
)
def test_what_is_left_of_an_images_program(
    given: dict[str, Any], entrypoint: tuple[str, ...], command: tuple[str, ...]
) -> None:
    image = ImageDefaults(entrypoint=("/entry",), cmd=("word",))
    made = spec(**given)
    assert container_spec.entrypoint(made, image) == entrypoint
    assert container_spec.command(made, image) == command
    assert container_spec.argv(made, image) == (*entrypoint, *command)


def test_an_empty_command_takes_the_old_one_away() -> None:
    made = spec(command=["a"], entrypoint=["/b"])
    emptied = spec(made, undeclared="keep", command=[])
    assert (emptied.command, emptied.entrypoint) == (None, ("/b",))
    assert spec(emptied, undeclared="keep", command=[]) == emptied


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"comparisons": {"bogus": "strict"}}, "bogus"),
        ({"comparisons": {"env": "loose"}}, "loose"),
        ({"comparisons": {"hostname": "allow_more_present"}}, "single value"),
        ({"comparisons": {"*": "allow_more_present"}}, "strict or ignore"),
        ({"networks": [{"name": "a"}], "network_mode": "host"}, "mutually exclusive"),
        ({"network_mode": "service:x"}, "network_mode"),
        ({"restart_retries": 3}, "restart_policy"),
        ({"name": "a/b"}, "container name"),
        ({"name": "a\nb"}, "container name"),
        ({"name": "x" * 300}, "container name"),
        ({"hostname": "a b"}, "hostname"),
        ({"capabilities": ["NET ADMIN"]}, "capabilities"),
        ({"memory": "4M"}, "the minimum is 6M"),
        ({"memory_swap": "1G"}, "memory_swap requires memory"),
        ({"memory": "1G", "memory_swap": "512M"}, "memory_swap 512M is less than memory 1G"),
        ({"memory": "1G", "memory_reservation": "2G"}, "memory_reservation 2G is more"),
        ({"cpus": 1.0, "cpu_quota": 50000}, "cpus cannot be combined"),
        ({"uts": "host", "hostname": "here"}, "hostname and domainname"),
        ({"network_mode": "host", "sysctls": {"net.core.somaxconn": "1"}}, "network_mode: host"),
        ({"ipc_mode": "host", "sysctls": {"kernel.sem": "1"}}, "ipc_mode: host"),
    ],
)
def test_bad_input_is_named(given: dict[str, Any], why: str) -> None:
    with pytest.raises(Error, match=why):
        spec(**given)


def test_one_half_may_be_the_containers_own() -> None:
    """What contradicts itself only together with what is kept is refused all the same."""
    made = spec(memory="1G", memory_swap="2G")
    assert spec(made, undeclared="keep", memory="2G").memory_swap_bytes == 2 << 30
    with pytest.raises(Error, match="memory_swap 2G is less than memory 4G"):
        spec(made, undeclared="keep", memory="4G")


@pytest.mark.parametrize("option", refused.REFUSED)
def test_what_no_host_can_serve_is_refused_by_name(option: str) -> None:
    with pytest.raises(Error, match=f"{option} is not supported"):
        container_declare.declare(params(**{option: {"some": "thing"}}))
    assert spec(**{option: None}) == spec(**{option: {}}) == spec(), "nothing was asked for"


def have(made: ContainerSpec | None, running: bool = False, **around: Any) -> observe.State:
    state = observe.State(
        "web", made, running, around=observe.Around(IMAGE, **{"image_id": ID, **around})
    )
    return dataclasses.replace(state, image_is_current=observe.is_current(state, state.around))


MADE = spec(labels={"a": "1"})

#: Made from an image by another name than the tasks use.
BY_ID = dataclasses.replace(MADE, image=ID)

PLANS = [
    (
        "another image, not here",
        {"labels": {"a": "1"}},
        have(BY_ID, True, image_id=None),
        [f"pull image {IMAGE}", "recreate container web (image)"],
    ),
    (
        "another name of its image, not here",
        {"labels": {"a": "1"}, "image_name_mismatch": "ignore"},
        have(BY_ID, True, nameless=True),
        [f"pull image {IMAGE}"],
    ),
    (
        "another image, not here, and not compared",
        {"labels": {"a": "1"}, "comparisons": {"image": "ignore"}},
        have(BY_ID, True, image_id=None),
        [],
    ),
    ("absent, absent", {"state": "absent"}, have(None), []),
    ("absent, running", {"state": "absent"}, have(MADE, True), ["stop and remove container web"]),
    ("absent, stopped", {"state": "absent"}, have(MADE), ["remove container web"]),
    ("new", {}, have(None), ["create and start container web"]),
    ("new, not started", {"state": "present"}, have(None), ["create container web"]),
    (
        "new, image missing",
        {},
        have(None, image_id=None),
        [f"pull image {IMAGE}", "create and start container web"],
    ),
    ("same", {"labels": {"a": "1"}}, have(MADE, True), []),
    ("same, ended", {"labels": {"a": "1"}}, have(MADE), ["start container web"]),
    ("image gone, no news", {"labels": {"a": "1"}}, have(MADE, True, image_id=None), []),
    (
        "label gone",
        {},
        have(MADE, True),
        ["recreate container web (labels)"],
    ),
    (
        "image moved",
        {"labels": {"a": "1"}},
        have(MADE, True, image_id=OTHER),
        ["recreate container web (image)"],
    ),
    (
        "image moved, ignored",
        {"labels": {"a": "1"}, "comparisons": {"image": "ignore"}},
        have(MADE, True, image_id=OTHER),
        [],
    ),
    (
        "registry has a newer one",
        {"labels": {"a": "1"}, "pull": "always"},
        have(MADE, True, newer=OTHER),
        [f"pull image {IMAGE}", "recreate container web (image)"],
    ),
    (
        "image for another platform",
        {"labels": {"a": "1"}, "platform": "linux/arm64"},
        have(MADE, True, image_id=None, platform="linux/arm64", misfits=True),
        [f"pull image {IMAGE} for linux/arm64", "recreate container web (image)"],
    ),
    (
        "live option",
        {"labels": {"a": "1"}, "restart_policy": "always"},
        have(MADE, True),
        ["update container web (restart_policy)"],
    ),
    (
        "live option, stopped",
        {"labels": {"a": "1"}, "restart_policy": "always", "state": "stopped"},
        have(MADE, True),
        ["update container web (restart_policy)", "stop container web"],
    ),
    (
        "restart",
        {"labels": {"a": "1"}, "restart": True},
        have(MADE, True),
        ["restart container web"],
    ),
    ("acting: stop", {"image": None, "state": "stopped"}, have(MADE, True), ["stop container web"]),
    ("acting: start", {"image": None}, have(MADE), ["start container web"]),
    (
        "acting: amend one option",
        {"image": None, "labels": {"b": "2"}},
        have(MADE, True),
        ["recreate container web (labels)"],
    ),
    (
        "damage",
        {"labels": {"a": "1"}},
        dataclasses.replace(have(MADE, True), damage=("firewall",)),
        ["repair container web (firewall)"],
    ),
]


@pytest.mark.parametrize(
    ("given", "found", "actions"), [p[1:] for p in PLANS], ids=[p[0] for p in PLANS]
)
def test_plans(given: dict[str, Any], found: observe.State, actions: list[str]) -> None:
    planned = decide.plan(container_declare.declare(params(**given)), found)
    assert planned.actions == actions
    assert planned.changed is bool(actions)
    # Once it is done there is nothing left to do: the fold of the steps satisfies the declaration.
    if not given.get("restart"):
        assert decide.plan(container_declare.declare(params(**given)), planned.want).actions == []
        assert (observe.view(planned.want) != observe.view(found)) is bool(actions)


def test_the_image_for_another_platform_is_unmet_without_a_registry() -> None:
    found = have(MADE, True, image_id=None, platform="linux/arm64", misfits=True)
    planned = decide.plan(container_declare.declare(params(pull="never", labels={"a": "1"})), found)
    assert planned.actions == ["recreate container web (image)"]
    assert "for linux/arm64, and pull=never" in planned.unmet[0]


def test_defaults_that_once_were() -> None:
    made = spec(tty=True, init=True, memory="64M")
    kept = {"undeclared": "keep", "init": True}
    assert spec(made, **kept) == made
    reset = spec(made, **kept, container_default_behavior="compatibility")
    assert (reset.tty, reset.memory_bytes, reset.init) == (False, 0, True)


def test_acting_on_nothing_is_an_error() -> None:
    with pytest.raises(Error, match="specifies no image"):
        decide.plan(container_declare.declare(params(image=None)), have(None))


LINKED = spec(labels={"a": "1"}, links=["db"])


@pytest.mark.parametrize(
    ("given", "found", "unmet"),
    [
        ({}, have(None, missing_links=("db",)), True),
        ({}, have(MADE, missing_links=("db",)), True),
        ({"restart": True}, have(LINKED, running=True, missing_links=("db",)), False),
        ({"tty": True}, have(LINKED, running=True, missing_links=("db",)), True),
        # Whoever gets the name on a network of one's own is linked to then.
        ({"networks": [{"name": "n"}]}, have(None, missing_links=("db",)), False),
        ({}, have(None), False),
    ],
)
def test_a_link_is_to_a_container_that_is_there(
    given: dict[str, Any], found: observe.State, unmet: bool
) -> None:
    wanted = params(labels={"a": "1"}, links=["db:sql"] if found.spec is None else ["db"], **given)
    planned = decide.plan(container_declare.declare(wanted), found)
    assert bool(planned.unmet) is unmet, planned.unmet
    assert not unmet or "container db, which it is to link to" in planned.unmet[0]


@pytest.mark.parametrize(
    ("given", "failed"),
    [
        ({"state": "present", "memory": "64M"}, False),
        ({"state": "present", "restart": True}, True),
        ({"state": "present", "tty": True}, True),
        ({"memory": "64M"}, True),
    ],
)
def test_whether_it_runs_after_it_was_left_alone(given: dict[str, Any], failed: bool) -> None:
    """A container in a crash loop ends while it is updated, which the update did not do."""
    wanted = params(labels={"a": "1"}, **given)
    want = decide.plan(container_declare.declare(wanted), have(MADE, running=True)).want
    found = dataclasses.replace(want, running=False, ending="exited with 1")
    try:
        differing = observe.verify(want, found)
    except Error as exc:
        differing = [str(exc)]
    assert bool(differing) is failed


def test_a_drain_without_end_can_be_written_down() -> None:
    for asked in (float("inf"), 1e300, float("nan"), -1.0):
        found = container_declare.declare(params(drain_timeout=asked)).drain_s
        assert strict_json.loads(json.dumps(found)) == found >= 0


def test_a_missing_network_is_unmet_before_anything_is_made() -> None:
    found = have(None, missing_networks=("back",))
    planned = decide.plan(container_declare.declare(params(networks=[{"name": "back"}])), found)
    assert planned.unmet
    assert "back" in planned.unmet[0]


def test_env_values_are_never_shown() -> None:
    for field in ("env", "secret_env"):
        assert "hunter2" not in str(
            container_declare.shown(spec(**{field: {"PASSWORD": "hunter2"}}))
        )


#: What Docker has no such option and no word for.
_OURS = {"configs", "publish_scope", "restart_on_change", "secrets"}


@pytest.mark.parametrize("option", sorted(set(ROWS) - _OURS))
def test_every_option_is_told_by_inspect(option: str) -> None:
    """What a task said of a container is found again where docker inspect has it."""
    first, second, dummy = ROWS[option]
    layout = Layout(Path("/lib"), Path("/run"), Path("/etc"))
    found = container_record.Record("a" * 64, "web", "2026-01-01T00:00:00Z", ())
    told = [
        inspect.document(layout, made, found, ImageDefaults())
        for made in (spec(), spec(**{option: first}), spec(**{option: second}))
    ]
    assert told[0] != told[1], "it can be seen"
    assert told[1] != told[2], "and what it is"
    json.dumps(told)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("missing", ("missing", None)),
        (True, ("always", None)),
        ("daily", ("always", 86400.0)),
        ("weekly", ("always", 604800.0)),
        ("every_90s", ("always", 90.0)),
        ("every_1w2d3h4m5s", ("always", 788645.0)),
    ],
)
def test_how_often_an_image_is_pulled(given: Any, wanted: tuple[str, Any]) -> None:
    declared = container_declare.declare(params(pull=given))
    assert (declared.pull, declared.fresh_s) == wanted


@pytest.mark.parametrize(
    "given", ["every_", "every_1", "every_1y", "every_-1d", "every_1d ", "hourly"]
)
def test_how_often_an_image_cannot_be_pulled(given: str) -> None:
    with pytest.raises(Error, match=r"pull: .* is not valid"):
        container_declare.declare(params(pull=given))
