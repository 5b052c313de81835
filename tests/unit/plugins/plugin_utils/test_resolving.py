# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run proves about incidents that earlier runs have opened."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place, RecordedIncident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import (
    REACHED,
    WHOLE_RUN,
    Change,
    Proof,
    judge,
    place_text,
)

A, B = ("web1", "prod|install"), ("web2", "prod|install")
LOST = ("web1", place_text("prod", REACHED))
RUN = (WHOLE_RUN, place_text("prod", ""))
ELSEWHERE = ("web1", place_text("stage", "install"))
NONE, LESS, OVER = Change.NONE, Change.LESS, Change.OVER


def incident(*waiting: tuple[str, str], passed: tuple[tuple[str, str], ...] = ()) -> RecordedIncident:
    places = (*(Place(*entry) for entry in waiting), *(Place(*entry, 1.0) for entry in passed))
    return RecordedIncident("f" * 64, "k", "deploy.yml", {}, "triggered", "failed", 0.0, 0.0, places)


def proof(passed: Any = (), part: Any = (), failed: Any = (), green: bool = False, gone: Any = ()) -> Proof:
    reached = set(part)
    took_part = reached | {host for host, _place in passed}
    return Proof("prod", set(passed), took_part, set(failed), green, set(gone), reached)


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
        pytest.param([LOST], proof(part=["web1"]), OVER, (LOST,), (), id="reached again"),
        pytest.param([LOST], proof(), NONE, (), ("web1",), id="not tried to reach"),
        pytest.param([LOST], proof(part=["web1"], failed=[LOST]), NONE, (), ("web1",), id="lost again"),
        pytest.param([ELSEWHERE], proof([A], green=True), NONE, (), ("web1",), id="a host of that name elsewhere"),
        pytest.param(
            [ELSEWHERE], proof(part=["web2"], green=True, gone=["web1"]), NONE, (), ("web1",), id="gone, but elsewhere"
        ),
        pytest.param([RUN], proof(part=["web1"], green=True), OVER, (RUN,), (), id="an error, then green"),
        pytest.param([RUN], proof(part=["web1"]), NONE, (), ("",), id="an error, then a part of it"),
        pytest.param([RUN], proof(green=True), NONE, (), ("",), id="an error, then nothing ran"),
        pytest.param([A, RUN], proof([A]), LESS, (A,), ("",), id="an error beside a failure"),
        pytest.param([A, ("web1", "prod|b")], proof([A]), LESS, (A,), ("web1",), id="through one of two places"),
    ],
)
def test_verdict(waiting: Any, shown: Proof, change: Change, through: Any, remaining: Any) -> None:
    verdict = judge(incident(*waiting), shown)
    assert (verdict.change, verdict.passed, verdict.remaining) == (change, through, remaining)


def test_what_is_all_through_but_could_not_be_told_is_over() -> None:
    assert judge(incident(passed=(A,)), proof()).change is OVER


@pytest.mark.parametrize(
    ("shown", "change"),
    [(proof(part=["web1"], green=True), OVER), (proof(part=["web1"]), NONE), (proof(green=True), NONE)],
    ids=["whole and green", "a part of it", "nothing ran"],
)
def test_an_incident_of_which_no_place_is_known_needs_a_whole_green_run(shown: Proof, change: Change) -> None:
    assert judge(incident(), shown).change is change


def test_what_got_through_before_is_not_told_again() -> None:
    verdict = judge(incident(B, passed=(A,)), proof([B]))
    assert (verdict.change, verdict.passed) == (OVER, (B,))
