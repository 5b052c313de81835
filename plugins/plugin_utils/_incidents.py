# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes incidents of failures: which belong together, and when PagerDuty is to hear of them. Pure.

The first failure of an incident is told at once. Later ones are gathered into one update at the end of the play, so
the number of events does not grow with the number of failing hosts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Union

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import SEVERITIES
from ansible_collections.oncall.pagerduty.plugins.module_utils._limits import fit_key
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import (
    Cut,
    Decision,
    Errored,
    Failure,
    Finished,
    Withdrawn,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job_variables import SHORT, Parameters
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering

MAX_SAMPLES = 10
"""Failures of one incident of which message and place are kept; more are counted only. Nobody reads more at night."""


@dataclass(frozen=True)
class Place:
    """Where a host failed, so that a later run can be seen to get through it.

    Line numbers move, so there is none, except for a task without a name: its action alone would be any such task.
    """

    file: str
    role: str
    task: str
    needs_tag: bool = False
    """A complete run leaves it out, and shows nothing of it."""


@dataclass(frozen=True)
class Origin:
    """Whose failure it was that a host failed by, and in a run with which variables."""

    host: str
    parameters: Parameters | None = None
    """None if the failure does not say: then what the run has now counts."""


@dataclass
class Incident:
    """One incident of this run, as far as it is known.

    Attributes:
        dedup_key: its key at PagerDuty.
        steering: how its first failure was to be paged.
        labels: the labels that its failures have in common, by name.
        hosts: the failed hosts in order, each with the kind of its failure and its place.
        origins: for each of these hosts, whose failure it was.
        samples: the first failures, one of each host.
        cause: what it is about first of all: a failure, or the end of the run.
        ended: what cut the run short, if anything did.
        severity: the worst of its failures' severities.
    """

    dedup_key: str
    steering: Steering
    labels: Mapping[str, str]
    cause: Outcome | Cut
    severity: str
    hosts: dict[str, tuple[str, Place | None]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    samples: list[Outcome] = field(default_factory=list)
    ended: Cut | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from all other incidents: integration key, PagerDuty's address, dedup key."""
        target = self.steering.target
        if target is None:
            return "", "", self.dedup_key
        return target.routing_key, target.settings.connection.base_url, self.dedup_key

    @property
    def total(self) -> int | None:
        """How many hosts the play of the first failure has."""
        return self.steering.hosts

    def of_kind(self, kind: str) -> list[str]:
        """Return the hosts that failed in this way."""
        return [host for host, (own, _place) in self.hosts.items() if own == kind]


@dataclass(frozen=True)
class Notice:
    """PagerDuty is to hear this about an incident now."""

    what: Literal["opened", "updated", "withdrawn"]
    incident: Incident


@dataclass(frozen=True)
class Unpaged:
    """A failure that nobody can be paged for, and why."""

    problem: str


Step = Union[Notice, Unpaged]


class IncidentBook:
    """Keeps the incidents of one playbook's run."""

    def __init__(
        self,
        job: str,
        page_on: Iterable[str],
        steer: Callable[[str, Outcome | None], Steering],
        label: Callable[[str, str, Outcome | None], str],
        mask: Callable[[str, Outcome], str] = lambda text, _outcome: text,
        parameters: Callable[[], Parameters] | None = None,
    ) -> None:
        """Begin with no incident.

        Args:
            job: the job's name.
            page_on: the causes to page for, out of CAUSES.
            steer: says how a host's failure is to be paged; host and outcome, or none of them for the run's end.
            label: the value of a label (its name, the host, the outcome) that only the run knows.
            mask: takes out of a text what is secret for the outcome's host; asked once for each text and host, but
                only once for a name as the playbook has it.
            parameters: what the run was started with, if a key made from labels has to tell that; without it the key
                does not.
        """
        self._job = job
        self._page_on = frozenset(page_on)
        self._steer = steer
        self._label = label
        self._mask = mask
        self._parameters = parameters
        self._masked_texts: dict[tuple[str, str], str] = {}
        # Thousands of hosts fail at the same few places.
        self._places: dict[Place | None, Place | None] = {}
        self._incidents: dict[tuple[str, str, str], Incident] = {}
        self._stale: dict[tuple[str, str, str], None] = {}

    @property
    def incidents(self) -> list[Incident]:
        """The incidents of this run, in the order in which they were opened."""
        return list(self._incidents.values())

    def take(self, decision: Decision) -> list[Step]:
        """Take a decision about a failure, or the end of the run, and return what PagerDuty is to hear at once."""
        if isinstance(decision, Failure):
            return self._failure(decision)
        if isinstance(decision, Withdrawn):
            return self._withdrawn(decision.hosts)
        if isinstance(decision, Finished):
            return self.play_ended()
        return self._cut(decision)

    def play_ended(self) -> list[Step]:
        """Return the updates that have been gathered."""
        updates: list[Step] = [Notice("updated", self._incidents[identity]) for identity in self._stale]
        self._stale.clear()
        return updates

    def tell_again(self, incident: Incident) -> None:
        """Have an incident told of at the end of the play whatever comes: what was to be told could not be kept."""
        self._stale[incident.identity] = None

    def would_open(self, failure: Failure) -> Incident | Unpaged | None:
        """Return the incident that a failure would open if it happened, or add to; None if it would not be paged."""
        return self._made_of(failure)

    def would_open_at_end(self) -> Incident | Unpaged | None:
        """Return the incident that an error which ended the run would open; None if it would not be paged."""
        return self._made_of_cut(Errored("", ""), "error") if self._page_on & {"error", "interrupted"} else None

    def _failure(self, failure: Failure) -> list[Step]:
        new = self._made_of(failure)
        if new is None:
            return []
        if isinstance(new, Unpaged):
            return [new]
        cause, severity = failure.cause, new.severity
        incident = self._incidents.setdefault(new.identity, new)
        steps: list[Step] = []
        if incident is new:
            steps.append(Notice("opened", incident))
        else:
            self._stale[incident.identity] = None
            incident.severity = _worse(incident.severity, severity)
        incident.ended = failure.ended or incident.ended
        place = place_of(cause)
        place = self._places.setdefault(place, place)
        origin = Origin(cause.host, cause.extra.get("parameters"))
        for host in failure.hosts:
            incident.hosts.setdefault(host, (cause.kind, place))
            incident.origins.setdefault(host, origin)
        if len(incident.samples) < MAX_SAMPLES and cause not in incident.samples:
            incident.samples.append(cause)
        return steps

    def _made_of(self, failure: Failure) -> Incident | Unpaged | None:
        """Return the incident of a failure as a new one; None if it is not to be paged."""
        cause = failure.cause
        if cause.kind not in self._page_on:
            return None
        steering = self._enabled_steering(failure)
        if steering is None:
            return None
        if steering.target is None:
            return Unpaged(steering.problem or "there is no integration key")
        labels = {name: self._value(name, steering, failure) for name in steering.group_by}
        own_key = fit_key(self._masked(steering.dedup_key, cause)) if steering.dedup_key else None
        key = own_key or self.run_key(labels, steering, cause.extra.get("parameters"))
        return Incident(key, steering, labels, cause, steering.severities[cause.kind])

    def _enabled_steering(self, failure: Failure) -> Steering | None:
        """Return what the cause's host says, or, if that is not to be paged, the first other one that is."""
        for host in (failure.cause.host, *failure.collateral):
            steering = self._steer(host, failure.cause)
            if steering.enabled:
                return steering
        return None

    def _value(self, name: str, steering: Steering, failure: Failure) -> str:
        if name.startswith("vars."):
            return self._masked(steering.variables.get(name[len("vars.") :], ""), failure.cause)
        value = self._label(name, failure.hosts[0], failure.cause)
        # Names of plays and tasks can have values of variables in them.
        if name in ("playbook", "inventory", "host", "controller"):
            return value
        written = (failure.cause.role, failure.cause.written_task, failure.cause.extra.get("written_play"))
        return self._masked(value, failure.cause, for_all=value in written)

    def _masked(self, text: str, cause: Outcome, for_all: bool = False) -> str:
        key = (text, "" if for_all else cause.host)
        if key not in self._masked_texts:
            self._masked_texts[key] = self._mask(text, cause)
        return self._masked_texts[key]

    def key(self, labels: Mapping[str, str]) -> str:
        """Make a readable key: the job's name for the playbook, name=value for the other labels."""
        parts = [self._job if name == "playbook" else f"{name}={value}" for name, value in labels.items()]
        return fit_key(":".join(["ansible", *parts]))

    def run_key(self, labels: Mapping[str, str], steering: Steering, parameters: Parameters | None = None) -> str:
        """Make a key of labels, and of what the run was started with where the key has to tell that and does not yet.

        Args:
            labels: as for `key`.
            steering: says who is paged, and of which variables the key is made.
            parameters: what the run was started with; the run's own if not given.
        """
        key = self.key(labels)
        if self._parameters is None or steering.target is None:
            return key
        given = parameters if parameters is not None else self._parameters()
        if not given.names or steering.key_variables.intersection(given.names):
            return key
        return fit_key(f"{key}:variables={given.digest(steering.target.routing_key)[:SHORT]}")

    def _withdrawn(self, hosts: tuple[str, ...]) -> list[Step]:
        steps: list[Step] = []
        for identity, incident in list(self._incidents.items()):
            gone = [host for host in hosts if host in incident.hosts]
            for host in gone:
                del incident.hosts[host]
            if gone and not incident.hosts:
                del self._incidents[identity]
                self._stale.pop(identity, None)
                steps.append(Notice("withdrawn", incident))
            elif gone:
                self._stale[identity] = None
        return steps

    def _cut(self, cut: Cut) -> list[Step]:
        """Say in each incident that the run was cut short; where that is to be paged by itself, do so."""
        for identity, incident in self._incidents.items():
            if incident.ended is None:
                incident.ended = cut
                self._stale[identity] = None
        cause = "error" if isinstance(cut, Errored) else "interrupted"
        steps = self.play_ended()
        if self._incidents or cause not in self._page_on:
            return steps
        new = self._made_of_cut(cut, cause)
        if new is None:
            return steps
        if isinstance(new, Unpaged):
            return [new]
        self._incidents[new.identity] = new
        return [Notice("opened", new)]

    def _made_of_cut(self, cut: Cut, cause: str) -> Incident | Unpaged | None:
        steering = self._steer("", None)
        if not steering.enabled:
            return None
        if steering.target is None:
            return Unpaged(steering.problem or "there is no integration key")
        # Without a host or a task, only what the run itself has can tell incidents apart.
        of_the_run = ("playbook", "inventory", "controller")
        labels = {name: self._label(name, "", None) for name in steering.group_by if name in of_the_run}
        steering = dataclasses.replace(steering, key_variables=frozenset())
        key = self.run_key(labels or {"playbook": self._job}, steering)
        ended = None if isinstance(cut, Errored) and cut.statistics else cut
        return Incident(key, steering, labels, cut, steering.severities[cause], ended=ended)


def place_of(outcome: Outcome) -> Place | None:
    """Return where it failed; None for a host that could not be reached, since reaching it is all it has to do."""
    if outcome.kind == "unreachable":
        return None
    task = outcome.written_task or outcome.task
    return place(outcome.path, outcome.role, task, outcome.action, outcome.needs_tag)


def place(path: str, role: str, task: str, action: str, needs_tag: bool = False) -> Place:
    """Return the place of a task, from C(file:line), its role, its name (or its action without one) and its action."""
    file, _colon, line = path.rpartition(":")
    if not line.isdigit():
        return Place(path, role, task, needs_tag)
    return Place(file, role, f"{action}, line {line}" if task == action else task, needs_tag)


def _worse(one: str, other: str) -> str:
    return min(one, other, key=SEVERITIES.index)
