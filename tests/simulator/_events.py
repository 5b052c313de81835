# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event says, whichever API it came through: the one value that the alert state is fed with.

Reads bodies that the rules have found valid; it judges nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

V1 = "v1"
V2 = "v2"
CHANGE = "change"

TRIGGER = "trigger"
ACKNOWLEDGE = "acknowledge"
RESOLVE = "resolve"
ACTIONS = (TRIGGER, ACKNOWLEDGE, RESOLVE)


@dataclass(frozen=True)
class Event:
    """An alert event (v1 and v2) or a change event, in the words of Events API v2."""

    api: str
    key: str = field(repr=False)
    action: str | None = None
    dedup_key: str | None = None
    summary: str | None = None
    source: str | None = None
    severity: str | None = None
    timestamp: str | None = None
    component: str | None = None
    group: str | None = None
    class_: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    client: str | None = None
    client_url: str | None = None
    links: tuple[dict[str, Any], ...] = ()
    images: tuple[dict[str, Any], ...] = ()


def read_event(api: str, body: dict[str, Any]) -> Event:
    """The event that a valid body stands for."""
    return _read_v1(body) if api == V1 else _read_v2(api, body)


def key_of(api: str | None, body: object) -> str | None:
    """The integration key that a body names, valid or not."""
    return _string(body, "service_key" if api == V1 else "routing_key")


def action_of(api: str | None, body: object) -> str | None:
    """The action that a body names, valid or not; a change event has none."""
    return None if api == CHANGE else _string(body, "event_type" if api == V1 else "event_action")


def dedup_key_of(api: str | None, body: object) -> str | None:
    """The dedup key that a body names, valid or not; a change event has none."""
    return None if api == CHANGE else _string(body, "incident_key" if api == V1 else "dedup_key")


def summary_of(api: str | None, body: object) -> str | None:
    """The summary that a body holds, valid or not."""
    if api == V1:
        return _string(body, "description")
    return _string(body.get("payload"), "summary") if isinstance(body, dict) else None


def _string(body: object, name: str) -> str | None:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None


def _read_v2(api: str, body: dict[str, Any]) -> Event:
    payload = body.get("payload", {})
    return Event(
        api=api,
        key=body["routing_key"],
        action=action_of(api, body),
        dedup_key=dedup_key_of(api, body),
        summary=payload.get("summary"),
        source=payload.get("source"),
        severity=payload.get("severity") if api == V2 else None,
        timestamp=payload.get("timestamp"),
        component=payload.get("component"),
        group=payload.get("group"),
        class_=payload.get("class"),
        details=payload.get("custom_details", {}),
        client=body.get("client"),
        client_url=body.get("client_url"),
        links=tuple(body.get("links", ())),
        images=tuple(body.get("images", ())),
    )


def _read_v1(body: dict[str, Any]) -> Event:
    contexts = [dict(context) for context in body.get("contexts", ())]
    kinds = [context.pop("type") for context in contexts]
    return Event(
        api=V1,
        key=body["service_key"],
        action=body["event_type"],
        dedup_key=body.get("incident_key"),
        summary=body.get("description"),
        details=body.get("details", {}),
        client=body.get("client"),
        client_url=body.get("client_url"),
        links=tuple(context for kind, context in zip(kinds, contexts) if kind == "link"),
        images=tuple(context for kind, context in zip(kinds, contexts) if kind == "image"),
    )
