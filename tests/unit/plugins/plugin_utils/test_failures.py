# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from failures, told one event at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import (
    Errored,
    Failure,
    FailureTracker,
    Finished,
    Interrupted,
    Withdrawn,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome

KEYBOARD = Interrupted("SIGINT")


def outcome(host: str, task: str = "install", **fields: Any) -> Outcome:
    plain = Outcome(
        host=host,
        kind="failed",
        ignored=False,
        task=task,
        task_uuid=f"uuid of {task}",
        action="fail",
        path="site.yml:3",
        role="",
        play="all",
        message="it broke",
        stderr="",
        items=(),
        items_left_out=0,
        hidden=False,
        delegated_to="",
        spreads=False,
    )
    return dataclasses.replace(plain, **fields)


def silent(host: str) -> Outcome:
    return outcome(host, task="current", message="", reported=False)


def no_silent(host: str) -> Outcome:
    raise AssertionError(f"a cause was known for {host}")


@pytest.fixture
def tracker() -> FailureTracker:
    return FailureTracker()


def test_a_final_failure_is_decided_at_once(tracker: FailureTracker) -> None:
    a = outcome("a")
    assert tracker.failed(a, final=True) == [Failure(a, ("a",))]


def test_an_unreachable_host_is_decided_at_once(tracker: FailureTracker) -> None:
    a = outcome("a", kind="unreachable")
    assert tracker.unreachable(a) == [Failure(a, ("a",))]


def test_an_ignored_failure_leaves_no_trace(tracker: FailureTracker) -> None:
    assert tracker.failed(outcome("a", ignored=True), final=True) == []
    assert tracker.finished(0, (), no_silent) == [Finished(0)]


def test_a_host_is_told_of_once(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a"), final=True)
    assert tracker.failed(outcome("a", task="in always"), final=True) == []
    assert tracker.finished(2, ["a"], no_silent) == [Finished(2)]


def test_a_rescued_failure_is_forgotten_at_a_good_end(tracker: FailureTracker) -> None:
    assert tracker.failed(outcome("a"), final=False) == []
    assert tracker.finished(0, (), no_silent) == [Finished(0)]


def test_the_failure_in_the_rescue_is_the_one_that_counts(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a"), final=False)
    second = outcome("a", task="in rescue")
    assert tracker.failed(second, final=True) == [Failure(second, ("a",))]


def test_a_host_that_ends_failed_after_its_rescue_is_told_with_its_own_failure(tracker: FailureTracker) -> None:
    own = outcome("a")
    tracker.failed(own, final=False)
    tracker.next_step()
    tracker.next_step()
    assert tracker.finished(2, ["a"], no_silent) == [Failure(own, ("a",)), Finished(2)]


def test_hosts_lost_in_the_same_step_belong_to_its_failure(tracker: FailureTracker) -> None:
    cause = outcome("a")
    tracker.failed(cause, final=True)
    (failure,) = tracker.lost(["b", "a", "c"], no_silent)
    assert failure == Failure(cause, ("b", "c"))
    assert failure.collateral == ("b", "c")


def test_hosts_lost_later_belong_to_a_failure_that_spreads(tracker: FailureTracker) -> None:
    cause = outcome("a", spreads=True)
    tracker.failed(cause, final=True)
    tracker.next_step()
    assert tracker.lost(["b"], no_silent) == [Failure(cause, ("b",))]


def test_a_rescued_failure_can_be_the_cause_for_other_hosts_only(tracker: FailureTracker) -> None:
    cause = outcome("a", spreads=True)
    tracker.failed(cause, final=False)
    assert tracker.finished(2, ["b", "c"], no_silent) == [Failure(cause, ("b", "c")), Finished(2)]


def test_a_host_lost_without_any_failure_is_told_by_the_task_at_work(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a"), final=True)
    tracker.next_step()
    assert tracker.lost(["b"], silent) == [Failure(silent("b"), ("b",))]


def test_its_own_failure_explains_a_host_better_than_an_older_one_elsewhere(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a", spreads=True), final=True)
    own = outcome("b", task="later")
    tracker.failed(own, final=False)
    assert tracker.lost(["b"], no_silent) == [Failure(own, ("b",))]


def test_a_failure_that_was_forgiven_after_all_is_withdrawn(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a"), final=True)
    assert tracker.finished(0, (), no_silent) == [Withdrawn(("a",)), Finished(0)]


def test_only_the_forgiven_host_is_withdrawn(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a"), final=True)
    tracker.failed(outcome("b"), final=True)
    assert tracker.finished(2, ["b"], no_silent) == [Withdrawn(("a",)), Finished(2)]


def test_a_bad_end_without_any_host_is_told_by_the_failures_that_nothing_took_back(tracker: FailureTracker) -> None:
    a, b = outcome("a"), outcome("b", task="other")
    for one in (a, b):
        tracker.failed(one, final=False)
    assert tracker.finished(2, (), no_silent) == [Failure(a, ("a",)), Failure(b, ("b",)), Finished(2)]


def test_a_bad_end_that_no_failure_explains_is_an_error_and_names_no_rescued_one(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a", task="rescued", message="it was rescued"), final=False)
    error, finished = tracker.finished(3, (), silent, lambda _host: False)
    assert isinstance(error, Errored)
    assert error.statistics
    assert error.text.splitlines()[:2] == [
        "exit code 3, which no failure explains",
        'The last task was "current" (site.yml:3) in the play "all".',
    ]
    assert "rescued" not in error.text
    assert finished == Finished(3)


def test_a_bad_end_before_any_task_names_none(tracker: FailureTracker) -> None:
    error = tracker.finished(255, (), lambda host: outcome(host, task=""))[0]
    assert isinstance(error, Errored)
    assert "The last task" not in error.text


def test_nothing_is_withdrawn_while_the_run_failed_and_no_host_is_known(tracker: FailureTracker) -> None:
    tracker.failed(outcome("a"), final=True)
    assert tracker.finished(2, (), no_silent) == [Finished(2)]


class TestWhenFailuresCanBeCleared:
    @pytest.fixture
    def tracker(self) -> FailureTracker:
        return FailureTracker(lambda: True)

    def test_a_final_failure_waits_for_the_end(self, tracker: FailureTracker) -> None:
        a = outcome("a")
        assert tracker.failed(a, final=True) == []
        assert tracker.finished(2, ["a"], no_silent) == [Failure(a, ("a",)), Finished(2)]

    def test_a_cleared_one_is_never_told(self, tracker: FailureTracker) -> None:
        b = outcome("b")
        tracker.failed(outcome("a"), final=True)
        tracker.failed(b, final=True)
        assert tracker.finished(2, ["b"], no_silent) == [Failure(b, ("b",)), Finished(2)]

    def test_a_good_end_forgets_all(self, tracker: FailureTracker) -> None:
        tracker.failed(outcome("a"), final=True)
        assert tracker.finished(0, (), no_silent) == [Finished(0)]
        assert tracker.finished(0, (), no_silent) == [Finished(0)]

    def test_a_cut_run_tells_all(self, tracker: FailureTracker) -> None:
        a = outcome("a")
        tracker.failed(a, final=True)
        assert tracker.cut(KEYBOARD, lambda host: False) == [Failure(a, ("a",), KEYBOARD), KEYBOARD]

    def test_hosts_lost_at_a_bad_end_are_told(self, tracker: FailureTracker) -> None:
        assert tracker.finished(2, ["a"], silent) == [Failure(silent("a"), ("a",)), Finished(2)]


def test_a_cut_run_tells_failures_whose_rescue_was_at_work(tracker: FailureTracker) -> None:
    a = outcome("a")
    tracker.failed(a, final=False)
    tracker.failed(outcome("b"), final=False)
    error = Errored("AnsibleError", "no such strategy")
    assert tracker.cut(error, lambda host: host == "a") == [Failure(a, ("a",), error), error]


def test_it_is_not_asked_before_the_first_final_failure() -> None:
    asked: list[bool] = []

    def can_be_cleared() -> bool:
        asked.append(True)
        return False

    tracker = FailureTracker(can_be_cleared)
    tracker.failed(outcome("a"), final=False)
    tracker.lost([], no_silent)
    assert not asked
    tracker.failed(outcome("a"), final=True)
    assert asked
