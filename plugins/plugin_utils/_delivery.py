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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._depot import Depot, one_line
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._direct import DirectDelivery, ForgetfulError
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

# Where events are kept: the next one is used when one cannot be.
_OUTBOX, _SUBSTITUTE, _DIRECT = 0, 1, 2

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
            why events wait although all is well, and for how long.
        unheard: incidents that events were handed over for, and none of them has been accepted.
        outlook: who goes on sending what waits, and until when; or that nobody does.
        unknown: nobody can tell what became of them: what kept them can no longer be read.
    """

    accepted: int = 0
    waiting: int = 0
    set_aside: int = 0
    dropped: int = 0
    interrupted: bool = False
    problem: str | None = None
    unheard: frozenset[Lane] = frozenset()
    outlook: str | None = None
    unknown: int = 0


class _NoDatabaseError(PagerDutyError):
    """Python has no SQLite."""


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
        self._handed_over: dict[int, int] = {}
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
            return HandOver(False, self._once(f"The event is lost: {one_line(error, event.routing_key)}"))

    def is_waiting(self, event: Prepared) -> bool:
        """Whether an earlier event about the same incident waits to be sent.

        Then this one has to be handed over too: sent directly, it would overtake the other. Never raises, and is cheap
        if no outbox was ever made.
        """
        try:
            self._mind_forks()
            if self._direct is not None and self._direct.is_waiting(event):
                return True
            if self._waits_elsewhere(event) is not None:
                return True
            return os.path.lexists(self._settings.outbox_path) and self._depot(_OUTBOX).outbox.is_waiting(event)
        except Exception:  # pylint: disable=broad-except  # what cannot be read does not hold up an event
            return False

    def resume(self) -> str | None:
        """Have sent what earlier runs left behind, if anything; returns a warning. Cheap if there is nothing.

        The warning also tells what was dropped for one of the outbox's caps, and no run has told yet.
        """
        warnings: list[str] = []
        problems = []
        for step in (self._bring_back, self._resume_outbox, self._resume_substitutes):
            try:
                self._mind_forks()
                warnings += step()
            except Exception as error:  # pylint: disable=broad-except  # nothing here may end a playbook
                problems.append(one_line(error))
        warnings += [f"What earlier runs have left is not looked after: {problem}" for problem in problems[:1]]
        return self._once(" ".join(warnings))

    def _resume_outbox(self) -> list[str]:
        warnings = self._resume_in(self._depot(_OUTBOX)) if self._unsent.is_set() else []
        self._tidy()
        return warnings

    def _resume_substitutes(self) -> list[str]:
        return [warning for depot in self._substitutes() for warning in self._resume_in(depot)]

    def _resume_in(self, depot: Depot) -> list[str]:
        warnings = depot.untold()
        if not depot.outbox.is_empty():
            # In this order: a courier that is about to end looks whether it is to stay after all.
            depot.stay(self._settings.courier_linger)
            depot.ensure()
        return warnings

    def _bring_back(self) -> list[str]:
        """Put back into the outbox what was kept elsewhere while it could not be used."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import existing_substitutes

        paths = existing_substitutes(self._settings.outbox_path)
        if not paths or self._current != _OUTBOX:
            return []
        try:
            database = self._depot(_OUTBOX).database
        except PagerDutyError as error:  # it cannot be used yet; with the first event that is said
            self._depot(_SUBSTITUTE)
            self._step_aside(error)
            return []
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._bring_back import bring_back

        for path in paths:
            bring_back(path, database)
        return []

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
                for place in self._places():
                    self._wait(place, deadline)
            except KeyboardInterrupt:
                interrupted = True
            self._waited += self._clock() - began
            flushed = self._count(interrupted)
            with contextlib.suppress(PagerDutyError):
                self._tidy()
            return flushed
        except Exception as error:  # pylint: disable=broad-except  # nothing here may end a playbook
            unknown = sum(self._handed_over.values())
            return Flushed(unknown=unknown, interrupted=interrupted, problem=one_line(error))

    def begin_anew(self) -> None:
        """Wait for and count only what is handed over from here on, as for the next playbook."""
        self._mind_forks()
        self._run = uuid.uuid4().hex
        self._handed_over = {}
        self._tally = Tally()

    def kept_in(self) -> str | None:
        """Return the file that has this process's events, and what is known of incidents; None if nothing is stored."""
        if self._current == _OUTBOX:
            return self._settings.outbox_path
        depot = self._depots.get(self._current)
        return None if depot is None else depot.database.path

    def ledger(self) -> Ledger:
        """Return the record of open incidents, in the same file as the events.

        Raises:
            PagerDutyError: if that cannot be used, a ForgetfulError if nothing can be stored and that has been said.
        """
        self._mind_forks()
        depot = self._depot(self._current)
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger

        return Ledger(depot.database)

    def outbox(self) -> Outbox:
        """Return the queue of events, in the same file as the ledger.

        Raises:
            PagerDutyError: if that cannot be used, a ForgetfulError if nothing can be stored and that has been said.
        """
        self._mind_forks()
        return self._depot(self._current).outbox

    def close(self) -> None:
        """Let go of the outbox. Whatever is unsent stays, and the courier goes on with it for a bounded time."""
        try:
            self._mind_forks()
            for place in self._places():
                place.close()
        except Exception:  # noqa: S110  # pylint: disable=broad-except  # the run has ended; there is nothing to save
            pass
        self._start_afresh()

    # --- inside --------------------------------------------------------------------------------------------------

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self._run = uuid.uuid4().hex
        self._depots: dict[int, Depot] = {}
        self._others: list[Depot] = []
        self._direct: DirectDelivery | None = None
        self._current = _OUTBOX
        self._why_aside: str | None = None
        self._handed_over = {}
        self._tally = Tally()
        self._stepped_around: tuple[str, ...] = ()
        self._said: set[str] = set()

    def _mind_forks(self) -> None:
        if self._pid != os.getpid():
            _inherited.extend((self._depots, self._others, self._direct))
            self._start_afresh()

    def _depot(self, number: int) -> Depot:
        """Return the outbox or its substitute, opened."""
        if number == _DIRECT:
            raise ForgetfulError("nothing can be stored")
        if number not in self._depots:
            self._depots[number] = self._opened(
                self._settings.outbox_path if number == _OUTBOX else self._substitute_path()
            )
        return self._depots[number]

    def _opened(self, path: str) -> Depot:
        try:
            return Depot(self._settings, path)
        except ImportError as error:
            raise _NoDatabaseError(f"this Python cannot load its module sqlite3 ({error})") from None

    def _substitute_path(self) -> str:
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import make_substitute

        made = make_substitute(self._settings.outbox_path)
        self._stepped_around = made.stepped_around
        return made.path

    def _substitutes(self) -> Iterator[Depot]:
        """Yield all substitutes that are there, of which new events go into one."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import existing_substitutes

        for path in existing_substitutes(self._settings.outbox_path):
            known = [*self._depots.values(), *self._others]
            depot = next((depot for depot in known if depot.database.path == path), None)
            if depot is None:
                depot = self._opened(path)
                self._others.append(depot)
            yield depot

    def _waits_elsewhere(self, event: Prepared) -> Depot | None:
        """Return the substitute in which an earlier event about the same incident waits, if any."""
        with contextlib.suppress(PagerDutyError):
            return next((depot for depot in self._substitutes() if depot.outbox.is_waiting(event)), None)
        return None

    def _places(self) -> list[Depot | DirectDelivery]:
        """Return all that may have events of this run."""
        direct = [] if self._direct is None else [self._direct]
        return [*self._depots.values(), *self._others, *direct]

    def _hand_over(self, event: Prepared, route: Route, maybe_taken: bool) -> HandOver:
        route = route.with_surroundings(os.environ)
        while True:
            try:
                put = self._put(event, route, maybe_taken)
                break
            except (PagerDutyError, OSError) as error:
                if self._current == _DIRECT:
                    raise
                if self._has_vanished():
                    continue
                self._step_aside(error)
        self._handed_over[self._current] = self._handed_over.get(self._current, 0) + 1
        self._tally.note(event)
        warnings = [] if self._why_aside is None else [self._why_aside, self._where_instead()]
        if put.dropped:
            warnings.append("The outbox is full: its oldest events are dropped unsent, pages last.")
        if put.outdated:
            warnings.append("Events that have waited for longer than outbox_max_age are dropped unsent.")
        problem = self._start_courier()
        if problem:
            warnings.append(f"{problem} Events stay in the outbox.")
        return HandOver(True, self._once(" ".join(warnings)))

    def _put(self, event: Prepared, route: Route, maybe_taken: bool) -> Put:
        if self._current == _OUTBOX and self._depot(_OUTBOX):
            first = self._waits_elsewhere(event)
            if first is not None:  # in order: behind what a courier is still about to send from there
                put = first.put(event, route, self._run, maybe_taken)
                first.ensure()
                return put
        if self._current != _DIRECT:
            depot, place = self._depot(self._current), self._current
            put = depot.put(event, route, self._run, maybe_taken)
            depot.database.if_undone(lambda: self._take_back(place, event))
            return put
        if self._direct is None:
            self._direct = DirectDelivery(self._settings)
        return self._direct.put(event, route, self._run, maybe_taken)

    def _take_back(self, place: int, event: Prepared) -> None:
        """Do not count an event that was handed over in a transaction which came to nothing."""
        self._handed_over[place] -= 1
        self._tally.take_back(event)

    def _step_aside(self, error: Exception) -> None:
        """Keep events in the next place from here on."""
        if isinstance(error, _NoDatabaseError):
            self._current, self._why_aside = _DIRECT, f"Events cannot be stored: {error}."
        else:
            self._current += 1
            self._why_aside = self._why_aside or f"The outbox {one_line(error)}."

    def _has_vanished(self) -> bool:
        """Whether the substitute has become useless since it was opened, as when another run has brought it back.

        What is in it has been brought back, or cannot be found any more; a new one can be made.
        """
        depot = self._depots.get(self._current)
        if self._current != _SUBSTITUTE or depot is None or os.path.lexists(depot.database.path):
            return False
        self._others.append(self._depots.pop(_SUBSTITUTE))
        return True

    def _where_instead(self) -> str:
        if self._current == _DIRECT:
            return (
                "The events of this run are sent from memory, by a process that tries for at most"
                f" {self._settings.courier_linger:g} seconds after it; its incidents do not resolve by themselves."
            )
        around = f" {', '.join(self._stepped_around)} is not used: it is no private folder of this user."
        return f"The events of this run are kept in memory instead.{around if self._stepped_around else ''}"

    def _start_courier(self) -> str | None:
        """See to it that a courier is there; returns what keeps it from starting. The event is on disk by then."""
        try:
            if self._direct is not None and self._current == _DIRECT:
                return self._direct.ensure()
            return self._depot(self._current).courier.ensure()
        except Exception as error:  # pylint: disable=broad-except  # the event must not be called lost for it
            return f"The courier cannot be started: {one_line(error)}."

    def _tidy(self) -> None:
        """Spare the next run a look into an outbox that is empty. Does not open one for that."""
        if _OUTBOX in self._depots:
            self._depots[_OUTBOX].outbox.unmark_if_empty()

    def _wait(self, place: Depot | DirectDelivery, deadline: float) -> None:
        with contextlib.suppress(PagerDutyError):  # it can no longer be read, which the count says
            while place.has_waiting(self._run) and self._clock() < deadline:
                if place.ensure():
                    break
                self._sleep(max(min(_LOOK_SECONDS, deadline - self._clock()), 0.0))

    def _count(self, interrupted: bool) -> Flushed:
        """Count this run's events. What is no longer there was accepted, unless the file cannot be trusted."""
        waiting = set_aside = dropped = unknown = 0
        problems: list[str | None] = []
        wrong: list[str] = []
        trusted: list[Depot | DirectDelivery] = []
        self._follow_what_was_brought_back()
        for place in self._places():
            try:
                count = place.counts(self._run)
            except PagerDutyError as error:
                unknown += self._handed_over_to(place)
                wrong.append(one_line(error))
                continue
            problem = place.what_is_wrong()
            if problem is not None:
                wrong.append(problem)
                unknown += count.waiting
            else:
                waiting += count.waiting
                trusted.append(place)
            set_aside += count.set_aside
            dropped += sum(count.dropped.values())
            if count.waiting or count.set_aside:
                problems = [place.last_problem(self._run), *problems, place.problem]
        accepted = sum(self._handed_over.values()) - waiting - set_aside - dropped - unknown
        found = next((text for text in (*wrong[:1] * bool(unknown), *reversed(problems)) if text), None)
        if waiting and not found:
            found = self._held_up(trusted)
        unheard = self._tally.unheard(self._run, trusted, dropped > 0)
        outlook = self._outlook(trusted) if waiting else None
        return Flushed(accepted, waiting, set_aside, dropped, interrupted, found, unheard, outlook, unknown)

    def _held_up(self, places: list[Depot | DirectDelivery]) -> str | None:
        """Say for how long PagerDuty's limit holds up this run's events; None if it does not."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace

        pace = Pace(self._settings.max_events_per_minute)
        depots = [place for place in places if isinstance(place, Depot)]
        expected = max((depot.outbox.expected_seconds(self._run, pace) for depot in depots), default=0.0)
        return pace.explained(expected) if expected else None

    def _outlook(self, places: list[Depot | DirectDelivery]) -> str:
        """Say who goes on sending what waits, and have that one stay from now on for as long as the settings say."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _outlook

        waiting = [place for place in places if place.has_waiting(self._run)]
        for place in waiting:
            place.stay(self._settings.courier_linger)
        pid = next((pid for pid in (place.at_work() for place in waiting) if pid), None)
        return _outlook.outlook(pid, time.time() + self._settings.courier_linger, _outlook.what_ends_processes())

    def _follow_what_was_brought_back(self) -> None:
        """Look into the outbox, too, if another run has brought events of this one back there."""
        elsewhere = [depot for number, depot in self._depots.items() if number != _OUTBOX] + self._others
        if not elsewhere:
            return
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._bring_back import was_brought_back

        for depot in elsewhere:
            with contextlib.suppress(PagerDutyError):
                if was_brought_back(depot.database):
                    self._depot(_OUTBOX)

    def _handed_over_to(self, place: Depot | DirectDelivery) -> int:
        number = next((number for number, depot in self._depots.items() if depot is place), None)
        return self._handed_over.get(number, 0) if number is not None else 0

    def _once(self, text: str) -> str | None:
        if not text or text in self._said:
            return None
        self._said.add(text)
        return text
