# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue on real SQLite: order, leases, back-off, pace, caps, what is set aside; by a clock set by hand."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import sqlite3
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api, Prepared
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _schema, _steady
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drops import DRAIN, RUN, Untold
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import UNREADABLE, Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps, Claim, Lanes, fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark
from ansible_collections.oncall.pagerduty.tests.support.events import (
    KEY,
    OTHER_KEY,
    Clock,
    alert,
    change,
    database_by,
    route,
)
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

ALL = 1000
FREELY = Pace(0)
DAY = 24 * 3600.0
NOW = 1_800_000_000.0
LEASE = 10.0 + 30.0  # the route's time-out and the margin


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "outbox.sqlite3")


@pytest.fixture
def outbox(path: str, clock: Clock) -> Outbox:
    return Outbox(database_by(clock, path))


def claim(outbox: Outbox, owner: str = "me", most: int = ALL, pace: Pace = FREELY) -> list[Claim]:
    """Everything that can be claimed now."""
    return [found for lanes in outbox.lanes() for found in outbox.claim(owner, lanes, most, pace)]


def keys(claims: list[Claim]) -> list[str | None]:
    return [found.event.dedup_key for found in claims]


def states(outbox: Outbox) -> dict[int, str]:
    return {entry.id: entry.state for entry in outbox.entries()}


# --- what is put comes out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [alert("k"), alert("k", api=Api.V1), change()], ids=["v2", "v1", "change"])
def test_an_event_comes_out_as_it_went_in(outbox: Outbox, event: Prepared) -> None:
    way = route("https://example.org", timeout=3.5)
    outbox.put(event, way)
    (found,) = claim(outbox)
    assert (found.event.api, found.event.body, found.event.dedup_key) == (event.api, event.body, event.dedup_key)
    assert found.event.routing_key == KEY
    assert found.route == way
    assert (found.attempts, found.maybe_taken) == (1, False)


def test_it_is_there_for_another_process(outbox: Outbox, path: str, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    assert keys(claim(Outbox(database_by(clock, path)))) == ["k"]


def test_accepted_events_leave_nothing_behind(outbox: Outbox, path: str) -> None:
    outbox.put(alert("k"), route())
    (found,) = claim(outbox)
    outbox.accepted(found)
    assert outbox.is_empty()
    assert outbox.entries() == []
    outbox._database.close()
    assert KEY.encode() not in Path(path).read_bytes()


# --- order ----------------------------------------------------------------------------------------------------------


def test_later_events_of_a_lane_wait_until_the_earlier_one_is_accepted(outbox: Outbox) -> None:
    for action in ("trigger", "acknowledge", "resolve"):
        outbox.put(alert("k", action), route())
    seen = []
    for _round in range(3):
        (found,) = claim(outbox)
        assert claim(outbox, "another") == []
        seen.append(found.event.shown()["event_action"])
        outbox.accepted(found)
    assert seen == ["trigger", "acknowledge", "resolve"]


def test_later_events_of_a_lane_wait_while_the_earlier_one_is_postponed(outbox: Outbox, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    outbox.put(alert("k", "resolve"), route())
    (first,) = claim(outbox)
    outbox.postponed(first, "me", 5.0, "HTTP 503", maybe_taken=False)
    assert claim(outbox) == []
    clock.go_on(5.0)
    assert claim(outbox)[0].id == first.id


def test_later_events_go_on_when_the_earlier_one_is_set_aside(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.put(alert("k", "resolve"), route())
    (first,) = claim(outbox)
    outbox.refused(first, "me", "HTTP 400")
    assert claim(outbox)[0].id == first.id + 1


def test_says_whether_an_event_would_overtake_another(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.put(change(), route())
    late = [alert("k", "resolve"), alert("k", key=OTHER_KEY), alert("other"), change()]
    assert [outbox.is_waiting(event) for event in late] == [True, False, False, False]
    outbox.refused(claim(outbox)[0], "me", "HTTP 400")
    assert not outbox.is_waiting(alert("k", "resolve"))


def test_says_whether_an_incident_is_open_or_about_to_be(outbox: Outbox) -> None:
    def may_open() -> bool:
        return outbox.may_open(fingerprint_of(KEY), "k")

    outbox.put(alert("k", key=OTHER_KEY), route())
    assert not may_open()
    outbox.put(alert("k"), route())
    assert may_open()
    for claimed in claim(outbox):
        outbox.accepted(claimed)
    assert may_open()
    outbox.put(alert("k", "resolve"), route())
    outbox.accepted(claim(outbox)[0])
    assert not may_open()
    outbox.put(alert("k"), route())
    outbox.refused(claim(outbox)[0], "me", "HTTP 400")
    assert not may_open()


@pytest.mark.parametrize(
    "change",
    ["api = 'V9'", "body = '{'", "body = '{}'", "body = '[]'", "route = '{}'", "route = '7'", "route = 'x'"],
)
def test_what_cannot_be_read_is_set_aside_and_holds_up_nothing(
    outbox: Outbox, path: str, clock: Clock, change: str
) -> None:
    for key in "ab":
        outbox.put(alert(key), route())
    outbox.put(alert("a", "resolve"), route())
    with database_by(clock, path).transaction() as cursor:
        cursor.execute(f"UPDATE events SET {change} WHERE id = 1")
    assert keys(outbox.due("me", outbox.lanes()[0], ALL)) == ["b"]
    assert keys(claim(outbox)) == ["b"]
    assert keys(claim(outbox)) == ["a"]
    assert states(outbox) == {1: "set aside", 2: "claimed", 3: "claimed"}
    assert outbox.entries()[0].reason == UNREADABLE


def test_lanes_do_not_wait_for_each_other(outbox: Outbox) -> None:
    outbox.put(alert("a"), route())
    outbox.put(alert("a"), route())
    outbox.put(alert("b"), route())
    outbox.put(alert("a", key=OTHER_KEY), route())
    outbox.put(change(), route())
    outbox.put(change(), route())
    assert sorted(map(str, keys(claim(outbox)))) == ["None", "None", "a", "a", "b"]


def test_the_oldest_come_first(outbox: Outbox) -> None:
    for number in range(10):
        outbox.put(alert(str(number)), route())
    assert keys(claim(outbox, most=3)) == ["0", "1", "2"]


# --- what goes first ------------------------------------------------------------------------------------------------


def put(outbox: Outbox, said: str) -> None:
    """Put an event given as action and key."""
    action, _blank, key = said.partition(" ")
    outbox.put(change(key) if action == "change" else alert(key, action), route())


def sent(outbox: Outbox, most: int = ALL) -> list[str]:
    """Send, one after the other, what is there; returns what it was, as `put` takes it."""
    order: list[str] = []
    while len(order) < most and (found := claim(outbox, most=1)):
        body = found[0].event.shown()
        key = found[0].event.dedup_key or body["payload"]["summary"]
        order.append(f"{body.get('event_action', 'change')} {key}")
        outbox.accepted(found[0])
    return order


@pytest.mark.parametrize(
    ("heard", "waiting", "order"),
    [
        ([], ["change a", "resolve b", "trigger c"], ["trigger c", "resolve b", "change a"]),
        (["trigger a"], ["trigger a", "trigger b"], ["trigger b", "trigger a"]),
        (["trigger a"], ["acknowledge a", "change x", "trigger b"], ["trigger b", "acknowledge a", "change x"]),
        # What follows upon a page is no page.
        ([], ["trigger a", "trigger a", "trigger b"], ["trigger a", "trigger b", "trigger a"]),
        ([], ["trigger a", "resolve a", "trigger b"], ["trigger a", "trigger b", "resolve a"]),
        # What stands before a page in its lane goes as early as the page.
        (
            ["trigger a"],
            ["resolve b", "resolve a", "trigger a", "trigger c"],
            ["resolve a", "trigger a", "trigger c", "resolve b"],
        ),
        (
            [],
            ["trigger a", "resolve a", "trigger b", "trigger a"],
            ["trigger a", "resolve a", "trigger b", "trigger a"],
        ),
        # An incident that is over and comes back is a page again.
        (["trigger a", "resolve a"], ["resolve b", "trigger a"], ["trigger a", "resolve b"]),
    ],
    ids=str,
)
def test_pages_go_first_and_changes_last(
    outbox: Outbox, heard: list[str], waiting: list[str], order: list[str]
) -> None:
    for said in heard:
        put(outbox, said)
    sent(outbox)
    for said in waiting:
        put(outbox, said)
    assert sent(outbox) == order


def test_the_next_trigger_is_the_page_if_the_first_is_refused(outbox: Outbox) -> None:
    for said in ("trigger a", "resolve b", "trigger a"):
        put(outbox, said)
    outbox.refused(claim(outbox, most=1)[0], "me", "HTTP 400")
    assert sent(outbox) == ["trigger a", "resolve b"]


def test_a_trigger_that_is_put_back_is_a_page(outbox: Outbox) -> None:
    put(outbox, "trigger a")
    outbox.refused(claim(outbox)[0], "me", "HTTP 400")
    put(outbox, "resolve b")
    outbox.retry()
    assert sent(outbox) == ["trigger a", "resolve b"]


def test_a_new_page_does_not_wait_for_the_backlog_of_its_integration_key(outbox: Outbox, clock: Clock) -> None:
    """A part of the pace is kept for it: the window need not move on."""
    for number in range(360):
        put(outbox, f"resolve {number}")
    assert len(claim(outbox, "one", pace=Pace(120))) == 108
    put(outbox, "trigger new")
    assert keys(claim(outbox, "two", pace=Pace(120))) == ["new"]


def test_an_older_outbox_learns_what_goes_first(path: str, clock: Clock) -> None:
    connection = sqlite3.connect(path)
    for statement in _schema.MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO opened VALUES (?, 'open')", (fingerprint_of(KEY),))
    events = [change(), alert("open"), alert("page", "resolve"), alert("page")]
    for event, action in zip(events, ("change", "trigger", "resolve", "trigger")):
        connection.execute(
            """INSERT INTO events (run, api, body, fingerprint, dedup_key, action, summary, base_url, route, created,
                next_attempt) VALUES ('', 'V2', ?, ?, ?, ?, '', 'u', ?, 5, 5)""",
            (event.body, fingerprint_of(KEY), event.dedup_key, action, route().encoded()),
        )
    connection.execute("UPDATE events SET api = 'CHANGE' WHERE action = 'change'")
    connection.commit()
    connection.close()
    outbox = Outbox(Database(path, wall=lambda: 2000.0, uptime=clock), Caps(max_age=1e9))
    assert sent(outbox) == ["trigger open", "resolve page", "trigger page", "change deployed"]


def test_the_expected_time_counts_what_goes_before(outbox: Outbox) -> None:
    pace = Pace(120)
    for number in range(300):
        outbox.put(alert(str(number)), route(), run="pages")
    outbox.put(change(), route(), run="changes")
    outbox.put(alert("other", key=OTHER_KEY), route(), run="small")
    runs = ("pages", "changes", "small", "none")
    assert [outbox.expected_seconds(run, pace) for run in runs] == [120.0, 120.0, 0.0, 0.0]
    for found in claim(outbox, pace=pace):
        outbox.accepted(found)
    assert [outbox.expected_seconds(run, pace) for run in runs] == [120.0, 120.0, 0.0, 0.0]
    assert outbox.expected_seconds("pages", FREELY) == 0.0


# --- leases ---------------------------------------------------------------------------------------------------------


def test_a_claim_lasts_as_long_as_its_lease(outbox: Outbox, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    claim(outbox, "dead")
    clock.go_on(LEASE - 0.1)
    assert claim(outbox, "next") == []
    clock.go_on(0.1)
    (again,) = claim(outbox, "next")
    assert (again.attempts, again.maybe_taken) == (2, True)


def test_an_owner_never_gets_what_it_is_still_sending(outbox: Outbox, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    claim(outbox)
    clock.go_on(10 * LEASE)
    assert claim(outbox) == []


def test_claims_come_back_at_once_when_nobody_sends(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    claim(outbox, "dead")
    outbox.release_all()
    assert claim(outbox, "next")[0].maybe_taken


def test_accepted_counts_even_after_the_lease(outbox: Outbox, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    (late,) = claim(outbox, "slow")
    clock.go_on(LEASE)
    claim(outbox, "next")
    outbox.accepted(late)
    assert outbox.is_empty()


def test_a_failure_after_the_lease_does_not_disturb_the_next_owner(outbox: Outbox, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    (late,) = claim(outbox, "slow")
    clock.go_on(LEASE)
    claim(outbox, "next")
    outbox.postponed(late, "slow", 0.0, "HTTP 503", maybe_taken=False)
    outbox.refused(late, "slow", "HTTP 400")
    assert states(outbox) == {late.id: "claimed"}


def _claim_until_empty(path: str, owner: str, record: str) -> None:
    outbox = Outbox(Database(path))
    dice = random.Random(owner)
    sent = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while not outbox.is_empty():
        for found in claim(outbox, owner, most=dice.randint(1, 3)):
            if dice.random() < 0.2:
                outbox.postponed(found, owner, 0.0, "HTTP 503", maybe_taken=False)
            else:
                os.write(sent, f"{found.event.dedup_key} {found.event.shown()['payload']['summary']}\n".encode())
                outbox.accepted(found)


def test_eight_senders_send_everything_once_and_in_order(path: str, tmp_path: Path) -> None:
    outbox = Outbox(Database(path))
    for number in range(72):
        outbox.put(alert(f"lane{number % 12:02}", summary=f"{number:03}"), route())
    context = multiprocessing.get_context("fork")
    record = tmp_path / "sent"
    senders = [context.Process(target=_claim_until_empty, args=(path, f"owner {n}", str(record))) for n in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert [sender.exitcode for sender in senders] == [0] * 8
    sent = record.read_text().splitlines()
    assert sorted(line[-3:] for line in sent) == [f"{number:03}" for number in range(72)]
    lanes = {lane: [line for line in sent if line.startswith(lane)] for lane in {line[:6] for line in sent}}
    assert len(lanes) == 12
    assert all(lines == sorted(lines) for lines in lanes.values())


# --- back-off and pace ----------------------------------------------------------------------------------------------


def test_postponed_events_come_when_their_delay_is_over(outbox: Outbox, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    outbox.postponed(claim(outbox)[0], "me", 8.0, "HTTP 503", maybe_taken=False)
    clock.go_on(7.9)
    assert claim(outbox) == []
    clock.go_on(0.1)
    assert claim(outbox)[0].attempts == 2


def test_hurry_cuts_delays_short(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.postponed(claim(outbox)[0], "me", 8.0, "HTTP 503", maybe_taken=False)
    outbox.hurry()
    assert keys(claim(outbox)) == ["k"]


def test_the_pace_holds_for_each_integration_key_over_all_senders(outbox: Outbox, clock: Clock, path: str) -> None:
    other = Outbox(database_by(clock, path))
    for number in range(10):
        outbox.put(alert(str(number)), route())
        outbox.put(alert(str(number), key=OTHER_KEY), route())
    first = claim(outbox, "one", pace=Pace(4))
    assert sorted(found.event.routing_key for found in first) == sorted([KEY] * 4 + [OTHER_KEY] * 4)
    assert claim(other, "two", pace=Pace(4)) == []
    clock.go_on(59.9)
    assert claim(other, "two", pace=Pace(4)) == []
    clock.go_on(0.1)
    assert len(claim(other, "two", pace=Pace(4))) == 8


def test_what_was_sent_long_ago_is_forgotten(outbox: Outbox, clock: Clock) -> None:
    for name, seconds in (("a", 0.0), ("b", 30.0), ("c", 0.0)):
        outbox.put(alert(name), route())
        (found,) = claim(outbox)
        outbox.accepted(found)
        clock.go_on(seconds)
    outbox.put(alert("waits"), route())
    remembered = []
    for seconds in (29.9, 0.2):
        clock.go_on(seconds)
        assert claim(outbox, pace=Pace(1)) == []
        remembered += outbox._database.read("SELECT COUNT(*) FROM sends")
    assert remembered == [(3,), (1,)]
    clock.go_on(30.0)
    assert len(claim(outbox, pace=Pace(1))) == 1


def test_the_pace_counts_from_the_end_of_an_attempt(outbox: Outbox, clock: Clock) -> None:
    """A slow request may reach PagerDuty as late as its answer comes."""
    outbox.put(alert("a"), route())
    outbox.put(alert("b"), route())
    (slow,) = claim(outbox, pace=Pace(1))
    clock.go_on(20.0)
    outbox.accepted(slow)
    clock.go_on(59.9)
    assert claim(outbox, pace=Pace(1)) == []
    clock.go_on(0.1)
    assert keys(claim(outbox, pace=Pace(1))) == ["b"]


# --- what is refused, and what is dropped ---------------------------------------------------------------------------


def test_refused_events_are_shown_and_can_be_sent_again(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.put(alert("fine"), route())
    outbox.refused(claim(outbox, most=1)[0], "me", "HTTP 400 invalid event")
    aside, fine = outbox.entries()
    assert (aside.state, aside.reason, fine.state) == ("set aside", "HTTP 400 invalid event", "waiting")
    assert (outbox.counts().waiting, outbox.counts().set_aside) == (1, 1)
    assert outbox.retry([fine.id]) == 0
    assert outbox.retry([aside.id]) == 1
    assert states(outbox) == {aside.id: "waiting", fine.id: "waiting"}
    assert sorted(map(str, keys(claim(outbox)))) == ["fine", "k"]


def test_purge_drops_and_counts(outbox: Outbox) -> None:
    for key in "abcd":
        outbox.put(alert(key), route())
    outbox.refused(claim(outbox, most=1)[0], "me", "HTTP 400")
    under_way = claim(outbox, most=1)[0]
    assert outbox.purge() == 1
    assert outbox.purge() == 0
    assert outbox.purge(waiting=True) == 2
    assert states(outbox) == {under_way.id: "claimed"}
    assert outbox.counts().dropped == {"purged": 3}


def test_purge_of_one(outbox: Outbox) -> None:
    ids = [outbox.put(alert(key), route()).id for key in "abc"]
    assert outbox.purge([ids[1]], waiting=True) == 1  # type: ignore[list-item]
    assert list(states(outbox)) == [ids[0], ids[2]]


def test_beyond_max_events_the_oldest_go_and_are_counted(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_events=3))
    dropped = [outbox.put(alert(str(number)), route(), run=f"run {number}").dropped for number in range(5)]
    assert dropped == [0, 0, 0, 1, 1]
    assert [entry.dedup_key for entry in outbox.entries()] == ["2", "3", "4"]
    assert outbox.counts().dropped == {"max_events": 2}
    assert outbox.counts("run 0").dropped == {"max_events": 1}


def test_beyond_max_events_what_is_set_aside_goes_first_and_what_is_under_way_stays(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_events=3))
    for key in "abc":
        outbox.put(alert(key), route())
    under_way, refused = claim(outbox, most=2)
    outbox.refused(refused, "me", "HTTP 400")
    outbox.put(alert("d"), route())
    outbox.put(alert("e"), route())
    assert [entry.dedup_key for entry in outbox.entries()] == [under_way.event.dedup_key, "d", "e"]


def test_beyond_max_events_pages_go_last(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_events=4))
    for said in ("trigger a", "trigger a", "resolve b", "change x"):
        put(outbox, said)
    left = []
    for number in range(4):
        put(outbox, f"trigger new{number}")
        left.append([f"{entry.action} {entry.dedup_key or entry.summary}" for entry in outbox.entries()])
    assert left == [
        ["trigger a", "trigger a", "resolve b", "trigger new0"],
        ["trigger a", "resolve b", "trigger new0", "trigger new1"],
        ["trigger a", "trigger new0", "trigger new1", "trigger new2"],
        ["trigger new0", "trigger new1", "trigger new2", "trigger new3"],
    ]


def test_beyond_max_age_events_are_not_sent_but_counted(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_age=3600.0))
    outbox.put(alert("old"), route())
    clock.go_on(3000.0)
    outbox.put(alert("new"), route())
    clock.go_on(601.0)
    assert keys(claim(outbox)) == ["new"]
    assert outbox.counts().dropped == {"max_age": 1}


class Machine:
    """Boots, has a wall clock that may be wrong, and opens an outbox."""

    def __init__(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.boots = 0
        self.up = Clock()
        monkeypatch.setattr(_steady, "read_boot_id", lambda: f"boot {self.boots}")

    def boot(self, up: float) -> None:
        self.boots += 1
        self.up = Clock(up)

    def open(self, wall: float, max_age: float = 7 * DAY) -> Outbox:
        return Outbox(Database(self.path, wall=lambda: wall, uptime=self.up), Caps(max_age=max_age))


@pytest.fixture
def machine(path: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(path, monkeypatch)


@pytest.mark.parametrize("first", [NOW - 8 * DAY, 0.0, NOW + 8 * DAY], ids=["8 days slow", "1970", "8 days fast"])
@pytest.mark.parametrize("second", [NOW, NOW - 8 * DAY, 0.0], ids=["right", "slow again", "1970 again"])
def test_a_page_that_is_seconds_old_survives_a_boot_whatever_the_clock_says(
    machine: Machine, first: float, second: float
) -> None:
    machine.open(first).put(alert("k"), route())
    machine.boot(up=20.0)
    outbox = machine.open(second)
    outbox.put(alert("k", "resolve"), route())
    assert keys(claim(outbox)) == ["k"]
    assert outbox.counts().dropped == {}


def test_time_that_has_surely_passed_makes_a_page_old_over_several_boots(machine: Machine) -> None:
    machine.open(NOW).put(alert("k"), route())
    for boot in range(1, 4):
        machine.up.go_on(1 * DAY)
        claimed = claim(machine.open(NOW), "dead")
        assert keys(claimed) == ["k"]  # an attempt tells how long the machine has been up
        machine.boot(up=1 * DAY)
        machine.open(NOW + 3 * boot * DAY).release_all()
    assert keys(claim(machine.open(NOW + 9 * DAY), "next")) == ["k"]
    machine.up.go_on(1 * DAY + 1)
    outbox = machine.open(NOW + 10 * DAY)
    assert claim(outbox) == []
    assert outbox.counts().dropped == {"max_age": 1}


@pytest.mark.parametrize("opened", ["anew", "before"])
def test_after_the_return_of_a_snapshot_nothing_is_stuck(machine: Machine, opened: str) -> None:
    """The boot's id is the same, and its uptime less: leases, back-offs and the pace lie far ahead."""
    outbox = machine.open(NOW)
    machine.up.go_on(30 * DAY)
    for key in "abcd":
        outbox.put(alert(key), route())
    _leased, postponed, accepted = claim(outbox, "dead", most=3, pace=Pace(3))
    outbox.postponed(postponed, "dead", 60.0, "HTTP 503", maybe_taken=False)
    outbox.accepted(accepted)
    machine.up.go_on(-30 * DAY)
    if opened == "anew":
        outbox = machine.open(NOW)
    outbox.put(alert("e"), route())
    assert keys(claim(outbox, "next", pace=Pace(3))) == []  # the window goes on from where it was
    machine.up.go_on(61.0)
    found = claim(outbox, "next", pace=Pace(30))
    assert keys(found) == ["a", "b", "d", "e"]
    assert outbox.counts().dropped == {}
    other = machine.open(NOW)  # and all go by the same clock
    for each in found:
        other.accepted(each)
    assert other.is_empty()
    assert other._database.now() == outbox._database.now()


def test_others_go_by_the_clock_that_one_has_set_right(machine: Machine) -> None:
    machine.up.go_on(30 * DAY)
    sender, run = machine.open(NOW), machine.open(NOW)
    sender.put(alert("a"), route())
    machine.up.go_on(-30 * DAY)
    run.put(alert("b"), route())
    assert keys(claim(sender)) == ["a", "b"]


# --- what is dropped is told ----------------------------------------------------------------------------------------


def test_what_was_dropped_is_told_once_to_each(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_age=10.0, max_events=6))
    for number in range(5):
        outbox.put(alert(f"k{number}", summary=f"page {number}"), route())
    outbox.put(change("a change"), route())
    outbox.put(alert("new"), route())  # the change has to go for it
    clock.go_on(11.0)
    assert outbox.put(alert("late"), route()).outdated == 6
    by_age = (
        "6 events were dropped unsent, after a wait that was longer than outbox_max_age: PagerDuty has not accepted"
    )
    by_room = "1 event was dropped unsent, since the outbox was full (outbox_max_events): PagerDuty has not accepted"
    expected = [
        f"{by_age} them (trigger: page 0; trigger: page 1; trigger: page 2; 3 more).",
        f"{by_room} it (change: a change).",
    ]
    assert outbox.take_news() == expected[::-1]
    assert outbox.take_news() == []
    for audience in (RUN, DRAIN):
        assert [untold.explained() for untold in outbox.take_untold(audience)] == expected
        assert outbox.take_untold(audience) == []


def test_what_was_dropped_adds_up_until_it_is_told(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_age=10.0))
    for name in "abcde":
        outbox.put(alert(name, summary=name), route())
        clock.go_on(11.0)
        outbox.drop_outdated()
    assert outbox.take_untold(RUN) == [Untold("max_age", 5, ("trigger: a", "trigger: b", "trigger: c"))]
    outbox.put(alert("f"), route())
    clock.go_on(11.0)
    outbox.drop_outdated()
    assert [untold.count for untold in outbox.take_untold(RUN)] == [1]
    assert [untold.count for untold in outbox.take_untold(DRAIN)] == [6]


def test_the_next_run_looks_in_if_there_is_something_to_tell(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_age=10.0))
    mark = UnsentMark(path)
    outbox.put(alert("k"), route())
    clock.go_on(11.0)
    assert claim(outbox) == []
    outbox.take_untold(DRAIN)
    outbox.unmark_if_empty()
    assert mark.is_set()
    outbox.take_untold(RUN)
    outbox.unmark_if_empty()
    assert not mark.is_set()


def test_what_somebody_wanted_gone_is_not_told(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.purge(waiting=True)
    assert [outbox.take_untold(audience) for audience in (RUN, DRAIN)] == [[], []]


def test_the_next_trigger_is_the_page_if_the_first_is_dropped(path: str, clock: Clock) -> None:
    outbox = Outbox(database_by(clock, path), Caps(max_age=10.0))
    put(outbox, "trigger a")
    clock.go_on(5.0)
    for said in ("resolve b", "trigger a"):
        put(outbox, said)
    clock.go_on(6.0)
    assert sent(outbox) == ["trigger a", "resolve b"]


def test_drops_are_remembered(outbox: Outbox, path: str, clock: Clock) -> None:
    outbox.put(alert("k"), route())
    outbox.purge(waiting=True)
    assert Outbox(database_by(clock, path)).counts().dropped == {"purged": 1}


# --- an unsent trigger and its resolve ------------------------------------------------------------------------------


def resolve(outbox: Outbox, key: str = "k") -> int | None:
    return outbox.put(alert(key, "resolve"), route(), "run", prune_superseded=True).id


def test_by_default_both_are_sent(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.put(alert("k", "resolve"), route())
    assert len(outbox.entries()) == 2


def test_pruned_if_the_trigger_was_never_sent(outbox: Outbox) -> None:
    outbox.put(alert("k"), route(), "run")
    outbox.put(alert("other"), route(), "run")
    assert resolve(outbox) is None
    assert [entry.dedup_key for entry in outbox.entries()] == ["other"]
    assert outbox.counts("run").dropped == {"superseded": 2}


def test_pruned_if_every_attempt_certainly_failed(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.postponed(claim(outbox)[0], "me", 0.0, "no connection", maybe_taken=False)
    assert resolve(outbox) is None


def test_not_pruned_without_a_trigger(outbox: Outbox) -> None:
    assert resolve(outbox) is not None


def test_not_pruned_while_the_trigger_is_under_way(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    claim(outbox)
    assert resolve(outbox) is not None


def test_not_pruned_if_the_trigger_may_have_been_taken(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.postponed(claim(outbox)[0], "me", 0.0, "no answer", maybe_taken=True)
    outbox.postponed(claim(outbox)[0], "me", 0.0, "no connection", maybe_taken=False)
    assert resolve(outbox) is not None


def test_not_pruned_if_the_trigger_may_have_been_taken_before_it_was_put(outbox: Outbox) -> None:
    outbox.put(alert("k"), route(), maybe_taken=True)
    assert resolve(outbox) is not None


def test_not_pruned_if_the_sender_died_with_the_trigger(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    claim(outbox, "dead")
    outbox.release_all()
    assert resolve(outbox) is not None


def test_not_pruned_if_an_earlier_trigger_opened_the_incident(outbox: Outbox) -> None:
    outbox.put(alert("k"), route())
    outbox.accepted(claim(outbox)[0])
    outbox.put(alert("k"), route())
    number = resolve(outbox)
    assert number is not None
    for _event in range(2):
        outbox.accepted(claim(outbox)[0])
    outbox.put(alert("k"), route())
    assert resolve(outbox) is None


# --- showing --------------------------------------------------------------------------------------------------------


def test_nothing_that_is_shown_holds_the_key(outbox: Outbox) -> None:
    outbox.put(alert("k", summary=f"the key is {KEY}"), route())
    outbox.put(change(), route())
    assert_no_secret([outbox.entries(), [entry.as_dict() for entry in outbox.entries()]], KEY)
    assert [entry.key for entry in outbox.entries()] == [fingerprint_of(KEY)[:8]] * 2
    found = claim(outbox)
    assert_no_secret(repr(found), KEY)


def test_entries_say_what_a_person_wants_to_know(outbox: Outbox) -> None:
    outbox.put(alert("k", summary="disk full"), route("https://events.example.org"))
    outbox.postponed(claim(outbox)[0], "me", 60.0, "HTTP 503 Service Unavailable", maybe_taken=False)
    (entry,) = outbox.entries()
    assert (entry.action, entry.summary, entry.dedup_key) == ("trigger", "disk full", "k")
    assert (entry.base_url, entry.attempts) == ("https://events.example.org", 1)
    assert entry.reason == "HTTP 503 Service Unavailable"
    assert entry.created < entry.next_attempt


def test_order_holds_over_random_histories(outbox: Outbox, clock: Clock) -> None:
    """Over random histories: within a lane, what is accepted is accepted in the order it was put."""
    dice = random.Random(4)
    accepted: dict[str, list[int]] = {}
    under_way: list[tuple[Claim, str]] = []
    numbers = itertools.count()
    life = 0
    for _step in range(600):
        what = dice.random()
        if what < 0.4:
            lane = f"lane {dice.randrange(5)}"
            outbox.put(alert(lane, summary=str(next(numbers))), route())
        elif what < 0.7:
            owner = f"{dice.choice('xyz')} of life {life}"
            under_way += [(found, owner) for found in claim(outbox, owner, most=dice.randint(1, 4))]
        elif under_way:
            found, owner = under_way.pop(dice.randrange(len(under_way)))
            outcome = dice.random()
            if outcome < 0.5:
                lane = str(found.event.dedup_key)
                accepted.setdefault(lane, []).append(int(found.event.shown()["payload"]["summary"]))
                outbox.accepted(found)
            elif outcome < 0.8:
                outbox.postponed(found, owner, dice.random() * 10, "HTTP 503", maybe_taken=False)
            elif outcome < 0.9:
                outbox.refused(found, owner, "HTTP 400")
            else:
                clock.go_on(LEASE)  # its sender has died
                under_way = []
                life += 1
        clock.go_on(dice.random())
    assert sum(map(len, accepted.values())) > 50
    assert all(numbers_of == sorted(set(numbers_of)) for numbers_of in accepted.values())


def test_lanes_lists_each_key_and_place_once(outbox: Outbox) -> None:
    for url in ("http://a", "http://b"):
        for _event in range(3):
            outbox.put(alert(url), route(url))
    assert sorted(lanes.base_url for lanes in outbox.lanes()) == ["http://a", "http://b"]
    assert outbox.lanes()[0] == Lanes(fingerprint_of(KEY), outbox.lanes()[0].base_url)


# --- a way that is put right ----------------------------------------------------------------------------------------

WRONG, RIGHT = "http://127.0.0.1:9", "http://127.0.0.1:8181"


def test_the_newest_event_of_an_incident_takes_those_that_wait_along(outbox: Outbox, clock: Clock) -> None:
    for key in ("k", "other"):
        outbox.put(alert(key), route(WRONG))
    (first, second) = claim(outbox)
    for each in (first, second):
        outbox.postponed(each, "me", 3600.0, "no connection", maybe_taken=False)

    outbox.put(alert("k", "resolve"), route(RIGHT))

    assert [(entry.dedup_key, entry.base_url) for entry in outbox.entries()] == [
        ("k", RIGHT),
        ("other", WRONG),
        ("k", RIGHT),
    ]
    # At once, whatever the wrong way's back-off, and still in order.
    (due,) = claim(outbox)
    assert (due.id, due.event.dedup_key, due.route) == (first.id, "k", route(RIGHT))


def test_what_is_under_way_goes_the_other_way_next_time_and_at_once(outbox: Outbox) -> None:
    outbox.put(alert("k"), route(WRONG))
    (first,) = claim(outbox)
    outbox.put(alert("k"), route(RIGHT))
    assert claim(outbox, "another") == []
    outbox.postponed(first, "me", 3600.0, "no connection", maybe_taken=False)
    (again,) = claim(outbox)
    assert (again.id, again.route) == (first.id, route(RIGHT))


def test_an_accepted_event_is_gone_whatever_way_it_would_go_next(outbox: Outbox) -> None:
    outbox.put(alert("k"), route(WRONG))
    (first,) = claim(outbox)
    outbox.put(alert("k", "resolve"), route(RIGHT))
    outbox.accepted(first)
    assert [entry.action for entry in outbox.entries()] == ["resolve"]


def test_an_event_of_the_same_way_leaves_a_back_off_alone(outbox: Outbox) -> None:
    outbox.put(alert("k"), route(WRONG))
    (first,) = claim(outbox)
    outbox.postponed(first, "me", 3600.0, "no connection", maybe_taken=False)
    outbox.put(alert("k"), route(WRONG))
    assert claim(outbox) == []


def test_what_an_event_waits_behind_is_its_problem(outbox: Outbox) -> None:
    outbox.put(alert("k"), route(WRONG), run="earlier")
    outbox.put(alert("k"), route(WRONG), run="mine")
    outbox.put(alert("other"), route(WRONG), run="theirs")
    assert outbox.last_problem("mine") is None
    (first, _other) = claim(outbox)
    outbox.postponed(first, "me", 3600.0, "HTTP 503", maybe_taken=False)
    assert outbox.last_problem("mine") == "behind an earlier event of the same incident: HTTP 503"
    assert outbox.last_problem("theirs") is None
    assert outbox.last_problem("earlier") == "HTTP 503"
