# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PagerDuty's own Python client works against the simulator as it is: it insists on TLS, and gets it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pagerduty
import pytest
import trustme

from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def pd(authority: trustme.CA, tmp_path: Path) -> Iterator[Simulator]:
    certificate = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    with Simulator(certfile=str(certificate), keys=[KEY]) as simulator:
        yield simulator


@pytest.fixture
def events(pd: Simulator, trusting: ssl.SSLContext) -> Iterator[pagerduty.EventsApiV2Client]:
    with pagerduty.EventsApiV2Client(KEY, base_url=pd.url, verify=trusting, trust_env=False) as client:
        yield client


@pytest.fixture
def rest(pd: Simulator, trusting: ssl.SSLContext) -> Iterator[pagerduty.RestApiV2Client]:
    with pagerduty.RestApiV2Client("some-token", base_url=pd.url, verify=trusting, trust_env=False) as client:
        yield client


def test_the_life_of_an_incident(pd: Simulator, events: pagerduty.EventsApiV2Client) -> None:
    statuses = []
    key = events.trigger("Disk full", "db1", severity="error", custom_details={"free": "0"})
    statuses.append(pd.incidents[0].status)
    assert events.acknowledge(key) == key
    statuses.append(pd.incidents[0].status)
    assert events.resolve(key) == key
    statuses.append(pd.incidents[0].status)
    assert statuses == ["triggered", "acknowledged", "resolved"]
    (incident,) = pd.incidents
    assert (incident.dedup_key, incident.summary, incident.source) == (key, "Disk full", "db1")
    assert incident.details == {"free": "0"}


def test_a_change_event(pd: Simulator, events: pagerduty.EventsApiV2Client) -> None:
    links = [{"href": "https://ci.example.com", "text": "build"}]
    events.submit("Deployed", source="ci", links=links, timestamp="2026-01-02T03:04:05Z")
    (change,) = pd.changes
    assert (change.summary, change.source, list(change.links)) == ("Deployed", "ci", links)


def test_refusals_are_understood(events: pagerduty.EventsApiV2Client) -> None:
    with pytest.raises(pagerduty.HttpError) as caught:
        events.trigger("Disk full", "db1", severity="fatal")
    response = caught.value.response
    assert response is not None
    assert response.status_code == 400
    assert "'payload.severity' is invalid" in response.text


def test_it_tries_again_when_throttled(pd: Simulator, events: pagerduty.EventsApiV2Client) -> None:
    events.sleep_timer = 0.01
    pd.add_fault(Fault("throttle", count=2))
    events.trigger("Disk full", "db1", dedup_key="k")
    assert [received.status for received in pd.requests] == [429, 429, 202]
    assert len(pd.incidents) == 1


def test_incidents_over_rest(
    pd: Simulator, events: pagerduty.EventsApiV2Client, rest: pagerduty.RestApiV2Client
) -> None:
    for number in range(30):
        events.trigger(f"Disk {number} full", "db1", dedup_key=f"disk/{number}")
    events.resolve("disk/0")
    every = rest.list_all("incidents", page_size=10)
    assert [incident["incident_key"] for incident in every] == [f"disk/{number}" for number in range(30)]
    unresolved = list(rest.iter_all("incidents", params={"statuses": ["triggered", "acknowledged"]}))
    assert len(unresolved) == 29
    assert rest.get_total("incidents", params={"incident_key": "disk/7"}) == 1
    assert rest.rget(f"/incidents/{pd.incidents[0].id}")["status"] == "resolved"
    entries = rest.rget(f"/incidents/{pd.incidents[0].id}/log_entries")
    assert [entry["type"] for entry in entries] == ["resolve_log_entry", "trigger_log_entry"]
