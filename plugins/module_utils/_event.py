# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events that PagerDuty takes, as values: validated, shortened to its limits, and made into a body. Pure."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import Any, Mapping, Union

from ansible_collections.oncall.pagerduty.plugins.module_utils import _decoration, _limits
from ansible_collections.oncall.pagerduty.plugins.module_utils._decoration import DEFAULT_SEVERITY, SEVERITIES
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text, plain
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import MASK, mask
from ansible_collections.oncall.pagerduty.plugins.module_utils._timestamp import from_epoch

__all__ = ["DEFAULT_SEVERITY", "SEVERITIES", "Action", "Alert", "Api", "Change", "Event", "Prepared", "prepare"]


class Api(enum.Enum):
    """The three ways in. The value is the path below the base URL that an event is posted to."""

    V2 = "/v2/enqueue"
    CHANGE = "/v2/change/enqueue"
    V1 = "/generic/2010-04-15/create_event.json"


class Action(enum.Enum):
    """What an alert event does, in PagerDuty's word."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Alert:
    """An event about an incident. Fields are named as in Events API v2; what is None or blank is not sent.

    Attributes:
        action: what it does.
        dedup_key: tells incidents apart. Required for acknowledge and resolve; a trigger without one gets a new one.
        summary: the incident's title.
        source: the affected system.
        severity: one of SEVERITIES.
        custom_details: any mapping.
        timestamp: a point in time that is certain; the time of making the event if it is None.
        links: mappings with C(href), and C(text) or not.
        images: mappings with C(src) (https only), and C(href) and C(alt) or not.

    What decorates an event, from the severity on, may be anything: what cannot be sent as it is given is left out.
    """

    action: Action
    dedup_key: str | None = None
    summary: str | None = None
    source: str | None = None
    severity: Any = DEFAULT_SEVERITY
    component: str | None = None
    group: str | None = None
    class_: str | None = None
    custom_details: Any = None
    timestamp: Any = None
    client: str | None = None
    client_url: str | None = None
    links: Any = ()
    images: Any = ()


@dataclass(frozen=True)
class Change:
    """An event about a change. It pages nobody. Fields are as those of Alert.

    Attributes:
        more_details: entries to stand before those of custom_details.
    """

    summary: str | None = None
    source: str | None = None
    custom_details: Any = None
    timestamp: Any = None
    links: Any = ()
    images: Any = ()
    more_details: Mapping[str, Any] = field(default_factory=dict)


Event = Union[Alert, Change]


@dataclass(frozen=True)
class Prepared:
    """An event whose body is fixed: every attempt sends the same bytes, so that none can open a second incident.

    Attributes:
        api: where it goes.
        routing_key: the integration key in it.
        body: the JSON that is posted. Holds the integration key.
        dedup_key: the key that is sent, None for a change event.
        shortened: one sentence for each thing that was shortened to PagerDuty's limits.
        notes: one sentence for each thing that had to be filled in, or is missing for want of room.
        left_out: one sentence for each value that could not be sent as it was given, its option's name first.
    """

    api: Api
    routing_key: str = field(repr=False)
    body: bytes = field(repr=False)
    dedup_key: str | None = None
    shortened: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """Return the body as it may be shown, the integration key masked wherever it stands."""
        shown: dict[str, Any] = mask(json.loads(self.body), [self.routing_key])
        shown["service_key" if self.api is Api.V1 else "routing_key"] = MASK
        return shown


def prepare(
    event: Event, routing_key: str, now: float, new_key: str, host: str = "ansible", api: Api = Api.V2
) -> Prepared:
    """Make an event valid, shorten it to the limits and fix its body.

    Nothing that only decorates an event keeps it from being sent: that is left out, and told in the result.

    Args:
        event: what to say.
        routing_key: the integration key (v1: service key), well-formed.
        now: Unix time at which the event happens if it does not say.
        new_key: dedup key for a trigger that has none.
        host: the source of an event that names none.
        api: V2 or V1; a Change always goes to CHANGE.

    Raises:
        OptionError: if there is no incident that the event could be about.
    """
    draft = _Draft(event, now, host)
    if isinstance(event, Change):
        api = Api.CHANGE
        key = None
        body = _change_body(event, draft)
    else:
        key = draft.key(event, new_key)
        body = _v1_body(event, draft, key) if api is Api.V1 else _v2_body(event, draft, key)
    body["service_key" if api is Api.V1 else "routing_key"] = routing_key
    encoded, reports = _limits.fit_body(body)
    shortened, notes = (*draft.shortened, *reports), (*draft.notes, *reports)
    return Prepared(api, routing_key, encoded, key, shortened, notes, tuple(draft.left_out))


class _Draft:
    """The parts that all forms of an event share, made valid, with what had to be done for it."""

    def __init__(self, event: Event, now: float, host: str) -> None:
        self.shortened: list[str] = []
        self.notes: list[str] = []
        self.left_out: list[str] = []
        self._event = event
        self._now = now
        self._host = optional_text(host) or "ansible"

    def key(self, alert: Alert, new_key: str) -> str:
        key = optional_text(alert.dedup_key)
        if key is None and alert.action is not Action.TRIGGER:
            raise OptionError("dedup_key", f"blank; to {alert.action.value} an incident, give the key that opened it")
        key = new_key if key is None else key
        fitted = _limits.fit_key(key)
        if fitted != key:
            self.shortened.append(f"dedup_key: {len(key)} characters replaced by a beginning and a SHA-256")
        return fitted

    def summary(self, said: str) -> str:
        """Return the summary; a blank one becomes what was done, and where."""
        summary = optional_text(self._event.summary)
        if summary is None:
            where = optional_text(self._event.source) or self._host
            fallback = _limits.cut(f"{said} by Ansible on {where}", _limits.SUMMARY_CHARACTERS)
            self._note(f"summary is blank, so {fallback!r} is sent in its place")
            return fallback
        if len(summary) > _limits.SUMMARY_CHARACTERS:
            self.shortened.append(f"summary: cut from {len(summary)} to {_limits.SUMMARY_CHARACTERS} characters")
        return _limits.cut(summary, _limits.SUMMARY_CHARACTERS)

    def source(self) -> str:
        source = optional_text(self._event.source)
        if source is None and self._event.source is not None:
            self._note(f"source is blank, so {self._host!r} is sent in its place")
        return source or self._host

    def given_timestamp(self) -> str | None:
        return _decoration.timestamp_of(self._event.timestamp, self.left_out.append)

    def timestamp(self) -> str:
        return self.given_timestamp() or from_epoch(self._now)

    def severity(self, alert: Alert) -> str:
        return _decoration.severity_of(alert.severity, self.left_out.append)

    def client_url(self, alert: Alert) -> str | None:
        return _decoration.client_url_of(alert.client_url, self.left_out.append)

    def details(self, more: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        details = _decoration.details_of(self._event.custom_details, self.left_out.append, self.notes.append)
        return {**(more or {}), **details} or None

    def links(self) -> list[dict[str, str]]:
        return _decoration.links_of(self._event.links, self.left_out.append)

    def images(self) -> list[dict[str, str]]:
        return _decoration.images_of(self._event.images, self.left_out.append)

    def _note(self, text: str) -> None:
        """Take note of what was filled in, but for events whose texts nobody is paged by."""
        if not isinstance(self._event, Alert) or self._event.action is Action.TRIGGER:
            self.notes.append(text)


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    """Keep the fields that say something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}


_DONE = {Action.TRIGGER: "Triggered", Action.ACKNOWLEDGE: "Acknowledged", Action.RESOLVE: "Resolved"}


def _v2_body(alert: Alert, draft: _Draft, key: str) -> dict[str, Any]:
    body: dict[str, Any] = {"event_action": alert.action.value, "dedup_key": key}
    labels = _said(
        {
            "component": optional_text(alert.component),
            "group": optional_text(alert.group),
            "class": optional_text(alert.class_),
            "custom_details": draft.details(),
        }
    )
    trigger = alert.action is Action.TRIGGER
    # Acknowledge and resolve need no payload; where something is said, event rules can filter on it, and a payload is
    # only valid with summary, source and severity together.
    if trigger or labels or optional_text(alert.summary) is not None:
        body["payload"] = {
            "summary": draft.summary(_DONE[alert.action]),
            "source": draft.source(),
            "severity": draft.severity(alert),
            "timestamp": draft.timestamp(),
            **labels,
        }
    if trigger:
        body.update(
            _said(
                {
                    "client": optional_text(alert.client),
                    "client_url": draft.client_url(alert),
                    "links": draft.links(),
                    "images": draft.images(),
                }
            )
        )
    return body


def _v1_body(alert: Alert, draft: _Draft, key: str) -> dict[str, Any]:
    body: dict[str, Any] = {"event_type": alert.action.value, "incident_key": key}
    trigger = alert.action is Action.TRIGGER
    severity = draft.severity(alert)
    if trigger or optional_text(alert.summary) is not None:
        body["description"] = draft.summary(_DONE[alert.action])
    # v1 has no place for these, and what somebody took the trouble to write should reach whoever is paged.
    homeless = {
        "source": optional_text(alert.source),
        "component": optional_text(alert.component),
        "group": optional_text(alert.group),
        "class": optional_text(alert.class_),
        "severity": None if severity == DEFAULT_SEVERITY else severity,
        "timestamp": draft.given_timestamp(),
    }
    details = {**_said(homeless), **(draft.details() or {})}
    if details:
        body["details"] = details
    if trigger:
        contexts = [
            *({"type": "link", **link} for link in draft.links()),
            *({"type": "image", **image} for image in draft.images()),
        ]
        body.update(
            _said(
                {
                    "client": optional_text(alert.client),
                    "client_url": draft.client_url(alert),
                    "contexts": contexts,
                }
            )
        )
    return body


def _change_body(change: Change, draft: _Draft) -> dict[str, Any]:
    links = draft.links()
    if len(links) > _limits.CHANGE_LINKS:
        beyond = f"links: {len(links) - _limits.CHANGE_LINKS} beyond {_limits.CHANGE_LINKS} left out"
        draft.shortened.append(beyond)
        draft.notes.append(beyond)
    body: dict[str, Any] = {
        "payload": {
            "summary": draft.summary("Changed"),
            "source": draft.source(),
            "timestamp": draft.timestamp(),
            **_said({"custom_details": draft.details(plain(dict(change.more_details)))}),
        }
    }
    body.update(_said({"links": links[: _limits.CHANGE_LINKS], "images": draft.images()}))
    return body
