# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what an answer of PagerDuty means: accepted, to be tried again, or final. Pure; nothing else decides that."""

from __future__ import annotations

import datetime
import email.utils
import enum
import http
import json
import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api
from ansible_collections.oncall.pagerduty.plugins.module_utils._limits import cut
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text

# Beside 5xx, as PagerDuty documents: 429 is v2's throttle. 408 is what proxies say when they lost the request.
_RETRIED_STATUSES = frozenset({408, 429})
# v1 throttles with 403; for v2 a 403 is a refusal.
_RETRIED_STATUSES_V1 = _RETRIED_STATUSES | {403}

# Bounds on what is kept of an answer, so that a proxy's essay cannot flood a task's result. Ours.
_MESSAGE_CHARACTERS = 300
_MOST_ERRORS = 20
_LONGEST_DELTA_SECONDS = 9  # digits; more would be decades
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Verdict(enum.Enum):
    """What is to be done after an answer."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    FINAL = "final"


@dataclass(frozen=True)
class Answer:
    """What PagerDuty said to one attempt.

    Attributes:
        verdict: what is to be done.
        http_status: the HTTP status code.
        status: PagerDuty's C(status), or the status code's standard phrase if it sent none.
        message: PagerDuty's C(message), or the first line of a plain-text body, or empty.
        errors: PagerDuty's own list of errors.
        retry_after: seconds that PagerDuty asks to wait, None if it does not.
    """

    verdict: Verdict
    http_status: int
    status: str
    message: str = ""
    errors: tuple[str, ...] = ()
    retry_after: float | None = None

    def __str__(self) -> str:
        words = self.message or self.status
        if self.errors:
            words = f"{words} ({'; '.join(self.errors)})"
        return f"HTTP {self.http_status} {words}".rstrip()


def classify(api: Api, http_status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """Decide what an answer means. Never raises, whatever the body.

    Args:
        api: which API answered.
        http_status: the status code.
        headers: the answer's headers, found by lower-case names.
        body: the answer's body, or as much of it as came.
        now: Unix time, to read a C(Retry-After) date.
    """
    verdict = _verdict(api, http_status)
    said = _parse(body)
    phrase = _phrase(http_status)
    wait = _retry_after(headers.get("retry-after"), now) if verdict is Verdict.RETRY else None
    if not isinstance(said, dict):
        return Answer(verdict, http_status, phrase, _first_line(body, headers), retry_after=wait)
    return Answer(
        verdict,
        http_status,
        _text(said.get("status")) or phrase,
        _text(said.get("message")),
        _errors(said),
        wait,
    )


def _verdict(api: Api, http_status: int) -> Verdict:
    if 200 <= http_status <= 299:
        return Verdict.ACCEPTED
    retried = _RETRIED_STATUSES_V1 if api is Api.V1 else _RETRIED_STATUSES
    if 300 <= http_status <= 499 and http_status not in retried:
        return Verdict.FINAL
    # 5xx, and what is no final HTTP answer at all (1xx, 6xx): nobody has decided anything about the event.
    return Verdict.RETRY


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _phrase(http_status: int) -> str:
    try:
        return http.HTTPStatus(http_status).phrase
    except ValueError:
        return ""


def _text(value: Any) -> str:
    return _one_line(plain_text(value)) if isinstance(value, str) else ""


def _one_line(text: str) -> str:
    """Take out what ends a line or moves a terminal's cursor: each failed attempt is reported in one line."""
    return cut(_CONTROLS.sub(" ", text).strip(), _MESSAGE_CHARACTERS)


def _errors(said: dict[str, Any]) -> tuple[str, ...]:
    """Read C(errors), or C(error) as the change API spells it: a list of strings, or one string."""
    errors = said.get("errors") or said.get("error")
    if isinstance(errors, str):
        errors = [errors]
    if not isinstance(errors, list):
        return ()
    return tuple(text for text in map(_text, errors[:_MOST_ERRORS]) if text)


def _first_line(body: bytes, headers: Mapping[str, str]) -> str:
    """Return what a person can read of a body that is no JSON object. HTML says nothing beyond the status code."""
    text = body[:4096].decode("utf-8", "replace").strip()
    if not text or text.startswith(("<", "{", "[")) or "html" in headers.get("content-type", "").lower():
        return ""
    return _one_line(text.splitlines()[0])


def _retry_after(value: str | None, now: float) -> float | None:
    """Read C(Retry-After) in seconds or as an HTTP date (RFC 9110, 10.2.3).

    Zero, or a date that has passed, is no wish to wait: the back-off's own delay holds then, lest all retries be
    spent at once.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        seconds = float(text) if len(text) <= _LONGEST_DELTA_SECONDS else 1e9
    else:
        try:
            date = email.utils.parsedate_to_datetime(text)
            # HTTP's dates are UTC, also the old form of asctime, which does not say so.
            seconds = (date if date.tzinfo else date.replace(tzinfo=datetime.timezone.utc)).timestamp() - now
        except (TypeError, ValueError, OverflowError, IndexError):
            return None
    return seconds if seconds > 0 else None
