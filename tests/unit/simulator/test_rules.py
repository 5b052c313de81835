# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule of the Events APIs: what is accepted, and in which words the rest is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator._rules import NotJsonError, parse, problems

KEY = "0123456789abcdef0123456789abcdef"
GONE = object()

VALID: dict[str, dict[str, Any]] = {
    "v2": {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "k",
        "payload": {"summary": "Disk full", "source": "db1", "severity": "critical"},
    },
    "change": {"routing_key": KEY, "payload": {"summary": "Deployed"}},
    "v1": {"service_key": KEY, "event_type": "trigger", "incident_key": "k", "description": "Disk full"},
}

LENGTH = "Length of 'routing_key' is incorrect (should be 32 characters)"
ALNUM = "'routing_key' cannot contain non-alphanumeric characters."
SEVERITY = "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
ACTION = "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
TIMESTAMP = "'payload.timestamp' is invalid (must be ISO 8601 with a time and an offset)"
EVENT_TYPE = "event_type is invalid (must be one of: trigger acknowledge resolve)"
SERVICE_KEY = "Service key is the wrong length (should be 32 characters)"


def changed(api: str, path: str, value: object) -> dict[str, Any]:
    """A valid event with one value put in place, or taken out."""
    event = copy.deepcopy(VALID[api])
    *parents, name = path.split(".")
    place = event
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is GONE:
        del place[name]
    else:
        place[name] = value
    return event


@pytest.mark.parametrize("api", VALID)
def test_a_plain_event_is_valid(api: str) -> None:
    assert problems(api, VALID[api]) == []


@pytest.mark.parametrize(
    ("api", "path", "value", "expected"),
    [
        ("v2", "routing_key", GONE, "'routing_key' cannot be blank"),
        ("v2", "routing_key", None, "'routing_key' cannot be blank"),
        ("v2", "routing_key", " ", "'routing_key' cannot be blank"),
        ("v2", "routing_key", 32, "'routing_key' is invalid (must be a string)"),
        ("v2", "routing_key", KEY[:-1], LENGTH),
        ("v2", "routing_key", KEY + "0", LENGTH),
        ("v2", "routing_key", KEY[:-1] + "-", ALNUM),
        ("v2", "routing_key", KEY[:-1] + "é", ALNUM),
        ("v2", "event_action", GONE, "'event_action' is missing or blank"),
        ("v2", "event_action", "", "'event_action' is missing or blank"),
        ("v2", "event_action", "triggered", ACTION),
        ("v2", "event_action", "Trigger", ACTION),
        ("v2", "event_action", ["trigger"], ACTION),
        ("v2", "dedup_key", None, "'dedup_key' is missing or blank"),
        ("v2", "dedup_key", "", "'dedup_key' is missing or blank"),
        ("v2", "dedup_key", 7, "'dedup_key' is invalid (must be a string)"),
        ("v2", "dedup_key", "k" * 256, "'dedup_key' is too long (maximum is 255 characters)"),
        ("v2", "payload", None, "'payload' is invalid (must be an object)"),
        ("v2", "payload", [], "'payload' is invalid (must be an object)"),
        ("v2", "payload.summary", GONE, "'payload.summary' is missing or blank"),
        ("v2", "payload.summary", None, "'payload.summary' is missing or blank"),
        ("v2", "payload.summary", " \t", "'payload.summary' is missing or blank"),
        ("v2", "payload.summary", 5, "'payload.summary' is invalid (must be a string)"),
        ("v2", "payload.summary", "é" * 1025, "'summary' is too long (maiximum is 1024 characters)"),
        ("v2", "payload.source", GONE, "'payload.source' is missing or blank"),
        ("v2", "payload.source", "", "'payload.source' is missing or blank"),
        ("v2", "payload.source", {}, "'payload.source' is invalid (must be a string)"),
        ("v2", "payload.severity", GONE, "'payload.severity' is missing or blank"),
        ("v2", "payload.severity", "fatal", SEVERITY),
        ("v2", "payload.severity", "Critical", SEVERITY),
        ("v2", "payload.severity", {}, SEVERITY),
        ("v2", "payload.component", None, "'payload.component' is invalid (must be a string)"),
        ("v2", "payload.group", None, "'payload.group' is invalid (must be a string)"),
        ("v2", "payload.class", None, "'payload.class' is invalid (must be a string)"),
        ("v2", "payload.timestamp", None, "'payload.timestamp' is invalid (must be a string)"),
        ("v2", "payload.timestamp", "2026-01-02T03:04:05", TIMESTAMP),
        ("v2", "payload.timestamp", "2026-01-02", TIMESTAMP),
        ("v2", "payload.timestamp", "2026-02-30T03:04:05Z", TIMESTAMP),
        ("v2", "payload.timestamp", "2026-01-02T03:04:05+00:00Z", TIMESTAMP),
        ("v2", "payload.custom_details", None, "'payload.custom_details' is invalid (must be an object)"),
        ("v2", "payload.custom_details", "text", "'payload.custom_details' is invalid (must be an object)"),
        ("v2", "client", None, "'client' is invalid (must be a string)"),
        ("v2", "client_url", None, "'client_url' is invalid (must be a string)"),
        ("v2", "links", None, "'links' is invalid (must be an array)"),
        ("v2", "links", ["https://example.com"], "'links[0]' is invalid (must be an object)"),
        ("v2", "links", [{"href": "x"}, {"text": "x"}], "'links[1].href' is missing or blank"),
        ("v2", "links", [{"href": "x", "text": None}], "'links[0].text' is invalid (must be a string)"),
        ("v2", "images", {}, "'images' is invalid (must be an array)"),
        ("v2", "images", [None], "'images[0]' is invalid (must be an object)"),
        ("v2", "images", [{"alt": "x"}], "'images[0].src' is missing or blank"),
        ("v2", "images", [{"src": "http://a/b.png"}], "'images[0].src' is invalid (must be served via HTTPS)"),
        ("v2", "images", [{"src": "https://a", "href": None}], "'images[0].href' is invalid (must be a string)"),
        ("change", "routing_key", GONE, "'routing_key' cannot be blank"),
        ("change", "routing_key", "R" + KEY[1:], "'routing_key' belongs to a ruleset, which takes no change events"),
        ("change", "payload", GONE, "'payload.summary' is missing or blank"),
        ("change", "payload.summary", "", "'payload.summary' is missing or blank"),
        ("change", "payload.summary", "x" * 1025, "'summary' is too long (maiximum is 1024 characters)"),
        ("change", "payload.source", None, "'payload.source' is missing or blank"),
        ("change", "payload.timestamp", "now", TIMESTAMP),
        ("change", "payload.custom_details", [], "'payload.custom_details' is invalid (must be an object)"),
        ("change", "links", [{"href": "x"}] * 51, "'links' is too long (maximum is 50 links)"),
        ("change", "images", [{"src": "ftp://a"}], "'images[0].src' is invalid (must be served via HTTPS)"),
        ("v1", "service_key", GONE, "Service key is missing or blank"),
        ("v1", "service_key", 1, "Service key is invalid (must be a string)"),
        ("v1", "service_key", KEY[1:], SERVICE_KEY),
        ("v1", "service_key", "-" * 32, "Service key cannot contain non-alphanumeric characters"),
        ("v1", "event_type", GONE, EVENT_TYPE),
        ("v1", "event_type", "triggered", EVENT_TYPE),
        ("v1", "incident_key", None, "Incident key is missing or blank"),
        ("v1", "incident_key", 1, "Incident key is invalid (must be a string)"),
        ("v1", "incident_key", "k" * 256, "Incident key is too long (maximum is 255 characters)"),
        ("v1", "description", GONE, "Description is missing or blank"),
        ("v1", "description", "  ", "Description is missing or blank"),
        ("v1", "description", [], "Description is invalid (must be a string)"),
        ("v1", "description", "x" * 1025, "Description is too long (maximum is 1024 characters)"),
        ("v1", "details", None, "'details' is invalid (must be an object)"),
        ("v1", "client", None, "'client' is invalid (must be a string)"),
        ("v1", "contexts", None, "'contexts' is invalid (must be an array)"),
        ("v1", "contexts", [{"href": "x"}], "'contexts[0].type' is invalid (must be one of: link image)"),
        ("v1", "contexts", [{"type": "link"}], "'contexts[0].href' is missing or blank"),
        (
            "v1",
            "contexts",
            [{"type": "image", "src": "http://a"}],
            "'contexts[0].src' is invalid (must be served via HTTPS)",
        ),
    ],
)
def test_a_mistake_is_refused_in_words(api: str, path: str, value: object, expected: str) -> None:
    assert problems(api, changed(api, path, value)) == [expected]


@pytest.mark.parametrize(
    ("api", "path", "value"),
    [
        ("v2", "dedup_key", GONE),
        ("v2", "dedup_key", "k" * 255),
        ("v2", "payload.summary", "é" * 1024),
        ("v2", "payload.timestamp", "2026-01-02T03:04:05Z"),
        ("v2", "payload.timestamp", "2026-01-02T03:04:05.123456+02:00"),
        ("v2", "payload.timestamp", "2015-07-17T08:42:58.315+0000"),
        ("v2", "payload.custom_details", {"nothing": None, "deep": [{"a": 1}]}),
        ("v2", "payload.nobody_knows", None),
        ("v2", "nobody_knows", None),
        ("v2", "routing_key", "R" + KEY[1:]),
        ("v2", "links", [{"href": "https://a", "text": "b"}]),
        ("v2", "links", [{"href": "https://a"}] * 51),
        ("v2", "images", [{"src": "https://a", "href": "http://b", "alt": "c"}]),
        ("change", "links", [{"href": "https://a"}] * 50),
        ("change", "payload.severity", "critical"),
        ("v1", "incident_key", GONE),
        ("v1", "contexts", [{"type": "link", "href": "a", "text": "b"}, {"type": "image", "src": "https://a"}]),
    ],
)
def test_what_is_right_or_unknown_is_accepted(api: str, path: str, value: object) -> None:
    assert problems(api, changed(api, path, value)) == []


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
@pytest.mark.parametrize(
    ("api", "name", "action_name", "error"),
    [
        ("v2", "dedup_key", "event_action", "'dedup_key' is missing or blank"),
        ("v1", "incident_key", "event_type", "Incident key is missing or blank"),
    ],
)
def test_only_a_trigger_can_do_without_a_key(api: str, name: str, action_name: str, error: str, action: str) -> None:
    key = {"v2": "routing_key", "v1": "service_key"}[api]
    assert problems(api, {key: KEY, action_name: action}) == [error]
    assert problems(api, {key: KEY, action_name: action, name: "k"}) == []


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"summary": ""}, ["'payload.summary' is missing or blank"]),
        ({"severity": "bad"}, [SEVERITY]),
        ({"source": None}, ["'payload.source' is missing or blank"]),
    ],
)
def test_what_a_resolve_says_must_be_right_too(payload: dict[str, Any], expected: list[str]) -> None:
    event = {"routing_key": KEY, "event_action": "resolve", "dedup_key": "k", "payload": payload}
    assert problems("v2", event) == expected


def test_all_mistakes_are_told_at_once() -> None:
    assert problems("v2", {"routing_key": "short", "event_action": "trigger"}) == [
        LENGTH,
        "'payload.summary' is missing or blank",
        "'payload.source' is missing or blank",
        "'payload.severity' is missing or blank",
    ]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{} {}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"\xef\xbb\xbf{}"],
    ids=repr,
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(body)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"
