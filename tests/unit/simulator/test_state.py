# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event does to the incidents, by (integration key, dedup key)."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator._events import Event, read_event
from ansible_collections.oncall.pagerduty.tests.simulator._limit import RateLimit
from ansible_collections.oncall.pagerduty.tests.simulator._state import State, service_id

KEY = "a" * 32
OTHER = "b" * 32


@pytest.fixture
def state() -> State:
    numbers = itertools.count(1)
    return State(lambda: f"made-{next(numbers)}")


def event(action: str, dedup_key: str | None = "k", key: str = KEY, **more: object) -> Event:
    return Event("v2", key, action, dedup_key, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actions", "statuses", "logs"),
    [
        ("trigger", ["triggered"], [1]),
        ("trigger trigger", ["triggered"], [2]),
        ("trigger acknowledge", ["acknowledged"], [2]),
        ("trigger acknowledge trigger", ["acknowledged"], [3]),
        ("trigger acknowledge acknowledge", ["acknowledged"], [3]),
        ("trigger resolve", ["resolved"], [2]),
        ("trigger acknowledge resolve", ["resolved"], [3]),
        ("trigger resolve trigger", ["resolved", "triggered"], [2, 1]),
        ("trigger resolve trigger resolve trigger", ["resolved", "resolved", "triggered"], [2, 2, 1]),
        ("trigger resolve resolve", ["resolved"], [2]),
        ("trigger resolve acknowledge", ["resolved"], [2]),
        ("acknowledge", [], []),
        ("resolve", [], []),
        ("resolve trigger", ["triggered"], [1]),
    ],
)
def test_the_life_of_an_alert(state: State, actions: str, statuses: list[str], logs: list[int]) -> None:
    for now, action in enumerate(actions.split()):
        assert state.apply(event(action), now) == "k"
    assert [incident.status for incident in state.incidents] == statuses
    assert [len(incident.log) for incident in state.incidents] == logs
    assert [incident.number for incident in state.incidents] == list(range(1, len(statuses) + 1))


def test_a_trigger_without_a_key_always_opens_a_new_one(state: State) -> None:
    assert [state.apply(event("trigger", None), 0) for _turn in range(2)] == ["made-1", "made-2"]
    state.apply(event("resolve", "made-1"), 1)
    assert [incident.status for incident in state.incidents] == ["resolved", "triggered"]


def test_the_same_dedup_key_under_two_integration_keys_is_two_incidents(state: State) -> None:
    state.apply(event("trigger"), 0)
    state.apply(event("trigger", key=OTHER), 0)
    state.apply(event("resolve"), 1)
    assert [(incident.key, incident.status) for incident in state.incidents] == [
        (KEY, "resolved"),
        (OTHER, "triggered"),
    ]


def test_dedup_keys_are_case_sensitive(state: State) -> None:
    state.apply(event("trigger", "k"), 0)
    state.apply(event("trigger", "K"), 0)
    assert len(state.incidents) == 2


def test_v1_and_v2_share_their_incidents(state: State) -> None:
    body = {"service_key": KEY, "event_type": "trigger", "incident_key": "k", "description": "Disk full"}
    state.apply(read_event("v1", body), 0)
    state.apply(event("resolve"), 1)
    (incident,) = state.incidents
    assert (incident.summary, incident.status) == ("Disk full", "resolved")
    assert [entry.api for entry in incident.log] == ["v1", "v2"]


def test_an_incident_keeps_what_it_was_opened_with_and_the_log_has_the_rest(state: State) -> None:
    state.apply(event("trigger", summary="one", severity="error", source="a", details={"n": 1}), 10)
    state.apply(event("trigger", summary="two", severity="info", source="b", details={"n": 2}), 20)
    (incident,) = state.incidents
    assert (incident.summary, incident.severity, incident.details) == ("one", "error", {"n": 1})
    second = incident.log[1]
    assert (second.time, second.summary, second.severity, second.source, second.details) == (
        20,
        "two",
        "info",
        "b",
        {"n": 2},
    )
    assert (incident.created, incident.updated) == (10, 20)


def test_what_was_handed_out_does_not_change_later(state: State) -> None:
    state.apply(event("trigger"), 0)
    before = state.incidents
    state.apply(event("resolve"), 1)
    assert before[0].status == "triggered"
    assert state.incidents[0].status == "resolved"


def test_v1_contexts_are_links_and_images() -> None:
    body = {
        "service_key": KEY,
        "event_type": "trigger",
        "description": "d",
        "contexts": [
            {"type": "link", "href": "https://a", "text": "t"},
            {"type": "image", "src": "https://b", "alt": "u"},
        ],
    }
    read = read_event("v1", body)
    assert read.links == ({"href": "https://a", "text": "t"},)
    assert read.images == ({"src": "https://b", "alt": "u"},)


def test_no_repr_shows_a_key(state: State) -> None:
    state.apply(event("trigger"), 0)
    state.add_change(event("trigger", summary="s"), 0)
    shown = repr([event("trigger"), state.incidents, state.changes])
    assert KEY not in shown
    assert KEY not in service_id(KEY)


def test_the_rate_limit_slides_over_a_minute_for_each_key() -> None:
    limit = RateLimit(2)
    assert [limit.admits(KEY, now) for now in (0, 30, 59.9)] == [True, True, False]
    assert limit.admits(OTHER, 59.9), "another key has a minute of its own"
    assert limit.admits(KEY, 60), "the first has left the window, and the one refused does not count"
    assert not limit.admits(KEY, 89.9)
    assert limit.admits(KEY, 90)


def test_no_rate_limit_admits_everything() -> None:
    limit = RateLimit(0)
    assert all(limit.admits(KEY, 0) for _turn in range(1000))
