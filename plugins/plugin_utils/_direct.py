# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery where nothing can be stored: events go through a pipe to a process that keeps them in its memory.

It is what is left where Python has no sqlite3, or where neither the outbox nor its substitute can be used. The process
tries for as long as a courier may; what it has not sent by then is lost. Nobody remembers incidents.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Prepared
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_process import environment_of_senders
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import (
    Counts,
    Put,
    action_of,
    fingerprint_of,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route

# If the process keeps dying, starting yet another one is of no use.
_MOST_STARTS = 5
# How long an event may wait for the process to take it from the pipe, which itself holds 64 KiB. Python starts in less.
_TAKEN_SECONDS = 2.0
_CHUNK = 64 * 1024


class ForgetfulError(PagerDutyError):
    """There is no memory of incidents, since nothing can be stored; that has been said."""


@dataclass
class _Event:
    number: int
    line: bytes
    run: str
    lane: tuple[str, str | None]
    action: str
    state: str = "waiting"
    error: str | None = None


class DirectDelivery:
    """Events in the memory of a process, as ansible-playbook sees them."""

    def __init__(self, settings: DeliverySettings) -> None:
        """Take the settings; nothing is started yet."""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._events: list[_Event] = []
        self._unwritten = b""
        self._unread = b""
        self.problem: str | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the one that was started last."""
        return self._process.pid if self._process else None

    def put(self, event: Prepared, route: Route, run: str, maybe_taken: bool) -> Put:
        """Hand an event to the process. Nothing has to go for it.

        Raises:
            PagerDutyError: if the process cannot be started.
        """
        if self.ensure():
            raise PagerDutyError(str(self.problem))
        fields = {
            "number": len(self._events),
            "api": event.api.name,
            "key": event.routing_key,
            "body": base64.b64encode(event.body).decode("ascii"),
            "dedup_key": event.dedup_key,
            "route": route.encoded(),
            "maybe_taken": maybe_taken,
        }
        line = json.dumps(fields).encode("ascii") + b"\n"
        lane = (fingerprint_of(event.routing_key), event.dedup_key)
        self._events.append(_Event(len(self._events), line, run, lane, action_of(event)))
        self._unwritten += line
        self._exchange(_TAKEN_SECONDS)
        return Put(len(self._events))

    def ensure(self) -> str | None:
        """Start the process unless it is there, with what is not settled yet; returns what kept it from starting."""
        if self._process is not None and self._process.poll() is None:
            return None
        if self._process is not None:
            self._read()
        if self._starts < _MOST_STARTS:
            self._starts += 1
            self._start()
        else:
            self.problem = "The process that sends keeps ending."
        return self.problem

    def is_waiting(self, event: Prepared) -> bool:
        """Whether an earlier event about the same incident is not accepted yet."""
        self._exchange(0.0)
        lane = (fingerprint_of(event.routing_key), event.dedup_key)
        return any(known.state == "waiting" and known.lane == lane for known in self._events)

    def has_waiting(self, run: str) -> bool:
        """Whether events of a run are waiting."""
        self._exchange(0.0)
        return any(event.run == run and event.state == "waiting" for event in self._events)

    def counts(self, run: str) -> Counts:
        """Count a run's events."""
        self._exchange(0.0)
        states = [event.state for event in self._events if event.run == run]
        return Counts(states.count("waiting"), states.count("refused"))

    def left_of(self, run: str) -> dict[tuple[str, str], int]:
        """Return how many of a run's events are not accepted, for each incident."""
        left: dict[tuple[str, str], int] = {}
        for event in self._events:
            fingerprint, dedup_key = event.lane
            if event.run == run and event.state != "accepted" and dedup_key is not None:
                left[fingerprint, dedup_key] = left.get((fingerprint, dedup_key), 0) + 1
        return left

    def has_opened(self, fingerprint: str, dedup_key: str) -> bool:
        """Whether an accepted trigger may have opened an incident."""
        lane = (fingerprint, dedup_key)
        return any((event.lane, event.action, event.state) == (lane, "trigger", "accepted") for event in self._events)

    def stay(self, _linger: float) -> None:
        """Do nothing: the process knows how long it may try."""

    def at_work(self) -> int | None:
        """Return the process id of the one that sends; None if there is none."""
        return self.pid if self._process is not None and self._process.poll() is None else None

    def last_problem(self, run: str) -> str | None:
        """Return why the newest of a run's troubled events has not been accepted."""
        mine = (event for event in reversed(self._events) if event.run == run and event.state != "accepted")
        return next((event.error for event in mine if event.error), self.problem)

    def what_is_wrong(self) -> str | None:
        """Return why what is still waiting might never be sent: nothing is known of that."""
        return None

    def close(self) -> None:
        """Let the process go on by itself, for a bounded time, with all that it has not sent."""
        self._exchange(_TAKEN_SECONDS)
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _start(self) -> None:
        start = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_direct_start.py")
        search_path = json.dumps([entry for entry in sys.path if os.path.isabs(entry)])
        try:
            # As with a courier: a session of its own. The events hold keys, so they are not among the arguments.
            self._process = subprocess.Popen(  # noqa: S603  # pylint: disable=consider-using-with  # it outlives us
                # -B: the installed collection stays as it was installed.
                [sys.executable, "-I", "-B", start, self._settings.encoded(), str(os.getpid()), search_path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env=environment_of_senders(),
                start_new_session=True,
            )
        except OSError as error:
            self.problem = f"The process that sends cannot be started: {error.strerror or error}."
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        # An earlier one may have sent any of these before it died.
        self._unread = b""
        self._unwritten = b"".join(event.line for event in self._events if event.state == "waiting")
        self.problem = None

    def _exchange(self, wait: float) -> None:
        """Write what the process takes, waiting so many seconds at most, and read what it has done."""
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError, ValueError):  # it has died, or was let go; `ensure` starts another one
            while self._unwritten and select.select([], [self._process.stdin], [], wait)[1]:
                written = os.write(self._process.stdin.fileno(), self._unwritten[:_CHUNK])
                self._unwritten = self._unwritten[written:]
        self._read()

    def _read(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        with contextlib.suppress(OSError, ValueError):  # BlockingIOError: nothing more so far
            while chunk := os.read(self._process.stdout.fileno(), _CHUNK):
                self._unread += chunk
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
                told = json.loads(line)
                event = self._events[told["number"]]
                event.state, event.error = told["state"], told["error"]
