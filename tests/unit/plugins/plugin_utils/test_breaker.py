# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When PagerDuty counts as down, and how it is asked whether it is back."""

from __future__ import annotations

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
    breaker.answered()
    failed(breaker, times=19, lanes=2)
    assert not breaker.is_open


def test_asks_with_one_event_at_a_time() -> None:
    breaker = Breaker()
    failed(breaker, times=20, lanes=2, now=10.0)
    assert breaker.room(10.9) == 0
    assert breaker.room(11.0) == 1
    breaker.began(1)
    assert breaker.room(11.0) == 0
    assert breaker.room(9999.0) == 0


def test_asks_less_and_less_often_but_every_15_seconds() -> None:
    breaker, now, waits = Breaker(), 0.0, []
    failed(breaker, times=20, lanes=2)
    for _probe in range(8):
        began = now
        while not breaker.room(now):
            now += 0.5
        waits.append(now - began)
        breaker.began(1)
        breaker.failed("any", now, random=1.0)
    assert waits == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0, 15.0]


def test_closes_when_the_probe_is_answered() -> None:
    breaker = Breaker()
    failed(breaker, times=20, lanes=2)
    breaker.began(1)
    breaker.answered()
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
    breaker.began(1)
    breaker.learned_nothing()
    assert breaker.is_open
    assert breaker.room(1.0) == 1
