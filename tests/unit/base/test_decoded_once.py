# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is read each time, and what has the same content is decoded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Attachment,
    Publication,
)

PUBLISHED = """{
    "container_id": "a", "protocol": "tcp", "host_ip": "192.0.2.1", "host_port": 8080,
    "container_ip": "10.0.0.2", "container_port": 80
}"""


def test_the_same_content_is_decoded_once_and_other_content_anew(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(PUBLISHED)
    with document.decoded_once():
        first = document.read(Publication, path)
        assert first.host_port == 8080
        assert document.read(Publication, path) is first
        path.write_text(PUBLISHED.replace("8080", "8081"))
        assert document.read(Publication, path).host_port == 8081
        path.unlink()
        with pytest.raises(FileNotFoundError):
            document.read(Publication, path)


def test_what_is_decoded_is_kept_by_its_class_too(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(PUBLISHED)
    with document.decoded_once():
        document.read(Publication, path)
        with pytest.raises(Error, match=r"^an attachment\.\w+: unknown key"):
            document.read(Attachment, path, "an attachment")


def test_nothing_is_kept_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(PUBLISHED)
    with document.decoded_once():
        first = document.read(Publication, path)
    again = document.read(Publication, path)
    assert again == first and again is not first


def test_damage_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text("{")
    with document.decoded_once(), pytest.raises(Error, match=r"one\.json is not valid JSON"):
        document.read(Publication, path)
