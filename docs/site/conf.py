# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the documentation site of docs/ and of the modules' own documentation."""

from __future__ import annotations

import re
from typing import Any, Optional

from docutils import nodes

project = "slipway.engine"
author = copyright = "the slipway.engine authors"
title = html_title = "slipway.engine"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_theme_options = {"top_of_page_buttons": []}
# Pages link to headings of one another as on any site that shows Markdown.
myst_heading_anchors = 3
pygments_style = "ansible"
highlight_language = "text"
exclude_patterns = ["site/*", "modules/index.rst", "modules/environment_variables.rst"]

#: Where Ansible's own documentation is; it is linked to by address, so that no network is needed.
_ANSIBLE = "https://docs.ansible.com/ansible/latest"
_OURS = "ansible_collections.slipway.engine."
_PAGES = {
    "common_return_values": "reference_appendices/common_return_values",
    "action_plugins": "plugins/action",
    "connection_plugins": "plugins/connection",
    "inventory_plugins": "plugins/inventory",
}


def _elsewhere(app: Any, env: Any, node: Any, content: Any) -> Optional[nodes.reference]:
    """A link to a page of another collection, or to one of Ansible's guides."""
    label = node["reftarget"]
    place = f"{_PAGES[label]}.html" if label in _PAGES else ""
    if node["reftype"] == "envvar":
        place = f"reference_appendices/config.html#envvar-{label}"
    if label.startswith("ansible_collections.") and not label.startswith(_OURS):
        namespace, name, page = label.split(".")[1:4]
        place = f"collections/{namespace}/{name}/{page}.html"
    if not place:
        return None
    return nodes.reference("", "", content, internal=False, refuri=f"{_ANSIBLE}/{place}")


def _without_contents(app: Any, name: str, source: list[str]) -> None:
    """The theme has a table of contents of its own beside the page, and refuses a second one."""
    source[0] = re.sub(r"^\.\. contents::\n(?:   .*\n)*", "", source[0], flags=re.MULTILINE)


def setup(app: Any) -> None:
    app.connect("missing-reference", _elsewhere)
    app.connect("source-read", _without_contents)
