# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was kept elsewhere comes back once and whole, wherever that is broken off."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _bring_back, _steady, _substitute
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._bring_back import bring_back
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_process import CourierProcess
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger, Place
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, Clock, alert, route

HERE = fingerprint_of(KEY)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "own" / "outbox.sqlite3")


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """A substitute that has everything in it."""
    return filled(tmp_path / "elsewhere")


def got_through(ledger: Ledger, host: str) -> None:
    (incident,) = ledger.incidents_of("job")
    ledger.mark_passed(HERE, "sent", [place for place in incident.places if place.host == host])


def filled(folder: Path) -> str:
    path = str(folder / "outbox.sqlite3")
    database = Database(path)
    outbox, ledger = Outbox(database), Ledger(database)
    for key in ("sent", "tried", "refused", "new"):
        outbox.put(alert(key), route(), run="run")
    for claim in outbox.claim("somebody", outbox.lanes()[0], 3, Pace(0)):
        if claim.event.dedup_key == "sent":
            outbox.accepted(claim)
        elif claim.event.dedup_key == "refused":
            outbox.refused(claim, "somebody", "no such key")
    outbox.put(alert("gone"), route(), run="run")
    outbox.purge([5], waiting=True)
    ledger.open_incident(HERE, "sent", "job", {"playbook": "job"}, "it broke", [Place("web1", "a"), Place("web2", "b")])
    got_through(ledger, "web2")
    ledger.open_incident(HERE, "over", "other job", {}, "it broke")
    ledger.close_incident(HERE, "over")
    OpenJobs(path).mark("job")
    database.close()
    return path


@pytest.fixture
def outbox(path: str) -> Iterator[Database]:
    database = Database(path)
    yield database
    database.close()


def check_all_is_here(database: Database) -> None:
    outbox, ledger = Outbox(database), Ledger(database)
    assert [(entry.dedup_key, entry.state, entry.attempts) for entry in outbox.entries()] == [
        ("tried", "waiting", 1),
        ("refused", "set aside", 1),
        ("new", "waiting", 0),
    ]
    counts = outbox.counts("run")
    assert (counts.waiting, counts.set_aside, counts.dropped) == (2, 1, {"purged": 1})
    assert database.read("SELECT dedup_key FROM opened") == [("sent",)]
    assert database.read("SELECT maybe_taken FROM events ORDER BY id") == [(1,), (1,), (0,)]
    (incident,) = ledger.incidents_of("job")
    assert (incident.dedup_key, incident.labels) == ("sent", {"playbook": "job"})
    assert {(place.host, place.still_failing) for place in incident.places} == {("web1", True), ("web2", False)}
    assert ledger.incidents_of("other job") == []
    assert database.read("SELECT COUNT(*) FROM brought") == [(0,)]
    assert OpenJobs(database.path).has("job")
    assert not OpenJobs(database.path).has("other job")
    assert UnsentMark(database.path).is_set()


def test_all_of_it_comes_back_and_nothing_is_left(outbox: Database, elsewhere: str) -> None:
    assert bring_back(elsewhere, outbox)
    check_all_is_here(outbox)
    assert not os.path.exists(os.path.dirname(elsewhere))


class BrokenOffError(Exception):
    """Stands for the end of the process."""


@pytest.mark.slow
def test_broken_off_anywhere_and_begun_again_it_is_all_the_same(tmp_path: Path) -> None:
    steps = 0
    while is_broken_off_at(steps, tmp_path / str(steps)):
        steps += 1
    assert steps > 20, "there were statements to break off at"


def is_broken_off_at(step: int, folder: Path) -> bool:
    """Let a process end before the statement of that number; what was committed stays, what was not does not."""
    done = 0
    elsewhere = filled(folder / "elsewhere")
    outbox = Database(str(folder / "own" / "outbox.sqlite3"))

    class Cursor(sqlite3.Cursor):
        def execute(self, *args: Any) -> Any:
            count()
            return super().execute(*args)

        def executemany(self, *args: Any) -> Any:
            count()
            return super().executemany(*args)

    def count() -> None:
        nonlocal done
        done += 1
        if done == step + 1:
            raise BrokenOffError

    class Broken(Database):
        def __init__(self, path: str) -> None:
            super().__init__(path)
            _interrupt(self, Cursor)

    _interrupt(outbox, Cursor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_bring_back, "Database", Broken)
        try:
            bring_back(elsewhere, outbox)
            was_broken_off = False
        except BrokenOffError:
            was_broken_off = True
    outbox.close()
    again = Database(outbox.path)
    if was_broken_off:
        assert bring_back(elsewhere, again)
    check_all_is_here(again)
    again.close()
    assert not os.path.exists(elsewhere)
    return was_broken_off


def _interrupt(database: Database, cursor: type[sqlite3.Cursor]) -> None:
    """Let a database's connection make cursors of this kind, but for what begins and ends a transaction's rollback."""
    connection = database._connection

    class Connection:
        in_transaction = property(lambda _self: connection.in_transaction)

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            made = connection.cursor(cursor)
            if statement == "ROLLBACK":
                return connection.execute(statement)
            made.execute(statement, *values)
            return made

        def close(self) -> None:
            connection.close()

    database._connection = Connection()  # type: ignore[assignment]


def test_nothing_is_touched_while_a_courier_is_at_work_there(outbox: Database, elsewhere: str) -> None:
    lock = SenderLock(elsewhere)
    assert lock.acquire()
    assert not bring_back(elsewhere, outbox)
    assert outbox.read("SELECT COUNT(*) FROM events") == [(0,)]
    lock.release()
    assert bring_back(elsewhere, outbox)


def test_what_somebody_has_open_is_emptied_but_not_removed(outbox: Database, elsewhere: str) -> None:
    other = Database(elsewhere, uptime=_steady.uptime)
    assert not bring_back(elsewhere, outbox)
    check_all_is_here(outbox)
    Outbox(other).put(alert("later"), route())
    other.close()
    assert bring_back(elsewhere, outbox)
    assert [entry.dedup_key for entry in Outbox(outbox).entries()][-1] == "later"


def test_an_incident_that_is_open_in_both_is_open_until_both_are_over(outbox: Database, elsewhere: str) -> None:
    ledger = Ledger(outbox)
    ledger.open_incident(HERE, "sent", "job", {}, "before", [Place("web1", "a"), Place("web3", "c")])
    got_through(ledger, "web1")
    assert bring_back(elsewhere, outbox)
    (incident,) = ledger.incidents_of("job")
    assert {place.host for place in incident.places if place.still_failing} == {"web1", "web3"}


def test_one_that_was_over_here_is_open_again(outbox: Database, elsewhere: str) -> None:
    ledger = Ledger(outbox)
    ledger.open_incident(HERE, "sent", "job", {}, "before", [Place("web9", "z")])
    ledger.close_incident(HERE, "sent")
    assert bring_back(elsewhere, outbox)
    (incident,) = ledger.incidents_of("job")
    assert {place.host for place in incident.places} == {"web1", "web2"}


def test_times_are_told_by_the_outboxs_own_clock(tmp_path: Path) -> None:
    """A file's clock goes by the machine's uptime from its first use on, when the wall clock may have been wrong."""
    up = Clock(100.0)
    slow = Database(str(tmp_path / "slow" / "o"), wall=lambda: 1_000.0, uptime=up)
    Outbox(slow).put(alert("k"), route())
    slow.close()
    up.go_on(5.0)
    right = Database(str(tmp_path / "right" / "o"), wall=lambda: 1_000_000.0, uptime=up)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_bring_back, "Database", lambda path: Database(path, wall=lambda: 0.0, uptime=up))
        assert bring_back(str(tmp_path / "slow" / "o"), right)
    assert right.read("SELECT created, next_attempt FROM events") == [(999_995.0, 999_995.0)]
    right.close()


def test_an_outbox_that_cannot_be_written_leaves_all_where_it_is(
    outbox: Database, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Path(elsewhere).stat().st_size
    outbox._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(DatabaseError):
        bring_back(elsewhere, outbox)
    assert Path(elsewhere).stat().st_size == before
    outbox._connection.execute("PRAGMA query_only = OFF")
    assert bring_back(elsewhere, outbox)
    check_all_is_here(outbox)


def test_the_next_run_brings_it_back_and_one_in_between_makes_a_new_one(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CourierProcess, "ensure", lambda _self: None)
    monkeypatch.setattr(_substitute, "_bases", lambda: [str(tmp_path)])
    blocked = Path(path).parent
    blocked.write_text("")
    settings = DeliverySettings(path)
    busy = Delivery(settings)
    assert busy.hand_over(alert("first"), route()).kept
    blocked.unlink()
    other = Delivery(settings)
    assert other.resume() is None
    assert [entry.dedup_key for entry in other.outbox().entries()] == ["first"]
    other.close()
    # Its file is empty now, but it has it open.
    assert busy.hand_over(alert("second"), route()).kept
    flushed = busy.flush(0.0)
    assert (flushed.accepted, flushed.waiting, flushed.unknown) == (0, 2, 0)
    busy.close()
    last = Delivery(settings)
    assert last.resume() is None
    assert [entry.dedup_key for entry in last.outbox().entries()] == ["first", "second"]
    assert _substitute.existing_substitutes(path) == []
    last.close()


def test_a_file_that_vanishes_under_a_run_is_made_anew(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CourierProcess, "ensure", lambda _self: None)
    monkeypatch.setattr(_substitute, "_bases", lambda: [str(tmp_path)])
    Path(path).parent.write_text("")
    delivery = Delivery(DeliverySettings(path))
    assert delivery.hand_over(alert("first"), route()).kept
    (substitute,) = _substitute.existing_substitutes(path)
    for file in Path(substitute).parent.iterdir():
        file.unlink()
    Path(substitute).parent.rmdir()
    assert delivery.hand_over(alert("second"), route()).kept
    (again,) = _substitute.existing_substitutes(path)
    assert [entry.dedup_key for entry in Outbox(Database(again)).entries()] == ["second"]
    flushed = delivery.flush(0.0)
    assert (flushed.accepted, flushed.waiting, flushed.unknown) == (0, 1, 1)
    assert "removed or replaced" in str(flushed.problem)
    delivery.close()
