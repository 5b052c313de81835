# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the chosen cases in the background, two at a time, while the tests take the results one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, cast

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

from .cases import Pair
from .observer_pagerduty import PagerDutyObserver
from .runner import Pool, Run


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Any, Future[Run]]]:
    """The runs of all selected tests, begun in their order."""
    pairs = [
        cast(Pair, item.callspec.params["pair"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "pair" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    folder = tmp_path_factory.mktemp("runs")
    with Simulator(rate_limit=0) as pagerduty, Pool(sys.executable, PagerDutyObserver(pagerduty), folder, 2) as pool:
        yield {pair.name: pool.submit(pair) for pair in pairs}
