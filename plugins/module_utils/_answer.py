# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what an answer of PagerDuty means: accepted, to be tried again, or final. Pure; nothing else decides that."""

from __future__ import annotations

import datetime
import email.utils
import enum
import html
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

# What each API answers to an event that it has taken.
_ACCEPTED_STATUSES = {Api.V2: 202, Api.CHANGE: 202, Api.V1: 200}
_ACCEPTED_WORD = "success"
_SOMETHING_ELSE = "something between here and PagerDuty answered"

# Bounds on what is kept of an answer, so that a proxy's essay cannot flood a task's result. Ours.
_MESSAGE_CHARACTERS = 300
_MOST_ERRORS = 20
_LONGEST_DELTA_SECONDS = 9  # digits; more would be decades
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Bounded, since a page with many openings and no end would take quadratic time.
_HEADINGS = [
    re.compile(rf"<{tag}(?:\s[^>]{{0,500}})?>(.{{1,500}}?)</{tag}", re.IGNORECASE | re.DOTALL)
    for tag in ("title", "h1")
]
_TAG = re.compile(r"<[^>]*>")


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
        maybe_taken: True if the event may have been accepted all the same: the status says so, the body does not.
    """

    verdict: Verdict
    http_status: int
    status: str
    message: str = ""
    errors: tuple[str, ...] = ()
    retry_after: float | None = None
    maybe_taken: bool = False

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
    said = _parse(body)
    is_success = 200 <= http_status <= 299
    verdict = _judge_success(api, http_status, headers, body, said) if is_success else _judge(api, http_status)
    wait = _retry_after(headers.get("retry-after"), now) if verdict is Verdict.RETRY else None
    unclear = is_success and verdict is Verdict.RETRY
    phrase = _phrase(http_status)
    if not isinstance(said, dict):
        message = _named(body) if unclear else _first_line(body, headers)
        return Answer(verdict, http_status, phrase, message, (), wait, unclear)
    status, message, errors = _text(said.get("status")), _text(said.get("message")), _errors(said)
    if unclear and not errors and not (status and message):
        message = f"{_SOMETHING_ELSE}: {message}" if message else _named(body)
    return Answer(verdict, http_status, status or phrase, message, errors, wait, unclear)


def _judge(api: Api, http_status: int) -> Verdict:
    """Judge an answer that is no success by its status alone."""
    retried = _RETRIED_STATUSES_V1 if api is Api.V1 else _RETRIED_STATUSES
    if 300 <= http_status <= 499 and http_status not in retried:
        return Verdict.FINAL
    # 5xx, and what is no final HTTP answer at all (1xx, 6xx): nobody has decided anything about the event.
    return Verdict.RETRY


def _judge_success(api: Api, http_status: int, headers: Mapping[str, str], body: bytes, said: Any) -> Verdict:
    """Judge a 2xx: a proxy's sign-in page is one too, so PagerDuty must have said so itself.

    Its status code says so unless the body says otherwise; one that is empty or breaks off does not. Any other 2xx
    needs PagerDuty's own body. What is in doubt is sent again, which opens no second incident.
    """
    if isinstance(said, dict) and (said.get("errors") or said.get("error")):
        return Verdict.RETRY
    word = said.get("status") if isinstance(said, dict) else None
    if word is not None:
        is_success = isinstance(word, str) and word.strip().lower() == _ACCEPTED_WORD
        return Verdict.ACCEPTED if is_success else Verdict.RETRY
    if http_status != _ACCEPTED_STATUSES[api]:
        return Verdict.RETRY
    text = body[:4096].decode("utf-8", "replace").lstrip("\ufeff").strip()
    if not text or (said is None and text.startswith("{")):
        return Verdict.ACCEPTED
    # 200 is what everything answers; 202 is PagerDuty's but for a page of HTML.
    says_otherwise = http_status == 200 or _is_html(text, headers)
    return Verdict.RETRY if says_otherwise else Verdict.ACCEPTED


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
    if not text or text.startswith(("{", "[")) or _is_html(text, headers):
        return ""
    return _one_line(text.splitlines()[0])


def _is_html(text: str, headers: Mapping[str, str]) -> bool:
    return text.startswith("<") or "html" in headers.get("content-type", "").lower()


def _named(body: bytes) -> str:
    """Say what answered in PagerDuty's place: the title of its page, or its first line."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if not text:
        return f"{_SOMETHING_ELSE} and said nothing"
    if text.startswith("<"):
        found = (heading.search(text) for heading in _HEADINGS)
        titles = (_one_line(" ".join(html.unescape(_TAG.sub(" ", each[1])).split())) for each in found if each)
        title = next(filter(None, map(plain_text, titles)), "a page without a title")
    else:
        title = text.splitlines()[0]
    return _one_line(f"{_SOMETHING_ELSE}: {title}")


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
