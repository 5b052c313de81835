# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows one playbook's run and sees to it that PagerDuty hears of what counts, and when it is over.

Joins the parts: incidents (what belongs together), the writer (what is said), the delivery (how it gets there) and the
memory (what earlier runs have left open). Decides nothing itself that one of these could decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, Api, Change, Event, prepare
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._closing_line import ToldIncident, closing_line, scope
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._direct import ForgetfulError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Decision, Failure
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._host_ranges import listed
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import (
    Incident,
    IncidentBook,
    Notice,
    Step,
    Unpaged,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job_variables import Parameters
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._passage import Passage
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering, Target
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._tally import lane_of

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery, Flushed
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place as RecordedPlace
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import RecordedIncident
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._memory import Memory
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._page_writer import PageWriter
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Raisable, Verdict
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext


_WHOLE_RUN = "the run as a whole"


@dataclass(frozen=True)
class Parts:
    """What a pager needs of its surroundings; each is made when it is first asked for.

    Attributes:
        run: who runs what, where.
        writer: writes the events.
        delivery: takes the events.
        memory: knows of earlier runs.
        steer: says how a host's failure is to be paged; for the run's end, how that is.
        as_if_failed: gives, for a host and a place of an incident of earlier runs, the outcomes that a failure there
            would have had, one for each play.
        parameters: what the run was started with, one for each play so far; the present one's last.
        may_end_early: tells whether a C(meta) task may end the playbook before its last task.
        unread: names the sources of the inventory that could not be read.
        warn: shows a warning line, each text once.
        show: shows a line.
        explain: shows a line to those who asked for more (C(-v)).
    """

    run: Callable[[], RunContext]
    writer: Callable[[], PageWriter]
    delivery: Callable[[], Delivery]
    memory: Callable[[], Memory]
    steer: Callable[[str, Outcome | None], Steering]
    as_if_failed: Callable[[RecordedIncident, RecordedPlace], list[Outcome]]
    parameters: Callable[[], list[Parameters]]
    may_end_early: Callable[[], bool]
    unread: Callable[[], tuple[str, ...]]
    warn: Callable[[str], None]
    show: Callable[[str], None]
    explain: Callable[[str], None]


@dataclass
class _Told:
    """What PagerDuty has been told in this run, for the closing line."""

    opened: dict[tuple[str, str, str], Incident] = field(default_factory=dict)
    open_before: set[tuple[str, str]] = field(default_factory=set)
    """Integration and dedup keys of those that were open before this run, as far as that is known here."""

    updated: dict[tuple[str, str], None] = field(default_factory=dict)
    """Integration and dedup keys of earlier runs' incidents that some hosts got through."""

    resolved: dict[tuple[str, str], None] = field(default_factory=dict)
    """Integration and dedup keys of earlier runs' incidents that are over."""

    events: int = 0
    """How many events were handed over, and are kept until they are sent."""

    lost: set[tuple[str, str | None]] = field(default_factory=set)
    """Integration and dedup keys of the events that could not even be kept."""


class Pager:
    """Pages for one playbook's run."""

    def __init__(
        self, job: str, page_on: tuple[str, ...], resolve_on_success: str, check_mode: bool, parts: Parts
    ) -> None:
        """Begin; nothing is opened or started.

        Args:
            job: the job's name.
            page_on: what to page for.
            resolve_on_success: C(ledger), C(always) or C(never).
            check_mode: True to send nothing, and say what would have been sent.
            parts: the surroundings.
        """
        self._job = job
        self._resolve_on_success = resolve_on_success
        self._check_mode = check_mode
        self._parts = parts
        self._book = IncidentBook(
            job,
            page_on,
            parts.steer,
            self._label,
            lambda text, outcome: parts.writer().mask(text, outcome),
            # Without a memory only the key can tell runs with other variables apart.
            (lambda: parts.parameters()[-1]) if resolve_on_success == "always" else None,
        )
        self._told = _Told()

    def decided(self, decision: Decision) -> None:
        """Take a decision about a failure, or about the end of the run."""
        self._take_all(self._book.take(decision))

    def play_ended(self) -> None:
        """Tell what has been gathered during a play."""
        self._take_all(self._book.play_ended())

    def _take_all(self, steps: list[Step]) -> None:
        """Take steps so that one that goes wrong does not keep the others, which may be pages, from being taken."""
        for step in steps:
            try:
                self._take(step)
            except Exception as error:  # pylint: disable=broad-except  # the next step may be a page
                self._parts.warn(f"something went wrong inside, please report it: {type(error).__name__}: {error}")

    def passed(self, passage: Passage, as_if_failed: Callable[[str], Outcome]) -> None:
        """Note that a task did not fail the run on a host. Only called while incidents are open.

        Args:
            passage: the task, the host, and how it went.
            as_if_failed: gives the outcome that the task's failure on a host would have had.
        """
        try:
            self._parts.memory().passed(
                passage,
                lambda incident, place: self._raisable(incident, place, as_if_failed(place.origin or place.host)),
            )
        except PagerDutyError as error:
            self._parts.warn(f"what this run proves cannot be remembered: {error}")

    def run_ended(self, result: int, has_open_incidents: bool, took_part: bool = True) -> None:
        """Resolve what this run proves to be over.

        Args:
            result: the run's result; 0 if nothing counted as failed.
            has_open_incidents: whether earlier runs may have left incidents open.
            took_part: whether any host took part.
        """
        if self._check_mode:
            return
        green = result == 0 and not self._parts.run().partial
        if has_open_incidents:
            try:
                for incident in self._parts.memory().incidents():
                    self._settle(incident, green)
            except PagerDutyError as error:
                self._parts.warn(f"what this run proves about open incidents is not known: {error}")
        if self._resolve_on_success == "always" and green:
            unread = self._parts.unread()
            if unread or not took_part:
                why = (
                    f"a source of the inventory could not be read ({', '.join(unread)})"
                    if unread
                    else "no host took part"
                )
                self._parts.explain(f"resolve_on_success=always: nothing is resolved, since {why}")
            else:
                self._resolve_job()

    def change(self, summary: str, details: Mapping[str, Any]) -> None:
        """Send a change event about the run."""
        steering = self._parts.steer("", None)
        if steering.target is None:
            self._parts.warn(f"no change event is sent: {steering.problem}")
        elif steering.enabled:
            run = self._parts.run()
            links = ({"href": run.build.url, "text": run.build.name or "Job"},) if run.build.url else ()
            event = Change(summary, source=run.controller, custom_details=dict(details), links=links)
            self._send(event, steering.target, Api.CHANGE)

    def close(self, flush_timeout: float) -> bool:
        """Wait, bounded, for what was told, and say in one line what became of it. Returns whether Ctrl-C came."""
        if not self._told.events and not self._told.lost:
            return False
        flushed = self._parts.delivery().flush(flush_timeout)
        self._parts.show(closing_line(self._told_incidents(flushed), flushed, len(self._told.lost)))
        return flushed.interrupted

    def _told_incidents(self, flushed: Flushed) -> list[ToldIncident]:
        told = self._told
        found: dict[tuple[str, str], ToldIncident] = {}
        for (routing_key, _url, dedup_key), incident in told.opened.items():
            key = (routing_key, dedup_key)
            accepted = self._is_accepted(key, flushed)
            what: Any = "updated" if key in told.open_before else "triggered"
            found[key] = ToldIncident(dedup_key, what, accepted, scope(len(incident.hosts)))
        for keys, what in ((told.updated, "updated"), (told.resolved, "resolved")):
            for key in keys:
                found.setdefault(key, ToldIncident(key[1], what, self._is_accepted(key, flushed)))
        return list(found.values())

    @staticmethod
    def _is_accepted(key: tuple[str, str], flushed: Flushed) -> bool | None:
        """Tell whether PagerDuty has accepted anything about an incident; None if nobody can tell."""
        if lane_of(*key) in flushed.unheard:
            return False
        return None if flushed.unknown and not flushed.accepted else True

    def _take(self, step: Step) -> None:
        if not isinstance(step, Notice):
            self._parts.warn(f"nobody is paged for this failure: {step.problem}")
            return
        incident = step.incident
        target = incident.steering.target
        if target is None:
            return
        writer = self._parts.writer()
        if self._check_mode:
            what = {"opened": "would trigger", "updated": "would update", "withdrawn": "would resolve"}[step.what]
            self._parts.explain(f"check mode: {what} {incident.dedup_key}: {writer.summary(incident)}")
            return
        if step.what == "withdrawn":
            if self._told.opened.pop(incident.identity, None) is None:
                return
            ended = f"{self._job}: the failed hosts were taken back in the same run"
            self._withdraw(incident, writer.resolve(incident.dedup_key, ended, self._parts.run().controller), target)
            return
        event = writer.trigger(incident)
        summary = event.summary or ""
        # Before PagerDuty is told: a run that would resolve the incident just now has to see that it failed again.
        problem = self._remember(incident, summary)
        if not self._send(event, target):
            self._book.tell_again(incident)
            return
        if not self._told.opened:
            self._warn_of_a_nameless_job(incident)
        self._told.opened[incident.identity] = incident
        # An outbox that could not be used has a substitute by now, with a memory of its own.
        problem = problem and self._remember(incident, summary)
        if problem:
            self._parts.warn(f"the incident cannot be remembered, so it will not resolve by itself: {problem}")

    def _warn_of_a_nameless_job(self, incident: Incident) -> None:
        run = self._parts.run()
        if not run.is_lasting:
            self._parts.warn(
                f"{incident.dedup_key} is not resolved by itself, since another run cannot be known to be the same job:"
                f" {run.playbook or 'the command'} has no lasting name; job_name gives it one"
            )
        elif run.is_generated:
            self._parts.warn(
                f"{incident.dedup_key} is resolved only by a run of the very same file: it lies in a temporary folder"
                " and has no lasting name; job_name gives it one"
            )

    def _remember(self, incident: Incident, summary: str) -> str | None:
        """Tell the memory of an incident, if it is to resolve it; returns what is wrong with it."""
        try:
            memory = self._parts.memory()
            if self._resolve_on_success == "never":
                # Only what this run has opened itself may be withdrawn.
                was_open = incident.identity not in self._told.opened and memory.may_be_open(incident)
            else:
                was_open = memory.remember(incident, summary)
            if was_open and incident.steering.target is not None:
                self._told.open_before.add((incident.steering.target.routing_key, incident.dedup_key))
        except ForgetfulError:  # said by the delivery
            return None
        except PagerDutyError as error:
            return None if self._resolve_on_success == "never" else str(error)
        return None

    def _withdraw(self, incident: Incident, event: Event, target: Target) -> None:
        """Resolve an incident of which nothing is left, unless other runs have failed in it too."""
        if self._resolve_on_success == "never":
            if (target.routing_key, incident.dedup_key) in self._told.open_before:
                self._parts.warn(
                    f"{incident.dedup_key} stays open although its hosts were taken back: it was open before this run,"
                    " and resolve_on_success=never remembers no hosts"
                )
            else:
                self._send(event, target)
            return
        try:
            memory = self._parts.memory()
            with memory.one_step():
                if memory.withdraw(incident):
                    self._send(event, target)
        except PagerDutyError as error:
            if (target.routing_key, incident.dedup_key) in self._told.open_before:
                self._parts.warn(
                    f"{incident.dedup_key} stays open although its hosts were taken back: it was open before this run,"
                    f" and where else it failed cannot be looked up: {error}"
                )
                return
            if not isinstance(error, ForgetfulError):  # that has been said by the delivery
                self._parts.warn(f"the incident cannot be remembered, so it will not resolve by itself: {error}")
            self._send(event, target)

    def _send(self, event: Event, target: Target, api: Api = Api.V2) -> bool:
        """Hand an event over; returns whether it is kept until it is sent."""
        try:
            prepared = prepare(event, target.routing_key, now=time.time(), new_key=f"ansible:{self._job}", api=api)
        except PagerDutyError as error:
            self._parts.warn(f"an event cannot be sent: {error}")
            return False
        for told in (*prepared.left_out, *prepared.notes):
            self._parts.warn(f"an event is not sent as it was meant: {told}")
        handed_over = self._parts.delivery().hand_over(
            prepared, Route(target.settings.connection, target.settings.timeout)
        )
        if handed_over.warning:
            self._parts.warn(handed_over.warning)
        if handed_over.kept:
            self._told.events += 1
            self._told.lost.discard((target.routing_key, prepared.dedup_key))
        else:
            self._told.lost.add((target.routing_key, prepared.dedup_key))
        return handed_over.kept

    def _resolve_job(self) -> None:
        """Resolve the job's own incident without knowing whether there is one: PagerDuty takes no notice if not."""
        steering = self._parts.steer("", None)
        if steering.target is None or not steering.enabled:
            return
        if set(steering.group_by) - {"playbook", "inventory", "controller"}:
            self._parts.warn(
                "resolve_on_success=always finds only incidents grouped by playbook, inventory and controller; those of"
                f" group_by={','.join(steering.group_by)} are left to the ledger"
            )
            return
        labels = {name: self._label(name, "", None) for name in steering.group_by}
        key = steering.dedup_key or self._book.run_key(labels, steering)
        given = self._parts.parameters()[-1].names
        if steering.dedup_key and given and not steering.key_variables.intersection(given):
            self._parts.explain(
                f"{key} stays open: dedup_key does not tell runs with other extra variables ({', '.join(given)}) apart;"
                " job_variables decides which count"
            )
        elif (steering.target.routing_key, key) not in self._told.resolved:
            self._resolve_unless_known(key, steering.target)

    def _resolve_unless_known(self, key: str, target: Target) -> None:
        """Resolve an incident, unless there is a memory after all, by which it is not over."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of

        try:
            memory = self._parts.memory()
            with memory.one_step():
                if memory.is_open(fingerprint_of(target.routing_key), key):
                    self._parts.explain(f"{key} stays open: the memory of this machine knows of hosts that failed")
                else:
                    self._send(self._resolved(key), target)
        except PagerDutyError:
            self._send(self._resolved(key), target)

    def _resolved(self, dedup_key: str) -> Alert:
        run = self._parts.run()
        link = f" ({run.build.url})" if run.build.url else ""
        who = f" by {run.user}" if run.user else ""
        text = f"{self._job} got through on all hosts that had failed, in a run{who} on {run.controller}{link}"
        return self._parts.writer().resolve(dedup_key, text, run.controller)

    def _settle(self, incident: RecordedIncident, green: bool) -> None:
        """Tell PagerDuty what a run means for an incident of earlier runs, and remember that."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_reasons import reasons
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Change as Become

        memory = self._parts.memory()
        target = self._target_of(incident)
        if memory.verdict(incident, green, self) is None:
            return
        events = self._told.events
        told = False
        try:
            # Once more, now that all variables are rendered, and such that no other run's failure comes in between.
            with memory.one_step():
                verdict = memory.verdict(incident, green, self)
                if verdict is None:
                    return
                memory.note_sightings(incident, verdict)
                settled = verdict.change is Become.NONE or memory.settle_unheard_of(incident, verdict)
                if not settled and target is not None:
                    told = self._tell(incident, verdict, target)
        except PagerDutyError:
            self._told.events = events
            raise
        if told and target is not None:
            which = self._told.resolved if verdict.change is Become.OVER else self._told.updated
            which[target.routing_key, incident.dedup_key] = None
        names = {name for parameters in self._parts.parameters() for name in parameters.names}
        for reason in reasons(verdict, self._parts.unread(), names):
            self._parts.explain(f"{incident.dedup_key} stays open: {reason}")
        if not settled and target is None:
            self._parts.explain(f"{incident.dedup_key} stays open: no integration key of this run belongs to it")

    def _tell(self, incident: RecordedIncident, verdict: Verdict, target: Target) -> bool:
        """Tell PagerDuty of a verdict and note that; returns whether that is kept until it is sent."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Change as Become

        over = verdict.change is Become.OVER
        if not self._send(self._resolved(incident.dedup_key) if over else self._progress(incident, verdict), target):
            return False
        self._parts.memory().settle(incident, verdict, over)
        return True

    def would_raise(self, incident: RecordedIncident, place: RecordedPlace) -> list[Raisable | None]:
        """Return what a failure of the place's host there would have raised, for each play where it could stand."""
        if not place.host and not place.origin:
            opened = self._book.would_open_at_end()
            return [self._raisable_of(opened, parameters) for parameters in self._parts.parameters()]
        outcomes = self._parts.as_if_failed(incident, place)
        return [self._raisable(incident, place, outcome) for outcome in outcomes]

    def may_end_early(self) -> bool:
        """Return whether the run may have ended on a host before its last task."""
        return self._parts.may_end_early()

    def parameters(self, incident: RecordedIncident) -> frozenset[str]:
        """Return what this run's variables come to, with the incident's integration key; for each play."""
        target = self._target_of(incident)
        if target is None:
            return frozenset()
        return frozenset(parameters.digest(target.routing_key) for parameters in self._parts.parameters())

    def _raisable(self, incident: RecordedIncident, place: RecordedPlace, outcome: Outcome) -> Raisable | None:
        """Return what a failure with this outcome would raise, for a host that may have failed along with another."""
        is_own = not place.origin or place.origin == place.host or not place.host
        hosts = (outcome.host,) if is_own else (incident.labels.get("host", outcome.host), place.host)
        opened = self._book.would_open(Failure(outcome, hosts))
        return self._raisable_of(opened, outcome.extra.get("parameters") or self._parts.parameters()[-1])

    def _raisable_of(self, opened: Incident | Unpaged | None, parameters: Parameters) -> Raisable | None:
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Raisable

        if opened is None:
            return None
        if isinstance(opened, Unpaged) or opened.steering.target is None:
            return Raisable("", "")
        key = opened.steering.target.routing_key
        return Raisable(
            fingerprint_of(key),
            opened.dedup_key,
            opened.steering.key_variables,
            parameters.digest(key),
            parameters.names,
        )

    def _progress(self, incident: RecordedIncident, verdict: Verdict) -> Alert:
        through = list(dict.fromkeys(place.host or _WHOLE_RUN for place in verdict.passed))
        remaining = [host or _WHOLE_RUN for host in verdict.remaining]
        absent = list(dict.fromkeys(place.host for place in verdict.absent))
        return Alert(
            Action.TRIGGER,
            incident.dedup_key,
            summary=f"{incident.summary} - {len(through)} got through since, {len(remaining)} still to come",
            source=self._parts.run().controller,
            custom_details={
                "got_through": listed(through),
                "still_failing": listed(remaining),
                **({"not_in_the_inventory": listed(absent)} if absent else {}),
            },
        )

    def _target_of(self, incident: RecordedIncident) -> Target | None:
        """Find the integration key of an incident among those that this run has for the run or for the hosts."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of

        for host in ("", *dict.fromkeys(place.host for place in incident.places)):
            target = self._parts.steer(host, None).target
            if target is not None and fingerprint_of(target.routing_key) == incident.fingerprint:
                return target
        return None

    def _label(self, name: str, host: str, outcome: Outcome | None) -> str:
        if name == "playbook":
            return self._job
        if name == "inventory":
            return ",".join(self._parts.run().inventories)
        if name == "controller":
            return self._parts.run().controller
        if name == "host":
            return self._parts.run().machine(host)
        if outcome is None:
            return ""
        if name == "play":
            return str(outcome.extra.get("written_play") or outcome.play)
        # A task's name as it is written: the same in each run, whatever the values of its variables.
        return str((outcome.written_task or outcome.task) if name == "task" else getattr(outcome, name, ""))
