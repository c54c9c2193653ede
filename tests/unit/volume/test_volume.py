# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes without a host: what options mean, what is refused, what is planned, what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    decide,
    pruning,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    declare as volume_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import (
    ANONYMOUS_LABEL,
    Volume,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import inspect, local

NFS = {"type": "nfs", "device": ":/export", "o": "addr=192.0.2.1,rw,nfsvers=4"}


@pytest.mark.parametrize(
    ("options", "flags", "data", "propagation"),
    [
        ({"type": "none", "o": "bind"}, linux.MS_BIND, (), 0),
        (
            {"type": "none", "o": "rbind,ro,rslave"},
            linux.MS_BIND | linux.MS_REC | linux.MS_RDONLY,
            (),
            linux.MS_SLAVE | linux.MS_REC,
        ),
        ({"type": "tmpfs", "o": "size=100m,uid=1000"}, 0, ("size=100m", "uid=1000"), 0),
        ({"type": "tmpfs"}, 0, (), 0),
        (
            {"type": "ext4", "o": "noatime,nosuid,nodev,noexec,data=ordered"},
            linux.MS_NOATIME | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC,
            ("data=ordered",),
            0,
        ),
        ({"type": "ext4", "o": "ro, rw,defaults,sync,async"}, 0, (), 0),
        (NFS, 0, ("addr=192.0.2.1", "nfsvers=4"), 0),
    ],
)
def test_what_options_ask_the_kernel_for(
    options: dict[str, str], flags: int, data: tuple[str, ...], propagation: int
) -> None:
    given = {"device": "/dev/x", **options}
    local.check("v", given)
    assert local.parse(given) == local.Mount(
        given["device"], options["type"], flags, data, propagation
    )


def test_a_server_is_found_for_the_kernel() -> None:
    def told(**options: str) -> list[str]:
        volume = Volume("v", "", driver_options={"type": "nfs", **options})
        return list(local._resolved(volume, local.parse(volume.driver_options)))

    assert told(device=":/x", o="addr=127.0.0.1") == ["addr=127.0.0.1"]
    assert told(device=":/x", o="addr=localhost,soft")[0] in ("addr=127.0.0.1", "addr=::1")
    assert told(device="127.0.0.1:/x", o="soft") == ["soft", "addr=127.0.0.1"]
    with pytest.raises(Error, match=r"volume v: the server no\.such\.invalid cannot be resolved"):
        told(device=":/x", o="addr=no.such.invalid")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"volume_name": "a/b"}, "'a/b' is not a volume name"),
        ({"volume_name": ""}, "'' is not a volume name"),
        ({"volume_name": "v\n"}, "is not a volume name"),
        ({"driver": "rexray"}, "volume v: unknown driver 'rexray'"),
        ({"driver_options": {"size": "1g"}}, "unknown option 'size'"),
        ({"driver_options": {"type": "nfs"}}, "driver_options requires device"),
        ({"driver_options": {"o": "bind"}}, "driver_options requires type and device"),
        (
            {"driver_options": {"type": "none", "o": "bind", "device": "x"}},
            "device 'x' is not an absolute path",
        ),
        (
            {"driver_options": {"type": "none", "o": "bind", "device": "/x\n/y"}},
            "device has a control character",
        ),
        ({"labels": {"on": True}}, "Non-string value found for labels option"),
    ],
)
def test_what_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(Error) as caught:
        volume_declare.declare({"volume_name": "v", **given})
    assert why in str(caught.value)


def test_passwords_are_not_shown() -> None:
    options = {"type": "cifs", "device": "//nas/x", "o": "username=u,password=s3cret,vers=3"}
    volume = Volume("v", "2026-01-31T12:00:00.123456789Z", driver_options=options)
    assert "s3cret" not in str(decide.view(decide.State("v", volume)))
    layout = Layout(Path("/r"), Path("/run"), Path("/etc"))
    shown = inspect.document(layout, volume)
    assert shown["Options"]["o"] == "username=u,password=********,vers=3"
    assert shown["CreatedAt"] == "2026-01-31T12:00:00Z"
    assert shown["Labels"] is None
    assert inspect.document(layout, volume, reveal=True)["Options"] == options


@pytest.mark.parametrize(
    ("given", "have", "actions", "reasons"),
    [
        ({}, None, ["create volume v"], ()),
        ({}, Volume("v", ""), [], ()),
        ({"state": "absent"}, None, [], ()),
        ({"state": "absent"}, Volume("v", ""), ["remove volume v"], ()),
        ({}, Volume("v", "", driver_options=NFS), [], ()),
        ({"driver_options": {}}, Volume("v", "", driver_options=NFS), [], ()),
        ({"driver_options": NFS}, Volume("v", ""), [], ("driver_options",)),
        (
            {"driver_options": NFS, "recreate": "options-changed"},
            Volume("v", ""),
            ["remove volume v", "create volume v"],
            ("driver_options",),
        ),
        (
            {"driver_options": NFS, "recreate": "options-changed"},
            Volume("v", "", driver_options=NFS),
            [],
            (),
        ),
        (
            {"recreate": "always"},
            Volume("v", ""),
            ["remove volume v", "create volume v"],
            (),
        ),
        (
            {"labels": {"a": "b"}, "recreate": "options-changed"},
            Volume("v", ""),
            ["update volume v (labels)"],
            ("labels",),
        ),
        ({}, Volume("v", "", labels={"a": "b"}), ["update volume v (labels)"], ("labels",)),
        ({"undeclared": "keep"}, Volume("v", "", labels={"a": "b"}), [], ()),
    ],
)
def test_plans(
    given: dict[str, Any], have: Volume | None, actions: list[str], reasons: tuple[str, ...]
) -> None:
    planned = decide.plan(
        volume_declare.declare({"volume_name": "v", **given}), decide.State("v", have)
    )
    assert (planned.actions, planned.reasons) == (actions, reasons)


def test_which_are_pruned() -> None:
    named = Volume("v", "", labels={"a": "1"})
    made = Volume("w", "", anonymous=True)
    for filters, meant in (
        ({}, [made]),
        ({"all": True}, [named, made]),
        ({"all": "1", "label": "a"}, [named]),
        ({"all": ["true"], "label": ["a=2"]}, []),
        ({"all": True, "label!": "a=1"}, [made]),
        ({"label": "com.docker.volume.anonymous"}, [made]),
    ):
        assert [one for one in (named, made) if pruning.wanted(filters).match(one)] == meant
    for filters in ({"until": "24h"}, {"name": "x"}, {"all": "perhaps"}):
        with pytest.raises(Error):
            pruning.wanted(filters)


def test_pruning_takes_for_anonymous_what_has_dockers_label() -> None:
    wanted = pruning.wanted({})
    assert wanted.match(Volume("a", "", labels={ANONYMOUS_LABEL: ""}))
    assert wanted.match(Volume("b", "", anonymous=True))
    assert not wanted.match(Volume("c", "", labels={"tier": "database"}))
