# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paged if and only if ansible-playbook itself says that the run failed, for exactly the hosts that ended failed."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from .cases import Pair, all_pairs
from .judge import deviations
from .runner import Run


def _parameters() -> list[object]:
    return [
        pytest.param(
            pair,
            id=pair.name,
            marks=[getattr(pytest.mark, scope) for scope in ("quick", "matrix") if pair.within(scope)],
        )
        for pair in all_pairs()
    ]


@pytest.mark.parametrize("pair", _parameters())
def test_pages_exactly_what_failed(pair: Pair, runs: dict[str, Future[Run]]) -> None:
    run = runs[pair.name].result()
    found = deviations(run)
    if found:
        pytest.fail("\n".join([*found, f"folder: {run.folder}", run.output]), pytrace=False)
