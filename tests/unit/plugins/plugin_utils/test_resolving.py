# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run proves about incidents that earlier runs have opened."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place, RecordedIncident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import REACHED, Change, Proof, judge

A, B = ("web1", "install"), ("web2", "install")
NONE, LESS, OVER = Change.NONE, Change.LESS, Change.OVER


def incident(*waiting: tuple[str, str], passed: tuple[tuple[str, str], ...] = ()) -> RecordedIncident:
    places = (*(Place(*entry) for entry in waiting), *(Place(*entry, 1.0) for entry in passed))
    return RecordedIncident("f" * 64, "k", "deploy.yml", {}, "triggered", "failed", 0.0, 0.0, places)


def proof(passed: Any = (), part: Any = (), failed: Any = (), green: bool = False, gone: Any = ()) -> Proof:
    return Proof(set(passed), set(part) | {host for host, _place in passed}, set(failed), green, set(gone), set(part))


@pytest.mark.parametrize(
    ("waiting", "shown", "change", "through", "remaining"),
    [
        pytest.param([A, B], proof([A, B], green=True), OVER, (A, B), (), id="all are through"),
        pytest.param([A, B], proof([A]), LESS, (A,), ("web2",), id="one of two is through"),
        pytest.param([A], proof([A]), OVER, (A,), (), id="a limited run is enough for its hosts"),
        pytest.param([A], proof([A], failed=[("web1", "start")]), OVER, (A,), (), id="failed elsewhere since"),
        pytest.param([A], proof([A], failed=[A]), NONE, (), ("web1",), id="failed at the same place again"),
        pytest.param([A], proof(part=["web1"]), NONE, (), ("web1",), id="tags left the place out"),
        pytest.param([A], proof(part=["web1"], green=True), OVER, (A,), (), id="the task is gone, all is green"),
        pytest.param([A], proof(part=["web2"], green=True), NONE, (), ("web1",), id="green, on other hosts"),
        pytest.param([A], proof(part=["web2"], green=True, gone=["web1"]), OVER, (A,), (), id="the host is gone"),
        pytest.param([A], proof(part=["web2"], gone=["web1"]), NONE, (), ("web1",), id="gone, but not all is green"),
        pytest.param([A], proof(green=True, gone=["web1"]), NONE, (), ("web1",), id="gone, and nothing ran at all"),
        pytest.param([("web1", REACHED)], proof(part=["web1"]), OVER, (("web1", REACHED),), (), id="reached again"),
        pytest.param([("web1", REACHED)], proof(), NONE, (), ("web1",), id="not tried to reach"),
        pytest.param(
            [("web1", REACHED)], proof(part=["web1"], failed=[("web1", REACHED)]), NONE, (), ("web1",), id="lost again"
        ),
        pytest.param([A, ("web1", "b")], proof([A]), LESS, (A,), ("web1",), id="through one of two places"),
    ],
)
def test_verdict(waiting: Any, shown: Proof, change: Change, through: Any, remaining: Any) -> None:
    verdict = judge(incident(*waiting), shown)
    assert (verdict.change, verdict.passed, verdict.remaining) == (change, through, remaining)


@pytest.mark.parametrize(("green", "change"), [(True, OVER), (False, NONE)])
def test_a_run_that_had_ended_by_an_error_needs_a_whole_green_one(green: bool, change: Change) -> None:
    assert judge(incident(), proof(green=green)).change is change


def test_what_is_all_through_but_could_not_be_told_is_over() -> None:
    assert judge(incident(passed=(A,)), proof()).change is OVER


def test_what_got_through_before_is_not_told_again() -> None:
    verdict = judge(incident(B, passed=(A,)), proof([B]))
    assert (verdict.change, verdict.passed) == (OVER, (B,))
