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
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Decision
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import (
    Incident,
    IncidentBook,
    Notice,
    Place,
    Step,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering, Target

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery, Flushed
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import RecordedIncident
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._memory import Memory
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._page_writer import PageWriter
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Verdict
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext


# Incidents named in the closing line; a line is not for more.
_NAMED = 3

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
        warn: shows a warning line, each text once.
        show: shows a line.
        explain: shows a line to those who asked for more (C(-v)).
    """

    run: Callable[[], RunContext]
    writer: Callable[[], PageWriter]
    delivery: Callable[[], Delivery]
    memory: Callable[[], Memory]
    steer: Callable[[str, Outcome | None], Steering]
    warn: Callable[[str], None]
    show: Callable[[str], None]
    explain: Callable[[str], None]


@dataclass
class _Told:
    """What PagerDuty has been told in this run, for the closing line."""

    opened: dict[tuple[str, str, str], Incident] = field(default_factory=dict)
    updated: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    ended: set[tuple[str, str]] = field(default_factory=set)
    """Integration and dedup keys of all incidents for which a resolve was sent."""

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
            job, page_on, parts.steer, self._label, lambda text, outcome: parts.writer().mask(text, outcome)
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

    def passed(self, host: str, place: Place, reached: bool = True) -> None:
        """Note that a task did not fail on a host, and whether it ran there. Only called while incidents are open."""
        try:
            self._parts.memory().passed(host, place, reached)
        except PagerDutyError as error:
            self._parts.warn(f"what this run proves cannot be remembered: {error}")

    def run_ended(self, result: int, has_open_incidents: bool) -> None:
        """Resolve what this run proves to be over.

        Args:
            result: the run's result; 0 if nothing counted as failed.
            has_open_incidents: whether earlier runs may have left incidents open.
        """
        if self._check_mode:
            return
        whole_and_green = result == 0 and not self._parts.run().partial
        if has_open_incidents:
            try:
                for incident, verdict in self._parts.memory().verdicts(whole_and_green):
                    self._settle(incident, verdict)
            except PagerDutyError as error:
                self._parts.warn(f"what this run proves about open incidents is not known: {error}")
        if self._resolve_on_success == "always" and whole_and_green:
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
        told = self._told
        opened = list(told.opened.values())
        self._parts.show(closing_line(opened, told.updated, told.resolved, flushed, len(told.lost)))
        return flushed.interrupted

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
            if self._remember(lambda memory: memory.withdraw(incident)) is not False:
                ended = f"{self._job}: the failed hosts were taken back in the same run"
                self._send(writer.resolve(incident.dedup_key, ended, self._parts.run().controller), target)
            return
        event = writer.trigger(incident)
        if not self._send(event, target):
            self._book.tell_again(incident)
            return
        if incident.identity not in self._told.opened:
            self._warn_of_a_nameless_job(incident)
        self._told.opened[incident.identity] = incident
        self._remember(lambda memory: memory.remember(incident, event.summary or ""))

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

    def _remember(self, note: Callable[[Memory], bool | None]) -> bool | None:
        """Tell the memory, if there is one; returns what it says, None if it cannot say anything."""
        if self._resolve_on_success == "never":
            return None
        try:
            return note(self._parts.memory())
        except PagerDutyError as error:
            self._parts.warn(f"the incident cannot be remembered, so it will not resolve by itself: {error}")
            return None

    def _send(self, event: Event, target: Target, api: Api = Api.V2) -> bool:
        """Hand an event over; returns whether it is kept until it is sent."""
        try:
            prepared = prepare(event, target.routing_key, now=time.time(), new_key=f"ansible:{self._job}", api=api)
        except PagerDutyError as error:
            self._parts.warn(f"an event cannot be sent: {error}")
            return False
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
        key = steering.dedup_key or self._book.key({name: self._label(name, "", None) for name in steering.group_by})
        if (steering.target.routing_key, key) not in self._told.ended:
            self._send(self._resolved(key), steering.target)

    def _resolved(self, dedup_key: str) -> Alert:
        run = self._parts.run()
        link = f" ({run.build.url})" if run.build.url else ""
        who = f" by {run.user}" if run.user else ""
        text = f"{self._job} got through on all hosts that had failed, in a run{who} on {run.controller}{link}"
        return self._parts.writer().resolve(dedup_key, text, run.controller)

    def _settle(self, incident: RecordedIncident, verdict: Verdict) -> None:
        """Tell PagerDuty what a run means for an incident of earlier runs, and remember that."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Change as Become

        if verdict.change is Become.NONE or self._parts.memory().settle_unheard_of(incident, verdict):
            return
        target = self._target_of(incident)
        if target is None:
            self._parts.explain(f"{incident.dedup_key} stays open: no integration key of this run belongs to it")
            return
        over = verdict.change is Become.OVER
        if not self._send(self._resolved(incident.dedup_key) if over else self._progress(incident, verdict), target):
            return
        if over:
            self._told.resolved.append(incident.dedup_key)
            self._told.ended.add((target.routing_key, incident.dedup_key))
        else:
            self._told.updated.append(incident.dedup_key)
        self._parts.memory().settle(incident, verdict, over)

    def _progress(self, incident: RecordedIncident, verdict: Verdict) -> Alert:
        through = list(dict.fromkeys(host or _WHOLE_RUN for host, _place in verdict.passed))
        remaining = [host or _WHOLE_RUN for host in verdict.remaining]
        return Alert(
            Action.TRIGGER,
            incident.dedup_key,
            summary=f"{incident.summary} - {len(through)} got through since, {len(remaining)} still to come",
            source=self._parts.run().controller,
            custom_details={"got_through": through[:100], "still_failing": remaining[:100]},
        )

    def _target_of(self, incident: RecordedIncident) -> Target | None:
        """Find the integration key of an incident among those that this run has for the run or for the hosts."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import fingerprint_of

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


def closing_line(
    opened: list[Incident], updated: list[str], resolved: list[str], flushed: Flushed, lost: int = 0
) -> str:
    """Return the line that says at the end of a run what PagerDuty was told and what became of it."""
    triggered = [f"{incident.dedup_key}, {_count(len(incident.hosts), 'host')}" for incident in opened]
    # Where nothing was accepted, nobody has heard of anything.
    heard = "" if flushed.accepted else "not "
    parts = [
        f"{_count(len(names), 'incident')} {heard}{what} ({_some(names)})"
        for what, names in (("triggered", triggered), ("updated", updated), ("resolved", resolved))
        if names
    ]
    parts += [f"{_count(flushed.accepted, 'event')} accepted", f"{flushed.waiting} waiting"]
    if flushed.set_aside:
        parts.append(f"{flushed.set_aside} refused")
    if flushed.dropped:
        parts.append(f"{flushed.dropped} dropped")
    if lost:
        parts.append(f"{lost} lost")
    problem = f" ({flushed.problem})" if flushed.problem and (flushed.waiting or flushed.set_aside) else ""
    return f"PagerDuty: {', '.join(parts)}{problem}"


def _some(names: list[str]) -> str:
    more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
