# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembers across runs which incidents are open and where their hosts failed, and what this run proves about them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _steady
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Errored
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident, Origin, Place
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job_variables import Parameters
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger, RecordedIncident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place as RecordedPlace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._passage import Passage
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import (
    REACHED,
    WHOLE_RUN,
    Change,
    Evidence,
    Raisable,
    Shown,
    Verdict,
    Whole,
    judge,
    place_text,
)

_NEEDS_TAG = "|never"
"""Ends the place of a task that a complete run leaves out."""

WouldRaise = Callable[[RecordedIncident, RecordedPlace], "Raisable | None"]


class Hosts(Protocol):
    """What is known of the hosts of a run's inventory."""

    @property
    def unread(self) -> tuple[str, ...]:
        """The sources of the inventory that could not be read."""

    def has(self, host: str) -> bool:
        """Tell whether the inventory has a host."""

    def is_from_source(self, host: str) -> bool:
        """Tell whether a host comes from a source of the inventory."""


class ThisRun(Protocol):
    """Answers, at the end of a run, what it could have raised."""

    def would_raise(self, incident: RecordedIncident, place: RecordedPlace) -> list[Raisable | None]:
        """Return what a failure of the place's host there would have raised, for each play where it could stand."""

    def may_end_early(self) -> bool:
        """Whether the run may have ended on a host before its last task, and nobody was told."""

    def parameters(self, incident: RecordedIncident) -> frozenset[str]:
        """Return what this run's variables come to, with the incident's integration key; for each play."""


@dataclass(frozen=True)
class _Identity:
    fingerprint: str
    dedup_key: str


_Entry = tuple[str, str, str]
"""Host, place and parameters."""


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
        hosts: Hosts,
        parameters: Callable[[], Parameters],
        began: float,
        playbook: str = "",
        uptime: Callable[[], float] = _steady.uptime,
        machine: Callable[[str], str] = lambda host: host,
    ) -> None:
        """Take the parts; the ledger is opened when it is needed.

        Args:
            job: the job's name.
            ledger: opens the ledger.
            outbox: opens the outbox.
            marks: tells whether the ledger has anything about the job.
            relative: shortens a file's path to what stays the same when the project lies elsewhere.
            inventory: names this run's inventory; C(,) stands for one without a name of its own.
            hosts: knows the hosts of this run's inventory.
            parameters: what this run was started with.
            began: when the run began, by `uptime`.
            playbook: the playbook's own name; several can be one job.
            uptime: seconds that go forward in all processes alike.
            machine: tells a host from others of its name, as C(localhost) of another controller.
        """
        self._job = job
        self._ledger = ledger
        self._outbox = outbox
        self._marks = marks
        self._relative = relative
        self._inventory = inventory
        self._hosts = hosts
        self._parameters = parameters
        self._began = began
        self._playbook = playbook
        self._machine = machine
        self._uptime = uptime
        self._unheard_of: set[tuple[str, str]] = set()
        self._open_before: set[tuple[str, str]] = set()
        self._told: dict[tuple[str, str], set[_Entry]] = {}
        self._failed: set[tuple[str, str]] = set()
        # When a task that ended well had begun, and what a failure of it would have raised.
        self._passed: dict[tuple[str, str], list[tuple[float, Raisable | None]]] = {}
        self._skipped: dict[tuple[str, str], list[Raisable | None]] = {}
        self._ignored: set[tuple[str, str]] = set()
        self._took_part: set[str] = set()
        self._reached: dict[str, float] = {}
        self._awaited: dict[tuple[str, str], list[tuple[RecordedIncident, RecordedPlace]]] | None = None
        self._would_raise: dict[tuple[_Identity, _Entry], list[Raisable | None]] = {}

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

    @contextlib.contextmanager
    def one_step(self) -> Iterator[None]:
        """Look, tell PagerDuty and note that, so that no other run's failure comes in between.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        was_marked = self._marks.has(self._job)
        try:
            with self._ledger().one_step():
                yield
        except BaseException:
            if was_marked:  # the mark may be gone, but what was to end is open still
                self._marks.mark(self._job)
            raise

    def is_open(self, fingerprint: str, dedup_key: str) -> bool:
        """Tell whether an incident is known to be open.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        return self._recorded(_Identity(fingerprint, dedup_key)) is not None

    def may_be_open(self, incident: Incident) -> bool:
        """Tell whether PagerDuty knows of an incident from here, or is to be told, by whichever job.

        Raises:
            DatabaseError: if the outbox cannot be used.
        """
        return self._outbox().may_open(_fingerprint(incident), incident.dedup_key)

    def remember(self, incident: Incident, summary: str) -> bool:
        """Note that an incident is open, and where its hosts failed. To be done before PagerDuty is told.

        Another run that is about to resolve it then either sees this failure, or has told PagerDuty before it is told
        of this one.

        Returns whether it was open at PagerDuty before this run, as far as that is known here.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        fingerprint, places = _fingerprint(incident), self._places_of(incident)
        self._ledger().open_incident(
            fingerprint,
            incident.dedup_key,
            self._job,
            incident.labels,
            summary,
            places,
            # Not before, lest another run that finds no open incident takes the mark away.
            within=lambda: self._marks.mark(self._job),
        )
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
        found = self._recorded(_Identity(_fingerprint(incident), incident.dedup_key))
        if found is not None and found.still_failing:
            return False
        self._ledger().close_incident(_fingerprint(incident), incident.dedup_key)
        self._tidy()
        return True

    def _places_of(self, incident: Incident) -> list[RecordedPlace]:
        """Return where an incident's hosts failed."""
        own = Origin(incident.cause.host if isinstance(incident.cause, Outcome) else "")
        places = [
            self._place_of(incident, host, self._text(host, place), incident.origins.get(host, own))
            for host, (_kind, place) in incident.hosts.items()
        ]
        if isinstance(incident.ended, Errored) or not isinstance(incident.cause, Outcome):
            places.append(self._place_of(incident, WHOLE_RUN, place_text(self._inventory, ""), own))
        return places

    def _place_of(self, incident: Incident, host: str, text: str, origin: Origin) -> RecordedPlace:
        target: Any = incident.steering.target
        parameters = self._parameters() if origin.parameters is None else origin.parameters
        return RecordedPlace(
            host,
            text,
            parameters=parameters.digest(target.routing_key),
            names=parameters.names,
            origin=origin.host,
            playbook=self._playbook,
            lasting=host != WHOLE_RUN and self._hosts.is_from_source(host),
            known_as=text.removesuffix(self._end(host)),
        )

    def _take_back(self, incident: Incident, places: list[RecordedPlace]) -> None:
        """Record that those of an incident's hosts that were told of before did not fail, but for these places."""
        fingerprint = _fingerprint(incident)
        entries = {_entry(place) for place in places}
        taken_back = self._told.get((fingerprint, incident.dedup_key), set()) - entries
        self._told[fingerprint, incident.dedup_key] = entries
        self._failed -= {(host, place) for host, place, _parameters in taken_back}
        self._failed |= {(host, place) for host, place, _parameters in entries}
        if taken_back:
            now = self._ledger().now()
            gone = [
                RecordedPlace(host, place, parameters=parameters, failed=now) for host, place, parameters in taken_back
            ]
            self._ledger().mark_passed(fingerprint, incident.dedup_key, gone)

    def _recorded(self, wanted: _Identity) -> RecordedIncident | None:
        known = self._ledger().incidents_of(self._job)
        return next((found for found in known if _identity(found) == wanted), None)

    def passed(self, passage: Passage, would_raise: WouldRaise) -> None:
        """Note that a task was not announced as failed on a host.

        Args:
            passage: the task, the host, and how it went.
            would_raise: says what its failure would have raised. Asked only where an incident waits for it.

        Raises:
            DatabaseError: if the ledger cannot be used. It is not tried again: a run must not wait for it at each task.
        """
        if passage.took_part:
            self._took_part.add(passage.host)
        if passage.reached:
            self._reached[passage.host] = max(passage.began, self._reached.get(passage.host, passage.began))
        if self._awaited is None:
            self._awaited = {}
            for incident in self._ledger().incidents_of(self._job):
                for waiting in incident.places:
                    if waiting.still_failing:
                        self._awaited.setdefault((waiting.host, waiting.place), []).append((incident, waiting))
        entry = (passage.host, self._text(passage.host, passage.place))
        if passage.failed and entry in self._awaited:
            self._ignored.add(entry)
        for incident, waiting in self._awaited.get(entry, ()):
            if passage.ended_well:
                self._passed.setdefault(entry, []).append((passage.began, would_raise(incident, waiting)))
            elif passage.skipped:
                self._skipped.setdefault(entry, []).append(would_raise(incident, waiting))

    def incidents(self) -> list[RecordedIncident]:
        """Return the job's open incidents.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        # Somebody may have resolved some by a task since the mark was made.
        self._tidy()
        return self._ledger().incidents_of(self._job)

    def verdict(self, incident: RecordedIncident, green: bool, this_run: ThisRun) -> Verdict | None:
        """Return what this run means for an incident as it is now; None if it is not open any more.

        Args:
            incident: the incident as it was.
            green: whether the run was a whole one in which nothing failed.
            this_run: knows what the run could have raised.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        found = self._recorded(_identity(incident))
        if found is None:
            return None
        now = self._ledger().now()
        whole = Whole(
            inventory=self._inventory,
            began=self._at(self._began, now),
            now=now,
            green=green,
            sources_read=not self._hosts.unread,
            took_part=bool(self._took_part),
        )
        return judge(found, lambda place: self._shown(found, place, whole, this_run), whole)

    def _shown(self, incident: RecordedIncident, place: RecordedPlace, whole: Whole, this_run: ThisRun) -> Shown:
        entry = (place.host, place.place)
        passed = self._passed.get(entry, [])
        evidence = [Evidence(self._at(began, whole.now), raisable) for began, raisable in passed]
        is_other = place.playbook != self._playbook
        is_here = place.host == WHOLE_RUN or place.place.endswith(self._end(place.host))
        took_part = place.host in self._took_part or place.host == WHOLE_RUN
        needs_tag = place.place.removesuffix(self._end(place.host)).endswith(_NEEDS_TAG)
        whole_proof = whole.complete and not is_other and is_here and took_part and not needs_tag
        if place.host != WHOLE_RUN and place.place == self._text(place.host, None):
            if place.host in self._reached:
                at = self._at(self._reached[place.host], whole.now)
                evidence += [Evidence(at, raisable) for raisable in self._at_end(incident, place, this_run)]
        elif whole_proof and entry not in self._ignored:
            skipped = self._skipped.get(entry, [])
            # Of what an error had ended a run by, nothing else can show that it is over.
            came_to_end = place.host == WHOLE_RUN or not this_run.may_end_early()
            at_end = self._at_end(incident, place, this_run) if came_to_end and not passed else []
            evidence += [Evidence(whole.began, raisable) for raisable in (*skipped, *at_end)]
        is_absent = place.host != WHOLE_RUN and self._is_absent(place.host)
        return Shown(
            evidence=tuple(evidence),
            failed=entry in self._failed,
            skipped=entry in self._skipped,
            ignored=entry in self._ignored,
            other_playbook=is_other,
            other_machine=not is_here,
            absent=is_absent,
            parameters=this_run.parameters(incident) if is_absent else frozenset(),
        )

    def _at_end(self, incident: RecordedIncident, place: RecordedPlace, this_run: ThisRun) -> list[Raisable | None]:
        asked = (_identity(incident), _entry(place))
        if asked not in self._would_raise:
            self._would_raise[asked] = this_run.would_raise(incident, place)
        return self._would_raise[asked]

    def _is_absent(self, host: str) -> bool:
        """Tell whether the inventory does not have a host. One made for this run says nothing about others."""
        return "," not in self._inventory.split() and not self._hosts.has(host)

    def _at(self, moment: float, now: float) -> float:
        """Return a moment of this run as the ledger counts time."""
        return now - (self._uptime() - moment)

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

    def note_sightings(self, incident: RecordedIncident, verdict: Verdict) -> None:
        """Note which hosts were seen to be absent from the inventory, and which are there again.

        Raises:
            DatabaseError: if the ledger cannot be used.
        """
        ledger = self._ledger()
        ledger.mark_absent(incident.fingerprint, incident.dedup_key, verdict.absent)
        ledger.mark_present(incident.fingerprint, incident.dedup_key, verdict.present)

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
            ledger.mark_passed(incident.fingerprint, incident.dedup_key, verdict.passed)

    def _tidy(self) -> None:
        self._ledger().unless_open(self._job, lambda: self._marks.clear(self._job))

    def _text(self, host: str, place: Place | None) -> str:
        where = REACHED if place is None else f"{place.role}|{self._relative(place.file)}|{place.task}"
        where += _NEEDS_TAG if place is not None and place.needs_tag else ""
        return place_text(self._inventory, f"{where}{self._end(host)}")

    def _end(self, host: str) -> str:
        """Return what the places of a host end with, whose name each controller has for itself."""
        machine = self._machine(host)
        return "" if machine == host else f"|on {machine}"


def _identity(incident: RecordedIncident) -> _Identity:
    return _Identity(incident.fingerprint, incident.dedup_key)


def _entry(place: RecordedPlace) -> _Entry:
    return place.host, place.place, place.parameters


def _fingerprint(incident: Incident) -> str:
    target: Any = incident.steering.target
    return fingerprint_of(target.routing_key)
