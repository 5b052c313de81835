# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a run proves about incidents that earlier runs have opened. Pure."""

from __future__ import annotations

import enum
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import RecordedIncident

REACHED = ""
"""Where a host failed that could not be reached: it is through as soon as a module has run on it."""

WHOLE_RUN = ""
"""Stands for a host where an error ended the run: only a whole green run is through."""

HostPlace = tuple[str, str]


def place_text(inventory: str, where: str) -> str:
    """Return a place as text: the same name in another inventory is another machine, and proves nothing."""
    return f"{inventory.replace('|', ' ')}|{where}"


@dataclass(frozen=True)
class Proof:
    """What a run has shown by its end.

    Attributes:
        inventory: names the inventory of the run; nothing is known of places of other ones.
        passed: host and place, for the places asked for, where a task ran and did not count as failed.
        took_part: hosts on which any task ran.
        failed: host and place where a failure counted.
        whole_and_green: True if the run was complete (no limit, no tags, not cut short) and nothing failed.
        gone: hosts that are not in the inventory any more.
        reached: hosts on which a module ran.
    """

    inventory: str
    passed: Set[HostPlace]
    took_part: Set[str]
    failed: Set[HostPlace]
    whole_and_green: bool
    gone: Set[str] = frozenset()
    reached: Set[str] = frozenset()


class Change(enum.Enum):
    """What becomes of an incident."""

    NONE = "none"
    LESS = "less"
    OVER = "over"


@dataclass(frozen=True)
class Verdict:
    """What a run means for one incident.

    Attributes:
        change: what becomes of it.
        passed: the places that a host has got through for the first time since it failed there.
        remaining: the hosts that have not got through yet.
    """

    change: Change
    passed: tuple[HostPlace, ...]
    remaining: tuple[str, ...]


def judge(incident: RecordedIncident, proof: Proof) -> Verdict:
    """Decide what a run means for an incident that was open before it.

    A host is through if a task ran at the place where it failed and did not fail. The task may be gone, as when it was
    the fault; so a complete green run in which the host took part is as good. One that ran on other hosts is as good
    for a host that is gone.
    """
    waiting = [(place.host, place.place) for place in incident.places if place.still_failing]
    through = tuple(entry for entry in waiting if entry not in proof.failed and _is_through(entry, proof))
    if not waiting:
        # All were through, and nobody could be told. Without any place nobody knows who has to get through.
        is_over = bool(incident.places) or (proof.whole_and_green and bool(proof.took_part))
        return Verdict(Change.OVER if is_over else Change.NONE, (), ())
    remaining = tuple(dict.fromkeys(host for host, place in waiting if (host, place) not in through))
    if not through:
        return Verdict(Change.NONE, (), remaining)
    return Verdict(Change.LESS if remaining else Change.OVER, through, remaining)


def _is_through(entry: HostPlace, proof: Proof) -> bool:
    host, place = entry
    if not place.startswith(place_text(proof.inventory, "")):
        return False
    if host == WHOLE_RUN:
        return proof.whole_and_green and bool(proof.took_part)
    if proof.whole_and_green and proof.took_part and host in proof.gone:
        return True
    if place == place_text(proof.inventory, REACHED):
        return host in proof.reached
    if proof.whole_and_green:
        return host in proof.took_part
    return entry in proof.passed
