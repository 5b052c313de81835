# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events that PagerDuty takes, as values: validated, shortened to its limits, and made into a body. Pure."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import Any, Union
from urllib.parse import urlsplit

from ansible_collections.oncall.pagerduty.plugins.module_utils import _limits
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text, plain
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import MASK, mask
from ansible_collections.oncall.pagerduty.plugins.module_utils._timestamp import from_epoch, to_utc

SEVERITIES = ("critical", "error", "warning", "info")
DEFAULT_SEVERITY = "error"


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
        timestamp: ISO 8601 with an offset; the time of making the event if it is None.
        links: mappings with C(href), and C(text) or not.
        images: mappings with C(src) (https only), and C(href) and C(alt) or not.
    """

    action: Action
    dedup_key: str | None = None
    summary: str | None = None
    source: str | None = None
    severity: str = DEFAULT_SEVERITY
    component: str | None = None
    group: str | None = None
    class_: str | None = None
    custom_details: dict[str, Any] | None = None
    timestamp: str | None = None
    client: str | None = None
    client_url: str | None = None
    links: tuple[dict[str, Any], ...] = ()
    images: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Change:
    """An event about a change. It pages nobody. Fields are as those of Alert."""

    summary: str | None = None
    source: str | None = None
    custom_details: dict[str, Any] | None = None
    timestamp: str | None = None
    links: tuple[dict[str, Any], ...] = ()
    images: tuple[dict[str, Any], ...] = ()


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
        notes: one sentence for each thing that had to be filled in.
    """

    api: Api
    routing_key: str = field(repr=False)
    body: bytes = field(repr=False)
    dedup_key: str | None = None
    shortened: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """Return the body as it may be shown, the integration key masked wherever it stands."""
        shown: dict[str, Any] = mask(json.loads(self.body), [self.routing_key])
        shown["service_key" if self.api is Api.V1 else "routing_key"] = MASK
        return shown


def prepare(
    event: Event, routing_key: str, now: float, new_key: str, host: str = "ansible", api: Api = Api.V2
) -> Prepared:
    """Validate an event, shorten it to the limits and fix its body.

    Args:
        event: what to say.
        routing_key: the integration key (v1: service key), well-formed.
        now: Unix time at which the event happens if it does not say.
        new_key: dedup key for a trigger that has none.
        host: the source of an event that names none.
        api: V2 or V1; a Change always goes to CHANGE.

    Raises:
        OptionError: if the event could not be sent as it was meant.
    """
    draft = _Draft(event, now, host)
    if isinstance(event, Change):
        api = Api.CHANGE
        key = None
        body = _change_body(draft)
    else:
        key = draft.key(event, new_key)
        body = _v1_body(event, draft, key) if api is Api.V1 else _v2_body(event, draft, key)
    body["service_key" if api is Api.V1 else "routing_key"] = routing_key
    encoded, reports = _limits.fit_body(body)
    return Prepared(api, routing_key, encoded, key, (*draft.shortened, *reports), tuple(draft.notes))


class _Draft:
    """The parts that all forms of an event share, made valid, with what had to be done for it."""

    def __init__(self, event: Event, now: float, host: str) -> None:
        self.shortened: list[str] = []
        self.notes: list[str] = []
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
            self.notes.append(f"summary is blank, so {fallback!r} is sent in its place")
            return fallback
        if len(summary) > _limits.SUMMARY_CHARACTERS:
            self.shortened.append(f"summary: cut from {len(summary)} to {_limits.SUMMARY_CHARACTERS} characters")
        return _limits.cut(summary, _limits.SUMMARY_CHARACTERS)

    def source(self) -> str:
        source = optional_text(self._event.source)
        if source is None and self._event.source is not None:
            self.notes.append(f"source is blank, so {self._host!r} is sent in its place")
        return source or self._host

    def timestamp(self) -> str:
        given = optional_text(self._event.timestamp)
        return from_epoch(self._now) if given is None else to_utc("timestamp", given)

    def details(self) -> dict[str, Any] | None:
        details = plain(self._event.custom_details)
        if details is not None and not isinstance(details, dict):
            raise OptionError("custom_details", f"a {type(details).__name__} was given; expected a mapping")
        return details or None

    def links(self) -> list[dict[str, str]]:
        return [_texts("links", link, required="href", optional=("text",)) for link in self._event.links]

    def images(self) -> list[dict[str, str]]:
        images = [_texts("images", image, required="src", optional=("href", "alt")) for image in self._event.images]
        for image in images:
            if not _is_https(image["src"]):
                raise OptionError("images", f"src {image['src']!r} is not an https URL, and PagerDuty shows no other")
        return images


def _texts(option: str, given: dict[str, Any], required: str, optional: tuple[str, ...]) -> dict[str, str]:
    """Keep what is said of the known fields of a link or an image."""
    texts = {name: optional_text(given.get(name)) for name in (required, *optional)}
    if texts[required] is None:
        raise OptionError(option, f"an entry has a blank {required}; expected a URL")
    return {name: text for name, text in texts.items() if text is not None}


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() == "https" and bool(parts.hostname)
    except ValueError:  # as for an unclosed IPv6 bracket
        return False


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    """Keep the fields that say something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}


def _check_severity(severity: str) -> str:
    if severity not in SEVERITIES:
        raise OptionError("severity", f"{severity!r} was given; expected one of {', '.join(SEVERITIES)}")
    return severity


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
    severity = _check_severity(alert.severity)
    timestamp = draft.timestamp()
    images, links = draft.images(), draft.links()
    trigger = alert.action is Action.TRIGGER
    # Acknowledge and resolve need no payload; where something is said, event rules can filter on it, and a payload is
    # only valid with summary, source and severity together.
    if trigger or labels or optional_text(alert.summary) is not None:
        body["payload"] = {
            "summary": draft.summary(_DONE[alert.action]),
            "source": draft.source(),
            "severity": severity,
            "timestamp": timestamp,
            **labels,
        }
    if trigger:
        body.update(
            _said(
                {
                    "client": optional_text(alert.client),
                    "client_url": optional_text(alert.client_url),
                    "links": links,
                    "images": images,
                }
            )
        )
    return body


def _v1_body(alert: Alert, draft: _Draft, key: str) -> dict[str, Any]:
    body: dict[str, Any] = {"event_type": alert.action.value, "incident_key": key}
    trigger = alert.action is Action.TRIGGER
    severity = _check_severity(alert.severity)
    images, links = draft.images(), draft.links()
    if trigger or optional_text(alert.summary) is not None:
        body["description"] = draft.summary(_DONE[alert.action])
    # v1 has no place for these, and what somebody took the trouble to write should reach whoever is paged.
    homeless = {
        "source": optional_text(alert.source),
        "component": optional_text(alert.component),
        "group": optional_text(alert.group),
        "class": optional_text(alert.class_),
        "severity": None if severity == DEFAULT_SEVERITY else severity,
        "timestamp": None if optional_text(alert.timestamp) is None else draft.timestamp(),
    }
    details = {**_said(homeless), **(draft.details() or {})}
    if details:
        body["details"] = details
    if trigger:
        contexts = [{"type": "link", **link} for link in links] + [{"type": "image", **image} for image in images]
        body.update(
            _said(
                {
                    "client": optional_text(alert.client),
                    "client_url": optional_text(alert.client_url),
                    "contexts": contexts,
                }
            )
        )
    return body


def _change_body(draft: _Draft) -> dict[str, Any]:
    links = draft.links()
    if len(links) > _limits.CHANGE_LINKS:
        draft.shortened.append(f"links: {len(links) - _limits.CHANGE_LINKS} beyond {_limits.CHANGE_LINKS} left out")
    body: dict[str, Any] = {
        "payload": {
            "summary": draft.summary("Changed"),
            "source": draft.source(),
            "timestamp": draft.timestamp(),
            **_said({"custom_details": draft.details()}),
        }
    }
    body.update(_said({"links": links[: _limits.CHANGE_LINKS], "images": draft.images()}))
    return body
