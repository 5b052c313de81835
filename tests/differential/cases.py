# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All cases, and how many of them each occasion takes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from .case import STRATEGIES, Case
from .composed import composed
from .special import special
from .strangers import strangers

GROUPS = {"special": special, "strangers": strangers, "composed": composed}

SCOPES = ("quick", "matrix", "all")
"""Each is part of the next: for every day, for every ansible-core before a release, for a change to the engine."""

_QUICK_ONE_IN = 75
_MATRIX_ONE_IN = {"linear": 2, "free": 4, "host_pinned": 8}
"""Of the composed cases. The last two strategies share their code, and decide each host by itself."""


@dataclass(frozen=True)
class Pair:
    """A case and the strategy to run it with."""

    case: Case
    strategy: str
    group: str

    @property
    def name(self) -> str:
        return f"{self.case.name} [{self.strategy}]"

    def within(self, scope: str) -> bool:
        """Tell whether this pair is run on that occasion. The choice is always the same."""
        share = zlib.crc32(self.name.encode())
        if scope == "quick":
            return share % _QUICK_ONE_IN == 0
        if scope == "matrix":
            return self.group != "composed" or self.within("quick") or share % _MATRIX_ONE_IN[self.strategy] == 0
        return True


def all_pairs() -> Iterator[Pair]:
    """Every case with every strategy it is for."""
    for group, case in chain.from_iterable(((group, case) for case in cases()) for group, cases in GROUPS.items()):
        for strategy in STRATEGIES:
            if strategy in case.strategies:
                yield Pair(case, strategy, group)
