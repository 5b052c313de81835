# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for links and images, which all events share."""

from __future__ import annotations

from typing import Any, Mapping

LINK_SPEC: dict[str, dict[str, Any]] = {
    "links": {
        "type": "list",
        "elements": "dict",
        "options": {"href": {"type": "str", "required": True}, "text": {"type": "str"}},
    },
    "images": {
        "type": "list",
        "elements": "dict",
        "options": {"src": {"type": "str", "required": True}, "href": {"type": "str"}, "alt": {"type": "str"}},
    },
    "link_url": {"type": "str"},
    "link_text": {"type": "str"},
}


def links_of(options: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return all links that validated options give: the list's, then the one in link_url."""
    single = [{"href": options["link_url"], "text": options.get("link_text")}] if options.get("link_url") else []
    return (*(options.get("links") or ()), *single)
