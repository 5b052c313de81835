# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for links and images, which all events share."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.oncall.pagerduty.plugins.module_utils._decoration import as_entries
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text

# Raw, since ansible-core would refuse a page for an entry that is not as it should be. _decoration.py reads them.
LINK_SPEC: dict[str, dict[str, Any]] = {
    "links": {"type": "raw"},
    "images": {"type": "raw"},
    "link_url": {"type": "str"},
    "link_text": {"type": "str"},
}


def links_of(options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return all links that options give: the list's, then the one in link_url. They are not looked into."""
    url, text = options.get("link_url"), options.get("link_text")
    single = [{"href": url, "text": text}] if optional_text(url) or optional_text(text) else []
    return (*as_entries(options.get("links")), *single)


def images_of(options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return all images that options give. They are not looked into."""
    return tuple(as_entries(options.get("images")))
