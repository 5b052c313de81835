# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a run proves about incidents that earlier runs have opened. Pure.

A run proves something only where it could have raised the incident itself, and only about failures before it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place, RecordedIncident

REACHED = ""
"""Where a host failed that could not be reached: it is through as soon as a module has run on it."""

WHOLE_RUN = ""
"""Stands for a host where an error ended the run: only a whole green run is through."""

GONE_AFTER_SECONDS = 24 * 3600.0
"""How long a host has to be absent from the inventory to count as gone: longer than an outage of what lists hosts, and
short enough for the second nightly run."""


def place_text(inventory: str, where: str) -> str:
    """Return a place as text: the same name in another inventory is another machine, and proves nothing."""
    return f"{inventory.replace('|', ' ')}|{where}"


class Why(enum.Enum):
    """Why a place is still open after a run: the one that is named first is said where several hold."""

    NEWER = "newer"
    """The failure came after what would have been the proof."""

    PARAMETERS = "parameters"
    """The run was started with other variables."""

    NOT_NOTED = "not noted"
    """Nobody knows which variables the failed run was started with, nor its playbook and controller."""

    KEY = "key"
    """A failure there would have had another dedup key."""

    ROUTE = "route"
    """A failure there would have gone to another integration key."""

    UNPAGED = "unpaged"
    """A failure there would not have been paged."""

    ABSENT = "absent"
    """The host is not in the inventory, but not for long enough."""

    MADE = "made"
    """The host is not there, and comes from no source of the inventory."""

    SOURCES = "sources"
    """The run was green, but a source of its inventory could not be read."""

    IGNORED = "ignored"
    """The task failed on the host, or did not reach it, and that was ignored."""

    SKIPPED = "skipped"
    """The task was skipped on the host, and the run was no complete green one."""

    PLAYBOOK = "playbook"
    """It failed in another playbook of the job, whose place the run did not come through."""

    MACHINE = "machine"
    """It is the C(localhost) of another controller."""

    INVENTORY = "inventory"
    """The run had another inventory."""

    FAILED = "failed"
    """It failed again."""

    ELSEWHERE = "elsewhere"
    """The run did not come there."""


@dataclass(frozen=True)
class Raisable:
    """The incident that a failure of a host at a place would have raised in this run.

    Attributes:
        fingerprint: of its integration key.
        dedup_key: its dedup key.
        made_of: the variables that its dedup key is made of.
        parameters: stands for the variables that the run was started with.
        names: the names of those variables.
    """

    fingerprint: str
    dedup_key: str
    made_of: frozenset[str] = frozenset()
    parameters: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """A moment from which on a failure would have shown.

    Attributes:
        at: Unix time.
        raisable: what a failure would have raised; None if it would not have been paged.
    """

    at: float
    raisable: Raisable | None


@dataclass(frozen=True)
class Shown:
    """What a run has shown of one host at one place.

    Attributes:
        evidence: moments at which it got through; empty if it was not seen to.
        failed: whether it failed there.
        skipped: whether the task was skipped.
        ignored: whether it failed there, and that was ignored.
        absent: whether the host is not in the inventory.
        other_playbook: whether it failed in another playbook of the job, of which the run as a whole shows nothing.
        other_machine: whether it is another controller's C(localhost), of which nothing is shown here.
        parameters: what this run's own parameters can be, with the incident's integration key.
    """

    evidence: tuple[Evidence, ...] = ()
    failed: bool = False
    skipped: bool = False
    ignored: bool = False
    absent: bool = False
    other_playbook: bool = False
    other_machine: bool = False
    parameters: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Whole:
    """What a run has shown as a whole.

    Attributes:
        inventory: names its inventory; nothing is known of places of other ones.
        began: Unix time of its start.
        now: Unix time.
        green: True if nothing was left out (no limit, no tags, not cut short) and nothing failed.
        sources_read: whether all sources of the inventory could be read.
        took_part: whether any host took part.
    """

    inventory: str
    began: float
    now: float
    green: bool
    sources_read: bool
    took_part: bool = True

    @property
    def complete(self) -> bool:
        """Whether the run was green with all that the inventory has."""
        return self.green and self.sources_read and self.took_part


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
        why: the places that are still open, by the reason.
        absent: the places of hosts that a complete green run found to be absent.
        present: the places of hosts that had been absent and are there again.
    """

    change: Change
    passed: tuple[Place, ...]
    remaining: tuple[str, ...]
    why: Mapping[Why, tuple[Place, ...]]
    absent: tuple[Place, ...] = ()
    present: tuple[Place, ...] = ()


def judge(incident: RecordedIncident, shown: Callable[[Place], Shown], whole: Whole) -> Verdict:
    """Decide what a run means for an incident that was open before it.

    A host is through if a task ran at the place where it failed and ended well. The task may be gone, as when it was
    the fault; so a complete green run in which the host took part is as good, unless it failed there and that was
    ignored. A host that is not in the inventory is
    through when two such runs have found so, a day apart.
    """
    waiting = [place for place in incident.places if place.still_failing]
    if not waiting:
        # All were through, and nobody could be told. Without any place nobody knows who has to get through.
        is_over = bool(incident.places) or whole.complete
        return Verdict(Change.OVER if is_over else Change.NONE, (), (), {})
    through, absent, present = [], [], []
    open_places: dict[Why, list[Place]] = {}
    for place in waiting:
        sight = shown(place)
        why = _why_open(incident, place, sight, whole)
        if why is None:
            through.append(place)
            continue
        open_places.setdefault(why, []).append(place)
        if why is Why.ABSENT:
            absent.append(place)
        elif place.absent is not None and not sight.absent and whole.sources_read:
            present.append(place)
    remaining = tuple(dict.fromkeys(place.host for places in open_places.values() for place in places))
    change = Change.NONE if not through else Change.LESS if remaining else Change.OVER
    why_open = {why: tuple(open_places[why]) for why in Why if why in open_places}
    return Verdict(change, tuple(through), remaining, why_open, tuple(absent), tuple(present))


def _why_open(incident: RecordedIncident, place: Place, shown: Shown, whole: Whole) -> Why | None:
    """Return why a host is not through; None if it is."""
    if not place.place.startswith(place_text(whole.inventory, "")):
        return Why.INVENTORY
    if shown.failed:
        return Why.FAILED
    if shown.evidence:
        whys = [_flaw(incident, place, evidence) for evidence in shown.evidence]
        return None if None in whys else next(why for why in Why if why in whys)
    if shown.ignored:
        return Why.IGNORED
    if shown.other_machine:
        return Why.NOT_NOTED if _is_not_noted(place) else Why.MACHINE
    if shown.other_playbook:
        return Why.NOT_NOTED if _is_not_noted(place) else Why.PLAYBOOK
    if place.host != WHOLE_RUN and shown.absent:
        return _why_not_gone(place, shown, whole)
    if whole.green and not whole.sources_read:
        return Why.SOURCES
    return Why.SKIPPED if shown.skipped else Why.ELSEWHERE


def _flaw(incident: RecordedIncident, place: Place, evidence: Evidence) -> Why | None:
    """Return what is wrong with a piece of evidence."""
    raisable = evidence.raisable
    if raisable is None:
        return Why.UNPAGED
    if raisable.fingerprint != incident.fingerprint:
        return Why.ROUTE
    if raisable.dedup_key != incident.dedup_key:
        return Why.KEY
    if raisable.parameters != place.parameters and not raisable.made_of & {*place.names, *raisable.names}:
        # A key that is made of them tells the jobs apart by itself.
        return Why.NOT_NOTED if _is_not_noted(place) else Why.PARAMETERS
    return Why.NEWER if evidence.at <= place.failed else None


def _why_not_gone(place: Place, shown: Shown, whole: Whole) -> Why | None:
    if not whole.sources_read:
        return Why.SOURCES
    if not place.lasting:
        return Why.MADE
    if not whole.complete:
        return Why.ELSEWHERE
    if place.parameters not in shown.parameters:
        return Why.NOT_NOTED if _is_not_noted(place) else Why.PARAMETERS
    if whole.began <= place.failed:
        return Why.NEWER
    if place.absent is None or whole.now - place.absent < GONE_AFTER_SECONDS:
        return Why.ABSENT
    return None


def _is_not_noted(place: Place) -> bool:
    return place.parameters == "?"
