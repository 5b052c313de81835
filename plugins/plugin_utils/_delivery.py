# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The near side of background delivery: takes events from ansible-playbook, and at the end waits, bounded, for them.

It commits to the outbox and sees to it that a courier is there. It never touches the network, starts no thread, and
raises nothing: what goes wrong comes back as a text to warn with. SQLite is loaded at the first event, not before.
Not thread-safe: ansible-core calls callbacks under a lock. After a fork it starts afresh in the child.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_process import CourierProcess
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import append
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._tally import Lane, Tally
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Prepared
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Put
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route

# How often the final wait looks.
_LOOK_SECONDS = 0.02

# Connections made before a fork: the child must neither use nor close them, so they are kept from being collected.
_inherited: list[object] = []


@dataclass(frozen=True)
class HandOver:
    """What became of an event that was handed over.

    Attributes:
        kept: whether it is kept until it is sent, on disk or, if warning says so, in memory.
        warning: what the user should know; each text comes once. Holds no key.
    """

    kept: bool
    warning: str | None = None


@dataclass(frozen=True)
class Flushed:
    """What has become of this run's events so far.

    Attributes:
        accepted: accepted by PagerDuty.
        waiting: not accepted yet; they stay in the outbox and are sent later.
        set_aside: refused by PagerDuty for good.
        dropped: given up unsent, for a cap or since a later event made them pointless.
        interrupted: whether the wait was ended by Ctrl-C.
        problem: the newest error, if events are waiting or set aside, or what is wrong with the outbox; without one,
            why events wait although all is well.
        unheard: incidents that events were handed over for, and none of them has been accepted.
        expected: in how many seconds the last one is sent, if only PagerDuty's limit holds them up; else 0.
        outlook: who goes on sending what waits, and until when; or that nobody does.
    """

    accepted: int = 0
    waiting: int = 0
    set_aside: int = 0
    dropped: int = 0
    interrupted: bool = False
    problem: str | None = None
    unheard: frozenset[Lane] = frozenset()
    expected: float = 0.0
    outlook: str | None = None


class Delivery:
    """Hands events over for delivery in the background."""

    def __init__(
        self,
        settings: DeliverySettings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the settings; nothing is opened or started yet.

        Args:
            settings: how events are kept and sent.
            clock: seconds that only go forward.
            sleep: waits so many seconds.
        """
        self._settings = settings
        self._waited = 0.0
        self._unsent = UnsentMark(settings.outbox_path)
        self._clock = clock
        self._sleep = sleep
        self._start_afresh()

    def hand_over(self, event: Prepared, route: Route, maybe_taken: bool = False) -> HandOver:
        """Commit an event to the outbox and have it sent. Takes a few milliseconds, and never raises.

        Args:
            event: what to send.
            route: the way to go.
            maybe_taken: whether the event was sent before, without an answer, so that PagerDuty may have it.
        """
        try:
            self._mind_forks()
            return self._hand_over(event, route, maybe_taken)
        except Exception as error:  # pylint: disable=broad-except  # nothing here may end a playbook
            return HandOver(False, self._once(f"The event is lost: {_one_line(error, event.routing_key)}"))

    def is_waiting(self, event: Prepared) -> bool:
        """Whether an earlier event about the same incident waits to be sent.

        Then this one has to be handed over too: sent directly, it would overtake the other. Never raises, and is cheap
        if no outbox was ever made.
        """
        try:
            self._mind_forks()
            paths = enumerate(self._paths())
            return any(os.path.exists(path) and self._depot(number).outbox.is_waiting(event) for number, path in paths)
        except Exception:  # pylint: disable=broad-except  # what cannot be read does not hold up an event
            return False

    def resume(self) -> str | None:
        """Have sent what earlier runs left behind, if anything; returns a warning. Cheap if there is nothing.

        The warning also tells what was dropped for one of the outbox's caps, and no run has told yet.
        """
        warnings: list[str] = []
        try:
            self._mind_forks()
            likely = (self._unsent.is_set(), os.path.exists(self._paths()[1]))
            for number, is_likely in enumerate(likely):
                if is_likely:
                    warnings += self._depot(number).untold()
                    if not self._depot(number).outbox.is_empty():
                        # In this order: a courier that is about to end looks whether it is to stay after all.
                        self._depot(number).stay(self._settings.courier_linger)
                        self._depot(number).courier.ensure()
            self._tidy()
        except Exception as error:  # pylint: disable=broad-except  # nothing here may end a playbook
            warnings.append(f"Events of earlier runs are not sent: {_one_line(error)}")
        return self._once(" ".join(warnings))

    def flush(self, timeout: float) -> Flushed:
        """Wait until this run's events are accepted or set aside, and count them.

        All waits of a command together take so many seconds at most: a user waits for the command, not for each of its
        playbooks. Ctrl-C ends the wait, and nothing else. Never raises.
        """
        began = self._clock()
        deadline = began + max(timeout - self._waited, 0.0)
        interrupted = False
        try:
            self._mind_forks()
            try:
                self._wait(deadline)
            except KeyboardInterrupt:
                interrupted = True
            self._waited += self._clock() - began
            self._tidy()
            return self._count(interrupted)
        except Exception as error:  # pylint: disable=broad-except  # nothing here may end a playbook
            return Flushed(interrupted=interrupted, problem=_one_line(error), unheard=self._tally.lanes)

    def begin_anew(self) -> None:
        """Wait for and count only what is handed over from here on, as for the next playbook."""
        self._mind_forks()
        self._run = uuid.uuid4().hex
        self._handed_over = 0
        self._tally = Tally()

    def ledger(self) -> Ledger:
        """Return the record of open incidents, in the same file as the events.

        Raises:
            DatabaseError: if that cannot be used.
        """
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger

        self._mind_forks()
        return Ledger(self._depot(self._current).database)

    def outbox(self) -> Outbox:
        """Return the queue of events, in the same file as the ledger.

        Raises:
            DatabaseError: if that cannot be used.
        """
        self._mind_forks()
        return self._depot(self._current).outbox

    def close(self) -> None:
        """Let go of the outbox. Whatever is unsent stays, and the courier goes on with it for a bounded time."""
        try:
            self._mind_forks()
            for depot in self._depots.values():
                depot.database.close()
        except Exception:  # noqa: S110  # pylint: disable=broad-except  # the run has ended; there is nothing to save
            pass
        self._start_afresh()

    # --- inside --------------------------------------------------------------------------------------------------

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self._run = uuid.uuid4().hex
        self._depots: dict[int, _Depot] = {}
        self._current = 0
        self._handed_over = 0
        self._tally = Tally()
        self._said: set[str] = set()

    def _mind_forks(self) -> None:
        if self._pid != os.getpid():
            _inherited.append(self._depots)
            self._start_afresh()

    def _paths(self) -> tuple[str, str]:
        """Return where events are kept: the outbox, and what stands in for it when it cannot be used."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import substitute_path

        return self._settings.outbox_path, substitute_path(self._settings.outbox_path)

    def _depot(self, number: int) -> _Depot:
        if number not in self._depots:
            path = self._paths()[number]
            self._depots[number] = _Depot(self._settings, path, number > 0)
        return self._depots[number]

    def _hand_over(self, event: Prepared, route: Route, maybe_taken: bool) -> HandOver:
        warnings = []
        route = route.with_surroundings(os.environ)
        try:
            put = self._depot(self._current).put(event, route, self._run, maybe_taken)
        except (PagerDutyError, OSError) as error:
            if self._current:
                raise
            self._current = 1
            put = self._depot(1).put(event, route, self._run, maybe_taken)
            warnings.append(f"The outbox {_one_line(error)}. The events of this run are kept in memory instead.")
        self._handed_over += 1
        self._tally.note(event)
        if put.dropped:
            warnings.append("The outbox is full: its oldest events are dropped unsent, pages last.")
        if put.outdated:
            warnings.append("Events that have waited for longer than outbox_max_age are dropped unsent.")
        problem = self._start_courier()
        if problem:
            warnings.append(f"{problem} Events stay in the outbox.")
        return HandOver(True, self._once(" ".join(warnings)))

    def _start_courier(self) -> str | None:
        """See to it that a courier is there; returns what keeps it from starting. The event is on disk by then."""
        try:
            return self._depot(self._current).courier.ensure()
        except Exception as error:  # pylint: disable=broad-except  # the event must not be called lost for it
            return f"The courier cannot be started: {_one_line(error)}."

    def _tidy(self) -> None:
        """Spare the next run a look into an outbox that is empty. Does not open one for that."""
        if 0 in self._depots:
            self._depots[0].outbox.unmark_if_empty()

    def _wait(self, deadline: float) -> None:
        for depot in self._depots.values():
            while depot.has_waiting(self._run) and self._clock() < deadline:
                if depot.courier.ensure():
                    break
                self._sleep(max(min(_LOOK_SECONDS, deadline - self._clock()), 0.0))

    def _count(self, interrupted: bool) -> Flushed:
        counts = [depot.outbox.counts(self._run) for depot in self._depots.values()]
        waiting, set_aside = sum(count.waiting for count in counts), sum(count.set_aside for count in counts)
        dropped = sum(sum(count.dropped.values()) for count in counts)
        problem = None
        if waiting or set_aside:
            problems = [depot.outbox.last_problem(self._run) for depot in self._depots.values()]
            problems += [depot.courier.problem for depot in self._depots.values()]
            problem = next((text for text in reversed(problems) if text), None)
        expected = 0.0
        if waiting and not problem:
            expected, problem = self._expected()
        accepted = self._handed_over - waiting - set_aside - dropped
        unheard = self._tally.unheard(self._run, [depot.outbox for depot in self._depots.values()], dropped > 0)
        outlook = self._outlook() if waiting else None
        return Flushed(accepted, waiting, set_aside, dropped, interrupted, problem, unheard, expected, outlook)

    def _expected(self) -> tuple[float, str | None]:
        """Return for how many seconds PagerDuty's limit holds up this run's events, and a text that says so."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace

        pace = Pace(self._settings.max_events_per_minute)
        expected = max(depot.outbox.expected_seconds(self._run, pace) for depot in self._depots.values())
        return expected, pace.explained(expected) if expected else None

    def _outlook(self) -> str:
        """Say who goes on sending what waits, and have that one stay from now on for as long as the settings say."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _outlook

        waiting = [depot for depot in self._depots.values() if depot.has_waiting(self._run)]
        for depot in waiting:
            depot.stay(self._settings.courier_linger)
        pid = next((pid for pid in (depot.courier.at_work() for depot in waiting) if pid), None)
        return _outlook.outlook(pid, time.time() + self._settings.courier_linger, _outlook.what_ends_processes())

    def _once(self, text: str) -> str | None:
        if not text or text in self._said:
            return None
        self._said.add(text)
        return text


class _Depot:
    """A place where events are kept, and the courier that fetches them there."""

    def __init__(self, settings: DeliverySettings, path: str, is_substitute: bool) -> None:
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _substitute
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps

        if is_substitute:
            _substitute.make_substitute_folder(path)
        self.database = Database(path)
        self.outbox = Outbox(self.database, Caps(settings.max_events, settings.max_age))
        self.courier = CourierProcess(settings, path)
        self._prune_superseded = settings.prune_superseded
        self._linger = settings.courier_linger
        self._version = -1
        self._waits = True

    def put(self, event: Prepared, route: Route, run: str, maybe_taken: bool) -> Put:
        """Commit an event."""
        self._version = -1  # the number does not change by what is done here
        put = self.outbox.put(event, route, run, self._prune_superseded, maybe_taken, self._linger)
        self._log_news()
        return put

    def stay(self, linger: float) -> None:
        """Have a courier stay so many seconds from now for what waits."""
        with contextlib.suppress(PagerDutyError):  # a full disk: what was noted with each event holds
            self.outbox.outages.stay(linger)

    def untold(self) -> list[str]:
        """Return what was dropped for one of the outbox's caps, and no run has told yet."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _drops

        self.outbox.drop_outdated()
        self._log_news()
        return [untold.explained() for untold in self.outbox.take_untold(_drops.RUN)]

    def _log_news(self) -> None:
        news = self.outbox.take_news()
        if news:
            append(self.database.path, news)

    def has_waiting(self, run: str) -> bool:
        """Whether events of a run are waiting. Counts only if something has changed."""
        version = self.outbox.version()
        if version != self._version:
            self._version = version
            self._waits = self.outbox.counts(run).waiting > 0
        return self._waits


def _one_line(error: Exception, *secrets: str) -> str:
    text = " ".join(str(error).split()) if isinstance(error, (PagerDutyError, OSError)) else ""
    return str(mask(text or f"unexpected {type(error).__name__}", secrets))
