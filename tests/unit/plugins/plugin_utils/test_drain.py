# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining a real outbox into a local PagerDuty: order, back-off, pace, Retry-After, the circuit breaker."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drain import Drain
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
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


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


class Set:
    """A drain with a clock of its own, which the outbox goes by too."""

    def __init__(self, folder: Path, is_alone: bool = True, **settings: Any) -> None:
        self.clock = Clock()
        self.path = str(folder / "outbox.sqlite3")
        self.database = database_by(self.clock, self.path)
        self.outbox = Outbox(self.database)
        self.said: list[str] = []
        defaults = DeliverySettings(self.path, jitter=False)
        self.drain = Drain(
            self.outbox,
            replace(defaults, **settings),
            self.said.append,
            is_alone,
            self.clock,
            random_number=lambda: 1.0,
        )

    def read_only(self, yes: bool) -> None:
        """Let every write fail, as on a full disk, or not."""
        self.database.read(f"PRAGMA query_only = {'ON' if yes else 'OFF'}")

    def until(self, done: Callable[[], object], limit: float = 60.0) -> None:
        """Turn, while the clock stands still, until something is true."""
        deadline = time.monotonic() + limit
        while not done():
            assert time.monotonic() < deadline, self.said
            self.drain.turn(0.01)

    def quiet(self) -> None:
        """Turn until nothing is under way and nothing can be begun."""
        self.clock.go_on(0.25)
        self.drain.turn(0.0)
        while self.drain.busy:
            self.drain.turn(0.01)


@pytest.fixture
def a_set(tmp_path: Path) -> Set:
    return Set(tmp_path)


def test_sends_what_is_there_in_order_for_each_incident(a_set: Set, pagerduty: Simulator) -> None:
    for action in ("trigger", "acknowledge", "resolve"):
        for number in range(5):
            a_set.outbox.put(alert(f"k{number}", action), route(pagerduty.url))
    a_set.outbox.put(change(), route(pagerduty.url))
    a_set.until(a_set.outbox.is_empty)
    assert [incident.status for incident in pagerduty.incidents] == ["resolved"] * 5
    assert [[entry.action for entry in incident.log] for incident in pagerduty.incidents] == [
        ["trigger", "acknowledge", "resolve"]
    ] * 5
    assert len(pagerduty.changes) == 1
    assert a_set.drain.accepted == 16


def test_sees_what_another_process_puts_without_the_clock_going_on(a_set: Set, pagerduty: Simulator) -> None:
    a_set.quiet()
    Outbox(database_by(a_set.clock, a_set.path)).put(alert("k"), route(pagerduty.url))
    a_set.until(lambda: pagerduty.incidents)


def test_backs_off_exponentially_and_blocks_nothing_else(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=503, count=4, action="acknowledge"))
    a_set.outbox.put(alert("bad", "acknowledge"), route(pagerduty.url))
    a_set.outbox.put(alert("bad", "resolve"), route(pagerduty.url))
    a_set.outbox.put(alert("good"), route(pagerduty.url))
    a_set.quiet()
    assert [incident.dedup_key for incident in pagerduty.incidents] == ["good"]
    for delay in (1.0, 2.0, 4.0, 8.0):
        before = len(pagerduty.requests)
        a_set.clock.go_on(delay - 0.3)
        a_set.quiet()
        assert len(pagerduty.requests) == before
        a_set.clock.go_on(0.3)
        a_set.quiet()
        assert len(pagerduty.requests) > before
    a_set.until(a_set.outbox.is_empty)


def test_what_is_refused_is_set_aside_with_pagerdutys_words(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=400, body='{"status":"invalid event","message":"No","errors":["bad"]}'))
    a_set.outbox.put(alert("bad"), route(pagerduty.url))
    a_set.outbox.put(alert("bad", "resolve"), route(pagerduty.url))
    a_set.until(a_set.outbox.is_empty)
    (entry,) = a_set.outbox.entries()
    assert (entry.state, entry.reason) == ("set aside", "HTTP 400 No (bad)")
    assert [received.action for received in pagerduty.accepted] == ["resolve"]


def test_a_proxys_page_in_pagerdutys_place_sets_nothing_aside_and_is_named(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=200, body="sign_in"))
    a_set.outbox.put(alert("k"), route(pagerduty.url))
    a_set.quiet()
    (entry,) = a_set.outbox.entries()
    assert (entry.state, entry.reason) == (
        "waiting",
        "HTTP 200 something between here and PagerDuty answered: Sign in",
    )
    a_set.clock.go_on(1.0)
    a_set.until(a_set.outbox.is_empty)
    assert [incident.dedup_key for incident in pagerduty.incidents] == ["k"]


def test_a_socks_proxy_without_its_library_waits_and_says_what_helps(
    a_set: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "socks" else find(name, *more))
    proxied = Connection("https://events.example.com", proxy="socks5h://pager:pass-word@127.0.0.1:1080")
    a_set.outbox.put(alert("k"), Route(proxied))
    a_set.quiet()
    (entry,) = a_set.outbox.entries()
    assert entry.state == "waiting"
    for said in (entry.reason or "", *a_set.said):
        assert "proxy: 'socks5h://********@127.0.0.1:1080' needs the Python library PySocks" in said
        assert "pip install 'requests[socks]'" in said
        assert_no_secret(said, "pass-word")


@pytest.mark.parametrize("kind", ["reset_after", "close_after"])
def test_an_event_that_was_taken_without_an_answer_opens_one_incident(
    a_set: Set, pagerduty: Simulator, kind: str
) -> None:
    pagerduty.add_fault(Fault(kind, count=2))
    a_set.outbox.put(alert("k"), route(pagerduty.url))
    a_set.outbox.put(alert("k", "resolve"), route(pagerduty.url))
    while not a_set.outbox.is_empty():
        a_set.quiet()
        a_set.clock.go_on(1.0)
    assert [incident.status for incident in pagerduty.incidents] == ["resolved"]


def test_retry_after_holds_for_the_whole_integration_key(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("throttle", retry_after=20, key=KEY))
    a_set.outbox.put(alert("a"), route(pagerduty.url))
    a_set.quiet()
    a_set.outbox.put(alert("b"), route(pagerduty.url))
    a_set.outbox.put(alert("c", key=OTHER_KEY), route(pagerduty.url))
    a_set.quiet()
    assert [incident.dedup_key for incident in pagerduty.incidents] == ["c"]
    a_set.clock.go_on(19.0)
    a_set.quiet()
    assert len(pagerduty.requests) == 2
    a_set.clock.go_on(1.0)
    a_set.quiet()
    assert sorted(incident.dedup_key for incident in pagerduty.incidents) == ["a", "b", "c"]


def until_accepted(a_set: Set, pagerduty: Simulator, key: str) -> float:
    """Let the clock go on until an incident is there; returns how long that took."""
    began = a_set.clock()
    while key not in [incident.dedup_key for incident in pagerduty.incidents]:
        assert a_set.clock() - began < 120
        a_set.quiet()
    return a_set.clock() - began


def test_a_429_does_not_make_a_new_page_wait_for_an_old_events_back_off(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=503, count=5))
    a_set.outbox.put(alert("a"), route(pagerduty.url))
    while len(pagerduty.requests) < 5:
        a_set.quiet()
    pagerduty.add_fault(Fault("status", code=429, count=1))
    while len(pagerduty.requests) < 6:
        a_set.quiet()
    a_set.outbox.put(alert("b"), route(pagerduty.url))
    assert until_accepted(a_set, pagerduty, "b") <= 2.0
    assert until_accepted(a_set, pagerduty, "a") <= 2.0


def test_after_a_long_time_of_429_a_new_page_is_tried_within_two_seconds(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=429, count=1000))
    for number in range(20):
        a_set.outbox.put(alert(str(number)), route(pagerduty.url))
    began = a_set.clock()
    while a_set.clock() - began < 60:
        a_set.quiet()
    # Once every two seconds, after what was under way at first.
    assert 30 <= len(pagerduty.requests) <= 45
    pagerduty.clear_faults()
    a_set.outbox.put(alert("new"), route(pagerduty.url))
    assert until_accepted(a_set, pagerduty, "0") <= 2.0
    assert until_accepted(a_set, pagerduty, "new") <= 0.5


def test_stays_below_pagerdutys_limit(tmp_path: Path) -> None:
    """PagerDuty counts by the same clock here, and would answer 429 to whoever is too fast."""
    a_set = Set(tmp_path, max_events_per_minute=30)
    with Simulator(rate_limit=30, clock=a_set.clock) as pagerduty:
        for number in range(70):
            a_set.outbox.put(alert(str(number)), route(pagerduty.url))
        began = a_set.clock()
        while not a_set.outbox.is_empty():
            a_set.quiet()
        assert a_set.clock() - began == pytest.approx(120.0, abs=5.0)
        assert {received.status for received in pagerduty.requests} == {202}


def test_when_pagerduty_is_down_one_event_at_a_time_asks(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=503, count=1000))
    for number in range(50):
        a_set.outbox.put(alert(str(number)), route(pagerduty.url))
    began = a_set.clock()
    while a_set.clock() - began < 38 * 60:
        a_set.quiet()
        a_set.clock.go_on(1.0)
    # 38 minutes, ten seconds between probes; without a circuit breaker it would be about 2,000.
    assert 200 < len(pagerduty.requests) < 270
    assert any("seems to be down" in text for text in a_set.said)
    pagerduty.clear_faults()
    back = a_set.clock()
    while not a_set.outbox.is_empty():
        a_set.quiet()
        a_set.clock.go_on(1.0)
    assert a_set.clock() - back < 15 + 60 + 10
    assert len(pagerduty.incidents) == 50
    assert any("PagerDuty is back" in text for text in a_set.said)


def test_one_pagerduty_that_is_down_does_not_stop_another(a_set: Set, pagerduty: Simulator) -> None:
    for number in range(20):
        a_set.outbox.put(alert(str(number)), route("http://127.0.0.1:9", timeout=0.5))
    for _turn in range(8):
        a_set.quiet()
        a_set.clock.go_on(1.0)
    a_set.outbox.put(alert("k"), route(pagerduty.url))
    a_set.quiet()
    assert len(pagerduty.incidents) == 1


def test_a_missing_certificate_file_is_told_and_can_be_put_right(a_set: Set, tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    a_set.outbox.put(alert("k"), Route(Connection("https://127.0.0.1:9", ca_path=str(missing))))
    a_set.quiet()
    (entry,) = a_set.outbox.entries()
    assert entry.state == "waiting"
    assert str(missing) in str(entry.reason)


def test_what_cannot_be_claimed_on_a_full_disk_is_sent_once_and_written_down_later(
    a_set: Set, pagerduty: Simulator
) -> None:
    for action in ("trigger", "resolve"):
        for key in "ab":
            a_set.outbox.put(alert(key, action), route(pagerduty.url))
    a_set.read_only(True)
    for _turn in range(50):
        a_set.clock.go_on(1.0)
        a_set.drain.turn(0.01)
    assert sorted(str(received.dedup_key) for received in pagerduty.requests) == ["a", "b"]
    assert a_set.outbox.counts().waiting == 4
    a_set.read_only(False)
    a_set.clock.go_on(1.0)
    a_set.until(a_set.outbox.is_empty)
    assert [incident.status for incident in pagerduty.incidents] == ["resolved", "resolved"]
    assert len(pagerduty.requests) == 4


def test_what_cannot_be_claimed_is_not_sent_if_somebody_else_might(tmp_path: Path, pagerduty: Simulator) -> None:
    a_set = Set(tmp_path, is_alone=False)
    a_set.outbox.put(alert("k"), route(pagerduty.url))
    a_set.read_only(True)
    for _turn in range(20):
        a_set.clock.go_on(1.0)
        a_set.drain.turn(0.01)
    assert pagerduty.requests == []
    a_set.read_only(False)
    a_set.clock.go_on(1.0)
    a_set.until(a_set.outbox.is_empty)


def test_the_log_says_what_is_dropped(tmp_path: Path) -> None:
    a_set = Set(tmp_path)
    a_set.drain._outbox = a_set.outbox = Outbox(a_set.database, Caps(max_age=10.0))
    a_set.outbox.put(alert("k"), route())
    a_set.clock.go_on(11.0)
    a_set.quiet()
    (line,) = [text for text in a_set.said if "dropped" in text]
    assert line.startswith("1 event was dropped unsent, after a wait that was longer than outbox_max_age")


def test_finish_keeps_the_rest(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("latency", seconds=0.3, count=100))
    for number in range(20):
        a_set.outbox.put(alert(str(number)), route(pagerduty.url))
    a_set.clock.go_on(0.25)
    a_set.drain.turn(0.0)
    clock, a_set.drain._clock = a_set.clock, time.monotonic
    a_set.drain.finish()
    assert len(pagerduty.accepted) == a_set.drain.accepted == 8
    assert [entry.state for entry in a_set.outbox.entries()] == ["waiting"] * 12
    assert clock is a_set.clock


def test_says_nothing_secret(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=400, body=f"no such key {KEY}"))
    pagerduty.add_fault(Fault("status", code=503, body=f"no such key {KEY}"))
    a_set.outbox.put(alert("a"), route(pagerduty.url))
    a_set.outbox.put(alert("b"), route(pagerduty.url))
    a_set.quiet()
    assert a_set.said
    assert_no_secret([a_set.said, a_set.outbox.entries()], KEY)


def test_a_page_that_was_told_to_wait_does_not_once_the_key_is_taken_again(a_set: Set, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("throttle", retry_after=50))
    a_set.outbox.put(alert("early"), route(pagerduty.url))
    a_set.quiet()
    a_set.drain.finish()
    # A courier's helpers have no memory of each other.
    settings = DeliverySettings(a_set.path, jitter=False)
    a_set.drain = Drain(a_set.outbox, settings, a_set.said.append, True, a_set.clock, random_number=lambda: 1.0)
    a_set.outbox.put(alert("late"), route(pagerduty.url))
    assert until_accepted(a_set, pagerduty, "early") < 2.0
