# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some trials of the sender against a simulator that fails in every way it can; all of them: tests/trials."""

from __future__ import annotations

from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Outcome
from ansible_collections.oncall.pagerduty.tests.trials import trial


def test_each_event_is_accepted_once_or_reported_and_the_trials_met_all_that_can_happen() -> None:
    # One test, since ansible-test gives each test a process of its own, and would run all trials in every one.
    trials = trial.run_all(range(60))
    wrong = [str(error) for error in (done.exception() for done in trials.values()) if error]
    assert not wrong, "\n".join(wrong)
    deliveries = [delivery for done in trials.values() for delivery in done.result()]
    assert {delivery.outcome for delivery in deliveries} == set(Outcome)
    assert sum(delivery.attempts > 1 for delivery in deliveries) > 20
    assert any(delivery.maybe_taken for delivery in deliveries)
    assert any("deadline" in (delivery.gave_up or "") for delivery in deliveries)
