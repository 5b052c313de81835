# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to misbehave on purpose: what a fault is, when it strikes, what it answers. Pure but for its dice.

How a broken answer goes over the wire is the business of `_delivery`.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field, fields, replace
from email.utils import formatdate
from http.client import responses
from typing import Any, Callable, Mapping

from ._answers import HTML, Answer, json_answer, text_answer, throttled
from ._events import ACTIONS, CHANGE, V1, V2

REST = "rest"
APIS = (V1, V2, CHANGE, REST)

STATUS = "status"
THROTTLE = "throttle"
LATENCY = "latency"
RESET_BEFORE = "reset_before"
RESET_AFTER = "reset_after"
CLOSE_BEFORE = "close_before"
CLOSE_AFTER = "close_after"
BLACK_HOLE = "black_hole"
SLOW_HEADERS = "slow_headers"
SLOW_BODY = "slow_body"
TRUNCATED = "truncated"
BAD_GZIP = "bad_gzip"
NOT_JSON = "not_json"
REDIRECT = "redirect"

# Whether PagerDuty processes the event although the fault strikes ...
_TAKEN = {
    STATUS: False,
    THROTTLE: False,
    LATENCY: True,
    RESET_BEFORE: False,
    RESET_AFTER: True,
    CLOSE_BEFORE: False,
    CLOSE_AFTER: True,
    BLACK_HOLE: False,
    SLOW_HEADERS: True,
    SLOW_BODY: True,
    TRUNCATED: True,
    BAD_GZIP: True,
    NOT_JSON: True,
    REDIRECT: False,
}
KINDS = tuple(_TAKEN)
# ... and where saying otherwise would contradict the fault's own meaning.
_TAKEN_IS_FIXED = (THROTTLE, LATENCY, RESET_BEFORE, RESET_AFTER, CLOSE_BEFORE, CLOSE_AFTER)
_ANSWERS_NOTHING = (RESET_BEFORE, RESET_AFTER, CLOSE_BEFORE, CLOSE_AFTER, BLACK_HOLE)
_SECONDS = {LATENCY: 1.0, SLOW_HEADERS: 0.1, SLOW_BODY: 0.1}

_HEADER_PREFIX = "header."
_HTML_PAGE = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>\n"
_SIGN_IN_PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form></form></body></html>\n"


@dataclass(frozen=True)
class Fault:
    """One way to misbehave, for the next `count` matching requests or with a `probability`.

    kind: one of KINDS
    count: how many requests it strikes; without it 1, or no end if there is a probability
    probability: the chance, above 0 up to 1, that it strikes a matching request
    code: the status of kinds `status` (default 503), `redirect` (302) and `not_json` (as PagerDuty)
    body: empty, html, text, json, sign_in (a proxy's page), or any other text, which is sent as it is (kinds `status`,
        `not_json`, `redirect`)
    retry_after: seconds (`5`), an HTTP date so many seconds ahead (`date:5`), or any other text, sent as it is
    headers: more headers of the answer
    seconds: the pause before the answer; for `slow_headers` and `slow_body` the pause before each of their bytes
    taken: whether PagerDuty processes the event all the same; each kind has a default, some have no choice.
        A slow, truncated or badly packed answer is PagerDuty's own if it is taken, else a 503
    path, api, key, action: strike only requests to this path or API (v1, v2, change, rest), with this integration key
        or this action
    """

    kind: str
    count: int | None = None
    probability: float | None = None
    code: int | None = None
    body: str | None = None
    retry_after: int | float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    taken: bool | None = None
    path: str | None = None
    api: str | None = None
    key: str | None = field(default=None, repr=False)
    action: str | None = None

    def __post_init__(self) -> None:
        """Fills in the kind's defaults; ValueError with one clear sentence if something does not fit."""
        _check(self)
        if self.count is None and self.probability is None:
            self._set("count", 1)
        if self.taken is None:
            self._set("taken", _TAKEN[self.kind])
        if self.seconds is None:
            self._set("seconds", _SECONDS.get(self.kind, 0.0))

    @classmethod
    def parse(cls, text: str) -> Fault:
        """A fault from `kind=status,code=503,count=3`; a value that holds a comma is quoted: `kind=status,"body=a,b"`.

        A first word without `=` is the kind, and headers are written `header.NAME=VALUE`.
        """
        values: dict[str, Any] = {}
        headers: dict[str, str] = {}
        for index, part in enumerate(next(csv.reader([text.strip()], skipinitialspace=True), [])):
            name, equals, value = part.partition("=")
            name = name.strip()
            if not equals and index == 0:
                name, value = "kind", name
            elif not equals:
                raise ValueError(f"{part!r} is not of the form name=value")
            if name in values:
                raise ValueError(f"{name} is given twice")
            if name.startswith(_HEADER_PREFIX):
                headers[name[len(_HEADER_PREFIX) :]] = value
            else:
                values[name] = value
        if headers:
            values["headers"] = headers
        return cls.from_mapping(values)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Fault:
        """A fault from names and values, which may be texts, as read from JSON or a command line."""
        known = [each.name for each in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"unknown {', '.join(unknown)} (known: {', '.join(known)}, header.NAME)")
        if "kind" not in values:
            raise ValueError(f"kind is missing (one of: {', '.join(KINDS)})")
        return cls(**{name: _convert(name, value) for name, value in values.items() if value is not None})

    def matches(self, path: str, api: str | None, key: str | None, action: str | None) -> bool:
        """Whether a request is one that this fault is meant for."""
        return all(
            wanted is None or wanted == actual
            for wanted, actual in ((self.path, path), (self.api, api), (self.key, key), (self.action, action))
        )

    def answer(self, proper: Answer | None, api: str | None, now: float) -> Answer | None:
        """What is answered in place of PagerDuty's proper answer, which is None if the event was not taken.

        None means that nothing is answered at all. `now` is the time, in seconds since the epoch, for Retry-After.
        """
        if self.kind in _ANSWERS_NOTHING:
            return None
        if self.kind == THROTTLE:
            answer = throttled(api)
        elif self.kind == STATUS:
            answer = self._own_answer(503, "html" if (self.code or 503) >= 500 else "json")
        elif self.kind == NOT_JSON:
            # The status line stays true: only the body is not what PagerDuty says.
            accepted = 200 if api == V1 else 202
            answer = self._own_answer(proper.status if proper and proper.status >= 300 else accepted, "text")
        elif self.kind == REDIRECT:
            answer = self._own_answer(302, "html")
            if "location" not in {name.lower() for name in self.headers}:
                answer = answer.with_headers(("Location", "/redirected"))
        else:
            answer = proper or self._own_answer(503, "html")
        return answer.with_headers(*self.headers.items(), *self._retry_after_header(now))

    def describe(self) -> str:
        """The fault in the form that `parse` reads, without what is only a default, and without a whole key."""
        parts = [f"kind={self.kind}"]
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in ("kind", "headers", "key") or value is None:
                continue
            if each.name == "count" and value == 1 and self.probability is None:
                continue
            if each.name == "taken" and value == _TAKEN[self.kind]:
                continue
            if each.name == "seconds" and value == _SECONDS.get(self.kind, 0.0):
                continue
            parts.append(f"{each.name}={str(value).lower() if isinstance(value, bool) else value}")
        parts += [f"{_HEADER_PREFIX}{name}={value}" for name, value in self.headers.items()]
        parts += [f"key=…{self.key[-4:]}"] if self.key else []
        return ",".join(f'"{part}"' if "," in part else part for part in parts)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _own_answer(self, code: int, body: str) -> Answer:
        code = self.code or code
        body = body if self.body is None else self.body
        reason = responses.get(code, "Unknown")
        if body == "empty" or code in (204, 304):
            return Answer(code)
        if body == "html":
            return text_answer(code, _HTML_PAGE.format(f"{code} {reason}"), HTML)
        if body == "sign_in":
            return text_answer(code, _SIGN_IN_PAGE, HTML)
        if body == "text":
            return text_answer(code, f"{code} {reason}")
        if body == "json":
            return json_answer(code, {"status": reason.lower(), "message": reason, "errors": [reason]})
        return text_answer(code, body)

    def _retry_after_header(self, now: float) -> list[tuple[str, str]]:
        value = self.retry_after
        if value is None:
            return []
        if isinstance(value, str) and value.startswith("date:"):
            return [("Retry-After", formatdate(now + float(value[len("date:") :]), usegmt=True))]
        return [("Retry-After", str(value))]


class Faults:
    """The faults in force, in the order they were set. Not thread-safe: its owner holds a lock."""

    def __init__(self, seed: int | None) -> None:
        """The seed makes probabilities repeatable."""
        self._seed = seed
        self._faults: list[Fault] = []
        self._random = random.Random(seed)

    @property
    def pending(self) -> list[Fault]:
        """What is still in force, each with the count that is left."""
        return list(self._faults)

    def add(self, fault: Fault) -> None:
        """Puts a fault behind those in force."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Ends all faults, and starts the dice anew."""
        self._faults.clear()
        self._random = random.Random(self._seed)

    def pick(self, path: str, api: str | None, key: str | None, action: str | None) -> Fault | None:
        """The first fault that strikes this request, which uses it up by one."""
        for index, fault in enumerate(self._faults):
            if not fault.matches(path, api, key, action):
                continue
            if fault.probability is not None and self._random.random() >= fault.probability:
                continue
            if fault.count == 1:
                del self._faults[index]
            elif fault.count is not None:
                self._faults[index] = replace(fault, count=fault.count - 1)
            return fault
        return None


def _check(fault: Fault) -> None:
    _one_of("kind", fault.kind, KINDS)
    _one_of("api", fault.api, APIS)
    _one_of("action", fault.action, ACTIONS)
    if fault.count is not None and fault.count < 1:
        raise ValueError("count must be at least 1")
    if fault.probability is not None and not 0 < fault.probability <= 1:
        raise ValueError("probability must be above 0 and at most 1")
    if fault.seconds is not None and not 0 <= fault.seconds < float("inf"):
        raise ValueError("seconds must not be negative")
    if fault.code is not None and not 200 <= fault.code <= 599:
        raise ValueError("code must be from 200 to 599")
    if fault.kind == REDIRECT and fault.code is not None and not 300 <= fault.code <= 399:
        raise ValueError("the code of a redirect must be from 300 to 399")
    if fault.kind == NOT_JSON and fault.code is not None and not 200 <= fault.code <= 299:
        raise ValueError("the code of not_json must be from 200 to 299")
    for name in ("code", "body"):
        if getattr(fault, name) is not None and fault.kind not in (STATUS, NOT_JSON, REDIRECT):
            raise ValueError(f"{name} goes with the kinds status, not_json and redirect only")
    if fault.taken is not None and fault.kind in _TAKEN_IS_FIXED and fault.taken != _TAKEN[fault.kind]:
        raise ValueError(f"taken is always {str(_TAKEN[fault.kind]).lower()} for {fault.kind}")
    if isinstance(fault.retry_after, str) and fault.retry_after.startswith("date:"):
        _convert("seconds", fault.retry_after[len("date:") :])
    for text in (*fault.headers, *fault.headers.values(), str(fault.retry_after)):
        if "\r" in text or "\n" in text:
            raise ValueError("a header must stay on one line")


def _one_of(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise ValueError(f"unknown {name} {value!r} (one of: {', '.join(choices)})")


def _convert(name: str, value: Any) -> Any:
    converters: dict[str, Callable[[Any], Any]] = {
        "count": int,
        "code": int,
        "probability": float,
        "seconds": float,
        "taken": _boolean,
        "headers": _headers,
        "retry_after": lambda given: given if isinstance(given, (int, float)) else str(given),
    }
    try:
        return converters.get(name, str)(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} cannot be {value!r}") from None


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "yes", "1", "false", "no", "0"):
        raise ValueError(value)
    return text in ("true", "yes", "1")


def _headers(value: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in dict(value).items()}
