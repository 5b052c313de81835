# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All cases, and the choices among them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain

from .case import STRATEGIES, Case
from .composed import composed
from .special import special

GROUPS = {"special": special, "composed": composed}

QUICK_ONE_IN = 60
"""The everyday run takes so many of the composed pairs of case and strategy, always the same ones."""


def all_pairs(group: str | None = None) -> Iterator[tuple[Case, str]]:
    """Every case, or those of one group, with every strategy it is for."""
    for case in chain.from_iterable(cases() for name, cases in GROUPS.items() if group in (None, name)):
        for strategy in STRATEGIES:
            if strategy in case.strategies:
                yield case, strategy


def pair_id(case: Case, strategy: str) -> str:
    return f"{case.name} [{strategy}]"


def share(case: Case, strategy: str) -> int:
    """A number that is always the same for the pair, spread evenly: for choosing a sample."""
    return zlib.crc32(pair_id(case, strategy).encode())
