# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST API's incidents: shapes, filters, pages, and who may see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

KEY = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
TOKEN = {"Authorization": "Token token=secret", "Accept": "application/vnd.pagerduty+json;version=2"}

Ask = Callable[..., Any]
Alert = Callable[..., dict[str, Any]]


@pytest.fixture
def get(ask: Ask) -> Ask:
    return lambda path: ask("GET", path, headers=TOKEN)


@pytest.fixture
def three(ask: Ask, alert: Alert) -> None:
    """Incidents a (resolved), b (acknowledged) and c (triggered, under another integration key)."""
    for event in (
        alert(dedup_key="a"),
        alert("resolve", "a"),
        alert(dedup_key="b", severity="info"),
        alert("acknowledge", "b"),
        {**alert(dedup_key="c"), "routing_key": OTHER},
    ):
        ask("POST", "/v2/enqueue", event)


def test_nobody_sees_anything_without_a_token(ask: Ask) -> None:
    for path in ("/incidents", "/incidents/1", "/incidents/1/log_entries"):
        for headers in ({}, {"Authorization": "secret"}, {"Authorization": "Token token="}):
            reply = ask("GET", path, headers=headers)
            assert (reply.status, reply.json["error"]["code"]) == (401, 2006)
    assert ask("GET", "/incidents", headers={"Authorization": "Bearer secret"}).status == 200


def test_an_incident_looks_as_in_pagerduty(pd: Simulator, ask: Ask, alert: Alert, get: Ask) -> None:
    ask("POST", "/v2/enqueue", alert())
    (incident,) = get("/incidents").json["incidents"]
    assert get(f"/incidents/{incident['id']}").json == {"incident": incident}
    assert get("/incidents/1").json == {"incident": incident}
    service = incident.pop("service")
    assert {
        name: incident[name] for name in ("type", "incident_number", "incident_key", "status", "title", "urgency")
    } == {
        "type": "incident",
        "incident_number": 1,
        "incident_key": "disk/db1",
        "status": "triggered",
        "title": "Disk full",
        "urgency": "high",
    }
    assert incident["created_at"] == "2027-01-15T08:00:00Z"
    assert incident["resolved_at"] is None
    assert incident["html_url"] == pd.url + "/#incident-1"
    assert incident["self"] == f"{pd.url}/incidents/{incident['id']}"
    assert (service["id"], service["type"]) == (pd.incidents[0].service_id, "service_reference")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a", "b", "c"]),
        ("?incident_key=b", ["b"]),
        ("?incident_key=B", []),
        ("?statuses[]=triggered", ["c"]),
        ("?statuses[]=triggered&statuses[]=acknowledged", ["b", "c"]),
        ("?statuses%5B%5D=resolved", ["a"]),
        ("?service_ids[]={service}", ["c"]),
        ("?service_ids[]={service}&statuses[]=resolved", []),
        ("?service_ids[]=PNOBODY", []),
        ("?sort_by=created_at:desc", ["c", "b", "a"]),
        ("?limit=2", ["a", "b"]),
        ("?limit=2&offset=2", ["c"]),
        ("?offset=3", []),
        ("?nobody_knows=1", ["a", "b", "c"]),
    ],
)
@pytest.mark.usefixtures("three")
def test_filters(pd: Simulator, get: Ask, query: str, found: list[str]) -> None:
    reply = get("/incidents" + query.format(service=pd.incidents[2].service_id))
    assert [incident["incident_key"] for incident in reply.json["incidents"]] == found


@pytest.mark.usefixtures("three")
def test_status_and_urgency(get: Ask) -> None:
    incidents = get("/incidents").json["incidents"]
    assert [(incident["status"], incident["urgency"]) for incident in incidents] == [
        ("resolved", "high"),
        ("acknowledged", "low"),
        ("triggered", "high"),
    ]
    assert incidents[0]["resolved_at"]
    assert [len(incident["acknowledgements"]) for incident in incidents] == [0, 1, 0]


def test_pages(ask: Ask, alert: Alert, get: Ask) -> None:
    for number in range(30):
        ask("POST", "/v2/enqueue", alert(dedup_key=str(number)))
    first = get("/incidents").json
    assert (len(first["incidents"]), first["limit"], first["offset"], first["more"]) == (25, 25, 0, True)
    assert first["total"] is None
    second = get("/incidents?offset=25&total=true").json
    assert (len(second["incidents"]), second["offset"], second["more"], second["total"]) == (5, 25, False, 30)
    assert get("/incidents?limit=1000").json["limit"] == 100
    assert [get(f"/incidents?limit={limit}").json["more"] for limit in (29, 30, 31)] == [True, False, False]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "offset=-1", "statuses[]=open"])
def test_bad_input_is_refused(get: Ask, query: str) -> None:
    reply = get("/incidents?" + query)
    assert (reply.status, reply.json["error"]["code"]) == (400, 2001)


def test_an_unknown_incident_is_not_found(get: Ask) -> None:
    for path in ("/incidents/QNONE", "/incidents/1/log_entries"):
        reply = get(path)
        assert (reply.status, reply.json["error"]["code"]) == (404, 2100)
    assert get("/incidents/1/notes").status == 404


@pytest.mark.usefixtures("three")
def test_the_log_is_newest_first(get: Ask) -> None:
    entries = get("/incidents/1/log_entries").json["log_entries"]
    assert [entry["type"] for entry in entries] == ["resolve_log_entry", "trigger_log_entry"]
    assert entries[1]["channel"]["type"] == "api"
    assert entries[1]["channel"]["summary"] == "Disk full"
    assert entries[1]["incident"]["type"] == "incident_reference"
    assert len(get("/incidents/1/log_entries?limit=1").json["log_entries"]) == 1


@pytest.mark.usefixtures("three")
def test_no_answer_shows_a_key(get: Ask) -> None:
    for path in ("/incidents", "/incidents/1", "/incidents/1/log_entries"):
        assert KEY.encode() not in get(path).body


def test_incidents_are_only_read(ask: Ask) -> None:
    assert ask("PUT", "/incidents/1", {}, TOKEN).status == 405


def test_faults_strike_here_too(pd: Simulator, get: Ask) -> None:
    pd.add_fault(Fault("status", code=502, api="rest"))
    assert [get("/incidents").status for _turn in range(2)] == [502, 200]
    assert [(received.api, received.status, received.taken) for received in pd.requests] == [
        ("rest", 502, False),
        ("rest", 200, False),
    ]
