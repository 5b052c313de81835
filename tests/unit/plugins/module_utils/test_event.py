# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events become the exact bodies that PagerDuty documents, and what could not be sent as meant is refused before."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import (
    Action,
    Alert,
    Api,
    Change,
    Event,
    Prepared,
    prepare,
)
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
NOW = 1769828400.25
NOW_TEXT = "2026-01-31T03:00:00.250+00:00"
FIRE = "\U0001f525"
ACK_OR_RESOLVE = [Action.ACKNOWLEDGE, Action.RESOLVE]

FULL = Alert(
    action=Action.TRIGGER,
    dedup_key="replica-lag/db1",
    summary="Replica lag on db1",
    source="db1.example.com",
    severity="critical",
    component="postgres",
    group="prod",
    class_="replication",
    custom_details={"lag_seconds": 412, "nothing": None},
    timestamp="2026-01-31T04:00:00+01:00",
    client="Ansible",
    client_url="https://awx.example.com/jobs/1",
    links=({"href": "https://example.com/runbook", "text": "Runbook"}, {"href": "https://example.com/", "text": None}),
    images=(
        {"src": "https://example.com/i.png", "href": "https://example.com/", "alt": "Lag"},
        {"src": "https://e.x/j"},
    ),
)


def ready(event: Event, api: Api = Api.V2, host: str = "controller") -> Prepared:
    return prepare(event, KEY, now=NOW, new_key="new-key", host=host, api=api)


def body(event: Event, api: Api = Api.V2) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(ready(event, api).body)
    return value


# What the OpenAPI descriptions say of each body: field -> type, a set of choices, or the shape of what is in it.
# A field whose name ends with "!" is required.
_LINK = {"href!": str, "text": str}
_IMAGE = {"src!": str, "href": str, "alt": str}
_SEVERITY = {"critical", "warning", "error", "info"}
_ACTION = {"trigger", "acknowledge", "resolve"}
_PAYLOAD = {
    "summary!": str,
    "severity!": _SEVERITY,
    "source!": str,
    "timestamp": str,
    "component": str,
    "group": str,
    "class": str,
    "custom_details": dict,
}
_CHANGE_PAYLOAD = {"summary!": str, "timestamp": str, "source": str, "custom_details": dict}
OPENAPI: dict[Api, dict[str, Any]] = {
    Api.V2: {
        "routing_key!": str,
        "event_action!": _ACTION,
        "dedup_key": str,
        "payload": _PAYLOAD,
        "client": str,
        "client_url": str,
        "links": [_LINK],
        "images": [_IMAGE],
    },
    Api.CHANGE: {"routing_key!": str, "payload!": _CHANGE_PAYLOAD, "links": [_LINK], "images": [_IMAGE]},
    Api.V1: {
        "service_key!": str,
        "event_type!": _ACTION,
        "incident_key": str,
        "description": str,
        "details": dict,
        "client": str,
        "client_url": str,
        "contexts": [{"type!": {"link", "image"}, "href": str, "text": str, "src": str, "alt": str}],
    },
}


def violations(value: Any, shape: Any, where: str = "body") -> list[str]:
    """How a value differs from a shape of OPENAPI."""
    if isinstance(shape, set):
        return [] if value in shape else [f"{where} is {value!r}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [text for n, item in enumerate(value) for text in violations(item, shape[0], f"{where}[{n}]")]
    if isinstance(shape, dict):
        fields = {name.rstrip("!"): inner for name, inner in shape.items()}
        missing = [f"{where}.{name[:-1]} is missing" for name in shape if name[-1] == "!" and name[:-1] not in value]
        unknown = [f"{where}.{name} is unknown" for name in value if name not in fields]
        return [
            *missing,
            *unknown,
            *(text for n, item in value.items() if n in fields for text in violations(item, fields[n], f"{where}.{n}")),
        ]
    return [] if isinstance(value, shape) else [f"{where} is a {type(value).__name__}"]


def has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    if isinstance(value, list):
        return any(map(has_null, value))
    return value is None


def test_the_shapes_of_this_test_do_find_mistakes() -> None:
    wrong = {
        "routing_key": 1,
        "event_action": "fire",
        "payload": {"summary": "s", "source": "x"},
        "links": [{}],
        "x": 1,
    }
    assert sorted(violations(wrong, OPENAPI[Api.V2])) == [
        "body.event_action is 'fire'",
        "body.links[0].href is missing",
        "body.payload.severity is missing",
        "body.routing_key is a int",
        "body.x is unknown",
    ]


# --- exact bodies -----------------------------------------------------------------------------------------------------


def test_v2_trigger_with_everything() -> None:
    assert body(FULL) == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "replica-lag/db1",
        "payload": {
            "summary": "Replica lag on db1",
            "source": "db1.example.com",
            "severity": "critical",
            "timestamp": "2026-01-31T03:00:00.000+00:00",
            "component": "postgres",
            "group": "prod",
            "class": "replication",
            "custom_details": {"lag_seconds": 412},
        },
        "client": "Ansible",
        "client_url": "https://awx.example.com/jobs/1",
        "links": [{"href": "https://example.com/runbook", "text": "Runbook"}, {"href": "https://example.com/"}],
        "images": [
            {"src": "https://example.com/i.png", "href": "https://example.com/", "alt": "Lag"},
            {"src": "https://e.x/j"},
        ],
    }


def test_v2_trigger_with_nothing_but_a_summary() -> None:
    assert body(Alert(Action.TRIGGER, summary="Disk full")) == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "new-key",
        "payload": {"summary": "Disk full", "source": "controller", "severity": "error", "timestamp": NOW_TEXT},
    }


@pytest.mark.parametrize("action", ACK_OR_RESOLVE)
def test_v2_acknowledge_and_resolve_need_nothing_but_the_key(action: Action) -> None:
    assert body(Alert(action, dedup_key="k")) == {"routing_key": KEY, "event_action": action.value, "dedup_key": "k"}


@pytest.mark.parametrize("action", ACK_OR_RESOLVE)
def test_v2_acknowledge_and_resolve_carry_a_whole_payload_for_event_rules(action: Action) -> None:
    sent = body(Alert(**{**vars(FULL), "action": action}))
    assert sent == {
        "routing_key": KEY,
        "event_action": action.value,
        "dedup_key": "replica-lag/db1",
        "payload": body(FULL)["payload"],
    }


@pytest.mark.parametrize("action", ACK_OR_RESOLVE)
@pytest.mark.parametrize("labels", [{"component": "c"}, {"group": "g"}, {"class_": "c"}, {"custom_details": {"a": 1}}])
def test_v2_a_payload_is_never_sent_in_part(action: Action, labels: dict[str, Any]) -> None:
    payload = body(Alert(action, dedup_key="k", **labels))["payload"]
    assert {"summary", "source", "severity"} <= set(payload)
    done = {Action.ACKNOWLEDGE: "Acknowledged", Action.RESOLVE: "Resolved"}[action]
    assert payload["summary"] == f"{done} by Ansible on controller"


def test_v1_trigger_with_everything() -> None:
    assert body(FULL, Api.V1) == {
        "service_key": KEY,
        "event_type": "trigger",
        "incident_key": "replica-lag/db1",
        "description": "Replica lag on db1",
        "details": {
            "source": "db1.example.com",
            "component": "postgres",
            "group": "prod",
            "class": "replication",
            "severity": "critical",
            "timestamp": "2026-01-31T03:00:00.000+00:00",
            "lag_seconds": 412,
        },
        "client": "Ansible",
        "client_url": "https://awx.example.com/jobs/1",
        "contexts": [
            {"type": "link", "href": "https://example.com/runbook", "text": "Runbook"},
            {"type": "link", "href": "https://example.com/"},
            {"type": "image", "src": "https://example.com/i.png", "href": "https://example.com/", "alt": "Lag"},
            {"type": "image", "src": "https://e.x/j"},
        ],
    }


def test_v1_trigger_with_nothing_but_a_summary() -> None:
    assert body(Alert(Action.TRIGGER, summary="Disk full"), Api.V1) == {
        "service_key": KEY,
        "event_type": "trigger",
        "incident_key": "new-key",
        "description": "Disk full",
    }


@pytest.mark.parametrize("action", ACK_OR_RESOLVE)
def test_v1_acknowledge_and_resolve(action: Action) -> None:
    assert body(Alert(action, dedup_key="k"), Api.V1) == {
        "service_key": KEY,
        "event_type": action.value,
        "incident_key": "k",
    }
    sent = body(Alert(**{**vars(FULL), "action": action}), Api.V1)
    assert sent["description"] == "Replica lag on db1"
    assert not {"client", "client_url", "contexts"} & set(sent)


def test_v1_a_users_own_details_win_over_what_had_no_other_place() -> None:
    details = body(Alert(Action.TRIGGER, summary="s", group="g", custom_details={"group": "mine"}), Api.V1)["details"]
    assert details == {"group": "mine"}


def test_change_with_everything() -> None:
    change = Change("Deployed", "ci", {"build": 7, "x": None}, "2026-01-31T03:00:00Z", FULL.links, FULL.images)
    assert body(change) == {
        "routing_key": KEY,
        "payload": {
            "summary": "Deployed",
            "source": "ci",
            "timestamp": "2026-01-31T03:00:00.000+00:00",
            "custom_details": {"build": 7},
        },
        "links": body(FULL)["links"],
        "images": body(FULL)["images"],
    }


def test_change_with_nothing_but_a_summary_has_no_key_and_pages_nobody() -> None:
    prepared = ready(Change("Deployed"))
    assert json.loads(prepared.body) == {
        "routing_key": KEY,
        "payload": {"summary": "Deployed", "source": "controller", "timestamp": NOW_TEXT},
    }
    assert (prepared.api, prepared.dedup_key) == (Api.CHANGE, None)


@pytest.mark.parametrize("api", [Api.V2, Api.V1, Api.CHANGE])
def test_a_change_goes_to_the_change_api_whatever_is_asked(api: Api) -> None:
    assert ready(Change("Deployed"), api).api is Api.CHANGE


# --- what holds for all of them ---------------------------------------------------------------------------------------

NOTHING: dict[str, Any] = {"source": None, "custom_details": None, "timestamp": None}
BLANK: dict[str, Any] = {"source": " ", "custom_details": {}, "timestamp": "", "links": (), "images": ()}
ODD_DETAILS: dict[Any, Any] = {
    "null": None,
    "nulls": [None, {"a": None}, (None,)],
    "nan": float("nan"),
    "inf": [float("inf")],
    "when": datetime.datetime(2026, 1, 31, 3, 0),
    "bytes": b"\xff",
    "half": "\ud83d",
    "set": {1},
    1: {None: b"k"},
    "object": object(),
}
ALL_EVENTS: dict[str, Event] = {
    **{f"{action.value} full": Alert(**{**vars(FULL), "action": action}) for action in Action},
    **{
        f"{action.value} {name}": Alert(action, dedup_key="k", summary=summary, **fields)
        for action in Action
        for name, summary, fields in (
            ("bare", None, NOTHING),
            ("blank", " \n", {**BLANK, "client": "", "client_url": " ", "component": "", "group": " ", "class_": ""}),
            ("odd", "s", {"custom_details": ODD_DETAILS}),
        )
    },
    "change full": Change("s", "x", {"a": 1}, "2026-01-31T03:00:00Z", FULL.links, FULL.images),
    "change bare": Change(None, **NOTHING),
    "change blank": Change("", **BLANK),
    "change odd": Change("s", custom_details=ODD_DETAILS),
}


@pytest.mark.parametrize("api", [Api.V2, Api.V1])
@pytest.mark.parametrize("name", ALL_EVENTS)
def test_every_body_has_the_documented_shape_and_no_null(name: str, api: Api) -> None:
    prepared = ready(ALL_EVENTS[name], api)
    sent = json.loads(prepared.body, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    assert violations(sent, OPENAPI[prepared.api]) == []
    assert not has_null(sent)
    assert "" not in sent.values()
    assert "" not in sent.get("payload", {}).values()
    json.dumps(sent, ensure_ascii=False).encode("utf-8")  # no half surrogate pair
    assert prepared.body == ready(ALL_EVENTS[name], api).body


def test_odd_values_in_details_become_text() -> None:
    details = body(ALL_EVENTS["trigger odd"])["payload"]["custom_details"]
    assert re.fullmatch("<object object at 0x[0-9a-f]+>", details.pop("object"))
    assert details == {
        "nulls": ["", {}, [""]],
        "nan": "nan",
        "inf": ["inf"],
        "when": "2026-01-31T03:00:00",
        "bytes": "\ufffd",
        "half": "\ufffd",
        "set": [1],
        "1": {"None": "k"},
    }


@pytest.mark.parametrize("details", [["a"], "text", 7, True, b"b", ("a", 1)], ids=repr)
@pytest.mark.parametrize("api", Api)
def test_details_that_are_no_mapping_become_an_entry_of_one_and_that_is_told(details: Any, api: Api) -> None:
    event: Event = Change("s", custom_details=details)
    if api is not Api.CHANGE:
        event = Alert(Action.TRIGGER, summary="s", custom_details=details)
    prepared = ready(event, api)
    sent = json.loads(prepared.body)
    kept = sent["details"] if api is Api.V1 else sent["payload"]["custom_details"]
    text = details.decode() if isinstance(details, bytes) else list(details) if isinstance(details, tuple) else details
    assert kept == {"details": text}
    (told,) = prepared.left_out
    assert re.match("custom_details: a (list|text|number|boolean) was given in place of a mapping", told)


@pytest.mark.timeout(10)
def test_circular_details_are_sent_up_to_where_they_repeat() -> None:
    details: dict[str, Any] = {"a": 1}
    details["self"] = [details, details]
    sent = body(Alert(Action.TRIGGER, summary="s", custom_details=details))["payload"]["custom_details"]
    assert sent == {"a": 1, "self": ["(a structure inside itself)"] * 2}


def test_surrogates_are_replaced_everywhere() -> None:
    half = "a\ud83d"
    alert = Alert(
        Action.TRIGGER, half, half, half, "error", half, half, half, {half: half}, None, half, half, ({"href": half},)
    )
    for api in (Api.V2, Api.V1):
        assert "a\ufffd" in ready(alert, api).body.decode("utf-8")


# --- summary ----------------------------------------------------------------------------------------------------------

SUMMARY_FIELD = {Api.V2: ("payload", "summary"), Api.CHANGE: ("payload", "summary"), Api.V1: ("description",)}


def summary_of(event_summary: str | None, api: Api, source: str | None = None) -> tuple[str, Prepared]:
    event: Event = Change(event_summary, source)
    if api is not Api.CHANGE:
        event = Alert(Action.TRIGGER, summary=event_summary, source=source)
    prepared = ready(event, api)
    value = json.loads(prepared.body)
    for name in SUMMARY_FIELD[api]:
        value = value[name]
    return value, prepared


@pytest.mark.parametrize("api", Api)
@pytest.mark.parametrize("letter", ["s", "é", FIRE])
@pytest.mark.parametrize("length", [1, 1023, 1024])
def test_a_summary_within_the_limit_stays_whole(length: int, letter: str, api: Api) -> None:
    sent, prepared = summary_of(letter * length, api)
    assert sent == letter * length
    assert prepared.shortened == ()


@pytest.mark.parametrize("api", Api)
@pytest.mark.parametrize("letter", ["s", "é", FIRE])
@pytest.mark.parametrize("length", [1025, 5000])
def test_a_longer_summary_is_cut_by_characters_and_that_is_reported(length: int, letter: str, api: Api) -> None:
    sent, prepared = summary_of(letter * length, api)
    assert sent == letter * 1023 + "…"
    assert prepared.shortened == (f"summary: cut from {length} to 1024 characters",)


@pytest.mark.parametrize("api", Api)
@pytest.mark.parametrize("blank", [None, "", " ", "\n\t", "\u00a0\u2003"])
def test_a_blank_summary_never_goes_out(blank: str | None, api: Api) -> None:
    sent, prepared = summary_of(blank, api, source="db1")
    assert sent == f"{'Changed' if api is Api.CHANGE else 'Triggered'} by Ansible on db1"
    assert prepared.notes == (f"summary is blank, so {sent!r} is sent in its place",)


@pytest.mark.parametrize("api", Api)
def test_what_stands_for_a_blank_summary_keeps_the_limit_too(api: Api) -> None:
    sent, _prepared = summary_of("", api, source="x" * 5000)
    assert len(sent) == 1024


@pytest.mark.parametrize("source", ["", " ", "\n"])
@pytest.mark.parametrize("event", [Alert(Action.TRIGGER, summary="s"), Change("s")], ids=["alert", "change"])
def test_a_blank_source_becomes_the_host_and_a_note(event: Event, source: str) -> None:
    prepared = ready(type(event)(**{**vars(event), "source": source}))
    assert json.loads(prepared.body)["payload"]["source"] == "controller"
    assert prepared.notes == ("source is blank, so 'controller' is sent in its place",)


def test_a_source_that_was_not_given_is_the_host_without_a_note() -> None:
    assert ready(Alert(Action.TRIGGER, summary="s")).notes == ()


@pytest.mark.parametrize("host", ["", "  "])
def test_a_host_without_a_name_is_no_blank_source_either(host: str) -> None:
    prepared = ready(Alert(Action.TRIGGER, summary="s"), host=host)
    assert json.loads(prepared.body)["payload"]["source"] == "ansible"


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", [Api.V2, Api.V1])
@pytest.mark.parametrize("key", ["k", "k" * 255, FIRE * 255, " k ", "Case/Matters"])
def test_a_dedup_key_goes_out_as_given(key: str, api: Api) -> None:
    prepared = ready(Alert(Action.RESOLVE, dedup_key=key), api)
    assert json.loads(prepared.body)["incident_key" if api is Api.V1 else "dedup_key"] == prepared.dedup_key == key
    assert prepared.shortened == ()


@pytest.mark.parametrize("api", [Api.V2, Api.V1])
def test_a_long_dedup_key_is_the_same_for_trigger_and_resolve(api: Api) -> None:
    prepared = [ready(Alert(action, dedup_key="k" * 256, summary="s"), api) for action in Action]
    keys = {each.dedup_key for each in prepared}
    assert len(keys) == 1
    assert len(keys.pop() or "") == 255
    assert all(e.shortened == ("dedup_key: 256 characters replaced by a beginning and a SHA-256",) for e in prepared)


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_trigger_without_a_key_gets_the_new_one(blank: str | None) -> None:
    assert ready(Alert(Action.TRIGGER, dedup_key=blank, summary="s")).dedup_key == "new-key"


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize("action", ACK_OR_RESOLVE)
@pytest.mark.parametrize("api", [Api.V2, Api.V1])
def test_acknowledge_and_resolve_without_a_key_are_refused(api: Api, action: Action, blank: str | None) -> None:
    with pytest.raises(OptionError, match=rf"^dedup_key: blank; to {action.value} an incident") as caught:
        ready(Alert(action, dedup_key=blank, summary="s"), api)
    assert_no_secret(caught.value, KEY)


# --- a page is never refused for a decoration -------------------------------------------------------------------------

BAD_DECORATIONS: list[tuple[dict[str, Any], str]] = [
    ({"severity": "urgent"}, "severity: 'urgent' is none of critical, error, warning, info; 'error' is sent in its"),
    ({"severity": ["error"]}, "severity: \"['error']\" is none of"),
    ({"timestamp": "yesterday"}, "timestamp: 'yesterday' is not a point in time"),
    ({"timestamp": "2026-01-31T03:00:00"}, "timestamp: '2026-01-31T03:00:00' says no offset"),
    ({"timestamp": {"a": 1}}, "timestamp: "),
    ({"images": ({"src": "http://example.com/i.png"},)}, "images: src 'http://example.com/i.png' is not an https URL"),
    ({"images": ({"src": "https://"},)}, "images: src 'https://' is not an https URL"),
    ({"images": ({"src": "https://[::1"},)}, "images: src 'https://[::1' is not an https URL"),
    ({"images": ({"src": "//example.com/i.png"},)}, "images: src '//example.com/i.png' is not an https URL"),
    ({"images": ({"src": "data:image/png;base64,AA"},)}, "images: src "),
    ({"images": ({"src": " "},)}, "images: entry 1 of 1 has a blank src and is left out"),
    ({"images": ({"alt": "no source"},)}, "images: entry 1 of 1 has a blank src"),
    ({"images": "a graph"}, "images: entry 1 of 1: 'a graph' is not an address and is left out; expected a URL"),
    ({"links": "see the wiki"}, "links: entry 1 of 1: 'see the wiki' is not an address and is left out"),
    ({"client_url": "{'a': 'b'}"}, "client_url: \"{'a': 'b'}\" is not an address and is left out; expected a URL"),
    ({"images": 7}, "images: entry 1 of 1 is a number and is left out"),
    ({"links": ({"href": ""},)}, "links: entry 1 of 1 has a blank href and is left out; expected a URL"),
    ({"links": ({"text": "no href"},)}, "links: entry 1 of 1 has a blank href (with the text 'no href')"),
    ({"links": (None,)}, "links: entry 1 of 1 is nothing and is left out"),
    ({"links": True}, "links: entry 1 of 1 is a boolean and is left out"),
]
OF_CHANGES = [case for case in BAD_DECORATIONS if not {"severity", "client_url"} & set(case[0])]


@pytest.mark.parametrize("api", [Api.V2, Api.V1])
@pytest.mark.parametrize(("fields", "message"), BAD_DECORATIONS)
def test_an_alert_goes_out_without_what_cannot_be_used(fields: dict[str, Any], message: str, api: Api) -> None:
    prepared = ready(Alert(Action.TRIGGER, "k", "s", **fields), api)
    (told,) = prepared.left_out
    assert told.startswith(message)
    (option,) = fields
    assert told.startswith(f"{option}: ")
    assert json.loads(prepared.body) == body(Alert(Action.TRIGGER, "k", "s"), api)
    assert_no_secret(told, KEY)


@pytest.mark.parametrize(("fields", "message"), OF_CHANGES)
def test_a_change_goes_out_without_what_cannot_be_used(fields: dict[str, Any], message: str) -> None:
    prepared = ready(Change("s", **fields))
    (told,) = prepared.left_out
    assert told.startswith(message)
    assert json.loads(prepared.body) == body(Change("s"))


@pytest.mark.parametrize("api", [Api.V2, Api.V1])
def test_everything_that_is_wrong_is_told_and_everything_that_is_right_is_sent(api: Api) -> None:
    alert = Alert(
        Action.TRIGGER,
        "k",
        "s",
        severity="high",
        custom_details={"lag": 412},
        timestamp="soon",
        links=[{"href": ""}, "https://example.com/a", {"href": "https://example.com/b", "title": "B"}],
        images={"src": "http://example.com/i.png"},
    )
    prepared = ready(alert, api)
    assert [told.partition(":")[0] for told in prepared.left_out] == (
        ["severity", "timestamp", "links", "links", "images"]
    )
    links = [{"href": "https://example.com/a"}, {"href": "https://example.com/b"}]
    assert json.loads(prepared.body) == body(
        Alert(Action.TRIGGER, "k", "s", custom_details={"lag": 412}, links=links), api
    )


@pytest.mark.parametrize("api", [Api.V2, Api.V1])
@pytest.mark.parametrize("action", ACK_OR_RESOLVE)
def test_what_is_not_sent_anyway_is_not_told(action: Action, api: Api) -> None:
    prepared = ready(Alert(action, "k", links=[{"href": ""}], images=[{"src": "http://x"}]), api)
    assert (prepared.left_out, prepared.notes) == ((), ())


@pytest.mark.parametrize("api", [Api.V2, Api.V1])
@pytest.mark.parametrize("action", ACK_OR_RESOLVE)
@pytest.mark.parametrize("summary", [None, "", " "])
def test_an_acknowledge_or_a_resolve_says_nothing_of_a_blank_summary_or_source(
    action: Action, api: Api, summary: str | None
) -> None:
    prepared = ready(Alert(action, "k", summary, source="", component="c", custom_details={"a": 1}), api)
    assert (prepared.left_out, prepared.notes) == ((), ())


@pytest.mark.parametrize("source", ["https://example.com/i.png", "HTTPS://EXAMPLE.COM/i", "https://[::1]:8443/i"])
def test_an_image_over_https_is_fine(source: str) -> None:
    assert body(Alert(Action.TRIGGER, summary="s", images=({"src": source},)))["images"] == [{"src": source}]


@pytest.mark.parametrize(("given", "kept"), [(50, 50), (51, 50), (500, 50)])
def test_a_change_has_at_most_fifty_links(given: int, kept: int) -> None:
    links = tuple({"href": f"https://example.com/{number}"} for number in range(given))
    prepared = ready(Change("s", links=links))
    assert json.loads(prepared.body)["links"] == list(links[:kept])
    told = (f"links: {given - kept} beyond 50 left out",) if given > kept else ()
    assert (prepared.shortened, prepared.notes) == (told, told)


# --- size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", Api)
def test_huge_details_are_shortened_and_everything_else_is_kept(api: Api) -> None:
    details = {"log": FIRE * 400_000, "host": "db1"}
    event: Event = Change("s", custom_details=details)
    if api is not Api.CHANGE:
        event = Alert(Action.TRIGGER, summary="s", custom_details=details, client="Ansible")
    prepared = ready(event, api)
    sent = json.loads(prepared.body)
    kept = sent.pop("details") if api is Api.V1 else sent["payload"].pop("custom_details")
    assert 511_900 < len(prepared.body) <= 512_000
    assert set(kept["log"]) == {FIRE, "…"}
    assert kept["host"] == "db1"
    assert violations(sent, OPENAPI[api]) == []
    (report,) = prepared.shortened
    assert report.startswith(f"{'details' if api is Api.V1 else 'custom_details'}: 'log' shortened from ")
    assert prepared.notes == (report,)


@pytest.mark.parametrize("api", Api)
def test_the_largest_event_that_anybody_can_think_of_still_fits(api: Api) -> None:
    huge = FIRE * 600_000
    fields: dict[str, Any] = {
        "summary": huge,
        "source": huge,
        "custom_details": {huge: {"a": [huge, 1]}},
        "links": ({"href": huge, "text": huge},) * 3,
        "images": ({"src": f"https://x/{huge}"},),
    }
    event: Event = Change(**fields)
    if api is not Api.CHANGE:
        names = ("dedup_key", "component", "group", "class_", "client", "client_url")
        labels: dict[str, Any] = dict.fromkeys(names, huge)
        event = Alert(Action.TRIGGER, **labels, **fields)
    prepared = ready(event, api)
    assert len(prepared.body) <= 512_000
    assert violations(json.loads(prepared.body), OPENAPI[api]) == []
    assert len(prepared.shortened) >= 3


# --- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", Api)
def test_what_is_shown_of_an_event_holds_no_key_wherever_it_stands(api: Api) -> None:
    details = {KEY: [f"key={KEY}", {"deep": KEY}]}
    event: Event = Change(f"Deployed with {KEY}", custom_details=details)
    if api is not Api.CHANGE:
        event = Alert(Action.TRIGGER, dedup_key=f"k-{KEY}", summary=f"Used {KEY}", custom_details=details, client=KEY)
    prepared = ready(event, api)
    assert prepared.body.decode().count(KEY) >= 4  # it is sent as meant
    assert_no_secret(prepared.shown(), KEY)
    assert prepared.shown()["service_key" if api is Api.V1 else "routing_key"] == "********"


@pytest.mark.parametrize("api", Api)
def test_the_repr_of_an_event_holds_no_key(api: Api) -> None:
    assert_no_secret(repr(ready(FULL, api)), KEY)
    assert_no_secret(str(ready(Change("s"), api)), KEY)


def test_what_is_shown_is_what_is_sent_but_for_the_key() -> None:
    assert ready(FULL).shown() == {**body(FULL), "routing_key": "********"}
