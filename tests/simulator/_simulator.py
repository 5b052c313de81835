# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a whole: one lock around what PagerDuty knows, and the way of a request through it."""

from __future__ import annotations

import random
import threading
import time
import uuid
from typing import Callable, Iterable, TypeVar

from . import _answers as answers
from . import _control, _page, _rest
from ._answers import Answer
from ._delivery import Exchange
from ._events import CHANGE, V1, V2, action_of, dedup_key_of, key_of, read_event, summary_of
from ._faults import REST, Fault, Faults
from ._http import Request
from ._limit import RateLimit
from ._received import Received
from ._rules import BODY_LIMIT, NotJsonError, parse, problems
from ._server import Server, tls_context
from ._state import Change, Incident, State

EVENT_PATHS = {
    "/v2/enqueue": V2,
    "/v2/change/enqueue": CHANGE,
    "/generic/2010-04-15/create_event.json": V1,
}

_T = TypeVar("_T")
_UNREADABLE = object()


class Simulator:
    """A local PagerDuty. Use it as a context manager, or call `start` and `stop`; it can be started again."""

    def __init__(
        self,
        port: int = 0,
        rate_limit: int | None = 120,
        keys: Iterable[str] | None = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        seed: int | None = None,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
        on_request: Callable[[Received], None] | None = None,
    ) -> None:
        """Prepares a simulator; nothing listens before `start`.

        port: 0 takes a free one; host: a loopback address
        rate_limit: events a minute for each integration key; 0 or None for no limit
        keys: the integration keys that exist; None takes every well-formed one
        certfile, keyfile: speak TLS with this certificate
        seed: makes faults with a probability, and the dedup keys made here, repeatable
        clock: seconds since the epoch, for the rate limit and for every time shown
        on_request: told of each request that reached an API, after it was processed
        """
        context = tls_context(str(certfile), str(keyfile) if keyfile else None) if certfile else None
        self._server = Server(host, port, self._respond, context)
        self._scheme = "https" if context else "http"
        self._rate_limit = rate_limit or 0
        self._keys = None if keys is None else frozenset(keys)
        self._seed = seed
        self._clock = clock
        self._on_request = on_request
        self._changed = threading.Condition(threading.RLock())
        self._faults = Faults(seed)
        self._forget()

    # --- its life ------------------------------------------------------------------------------------------------

    def start(self) -> Simulator:
        """Listens; returns itself. What it knew before a `stop` is still there."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Cuts all connections and frees the port, quickly, whatever fault is going on."""
        self._server.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return f"{self._scheme}://{host}:{self._server.port}"

    # --- what it knows -------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[Received]:
        """Every request that reached an API or an unknown path, in order."""
        with self._changed:
            return list(self._requests)

    @property
    def accepted(self) -> list[Received]:
        """The events that PagerDuty has, in order, whether or not the client was told."""
        return [received for received in self.requests if received.taken]

    @property
    def incidents(self) -> list[Incident]:
        """All incidents, in the order they were opened."""
        with self._changed:
            return self._state.incidents

    @property
    def changes(self) -> list[Change]:
        """All change events, in the order they came."""
        with self._changed:
            return self._state.changes

    @property
    def faults(self) -> list[Fault]:
        """The faults still in force."""
        with self._changed:
            return self._faults.pending

    def wait_for(self, predicate: Callable[[Simulator], _T], timeout: float) -> _T:
        """Waits until the predicate of this simulator is true, and returns its value; TimeoutError after that time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                value = predicate(self)
                if value:
                    return value
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"after {timeout} s: {self.tally()}")
                self._changed.wait(left)

    def tally(self) -> dict[str, int]:
        """How much of everything there is."""
        with self._changed:
            return {
                "requests": len(self._requests),
                "accepted": sum(received.taken for received in self._requests),
                "incidents": len(self._state.incidents),
                "open": sum(incident.is_open for incident in self._state.incidents),
                "changes": len(self._state.changes),
                "faults": len(self._faults.pending),
            }

    # --- what it is told -----------------------------------------------------------------------------------------

    def add_fault(self, fault: Fault) -> None:
        """Misbehaves in this way from now on, for as long as the fault says."""
        with self._changed:
            self._faults.add(fault)

    def clear_faults(self) -> None:
        """Behaves well again, but for answers that are under way."""
        with self._changed:
            self._faults.clear()

    def reset(self) -> None:
        """Forgets everything: requests, incidents, changes, faults, and how much of the rate limit is used."""
        with self._changed:
            self._faults.clear()
            self._forget()

    def _forget(self) -> None:
        dice = random.Random(self._seed) if self._seed is not None else None
        self._state = State(lambda: f"{dice.getrandbits(128):032x}" if dice else uuid.uuid4().hex)
        self._limit = RateLimit(self._rate_limit)
        self._requests: list[Received] = []

    # --- the way of a request ------------------------------------------------------------------------------------

    def _respond(self, request: Request) -> Exchange:
        path = request.path
        if path.startswith(_control.PREFIX):
            return Exchange(_control.respond(self, request))
        if path == "/":
            return Exchange(_page.respond(self, request))
        api = EVENT_PATHS.get(path) or (REST if _rest.is_rest(path) else None)
        with self._changed:
            exchange, received = self._process(api, path, request)
            self._requests.append(received)
            self._changed.notify_all()
        if self._on_request:
            self._on_request(received)
        return exchange

    def _process(self, api: str | None, path: str, request: Request) -> tuple[Exchange, Received]:
        now = self._clock()
        body = _read(request.body)
        key, action, dedup_key = key_of(api, body), action_of(api, body), dedup_key_of(api, body)
        allowed = "GET" if api == REST else "POST"
        fault = None
        taken = False
        proper: Answer | None
        if api is None:
            proper = answers.not_found()
        elif request.method != allowed:
            proper = answers.method_not_allowed(allowed)
        else:
            fault = self._faults.pick(path, api, key, action)
            if fault and not fault.taken:
                proper = None
            elif api == REST:
                proper = _rest.respond(request, self._state.incidents, self.url)
            else:
                proper, made_key = self._take(api, request, body, now)
                taken = proper.status < 300
                dedup_key = made_key or dedup_key
        answer = fault.answer(proper, api, now) if fault else proper
        received = Received(
            number=len(self._requests) + 1,
            time=now,
            method=request.method,
            path=path,
            headers=request.headers,
            body=request.body,
            json=None if body is _UNREADABLE else body,
            key=key,
            status=answer.status if answer else None,
            fault=fault.kind if fault else None,
            taken=taken,
            reason=_reason(fault, proper),
            api=api,
            action=action,
            dedup_key=dedup_key,
            summary=summary_of(api, body),
        )
        return Exchange(answer, fault), received

    def _take(self, api: str, request: Request, body: object, now: float) -> tuple[Answer, str | None]:
        """PagerDuty's own answer to an event, and the dedup key if it took one in."""
        if len(request.body) > BODY_LIMIT:
            return answers.too_large(), None
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            return answers.unrecognized("Content-Type must be application/json"), None
        if not isinstance(body, dict):
            return answers.unrecognized(), None
        errors = problems(api, body)
        if errors:
            return answers.invalid_event(api, errors), None
        event = read_event(api, body)
        if self._keys is not None and event.key not in self._keys:
            return answers.invalid_routing_key(), None
        if not self._limit.admits(event.key, now):
            return answers.throttled(api), None
        if api == CHANGE:
            self._state.add_change(event, now)
            return answers.accepted(api, None), None
        dedup_key = self._state.apply(event, now)
        return answers.accepted(api, dedup_key), dedup_key


def _read(body: bytes) -> object:
    if len(body) > BODY_LIMIT:
        return _UNREADABLE
    try:
        return parse(body)
    except NotJsonError:
        return _UNREADABLE


def _reason(fault: Fault | None, proper: Answer | None) -> str:
    parts = [f"fault {fault.describe()}"] if fault else []
    if proper and proper.status >= 400:
        parts.append(answers.complaint(proper))
    return "; ".join(parts)
