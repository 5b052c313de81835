# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand trials of the sender against a simulator that fails in every way it can.

    python -m pytest tests/trials
    python -m pytest 'tests/trials/test_trials.py::test_trial[17]'

The first sixty of them belong to the unit tests as well.
"""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Delivery
from ansible_collections.oncall.pagerduty.tests.trials import trial

# The first test waits for all trials, which take a minute on a machine with nothing else to do.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> dict[int, Future[list[Delivery]]]:
    """What came of the trials that were chosen on the command line."""
    calls = [item.callspec for item in request.session.items if hasattr(item, "callspec") and item.path == request.path]
    return trial.run_all(call.params["seed"] for call in calls)


@pytest.mark.parametrize("seed", range(1000))
def test_trial(seed: int, outcomes: dict[int, Future[list[Delivery]]]) -> None:
    outcomes[seed].result()
