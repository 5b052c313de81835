# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembers across runs which incidents are open and where their hosts failed, and what this run proves about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Errored
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident, Place
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger, RecordedIncident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox, fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import (
    REACHED,
    WHOLE_RUN,
    Change,
    HostPlace,
    Proof,
    Verdict,
    judge,
    place_text,
)


class Memory:
    """What is known of one job's incidents, from earlier runs and from this one."""

    def __init__(
        self,
        job: str,
        ledger: Callable[[], Ledger],
        outbox: Callable[[], Outbox],
        marks: OpenJobs,
        relative: Callable[[str], str],
        inventory: str,
        has_host: Callable[[str], bool],
    ) -> None:
        """Take the parts; the ledger is opened when it is needed.

        Args:
            job: the job's name.
            ledger: opens the ledger.
            outbox: opens the outbox.
            marks: tells whether the ledger has anything about the job.
            relative: shortens a file's path to what stays the same when the project lies elsewhere.
            inventory: names this run's inventory; C(,) stands for one without a name of its own.
            has_host: tells whether this run's inventory has a host.
        """
        self._job = job
        self._ledger = ledger
        self._outbox = outbox
        self._marks = marks
        self._relative = relative
        self._inventory = inventory
        self._has_host = has_host
        self._unheard_of: set[tuple[str, str]] = set()
        self._open_before: set[tuple[str, str]] = set()
        self._told: dict[tuple[str, str], set[HostPlace]] = {}
        self._failed: set[HostPlace] = set()
        self._passed: set[HostPlace] = set()
        self._took_part: set[str] = set()
        self._reached: set[str] = set()
        self._awaited: frozenset[HostPlace] | None = None

    def has_open_incidents(self) -> bool:
        """Tell whether earlier runs may have left incidents open. One look at the disk."""
        return self._marks.has(self._job)

    def look_back(self) -> None:
        """Note, at the beginning of a run, which incidents are open, and of which PagerDuty has not heard.

        The triggers of the latter are set aside.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        outbox = self._outbox()
        for incident in self._ledger().incidents_of(self._job):
            if outbox.has_only_set_aside(incident.fingerprint, incident.dedup_key):
                self._unheard_of.add((incident.fingerprint, incident.dedup_key))
            if outbox.has_opened(incident.fingerprint, incident.dedup_key):
                self._open_before.add((incident.fingerprint, incident.dedup_key))
        self._tidy()

    def remember(self, incident: Incident, summary: str) -> bool:
        """Note that an incident is open, and where its hosts failed.

        Returns whether it was open at PagerDuty before this run, as far as that is known here.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        fingerprint, places = _fingerprint(incident), self._places_of(incident)
        self._marks.mark(self._job)
        self._ledger().open_incident(fingerprint, incident.dedup_key, self._job, incident.labels, summary, places)
        self._take_back(incident, places)
        return (fingerprint, incident.dedup_key) in self._open_before

    def withdraw(self, incident: Incident) -> bool:
        """Note that what this run said of an incident does not hold. Returns whether that was all there is to it.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        places = self._places_of(incident)
        self._ledger().add_places(_fingerprint(incident), incident.dedup_key, places)
        self._take_back(incident, places)
        found = self._recorded(incident)
        if found is not None and found.still_failing:
            return False
        self._ledger().close_incident(_fingerprint(incident), incident.dedup_key)
        self._tidy()
        return True

    def _places_of(self, incident: Incident) -> list[HostPlace]:
        """Return where an incident's hosts failed."""
        places = {(host, self._text(place)): None for host, (_kind, place) in incident.hosts.items()}
        if isinstance(incident.ended, Errored) or not isinstance(incident.cause, Outcome):
            places[WHOLE_RUN, place_text(self._inventory, "")] = None
        return list(places)

    def _take_back(self, incident: Incident, places: list[HostPlace]) -> None:
        """Record that those of an incident's hosts that were told of before did not fail, but for these places."""
        identity = (_fingerprint(incident), incident.dedup_key)
        taken_back = self._told.get(identity, set()) - set(places)
        self._told[identity] = set(places)
        self._failed = (self._failed - taken_back) | set(places)
        if taken_back:
            self._ledger().mark_passed(self._job, taken_back)

    def _recorded(self, incident: Incident) -> RecordedIncident | None:
        wanted = (_fingerprint(incident), incident.dedup_key)
        known = self._ledger().incidents_of(self._job)
        return next((found for found in known if (found.fingerprint, found.dedup_key) == wanted), None)

    def passed(self, host: str, place: Place, reached: bool = True) -> None:
        """Note that a task was not announced as failed on a host, and whether it ran there.

        Raises:
            DatabaseError: if the ledger cannot be used. It is not tried again: a run must not wait for it at each task.
        """
        self._took_part.add(host)
        if reached:
            self._reached.add(host)
        if self._awaited is None:
            self._awaited = frozenset()
            self._awaited = frozenset(
                (waiting.host, waiting.place)
                for incident in self._ledger().incidents_of(self._job)
                for waiting in incident.places
                if waiting.still_failing
            )
        entry = (host, self._text(place))
        if entry in self._awaited:
            self._passed.add(entry)

    def verdicts(self, whole_and_green: bool) -> list[tuple[RecordedIncident, Verdict]]:
        """Return what this run means for each of the job's open incidents.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        # Somebody may have resolved some by a task since the mark was made.
        self._tidy()
        known = self._ledger().incidents_of(self._job)
        return [(incident, judge(incident, self._proof(incident, whole_and_green))) for incident in known]

    def _proof(self, incident: RecordedIncident, whole_and_green: bool) -> Proof:
        gone = self._gone(incident)
        return Proof(self._inventory, self._passed, self._took_part, self._failed, whole_and_green, gone, self._reached)

    def _gone(self, incident: RecordedIncident) -> frozenset[str]:
        """Return the hosts that the inventory does not have. One made for this run says nothing about others."""
        if "," in self._inventory.split():
            return frozenset()
        return frozenset(place.host for place in incident.places if not self._has_host(place.host))

    def settle_unheard_of(self, incident: RecordedIncident, verdict: Verdict) -> bool:
        """Settle an incident that PagerDuty has not heard of, and need not. Returns whether it is one.

        Raises:
            DatabaseError: if the ledger or the outbox cannot be used.
        """
        over = verdict.change is Change.OVER
        identity = (incident.fingerprint, incident.dedup_key)
        if over:
            unheard_of = self._outbox().drop_outlived(*identity)
        else:
            unheard_of = identity in self._unheard_of or self._outbox().has_only_set_aside(*identity)
        if unheard_of:
            self.settle(incident, verdict, over)
        return unheard_of

    def settle(self, incident: RecordedIncident, verdict: Verdict, over: bool) -> None:
        """Note what PagerDuty has been told of a verdict.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        ledger = self._ledger()
        if over:
            ledger.close_incident(incident.fingerprint, incident.dedup_key)
            self._tidy()
        else:
            ledger.mark_passed(self._job, verdict.passed)

    def _tidy(self) -> None:
        if not self._ledger().incidents_of(self._job):
            self._marks.clear(self._job)

    def _text(self, place: Place | None) -> str:
        where = REACHED if place is None else f"{place.role}|{self._relative(place.file)}|{place.task}"
        return place_text(self._inventory, where)


def _fingerprint(incident: Incident) -> str:
    target: Any = incident.steering.target
    return fingerprint_of(target.routing_key)
