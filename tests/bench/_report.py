# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a subject has found, as values, and how that is printed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ._figures import digits


@dataclass(frozen=True)
class Table:
    """Figures side by side.

    Attributes:
        title: what was measured, how often, and in which unit.
        columns: their heads; the first names the variant.
        rows: one for each variant, as text.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Goal:
    """What is asked of a figure, and what it came to.

    Attributes:
        text: the goal in words.
        figure: what was measured.
        limit: what it may be at most, or must be at least.
        at_least: True if greater is better.
        why: what is known to cost most, as a profile has shown; said if the goal is missed.
    """

    text: str
    figure: float
    limit: float
    at_least: bool = False
    why: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the figure keeps to its limit."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    @property
    def verdict(self) -> str:
        """The verdict, with number and limit."""
        sign = "≥" if self.at_least else "≤"
        return f"{'met' if self.is_met else 'MISSED'}: {digits(self.figure)}, to be {sign} {digits(self.limit)}"


@dataclass(frozen=True)
class Report:
    """All that a subject has found.

    Attributes:
        name: the subject.
        tables: its figures.
        goals: the goals that they bear on.
        notes: what a reader should know, such as what could not be measured.
        raw: each round's figures, for the file.
    """

    name: str
    tables: Sequence[Table]
    goals: Sequence[Goal]
    notes: Sequence[str] = ()
    raw: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types, each goal with its verdict."""
        goals = [{**dataclasses.asdict(goal), "met": goal.is_met} for goal in self.goals]
        return {**dataclasses.asdict(self), "goals": goals}


def text_of(table: Table) -> str:
    """Return a table as lines, the figures aligned at the right."""
    lines = [list(table.columns), *map(list, table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    texts = [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))])
        for line in lines
    ]
    rule = "-" * len(texts[0])
    return "\n".join([table.title, "", texts[0], rule, *texts[1:]])


def text_of_goals(goals: Sequence[Goal]) -> str:
    """Return the goals as lines, each with its verdict."""
    width = max((len(goal.text) for goal in goals), default=0)
    lines = [f"{goal.text.ljust(width)}  {goal.verdict}" for goal in goals]
    return "\n".join(
        [*lines, *(f"Known cost, {goal.text}: {goal.why}" for goal in goals if goal.why and not goal.is_met)]
    )
