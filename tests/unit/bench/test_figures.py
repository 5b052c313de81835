# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the benchmark: rounds alternate, comparisons stay within a round, verdicts name number and limit."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.tests.bench._figures import Figures, Used, alternate, cpu, digits, wall
from ansible_collections.oncall.pagerduty.tests.bench._report import Goal, Report, Table, text_of, text_of_goals


def test_rounds_alternate_and_change_direction() -> None:
    order: list[str] = []

    def variant(name: str) -> Used:
        order.append(name)
        return Used(cpu=len(order), wall=10 * len(order))

    used = alternate({name: (lambda name=name: variant(name)) for name in "abc"}, 3)  # type: ignore[misc]
    assert "".join(order) == "abccbaabc"
    assert cpu(used["a"]) == Figures.of([1, 6, 7])
    assert wall(used["b"]) == Figures.of([20, 50, 80])


def test_comparisons_are_made_within_a_round() -> None:
    quiet_then_busy, base = Figures.of([2.0, 20.0, 3.0]), Figures.of([1.0, 10.0, 1.0])
    assert quiet_then_busy.over(base) == Figures.of([2.0, 2.0, 3.0])
    assert quiet_then_busy.beyond(base, 2) == Figures.of([0.5, 5.0, 1.0])
    assert base.times(1000).values == (1000.0, 10_000.0, 1000.0)


def test_one_disturbed_round_does_not_move_the_median() -> None:
    figures = Figures.of([1.0, 1.25, 90.0])
    assert (figures.median, figures.low, figures.high) == (1.25, 1.0, 90.0)
    assert str(figures) == "1.25 (1.00–90.0)"
    assert str(Figures.of([2])) == "2.00"


def test_rounds_of_different_number_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Figures.of([1.0, 2.0]).over(Figures.of([1.0]))


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (-0.5, "-0.500"), (1.234, "1.23"), (12.34, "12.3"), (12345.6, "12,346")]
)
def test_about_three_digits_are_shown(value: float, text: str) -> None:
    assert digits(value) == text


@pytest.mark.parametrize(
    ("figure", "at_least", "verdict"),
    [
        (0.75, False, "met: 0.750, to be ≤ 0.750"),
        (0.76, False, "MISSED: 0.760, to be ≤ 0.750"),
        (0.75, True, "met: 0.750, to be ≥ 0.750"),
        (0.74, True, "MISSED: 0.740, to be ≥ 0.750"),
    ],
)
def test_a_verdict_names_number_and_limit(figure: float, at_least: bool, verdict: str) -> None:
    goal = Goal("the sender", figure, 0.75, at_least)
    assert goal.verdict == verdict
    assert text_of_goals([goal]) == f"the sender  {verdict}"
    explained = text_of_goals([Goal("the sender", figure, 0.75, at_least, why="it rains")]).splitlines()
    assert explained[1:] == ([] if goal.is_met else ["Known cost, the sender: it rains"])
    (written,) = Report("sender", [], [goal]).as_dict()["goals"]
    assert written["met"] is verdict.startswith("met")


def test_a_table_is_aligned() -> None:
    text = text_of(Table("Costs", ["sender", "CPU ms"], [["ours", "0.2"], ["another one", "10.0"]]))
    assert text.splitlines()[2:] == [
        "sender       CPU ms",
        "-------------------",
        "ours            0.2",
        "another one    10.0",
    ]
