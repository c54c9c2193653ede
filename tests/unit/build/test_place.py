# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A context of the controller on a host that has nothing of it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.sent.listing import (
    DIRECTORY,
    FILE,
    Item,
    Listing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.sent.place import (
    Place,
    sent,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host

LISTING = Listing(
    (Item("d", DIRECTORY, 0o555, 10**9), Item("d/f", FILE, 0o4755, 2 * 10**9, 9, "0" * 64)),
    ("Dockerfile", b"FROM scratch"),
)
PACKED = base64.b64encode(LISTING.packed()).decode()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One on which nothing was ever done."""
    return Host(Layout(tmp_path / "root", tmp_path / "run", tmp_path / "etc"))


def test_a_list_is_enough_to_plan_by_and_leaves_nothing(host: Host, tmp_path: Path) -> None:
    given = sent({"title": "c", "digest": LISTING.digest, "list": PACKED, "acts": False})
    place = Place(host, given)
    file = place.tree / "d" / "f"
    assert (file.stat().st_size, file.stat().st_mode & 0o7777) == (9, 0o4755)
    place.check(host)
    assert host.outcome == {}
    host.held.close()
    assert not place.tree.exists()
    assert list(tmp_path.iterdir()) == []


def test_who_builds_asks_for_what_the_host_lacks(host: Host) -> None:
    with pytest.raises(Error, match="lacks files"):
        Place(host, sent({"title": "c", "digest": LISTING.digest, "acts": True}))
    assert host.outcome["failed"] == {"_lacks": "list"}
    given = sent({"title": "c", "digest": LISTING.digest, "list": PACKED, "acts": True})
    with pytest.raises(Error, match="lacks files"):
        Place(host, given).check(host)
    assert host.outcome["failed"] == {"_lacks": ["0" * 64]}
    host.held.close()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"digest": "1" * 64}, "list of the context's files is damaged"),
        ({"digest": "../x"}, "digest of the context's files is damaged"),
        ({"list": "%"}, "list of the context's files is damaged"),
    ],
)
def test_what_does_not_fit_is_refused(host: Host, changes: dict[str, str], why: str) -> None:
    given = {"title": "c", "digest": LISTING.digest, "list": PACKED, "acts": True, **changes}
    with pytest.raises(Error, match=why):
        Place(host, sent(given))
    host.held.close()
