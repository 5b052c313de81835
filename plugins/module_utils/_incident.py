# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an incident task, and the event that they mean."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.oncall.pagerduty.plugins.module_utils._decoration import DEFAULT_SEVERITY
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, Api
from ansible_collections.oncall.pagerduty.plugins.module_utils._links import LINK_SPEC, images_of, links_of
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    QUEUE_SPEC,
    SETTINGS_RULES,
    SETTINGS_SPEC,
)

SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["triggered", "acknowledged", "resolved"], "default": "triggered"},
    "summary": {"type": "str", "aliases": ["desc", "description"]},
    "dedup_key": {"type": "str", "no_log": False, "aliases": ["incident_key"]},
    "source": {"type": "str"},
    # Without choices, and raw, since ansible-core would refuse a page for a decoration. _decoration.py reads them.
    "severity": {"type": "str", "default": DEFAULT_SEVERITY},
    "component": {"type": "str"},
    "group": {"type": "str"},
    "class": {"type": "str", "aliases": ["incident_class"]},
    "custom_details": {"type": "raw", "aliases": ["details"]},
    "timestamp": {"type": "str"},
    "client": {"type": "str", "default": "Ansible"},
    "client_url": {"type": "str"},
    "api_version": {"type": "str", "choices": ["v2", "v1"], "default": "v2"},
    **LINK_SPEC,
    **QUEUE_SPEC,
    **SETTINGS_SPEC,
}
RULES: dict[str, Any] = {
    "mutually_exclusive": SETTINGS_RULES["mutually_exclusive"],
    "required_by": SETTINGS_RULES["required_by"],
    "required_if": [
        ("state", "triggered", ["summary"]),
        ("state", "acknowledged", ["dedup_key"]),
        ("state", "resolved", ["dedup_key"]),
    ],
}

_ACTIONS = {"triggered": Action.TRIGGER, "acknowledged": Action.ACKNOWLEDGE, "resolved": Action.RESOLVE}


def event(options: Mapping[str, Any]) -> Alert:
    """Return the event that validated options mean."""
    return Alert(
        action=_ACTIONS[options["state"]],
        dedup_key=options.get("dedup_key"),
        summary=options.get("summary"),
        source=options.get("source"),
        severity=options.get("severity"),
        component=options.get("component"),
        group=options.get("group"),
        class_=options.get("class"),
        custom_details=options.get("custom_details"),
        timestamp=options.get("timestamp"),
        client=options.get("client"),
        client_url=options.get("client_url"),
        links=links_of(options),
        images=images_of(options),
    )


def api(options: Mapping[str, Any]) -> Api:
    """Return the API that validated options choose."""
    return Api.V1 if options["api_version"] == "v1" else Api.V2
