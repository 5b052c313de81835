# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of open incidents on real SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger, Place
from ansible_collections.oncall.pagerduty.tests.support.events import Clock, database_by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(database_by(clock, str(tmp_path / "outbox.sqlite3")))


def opened(ledger: Ledger, key: str = "k", job: str = "deploy.yml", summary: str = "failed") -> None:
    ledger.open_incident("f" * 64, key, job, {"playbook": "deploy.yml", "host": "db1"}, summary)


def test_remembers_an_open_incident(ledger: Ledger) -> None:
    opened(ledger)
    (incident,) = ledger.incidents_of("deploy.yml")
    assert (incident.fingerprint, incident.dedup_key, incident.job) == ("f" * 64, "k", "deploy.yml")
    assert incident.labels == {"playbook": "deploy.yml", "host": "db1"}
    assert (incident.state, incident.summary) == ("triggered", "failed")
    assert incident.opened == incident.updated == 1_000_000.0
    assert not incident.still_failing


def test_an_incident_and_its_places_are_recorded_together_or_not_at_all(ledger: Ledger) -> None:
    def killed() -> Iterator[tuple[str, str]]:
        yield ("db1", "main.yml:3")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.open_incident("f" * 64, "k", "deploy.yml", {}, "failed", killed())
    assert ledger.incidents_of("deploy.yml") == []
    ledger.open_incident("f" * 64, "k", "deploy.yml", {}, "failed", [("db1", "main.yml:3")])
    (incident,) = ledger.incidents_of("deploy.yml")
    assert incident.places == (Place("db1", "main.yml:3"),)


def test_an_incident_ends_when_every_host_got_through(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [("db1", "main.yml:3"), ("db2", "main.yml:3")])
    clock.go_on(60.0)
    ledger.mark_passed("deploy.yml", [("db1", "main.yml:3"), ("db3", "main.yml:3"), ("db2", "other.yml:1")])
    (incident,) = ledger.incidents_of("deploy.yml")
    assert incident.places == (Place("db1", "main.yml:3", 1_000_060.0), Place("db2", "main.yml:3", None))
    assert incident.still_failing
    ledger.mark_passed("deploy.yml", [("db2", "main.yml:3")])
    assert not ledger.incidents_of("deploy.yml")[0].still_failing


def test_passing_again_keeps_the_first_time(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [("db1", "p")])
    ledger.mark_passed("deploy.yml", [("db1", "p")])
    clock.go_on(60.0)
    ledger.mark_passed("deploy.yml", [("db1", "p")])
    assert ledger.incidents_of("deploy.yml")[0].places == (Place("db1", "p", 1_000_000.0),)


def test_failing_again_in_a_place_that_was_passed(ledger: Ledger) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [("db1", "p")])
    ledger.mark_passed("deploy.yml", [("db1", "p")])
    ledger.add_places("f" * 64, "k", [("db1", "p")])
    assert ledger.incidents_of("deploy.yml")[0].still_failing


def test_passing_counts_for_the_job_only(ledger: Ledger) -> None:
    opened(ledger, "a", job="one.yml")
    opened(ledger, "b", job="two.yml")
    for key in "ab":
        ledger.add_places("f" * 64, key, [("db1", "p")])
    ledger.mark_passed("one.yml", [("db1", "p")])
    assert [ledger.incidents_of(job)[0].still_failing for job in ("one.yml", "two.yml")] == [False, True]


def test_opening_an_open_incident_keeps_its_beginning_and_places(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [("db1", "p")])
    ledger.acknowledge_incident("f" * 64, "k")
    clock.go_on(60.0)
    opened(ledger, summary="failed on 2 hosts")
    (incident,) = ledger.incidents_of("deploy.yml")
    assert (incident.opened, incident.updated) == (1_000_000.0, 1_000_060.0)
    assert (incident.state, incident.summary) == ("acknowledged", "failed on 2 hosts")
    assert len(incident.places) == 1


def test_opening_a_closed_incident_begins_anew(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [("db1", "p")])
    assert ledger.close_incident("f" * 64, "k")
    assert ledger.incidents_of("deploy.yml") == []
    clock.go_on(60.0)
    opened(ledger)
    (incident,) = ledger.incidents_of("deploy.yml")
    assert (incident.opened, incident.state, incident.places) == (1_000_060.0, "triggered", ())


def test_what_is_not_open_is_left_alone(ledger: Ledger) -> None:
    assert not ledger.close_incident("f" * 64, "k")
    assert not ledger.acknowledge_incident("f" * 64, "k")
    ledger.add_places("f" * 64, "k", [("db1", "p")])
    opened(ledger)
    assert ledger.incidents_of("deploy.yml")[0].places == ()
    ledger.close_incident("f" * 64, "k")
    assert not ledger.close_incident("f" * 64, "k")


def test_the_same_dedup_key_under_two_integration_keys_is_two_incidents(ledger: Ledger) -> None:
    for fingerprint in ("e" * 64, "f" * 64):
        ledger.open_incident(fingerprint, "k", "deploy.yml", {}, "failed")
    ledger.close_incident("e" * 64, "k")
    assert [incident.fingerprint for incident in ledger.incidents_of("deploy.yml")] == ["f" * 64]
