# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a task's parameters nobody is to be shown, where Ansible is not told of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    declare as compose,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.stack import (
    declare as stack,
)


@pytest.mark.parametrize(
    "url, hidden",
    [
        ("https://h.example/root.tar?signature=s3cret", True),
        ("https://anna:s3cret@h.example/root.tar", True),
        ("http://[h.example/root.tar?signature=s3cret", True),
        ("https://h.example/root.tar", False),
        ("/srv/root.tar?signature=s3cret", False),
    ],
)
def test_a_url_with_a_secret_in_it_is_hidden_whole(url: str, hidden: bool) -> None:
    assert image_import.secrets({"src": url}) == ([url] if hidden else [])


@pytest.mark.parametrize(
    "definition", [None, "text", {"secrets": ["x"]}, {"secrets": {"s": "x"}}, {"services": {}}]
)
def test_a_definition_may_be_wrong(definition: Any) -> None:
    assert compose.secrets({"definition": definition}) == []


def test_contents_of_a_definition_are_hidden() -> None:
    given = {"secrets": {"a": {"content": "s3cret"}, "b": {"file": "f"}, "c": {"content": 7}}}
    assert compose.secrets({"definition": given}) == ["s3cret", "7"]


@pytest.mark.parametrize("containers", [None, 7, "text", {"name": "a"}])
def test_a_list_of_members_may_be_wrong(containers: Any) -> None:
    assert stack.secrets({"containers": containers, "defaults": {"secret_env": {"A": "x"}}}) == [
        "x"
    ]
