# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the chosen cases in the background, two at a time, while the tests take the results one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from .observer import EngineObserver
from .runner import Pool, Run

SCOPE_MARKERS = {
    "quick": "a sample of the differential test, for every day",
    "matrix": "a larger sample of the differential test, for every ansible-core",
}


def pytest_configure(config: pytest.Config) -> None:
    for name, text in SCOPE_MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Any, Future[Run]]]:
    """The runs of all selected tests, begun in their order."""
    pairs = [
        item.callspec.params["pair"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "pair" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    with Pool(sys.executable, EngineObserver(), tmp_path_factory.mktemp("runs"), workers=2) as pool:
        yield {pair.name: pool.submit(pair) for pair in pairs}
