# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again: the schedule, its caps, its bounds, and the deadline that no wait overruns."""

from __future__ import annotations

import random

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import GiveUp, RetryPolicy, Wait


def schedule(policy: RetryPolicy, random_number: float = 0.5) -> list[float]:
    """All waits of a policy if every attempt fails at once."""
    waits: list[float] = []
    while True:
        step = policy.after(len(waits) + 1, sum(waits), random_number)
        if isinstance(step, GiveUp):
            return waits
        waits.append(step.seconds)


def test_without_jitter_the_waits_are_base_times_1_2_4() -> None:
    policy = RetryPolicy(max_retries=6, base_interval=3, max_interval=1000, jitter=False, deadline=10_000)
    assert schedule(policy) == [3, 6, 12, 24, 48, 96]


def test_gopherduty_waits_are_one_setting_away() -> None:
    policy = RetryPolicy(max_retries=5, base_interval=10, max_interval=3600, jitter=False, deadline=86_400)
    assert schedule(policy) == [10, 20, 40, 80, 160]


def test_the_longest_wait_caps_the_schedule() -> None:
    policy = RetryPolicy(max_retries=6, base_interval=3, max_interval=20, jitter=False, deadline=10_000)
    assert schedule(policy) == [3, 6, 12, 20, 20, 20]


def test_a_base_beyond_the_cap_is_capped_too() -> None:
    assert schedule(RetryPolicy(2, base_interval=90, max_interval=60, jitter=False, deadline=1000)) == [60, 60]


def test_a_base_of_zero_tries_again_at_once() -> None:
    assert schedule(RetryPolicy(3, base_interval=0, jitter=False)) == [0, 0, 0]


@pytest.mark.parametrize(("number", "part"), [(0.0, 0.0), (0.25, 0.25), (0.999, 0.999), (1.0, 1.0)])
def test_full_jitter_takes_a_random_part_of_each_capped_wait(number: float, part: float) -> None:
    policy = RetryPolicy(max_retries=5, base_interval=1, max_interval=8, jitter=True, deadline=1000)
    assert schedule(policy, number) == pytest.approx([1 * part, 2 * part, 4 * part, 8 * part, 8 * part])


def test_without_jitter_the_random_number_means_nothing() -> None:
    policy = RetryPolicy(jitter=False)
    assert schedule(policy, 0.0) == schedule(policy, 1.0) != []


@pytest.mark.parametrize("jitter", [True, False])
@pytest.mark.parametrize(("asked", "waited"), [(0.5, 0.5), (7, 7), (60, 60), (61, 60), (1e9, 60)])
def test_retry_after_takes_the_place_of_the_computed_wait_and_is_capped(
    asked: float, waited: float, jitter: bool
) -> None:
    policy = RetryPolicy(base_interval=2, max_interval=60, jitter=jitter)
    assert policy.after(1, 0.0, 0.0, retry_after=asked) == Wait(waited)


def test_retry_after_does_not_lend_a_retry_nor_time() -> None:
    policy = RetryPolicy(max_retries=1, max_interval=60, deadline=30)
    assert isinstance(policy.after(2, 0.0, 0.5, retry_after=1), GiveUp)
    assert isinstance(policy.after(1, 0.0, 0.5, retry_after=30), GiveUp)
    assert policy.after(1, 0.0, 0.5, retry_after=29.9) == Wait(29.9)


@pytest.mark.parametrize(
    ("policy", "attempts", "elapsed", "reason"),
    [
        (RetryPolicy(max_retries=0), 1, 0.0, "max_retries is 0"),
        (RetryPolicy(max_retries=2), 3, 0.0, "no retry is left"),
        (RetryPolicy(deadline=1.5), 1, 2.0, "the next attempt would come after the deadline of 1.5 s"),
    ],
)
def test_giving_up_says_why(policy: RetryPolicy, attempts: int, elapsed: float, reason: str) -> None:
    assert policy.after(attempts, elapsed, 0.5) == GiveUp(reason)


@pytest.mark.parametrize(("retries", "waits"), [(0, 0), (1, 1), (5, 5)])
def test_max_retries_counts_what_follows_the_first_attempt(retries: int, waits: int) -> None:
    assert len(schedule(RetryPolicy(max_retries=retries))) == waits


def test_a_wait_that_would_end_at_the_deadline_is_not_begun() -> None:
    policy = RetryPolicy(base_interval=4, jitter=False, deadline=10)
    assert policy.after(1, 5.9, 0.5) == Wait(4)
    assert isinstance(policy.after(1, 6.0, 0.5), GiveUp)


def test_no_begun_wait_overruns_the_deadline_whatever_the_parameters() -> None:
    dice = random.Random(20260131)
    waited = 0
    for trial in range(20_000):
        policy = RetryPolicy(
            max_retries=dice.randrange(0, 12),
            base_interval=dice.choice([0, 10 ** dice.uniform(-4, 4)]),
            max_interval=dice.choice([0, 10 ** dice.uniform(-3, 4)]),
            jitter=dice.random() < 0.5,
            deadline=10 ** dice.uniform(-2, 4),
        )
        clock, attempts = 0.0, 0
        while True:
            clock += dice.choice([0.0, 10 ** dice.uniform(-4, 3)])  # the attempt itself
            attempts += 1
            asked = dice.choice([None, None, 10 ** dice.uniform(-3, 12)])
            step = policy.after(attempts, clock, dice.random(), asked)
            if isinstance(step, GiveUp):
                break
            waited += 1
            assert 0 <= step.seconds <= policy.max_interval, (trial, policy, step)
            assert clock + step.seconds < policy.deadline, (trial, policy, clock, step)
            clock += step.seconds
        assert attempts <= policy.max_retries + 1, (trial, policy)
    assert waited > 10_000  # else the trials would show nothing


def test_thousands_of_attempts_overflow_nothing() -> None:
    policy = RetryPolicy(max_retries=10**6, base_interval=1.0, max_interval=60, jitter=False)
    assert policy.after(10**6, 0.0, 0.5) == Wait(60)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("max_retries", {"max_retries": -1}),
        ("retry_base_interval", {"base_interval": -0.1}),
        ("retry_base_interval", {"base_interval": float("inf")}),
        ("retry_base_interval", {"base_interval": 86_401}),
        ("retry_base_interval", {"base_interval": float("nan")}),
        ("retry_max_interval", {"max_interval": -1}),
        ("retry_max_interval", {"max_interval": float("nan")}),
        ("deadline", {"deadline": 0}),
        ("deadline", {"deadline": -5}),
        ("deadline", {"deadline": float("inf")}),
        ("deadline", {"deadline": float("nan")}),
    ],
)
def test_what_makes_no_sense_is_refused_under_the_options_own_name(option: str, values: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=rf"^{option}: .* was given; expected") as caught:
        RetryPolicy(**values)  # type: ignore[arg-type]
    assert caught.value.option == option


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        RetryPolicy().max_retries = 9  # type: ignore[misc]
