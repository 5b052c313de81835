# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When PagerDuty counts as down, and how it is asked whether it is back."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._breaker import Breaker


def failed(breaker: Breaker, times: int, lanes: int, now: float = 0.0) -> None:
    for number in range(times):
        breaker.failed(number % lanes, now, random=1.0)


def test_opens_after_failures_in_several_lanes() -> None:
    breaker = Breaker()
    failed(breaker, times=19, lanes=2)
    assert not breaker.is_open
    failed(breaker, times=1, lanes=2)
    assert breaker.is_open


def test_one_event_that_always_fails_does_not_stop_the_others() -> None:
    breaker = Breaker()
    failed(breaker, times=100, lanes=1)
    assert breaker.room(0.0) > 100


def test_an_answer_in_between_starts_the_count_anew() -> None:
    breaker = Breaker()
    failed(breaker, times=19, lanes=2)
    assert not breaker.answered(1.0), "a short trouble, no outage"
    failed(breaker, times=19, lanes=2)
    assert not breaker.is_open


def test_asks_with_one_event_at_a_time() -> None:
    breaker = Breaker()
    failed(breaker, times=20, lanes=2, now=10.0)
    assert breaker.room(10.9) == 0
    assert breaker.room(11.0) == 1
    breaker.began(1, 11.0)
    assert breaker.room(11.0) == 0
    assert breaker.room(9999.0) == 0


def test_asks_less_and_less_often_but_every_10_seconds() -> None:
    breaker, now, waits = Breaker(), 0.0, []
    failed(breaker, times=20, lanes=2)
    for _probe in range(8):
        began = now
        while not breaker.room(now):
            now += 0.5
        waits.append(now - began)
        breaker.began(1, now)
        breaker.failed("any", now, random=1.0)
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]


def test_closes_when_the_probe_is_answered() -> None:
    breaker = Breaker()
    failed(breaker, times=20, lanes=2)
    breaker.began(1, 1.0)
    assert breaker.answered(1.5), "that was an outage"
    assert not breaker.is_open
    assert breaker.room(0.0) > 100


def test_what_was_under_way_when_it_opened_does_not_count_as_a_probe() -> None:
    breaker = Breaker()
    failed(breaker, times=20, lanes=2, now=0.0)
    breaker.failed("late", 0.9, random=1.0)
    assert breaker.room(1.0) == 1


def test_a_probe_that_never_left_lets_another_one_go() -> None:
    breaker = Breaker()
    failed(breaker, times=20, lanes=2)
    breaker.began(1, 1.0)
    breaker.learned_nothing()
    assert breaker.is_open
    assert breaker.room(1.0) == 1


# --- one incident alone, for which the circuit stays closed ----------------------------------------------------------


def test_asks_within_ten_seconds_whatever_the_events_own_back_off() -> None:
    breaker = Breaker()
    assert not breaker.asks(0.0)
    breaker.began(1, 100.0)
    assert not breaker.asks(200.0), "the attempt may be the answer"
    breaker.failed("a", 100.5, random=1.0)
    assert not breaker.asks(109.9)
    assert breaker.asks(110.0)


def test_an_attempt_that_took_long_to_fail_is_followed_by_the_next() -> None:
    breaker = Breaker()
    breaker.began(1, 100.0)
    breaker.failed("a", 110.0, random=1.0)
    assert not breaker.asks(110.9)
    assert breaker.asks(111.0)


@pytest.mark.parametrize(("seconds", "is_back"), [(1.0, False), (9.9, False), (10.0, True), (2280.0, True)])
def test_an_answer_after_ten_seconds_without_one_is_the_end_of_an_outage(seconds: float, is_back: bool) -> None:
    breaker = Breaker()
    breaker.failed("a", 100.0, random=1.0)
    found = [breaker.is_failing, breaker.answered(100.0 + seconds), breaker.is_failing]
    assert found == [True, is_back, False]
    assert not breaker.answered(5000.0), "only once"


# --- what earlier senders have left ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("lanes", "room"), [(0, 1_000_000), (1, 1_000_000), (2, 1), (3000, 1)])
def test_goes_on_where_an_earlier_sender_has_ended(lanes: int, room: int) -> None:
    breaker = Breaker(lanes)
    assert breaker.room(0.0) == room
    assert breaker.asks(0.0) is (lanes > 0)
    breaker.began(1, 0.0)
    assert breaker.answered(0.1) is (lanes > 0)
    assert breaker.room(0.1) == 1_000_000
