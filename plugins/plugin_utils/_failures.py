# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which failures of a run count, and when that is certain. Pure: events in, decisions out.

A failure counts if the host ends the run among the failed or unreachable ones. Most failures are final when they
happen and are decided at once; one that a ``rescue`` may still take back waits until the host is seen to have ended
failed after all, or until the run ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Union

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome


@dataclass(frozen=True)
class Failure:
    """These hosts failed, and this is why. Given once for each host.

    The cause's own host need not be among them: a task that is rescued where it failed can end the other hosts.
    `ended` is what cut the run short, if that is how the failure came to count.
    """

    cause: Outcome
    hosts: tuple[str, ...]
    ended: Cut | None = None

    @property
    def collateral(self) -> tuple[str, ...]:
        """The hosts that failed along with the cause's own."""
        return tuple(host for host in self.hosts if host != self.cause.host)


@dataclass(frozen=True)
class Withdrawn:
    """These hosts were said to have failed, but did not end so."""

    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Finished:
    """A playbook came to its end, with this result: 0 means that nothing counted as failed."""

    result: int


@dataclass(frozen=True)
class Interrupted:
    """The run was ended from outside, without statistics. `signal` is its name, or empty if unknown."""

    signal: str


@dataclass(frozen=True)
class Errored:
    """An error ended the run: an exception, or something that is only known by the exit code."""

    error: str
    """The exception's class; empty where none is known."""

    text: str

    statistics: bool = False
    """Whether the run has its statistics all the same, so that C(Finished) follows."""


Cut = Union[Interrupted, Errored]
Decision = Union[Failure, Withdrawn, Finished, Interrupted, Errored]


@dataclass(frozen=True)
class _Event:
    """A failure that was not ignored, and the task during which it was announced."""

    outcome: Outcome
    order: int
    step: int


class FailureTracker:
    """Follows one run of ansible-playbook, which may be several playbooks.

    `can_be_cleared` is asked at the first final failure whether the playbook may forgive failures altogether
    (``meta: clear_host_errors``); if so, nothing is decided before its end.
    """

    def __init__(self, can_be_cleared: Callable[[], bool] = lambda: False) -> None:
        self._can_be_cleared = can_be_cleared
        self._told: set[str] = set()
        self._held: list[Failure] = []
        self._pending: dict[str, _Event] = {}
        self._latest: _Event | None = None
        self._events = 0
        self._step = 0

    @property
    def pending(self) -> tuple[str, ...]:
        """Hosts whose failure was not final when it happened, and has not been taken back yet."""
        return tuple(self._pending)

    def knows(self, host: str) -> bool:
        """Tell whether the host is known to have failed."""
        return host in self._told

    def recovered(self, host: str) -> None:
        """Note that a rescue has taken the host's failure back."""
        self._pending.pop(host, None)

    def next_step(self) -> None:
        """Note that another task or play begins."""
        self._step += 1

    def failed(self, outcome: Outcome, *, final: bool) -> list[Decision]:
        """Take a failed task; `final` says that nothing can take the failure back."""
        if outcome.ignored:
            return []
        event = self._note(outcome)
        if final:
            self._pending.pop(outcome.host, None)
            return self._tell(outcome, (outcome.host,))
        self._pending[outcome.host] = event
        return []

    def unreachable(self, outcome: Outcome) -> list[Decision]:
        """Take an unreachable host: neither ``ignore_errors`` nor ``rescue`` brings it back."""
        return self.failed(outcome, final=True)

    def lost(self, hosts: Iterable[str], silent: Callable[[str], Outcome]) -> list[Decision]:
        """Take hosts seen among those that certainly failed, whatever was announced of them.

        Where no announced failure explains a host's end, `silent` gives an outcome for it.
        """
        causes: dict[tuple[str, str, bool], tuple[Outcome, list[str]]] = {}
        for host in hosts:
            if host not in self._told:
                cause = self._cause(host) or silent(host)
                key = (cause.task_uuid, cause.host, cause.reported)
                causes.setdefault(key, (cause, []))[1].append(host)
        decisions: list[Decision] = []
        for cause, lost in causes.values():
            decisions += self._tell(cause, tuple(lost))
        return decisions

    def finished(
        self,
        result: int,
        hosts: Iterable[str],
        silent: Callable[[str], Outcome],
        recovering: Callable[[str], bool] = lambda _host: True,
    ) -> list[Decision]:
        """Take the end of a playbook: its result, and the hosts that ended failed or unreachable.

        `recovering` tells if a rescue was still at work for a host. `silent` is asked without a host for what was at
        work if no failure explains the result.
        """
        if result == 0:
            decisions = self._withdraw(self._told - {host for failure in self._held for host in failure.hosts})
            self._forget()
            return [*decisions, Finished(result)]
        ended = set(hosts)
        decisions = self.lost(sorted(ended), silent)
        if not self._told:
            # ansible-playbook says that the run failed, but not where. A failure that was taken back is no reason.
            for host, event in list(self._pending.items()):
                if recovering(host):
                    decisions += self._tell(event.outcome, (host,))
        if not self._told:
            decisions.append(_unexplained(result, silent("")))
        decisions += self._release(ended or None)
        if ended:
            decisions += self._withdraw(self._told - ended)
        return [*decisions, Finished(result)]

    def cut(self, cut: Cut, recovering: Callable[[str], bool]) -> list[Decision]:
        """Take the end of a run that has no statistics; `recovering` tells if a rescue was at work for a host."""
        failures = self._release(None)
        for host, event in self._pending.items():
            if host not in self._told and recovering(host):
                self._told.add(host)
                failures.append(Failure(event.outcome, (host,)))
        return [*(dataclasses.replace(failure, ended=cut) for failure in failures), cut]

    def _note(self, outcome: Outcome) -> _Event:
        self._events += 1
        self._latest = _Event(outcome, self._events, self._step)
        return self._latest

    def _cause(self, host: str) -> Outcome | None:
        """Return what explains best that a host ended failed of which no final failure was announced."""
        own = self._pending.get(host)
        latest = self._latest
        newer = latest is not None and (own is None or own.order < latest.order)
        # One task's failure ends other hosts at once; on ansible-core 2.16 sometimes only at the play's end.
        if latest is not None and newer and (latest.step == self._step or latest.outcome.spreads):
            return latest.outcome
        return own.outcome if own is not None else None

    def _tell(self, cause: Outcome, hosts: tuple[str, ...]) -> list[Decision]:
        new = tuple(host for host in hosts if host not in self._told)
        if not new:
            return []
        self._told.update(new)
        for host in new:
            self._pending.pop(host, None)
        failure = Failure(cause, new)
        if self._can_be_cleared():
            self._held.append(failure)
            return []
        return [failure]

    def _release(self, ended: set[str] | None) -> list[Failure]:
        """Give out what was held, as far as the hosts are among those that ended failed (None: all)."""
        failures: list[Failure] = []
        for failure in self._held:
            hosts = failure.hosts if ended is None else tuple(host for host in failure.hosts if host in ended)
            for host in set(failure.hosts) - set(hosts):
                self._told.remove(host)
            if hosts:
                failures.append(Failure(failure.cause, hosts))
        self._held.clear()
        return failures

    def _withdraw(self, hosts: set[str]) -> list[Decision]:
        for host in hosts:
            self._told.remove(host)
        return [Withdrawn(tuple(sorted(hosts)))] if hosts else []

    def _forget(self) -> None:
        self._told.clear()
        self._held.clear()


def _unexplained(result: int, last: Outcome) -> Errored:
    text = [f"exit code {result}, which no failure explains"]
    place = f" ({last.path})" if last.path else ""
    if last.task:
        text.append(f'The last task was "{last.task}"{place} in the play "{last.play}".')
    text.append(
        "Up to ansible-core 2.18 an error of input or output inside ansible-playbook ends a run like this, without a"
        " word; later so does a strategy plugin that says so."
    )
    return Errored("", "\n".join(text), statistics=True)
