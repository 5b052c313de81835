# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection costs, beside what others cost, and whether that keeps to its goals.

One file for each subject; each measures its variants in alternating rounds, so that a busy machine slows all of them
alike, and counts at the server what was really sent. Figures are processor time of whole process trees where not said
otherwise: seconds on the clock say more about the machine. Nothing here is asserted by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """Where and how to measure.

    Attributes:
        folder: for whatever is written, on a real disk.
        collections: folders for ANSIBLE_COLLECTIONS_PATH: the built collection first, then the peers.
        rounds: how often each variant is measured.
        quick: True for fewer events, whose figures are rough.
    """

    folder: Path
    collections: tuple[Path, ...]
    rounds: int
    quick: bool

    @property
    def has_community_general(self) -> bool:
        """Whether its tasks can be compared with."""
        return any((path / "ansible_collections" / "community" / "general").is_dir() for path in self.collections)
