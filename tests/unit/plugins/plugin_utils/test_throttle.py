# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an integration key rests after "too many": by its own streak, or as PagerDuty says."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._throttle import Throttle


def test_the_rest_grows_with_the_streak_up_to_two_seconds_and_one_asks_at_a_time() -> None:
    throttle, now, rests = Throttle(60.0), 0.0, []
    assert throttle.room(now) > 1000
    for _attempt in range(6):
        throttle.began(1)
        rests.append(throttle.throttled(now, random=1.0))
        assert throttle.room(now + rests[-1] - 0.01) == 0
        now += rests[-1]
        assert throttle.room(now) == 1
    assert rests == [0.5, 1.0, 2.0, 2.0, 2.0, 2.0]
    throttle.began(1)
    assert throttle.room(now) == 0


def test_what_was_under_way_together_counts_once() -> None:
    throttle = Throttle(60.0)
    throttle.began(8)
    assert [throttle.throttled(at, random=1.0) for at in (0.0, 0.1, 0.2)] == pytest.approx([0.5, 0.4, 0.3])
    throttle.began(1)
    assert throttle.throttled(0.5, random=1.0) == 1.0


def test_an_event_that_is_taken_ends_it() -> None:
    throttle = Throttle(60.0)
    throttle.throttled(0.0, random=1.0)
    throttle.taken()
    assert throttle.room(0.0) > 1000
    assert throttle.throttled(0.0, random=1.0) == 0.5


@pytest.mark.parametrize(
    ("longest", "wish", "rest"), [(60.0, 20.0, 20.0), (60.0, 3600.0, 60.0), (60.0, 0.1, 0.5), (0.1, None, 0.1)]
)
def test_pagerdutys_wish_holds_within_bounds(longest: float, wish: float | None, rest: float) -> None:
    throttle = Throttle(longest)
    assert throttle.throttled(0.0, 1.0, wish) == rest
    assert throttle.room(rest - 0.01) == 0
    assert throttle.room(rest) == 1


@pytest.mark.parametrize(
    ("wish", "after", "soon"),
    [(None, 0.0, True), (None, 0.6, True), (None, 1.6, False), (20.0, 0.0, False), (20.0, 18.1, True)],
)
def test_what_makes_the_attempts_is_needed_soon_after_a_short_rest(
    wish: float | None, after: float, soon: bool
) -> None:
    throttle = Throttle(60.0)
    assert not throttle.asks_soon(0.0)
    throttle.throttled(0.0, 1.0, wish)
    assert throttle.asks_soon(after) is soon
    throttle.taken()
    assert not throttle.asks_soon(after)


def test_a_wish_of_one_of_several_holds() -> None:
    throttle = Throttle(60.0)
    throttle.began(2)
    throttle.throttled(0.0, 1.0)
    assert throttle.throttled(0.1, 1.0, 20.0) == 20.0
    assert throttle.throttled(0.2, 1.0) == pytest.approx(19.9)


def test_the_next_one_asks_if_nothing_was_learned() -> None:
    throttle = Throttle(60.0)
    throttle.throttled(0.0, 1.0)
    throttle.began(1)
    throttle.learned_nothing()
    assert throttle.room(0.5) == 1


def test_several_senders_do_not_ask_at_the_same_moment() -> None:
    assert [Throttle(60.0).throttled(0.0, random) for random in (0.0, 0.5, 1.0)] == [0.25, 0.375, 0.5]
