# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PagerDuty answers: each documented (or often seen) answer of the Events APIs, once. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ._events import CHANGE, V1

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; Content-Length and Date are added when it is sent."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def with_headers(self, *headers: tuple[str, str]) -> Answer:
        """The same answer with more headers."""
        return Answer(self.status, self.headers + headers, self.body)


def json_answer(status: int, value: object) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, (("Content-Type", JSON),), json.dumps(value, ensure_ascii=False).encode())


def text_answer(status: int, text: str, content_type: str = TEXT) -> Answer:
    """An answer with a body of text."""
    return Answer(status, (("Content-Type", content_type),), text.encode())


def accepted(api: str, dedup_key: str | None) -> Answer:
    """The event was taken."""
    if api == CHANGE:
        return json_answer(202, {"status": "success", "message": "Change event processed"})
    key_name = "incident_key" if api == V1 else "dedup_key"
    body = {"status": "success", "message": "Event processed", key_name: dedup_key}
    return json_answer(200 if api == V1 else 202, body)


def invalid_event(api: str, errors: list[str]) -> Answer:
    """The event breaks a rule; change events are told so in a shape of their own."""
    if api == CHANGE:
        return json_answer(400, {"error": errors})
    return json_answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})


def unrecognized(error: str = "JSON parse error") -> Answer:
    """The body cannot be read as an event at all."""
    body = {"status": "Unrecognized object", "message": "Event object format is unrecognized", "errors": [error]}
    return json_answer(400, body)


def invalid_routing_key() -> Answer:
    """A well-formed integration key that belongs to no service: plain text, not JSON."""
    return text_answer(400, "Invalid routing key")


def throttled(api: str | None) -> Answer:
    """Too many events in a minute: v1 says so with 403 and nothing else."""
    if api == V1:
        return Answer(403)
    body = {
        "status": "throttle exceeded",
        "message": "Requests for this service are arriving too quickly.  Please retry later.",
        "errors": ["Enhance Your Calm."],
    }
    return json_answer(429, body)


def too_large() -> Answer:
    """The body is beyond 512 KB."""
    return json_answer(413, {"status": "invalid event", "message": "Event is too large", "errors": ["Over 512 KB"]})


def not_found() -> Answer:
    """Nothing lives at this path."""
    return text_answer(404, "Not Found")


def method_not_allowed(allowed: str) -> Answer:
    """The path exists, with another method."""
    return text_answer(405, "Method Not Allowed").with_headers(("Allow", allowed))


def complaint(refusal: Answer) -> str:
    """What a refusal says, in one line for people."""
    text = refusal.body.decode()
    try:
        body = json.loads(text)
    except ValueError:
        return text or "throttled"  # the only refusal of its own without a body: v1's 403
    errors = body.get("errors") or body["error"]
    if isinstance(errors, dict):  # the REST API's
        errors = errors.get("errors") or [errors["message"]]
    return "; ".join(errors)
