# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a change task, and the event that they mean."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api, Change
from ansible_collections.oncall.pagerduty.plugins.module_utils._links import LINK_SPEC, images_of, links_of
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    QUEUE_SPEC,
    SETTINGS_RULES,
    SETTINGS_SPEC,
)

_DETAILS = ("user", "repo", "revision", "environment")
"""Options that are nothing but names for entries of the details."""

SPEC: dict[str, dict[str, Any]] = {
    "summary": {"type": "str", "required": True},
    "source": {"type": "str"},
    "custom_details": {"type": "raw"},
    "timestamp": {"type": "str"},
    **{name: {"type": "str"} for name in _DETAILS},
    **LINK_SPEC,
    **QUEUE_SPEC,
    **SETTINGS_SPEC,
    "api_url": {**SETTINGS_SPEC["api_url"], "aliases": ["url"]},
}
RULES: dict[str, Any] = {
    "mutually_exclusive": SETTINGS_RULES["mutually_exclusive"],
    "required_by": SETTINGS_RULES["required_by"],
}


def event(options: Mapping[str, Any]) -> Change:
    """Return the event that validated options mean."""
    named = {name: options[name] for name in _DETAILS if options.get(name)}
    given = options.get("custom_details") or {}
    is_mapping = isinstance(given, Mapping)
    return Change(
        summary=options["summary"],
        source=options.get("source"),
        custom_details={**named, **given} if is_mapping else given,
        timestamp=options.get("timestamp"),
        links=links_of(options),
        images=images_of(options),
        more_details={} if is_mapping else named,
    )


def api(_options: Mapping[str, Any]) -> Api:
    """Return the API that changes go to; there is one."""
    return Api.CHANGE
