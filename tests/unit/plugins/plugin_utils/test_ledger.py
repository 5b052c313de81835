# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of open incidents on real SQLite."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _schema
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import NOT_NOTED, Ledger, Place
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
    def killed() -> Iterator[Place]:
        yield Place("db1", "main.yml:3")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.open_incident("f" * 64, "k", "deploy.yml", {}, "failed", killed())
    assert ledger.incidents_of("deploy.yml") == []
    ledger.open_incident("f" * 64, "k", "deploy.yml", {}, "failed", [Place("db1", "main.yml:3")])
    (incident,) = ledger.incidents_of("deploy.yml")
    assert incident.places == (Place("db1", "main.yml:3", failed=1_000_000.0),)


def passed(ledger: Ledger, *places: Place, key: str = "k") -> None:
    """Note that hosts got through, as somebody who saw what was recorded by now."""
    ledger.mark_passed("f" * 64, key, [dataclasses.replace(place, failed=ledger.now()) for place in places])


def test_an_incident_ends_when_every_host_got_through(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    db1, db2 = Place("db1", "main.yml:3"), Place("db2", "main.yml:3")
    ledger.add_places("f" * 64, "k", [db1, db2])
    clock.go_on(60.0)
    passed(ledger, db1, Place("db3", "main.yml:3"), Place("db2", "other.yml:1"))
    (incident,) = ledger.incidents_of("deploy.yml")
    assert [(place.host, place.passed) for place in incident.places] == [("db1", 1_000_060.0), ("db2", None)]
    assert incident.still_failing
    passed(ledger, db2)
    assert not ledger.incidents_of("deploy.yml")[0].still_failing


def test_passing_again_keeps_the_first_time(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    passed(ledger, Place("db1", "p"))
    clock.go_on(60.0)
    passed(ledger, Place("db1", "p"))
    assert ledger.incidents_of("deploy.yml")[0].places[0].passed == 1_000_000.0


def test_failing_again_in_a_place_that_was_passed(ledger: Ledger) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    passed(ledger, Place("db1", "p"))
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    assert ledger.incidents_of("deploy.yml")[0].still_failing


def test_what_has_failed_since_is_not_passed(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    (seen,) = ledger.incidents_of("deploy.yml")[0].places
    clock.go_on(1.0)
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    ledger.mark_passed("f" * 64, "k", [seen])
    assert ledger.incidents_of("deploy.yml")[0].still_failing


def test_runs_with_other_parameters_fail_and_pass_by_themselves(ledger: Ledger) -> None:
    opened(ledger)
    shop, blog = Place("db1", "p", parameters="shop"), Place("db1", "p", parameters="blog")
    ledger.add_places("f" * 64, "k", [shop, blog])
    passed(ledger, shop)
    assert [place.parameters for place in ledger.incidents_of("deploy.yml")[0].places if place.still_failing] == [
        "blog"
    ]


def test_passing_counts_for_the_incident_only(ledger: Ledger) -> None:
    for key in "ab":
        opened(ledger, key)
        ledger.add_places("f" * 64, key, [Place("db1", "p")])
    passed(ledger, Place("db1", "p"), key="a")
    assert [incident.still_failing for incident in ledger.incidents_of("deploy.yml")] == [False, True]


def test_the_first_time_that_a_host_is_missed_is_kept_until_it_is_there_again(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    for _run in range(2):
        ledger.mark_absent("f" * 64, "k", ledger.incidents_of("deploy.yml")[0].places)
        (place,) = ledger.incidents_of("deploy.yml")[0].places
        assert place.absent == 1_000_000.0
        clock.go_on(60.0)
    ledger.mark_present("f" * 64, "k", [place])
    assert ledger.incidents_of("deploy.yml")[0].places[0].absent is None


def test_what_an_earlier_version_has_recorded_stays_until_it_is_known_better(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in _schema.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO incidents VALUES (1, ?, 'k', 'deploy.yml', '{}', 'triggered', 'failed', 1.0, 1.0)", ("f" * 64,)
        )
        connection.execute("INSERT INTO places VALUES (1, 'db1', 'p', 1.0, NULL), (1, 'db2', 'p', 1.0, 2.0)")
        connection.execute("PRAGMA user_version = 1")
    ledger = Ledger(Database(str(path)))
    old = Place("db1", "p", parameters=NOT_NOTED, origin="db1", failed=1.0)
    other = Place("db2", "p", 2.0, parameters=NOT_NOTED, origin="db2", failed=1.0)
    assert ledger.incidents_of("deploy.yml")[0].places == (old, other)

    ledger.add_places("f" * 64, "k", [Place("db1", "p", parameters="shop")])
    assert [place.parameters for place in ledger.incidents_of("deploy.yml")[0].places] == [NOT_NOTED, "shop"]


def test_opening_an_open_incident_keeps_its_beginning_and_places(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    ledger.acknowledge_incident("f" * 64, "k")
    clock.go_on(60.0)
    opened(ledger, summary="failed on 2 hosts")
    (incident,) = ledger.incidents_of("deploy.yml")
    assert (incident.opened, incident.updated) == (1_000_000.0, 1_000_060.0)
    assert (incident.state, incident.summary) == ("acknowledged", "failed on 2 hosts")
    assert len(incident.places) == 1


def test_opening_a_closed_incident_begins_anew(ledger: Ledger, clock: Clock) -> None:
    opened(ledger)
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    assert ledger.close_incident("f" * 64, "k")
    assert ledger.incidents_of("deploy.yml") == []
    clock.go_on(60.0)
    opened(ledger)
    (incident,) = ledger.incidents_of("deploy.yml")
    assert (incident.opened, incident.state, incident.places) == (1_000_060.0, "triggered", ())


def test_what_is_not_open_is_left_alone(ledger: Ledger) -> None:
    assert not ledger.close_incident("f" * 64, "k")
    assert not ledger.acknowledge_incident("f" * 64, "k")
    ledger.add_places("f" * 64, "k", [Place("db1", "p")])
    opened(ledger)
    assert ledger.incidents_of("deploy.yml")[0].places == ()
    ledger.close_incident("f" * 64, "k")
    assert not ledger.close_incident("f" * 64, "k")


def test_the_same_dedup_key_under_two_integration_keys_is_two_incidents(ledger: Ledger) -> None:
    for fingerprint in ("e" * 64, "f" * 64):
        ledger.open_incident(fingerprint, "k", "deploy.yml", {}, "failed")
    ledger.close_incident("e" * 64, "k")
    assert [incident.fingerprint for incident in ledger.incidents_of("deploy.yml")] == ["f" * 64]
