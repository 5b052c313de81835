# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's own HTTP interface under `/_simulator/`: what arrived, and which faults are next. Shows no whole key.

GET    health | requests | incidents | changes | faults
POST   faults      one fault or a list as JSON, or one on each line as text (`kind=status,code=503,count=3`)
DELETE faults
POST   reset
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ._answers import JSON, Answer, json_answer, method_not_allowed, text_answer
from ._faults import Fault
from ._http import Request
from ._mask import hide, mask, scrub
from ._received import Received

if TYPE_CHECKING:
    from ._simulator import Simulator

PREFIX = "/_simulator/"

_METHODS = {
    "health": ("GET",),
    "requests": ("GET",),
    "incidents": ("GET",),
    "changes": ("GET",),
    "faults": ("GET", "POST", "DELETE"),
    "reset": ("POST",),
}


def respond(simulator: Simulator, request: Request) -> Answer:
    """What the control interface answers; errors are JSON with one sentence in `error`."""
    name = request.path[len(PREFIX) :]
    if name not in _METHODS:
        return json_answer(404, {"error": f"nothing here (there are: {', '.join(_METHODS)})"})
    if request.method not in _METHODS[name]:
        return method_not_allowed(", ".join(_METHODS[name]))
    if name == "reset":
        simulator.reset()
    elif request.method == "DELETE":
        simulator.clear_faults()
    elif request.method == "POST":
        try:
            faults = _read_faults(request.body.decode())
        except ValueError as error:
            return json_answer(400, {"error": str(error)})
        for fault in faults:
            simulator.add_fault(fault)
    elif name in _LISTS:
        text = json.dumps({name: _LISTS[name](simulator)}, ensure_ascii=False)
        return text_answer(200, hide(text, (received.key for received in simulator.requests)), JSON)
    body: dict[str, Any] = {"status": "ok", **simulator.tally()}
    if name == "faults":
        body["faults"] = [fault.describe() for fault in simulator.faults]
    return json_answer(200, body)


def _read_faults(text: str) -> list[Fault]:
    if text.lstrip()[:1] in ("{", "["):
        values = json.loads(text)
        values = values if isinstance(values, list) else [values]
        if not all(isinstance(value, dict) for value in values):
            raise ValueError("a fault in JSON is an object")
        return [Fault.from_mapping(value) for value in values]
    faults = [Fault.parse(line) for line in text.splitlines() if line.strip()]
    if not faults:
        raise ValueError("no fault is given")
    return faults


def _requests(simulator: Simulator) -> list[dict[str, Any]]:
    return [_request(received) for received in simulator.requests]


def _request(received: Received) -> dict[str, Any]:
    names = ("number", "time", "method", "path", "api", "action", "dedup_key", "summary")
    shown: dict[str, Any] = {name: getattr(received, name) for name in names}
    shown.update({name: getattr(received, name) for name in ("status", "fault", "taken", "reason")})
    shown["key"] = mask(received.key) if received.key else None
    shown["headers"] = {name: _header(name, value) for name, value in received.headers.items()}
    shown["json"] = _masked(received.json)
    shown["body"] = None if received.json is not None else scrub(received.body[:10_000].decode("utf-8", "replace"))
    return shown


def _incidents(simulator: Simulator) -> list[dict[str, Any]]:
    shown = []
    for incident in simulator.incidents:
        ids = {"id": incident.id, "service_id": incident.service_id}
        shown.append({**asdict(incident), **ids, "key": mask(incident.key)})
    return shown


def _changes(simulator: Simulator) -> list[dict[str, Any]]:
    return [{**asdict(change), "key": mask(change.key)} for change in simulator.changes]


_LISTS = {"requests": _requests, "incidents": _incidents, "changes": _changes}


def _header(name: str, value: str) -> str:
    return "…" if "authorization" in name.lower() else scrub(value)


def _masked(body: object) -> object:
    """The body with whatever stands in a key's place masked, were it malformed."""
    if not isinstance(body, dict):
        return body
    return {name: mask(value) if name in ("routing_key", "service_key") else value for name, value in body.items()}
