# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an event's body, in PagerDuty's words where they are known. Pure.

Where PagerDuty is silent about a mistake (a null where a string belongs, a timestamp without an offset, an
acknowledgement with a blank summary) it is refused here, so that a client's mistakes show in its tests. Fields that
nobody knows are accepted, as PagerDuty accepts them.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Iterator

from ._events import ACKNOWLEDGE, ACTIONS, CHANGE, RESOLVE, TRIGGER, V1

BODY_LIMIT = 512_000  # bytes; PagerDuty says 512 KB, and a careful client counts thousands
KEY_LENGTH = 32
DEDUP_KEY_LIMIT = 255
SUMMARY_LIMIT = 1024  # characters, not bytes
CHANGE_LINKS_LIMIT = 50
RULESET_KEY_PREFIX = "R"
SEVERITIES = ("critical", "warning", "error", "info")

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJsonError(ValueError):
    """A body that not every JSON reader would take."""


def parse(body: bytes) -> object:
    """The JSON value that a request's body holds; NotJsonError if it holds none."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        if b"\\u" in body and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
            raise ValueError("half a surrogate pair")
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from None
    return value


def problems(api: str, body: dict[str, Any]) -> list[str]:
    """What PagerDuty would say against this event; nothing if it is valid."""
    check = {V1: _v1, CHANGE: _change}.get(api, _v2)
    return list(check(body))


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


# --- Events API v2 -----------------------------------------------------------------------------------------------


def _v2(body: dict[str, Any]) -> Iterator[str]:
    yield from _routing_key(body)
    action = body.get("event_action")
    if _blank(action):
        yield "'event_action' is missing or blank"
    elif action not in ACTIONS:
        yield "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
    yield from _dedup_key(body, required=action in (ACKNOWLEDGE, RESOLVE))
    yield from _strings(body, "client", "client_url")
    yield from _payload(body, required=("summary", "source", "severity") if action == TRIGGER else ())
    yield from _links(body)
    yield from _images(body)


def _change(body: dict[str, Any]) -> Iterator[str]:
    yield from _routing_key(body)
    if str(body.get("routing_key")).startswith(RULESET_KEY_PREFIX):
        yield "'routing_key' belongs to a ruleset, which takes no change events"
    yield from _payload(body, required=("summary",))
    yield from _links(body)
    yield from _images(body)
    links = body.get("links")
    if isinstance(links, list) and len(links) > CHANGE_LINKS_LIMIT:
        yield f"'links' is too long (maximum is {CHANGE_LINKS_LIMIT} links)"


def _routing_key(body: dict[str, Any]) -> Iterator[str]:
    key = body.get("routing_key")
    if _blank(key):
        yield "'routing_key' cannot be blank"
    elif not isinstance(key, str):
        yield "'routing_key' is invalid (must be a string)"
    else:
        if len(key) != KEY_LENGTH:
            yield f"Length of 'routing_key' is incorrect (should be {KEY_LENGTH} characters)"
        if not (key.isascii() and key.isalnum()):
            yield "'routing_key' cannot contain non-alphanumeric characters."


def _dedup_key(body: dict[str, Any], required: bool) -> Iterator[str]:
    key = body.get("dedup_key")
    if _blank(key):
        if required or "dedup_key" in body:
            yield "'dedup_key' is missing or blank"
    elif not isinstance(key, str):
        yield "'dedup_key' is invalid (must be a string)"
    elif len(key) > DEDUP_KEY_LIMIT:
        yield f"'dedup_key' is too long (maximum is {DEDUP_KEY_LIMIT} characters)"


def _payload(body: dict[str, Any], required: tuple[str, ...]) -> Iterator[str]:
    payload = body.get("payload", {})
    if not isinstance(payload, dict):
        yield "'payload' is invalid (must be an object)"
        return
    for name in ("summary", "source", "severity"):
        if _blank(payload.get(name)) and (name in required or name in payload):
            yield f"'payload.{name}' is missing or blank"
    present = [name for name in ("summary", "source") if not _blank(payload.get(name))]
    yield from _strings(payload, *present, "component", "group", "class", "timestamp", prefix="payload.")
    summary, severity = payload.get("summary"), payload.get("severity")
    if isinstance(summary, str) and len(summary) > SUMMARY_LIMIT:
        yield f"'summary' is too long (maiximum is {SUMMARY_LIMIT} characters)"  # spelt so by PagerDuty
    if not _blank(severity) and severity not in SEVERITIES:
        yield "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
    if isinstance(payload.get("timestamp"), str) and not _is_timestamp(payload["timestamp"]):
        yield "'payload.timestamp' is invalid (must be ISO 8601 with a time and an offset)"
    if not isinstance(payload.get("custom_details", {}), dict):
        yield "'payload.custom_details' is invalid (must be an object)"


def _links(body: dict[str, Any]) -> Iterator[str]:
    for label, link in _objects(body, "links"):
        if not isinstance(link, dict):
            yield f"'{label}' is invalid (must be an object)"
            continue
        if _blank(link.get("href")):
            yield f"'{label}.href' is missing or blank"
        else:
            yield from _strings(link, "href", prefix=label + ".")
        yield from _strings(link, "text", prefix=label + ".")
    yield from _list(body, "links")


def _images(body: dict[str, Any]) -> Iterator[str]:
    for label, image in _objects(body, "images"):
        if not isinstance(image, dict):
            yield f"'{label}' is invalid (must be an object)"
            continue
        yield from _image(image, label)
    yield from _list(body, "images")


def _image(image: dict[str, Any], label: str) -> Iterator[str]:
    source = image.get("src")
    if _blank(source):
        yield f"'{label}.src' is missing or blank"
    elif not isinstance(source, str) or not source.lower().startswith("https://"):
        yield f"'{label}.src' is invalid (must be served via HTTPS)"
    yield from _strings(image, "href", "alt", prefix=label + ".")


# --- Events API v1 -----------------------------------------------------------------------------------------------


def _v1(body: dict[str, Any]) -> Iterator[str]:
    key = body.get("service_key")
    if _blank(key):
        yield "Service key is missing or blank"
    elif not isinstance(key, str):
        yield "Service key is invalid (must be a string)"
    elif len(key) != KEY_LENGTH:
        yield f"Service key is the wrong length (should be {KEY_LENGTH} characters)"
    elif not (key.isascii() and key.isalnum()):
        yield "Service key cannot contain non-alphanumeric characters"
    action = body.get("event_type")
    if action not in ACTIONS:
        yield "event_type is invalid (must be one of: trigger acknowledge resolve)"
    yield from _incident_key(body, required=action in (ACKNOWLEDGE, RESOLVE))
    yield from _description(body, required=action == TRIGGER)
    yield from _strings(body, "client", "client_url")
    if not isinstance(body.get("details", {}), dict):
        yield "'details' is invalid (must be an object)"
    for label, context in _objects(body, "contexts"):
        yield from _context(context, label)
    yield from _list(body, "contexts")


def _incident_key(body: dict[str, Any], required: bool) -> Iterator[str]:
    key = body.get("incident_key")
    if _blank(key):
        if required or "incident_key" in body:
            yield "Incident key is missing or blank"
    elif not isinstance(key, str):
        yield "Incident key is invalid (must be a string)"
    elif len(key) > DEDUP_KEY_LIMIT:
        yield f"Incident key is too long (maximum is {DEDUP_KEY_LIMIT} characters)"


def _description(body: dict[str, Any], required: bool) -> Iterator[str]:
    description = body.get("description")
    if _blank(description):
        if required or "description" in body:
            yield "Description is missing or blank"
    elif not isinstance(description, str):
        yield "Description is invalid (must be a string)"
    elif len(description) > SUMMARY_LIMIT:
        yield f"Description is too long (maximum is {SUMMARY_LIMIT} characters)"


def _context(context: object, label: str) -> Iterator[str]:
    if not isinstance(context, dict):
        yield f"'{label}' is invalid (must be an object)"
    elif context.get("type") == "link":
        if _blank(context.get("href")):
            yield f"'{label}.href' is missing or blank"
        else:
            yield from _strings(context, "href", prefix=label + ".")
        yield from _strings(context, "text", prefix=label + ".")
    elif context.get("type") == "image":
        yield from _image(context, label)
    else:
        yield f"'{label}.type' is invalid (must be one of: link image)"


# --- shared ------------------------------------------------------------------------------------------------------


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _strings(values: dict[str, Any], *names: str, prefix: str = "") -> Iterator[str]:
    for name in names:
        if name in values and not isinstance(values[name], str):
            yield f"'{prefix}{name}' is invalid (must be a string)"


def _list(body: dict[str, Any], name: str) -> Iterator[str]:
    if not isinstance(body.get(name, []), list):
        yield f"'{name}' is invalid (must be an array)"


def _objects(body: dict[str, Any], name: str) -> Iterator[tuple[str, object]]:
    values = body.get(name)
    for index, value in enumerate(values if isinstance(values, list) else ()):
        yield f"{name}[{index}]", value


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return False
    try:
        datetime.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return False
    return True
