# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of several variants measured in alternating rounds: medians, spreads, and comparisons inside each round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Used:
    """What one variant has used in one round.

    Attributes:
        cpu: seconds of processor time, user and system.
        wall: seconds on the clock.
    """

    cpu: float
    wall: float


def alternate(variants: Mapping[str, Callable[[], Used]], rounds: int) -> dict[str, list[Used]]:
    """Measure each variant once in each round, every other round in reverse order, so that none always comes first."""
    used: dict[str, list[Used]] = {name: [] for name in variants}
    for number in range(rounds):
        for name in list(variants)[:: -1 if number % 2 else 1]:
            used[name].append(variants[name]())
    return used


@dataclass(frozen=True)
class Figures:
    """One figure for each round, in the order of the rounds."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Figures:
        """Make them from any numbers."""
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle one: a single disturbed round does not move it."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The greatest."""
        return max(self.values)

    def over(self, base: Figures) -> Figures:
        """Return the ratio to another variant, formed inside each round."""
        return Figures(tuple(own / other for own, other in zip(self.values, base.values, strict=True)))

    def beyond(self, base: Figures, count: int = 1) -> Figures:
        """Return what comes on top of another variant, formed inside each round, for each of so many events."""
        return Figures(tuple((own - other) / count for own, other in zip(self.values, base.values, strict=True)))

    def times(self, factor: float) -> Figures:
        """Return the figures in another unit."""
        return Figures(tuple(value * factor for value in self.values))

    def __str__(self) -> str:
        low, median, high = (digits(value) for value in (self.low, self.median, self.high))
        return median if len(self.values) == 1 else f"{median} ({low}–{high})"


def digits(value: float) -> str:
    """Return a number with about three digits that say something."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if size < 1 else f"{value:.2f}" if size < 10 else f"{value:.1f}"


def cpu(used: Sequence[Used]) -> Figures:
    """Return the processor time of each round, in seconds."""
    return Figures(tuple(each.cpu for each in used))


def wall(used: Sequence[Used]) -> Figures:
    """Return the time on the clock of each round, in seconds."""
    return Figures(tuple(each.wall for each in used))
