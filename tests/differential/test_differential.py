# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paged if and only if ansible-playbook itself says that the run failed, for exactly the hosts that ended failed.

What was paged is what arrived at a local PagerDuty. DIFFERENTIAL in the environment says how many runs: quick (as by
default), matrix or all.
"""

from __future__ import annotations

import os
from concurrent.futures import Future

import pytest

from .cases import SCOPES, Pair, all_pairs
from .judge import deviations
from .runner import Run

SCOPE = os.environ.get("DIFFERENTIAL", SCOPES[0])


@pytest.mark.parametrize("pair", [pytest.param(pair, id=pair.name) for pair in all_pairs() if pair.within(SCOPE)])
def test_pages_exactly_what_failed(pair: Pair, runs: dict[str, Future[Run]]) -> None:
    run = runs[pair.name].result()
    found = deviations(run)
    if found:
        pytest.fail("\n".join([*found, f"folder: {run.folder}", run.output]), pytrace=False)
