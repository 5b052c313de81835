# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some trials of the sender against a simulator that fails in every way it can; all of them: tests/trials."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Delivery, Outcome
from ansible_collections.oncall.pagerduty.tests.trials import trial

SEEDS = range(60)


@pytest.fixture(scope="module")
def outcomes() -> dict[int, Future[list[Delivery]]]:
    return trial.run_all(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_event_is_accepted_once_or_reported(seed: int, outcomes: dict[int, Future[list[Delivery]]]) -> None:
    outcomes[seed].result()


def test_the_trials_met_all_that_can_happen(outcomes: dict[int, Future[list[Delivery]]]) -> None:
    deliveries = [delivery for outcome in outcomes.values() for delivery in outcome.result()]
    assert {delivery.outcome for delivery in deliveries} == set(Outcome)
    assert sum(delivery.attempts > 1 for delivery in deliveries) > 20
    assert any(delivery.maybe_taken for delivery in deliveries)
    assert any("deadline" in (delivery.gave_up or "") for delivery in deliveries)
