# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incidents part of PagerDuty's REST API, read only. Pure: a request and the incidents in, an answer out."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Sequence

from ._answers import Answer, json_answer, not_found
from ._http import Request
from ._mask import mask
from ._state import ACKNOWLEDGED, RESOLVED, STATUSES, Incident, LogEntry

_PATH = re.compile(r"/incidents(?:/(?P<id>[^/]+)(?P<log>/log_entries)?)?")
_AUTHORIZATION = re.compile(r"(Token token=|Bearer ).+")
_DEFAULT_LIMIT = 25
_MAX_LIMIT = 100
_HIGH_URGENCY = ("critical", "error", None)


def is_rest(path: str) -> bool:
    """Whether the path belongs to this API."""
    return bool(_PATH.fullmatch(path))


def respond(request: Request, incidents: Sequence[Incident], url: str) -> Answer:
    """What the REST API answers; `url` is where the simulator lives, for the links in the answer."""
    if not _AUTHORIZATION.fullmatch(request.headers.get("Authorization", "")):
        return _error(401, 2006, "Authentication failed")
    match = _PATH.fullmatch(request.path)
    if not match:
        return not_found()
    if match["id"] is None:
        return _list(request, incidents, url)
    found = [incident for incident in incidents if match["id"] in (incident.id, str(incident.number))]
    if not found:
        return _error(404, 2100, "Not Found")
    if match["log"]:
        entries = [_log_entry(found[0], index, entry, url) for index, entry in enumerate(found[0].log)]
        return _page(request, "log_entries", entries[::-1])  # newest first, as PagerDuty does
    return json_answer(200, {"incident": _incident(found[0], url)})


def _list(request: Request, incidents: Sequence[Incident], url: str) -> Answer:
    query = request.query
    statuses, services = query.get("statuses[]", []), query.get("service_ids[]", [])
    wrong = [status for status in statuses if status not in STATUSES]
    if wrong:
        return _error(400, 2001, "Invalid Input Provided", [f"statuses[] cannot hold {wrong[0]}"])
    found = [
        _incident(incident, url)
        for incident in incidents
        if query.get("incident_key", [incident.dedup_key])[-1] == incident.dedup_key
        and (not statuses or incident.status in statuses)
        and (not services or incident.service_id in services)
    ]
    if query.get("sort_by", [""])[-1].endswith(":desc"):
        found.reverse()
    return _page(request, "incidents", found)


def _page(request: Request, name: str, values: list[dict[str, Any]]) -> Answer:
    query = request.query
    try:
        limit = min(int(query.get("limit", [str(_DEFAULT_LIMIT)])[-1]), _MAX_LIMIT)
        offset = int(query.get("offset", ["0"])[-1])
    except ValueError:
        limit = offset = -1
    if limit < 1 or offset < 0:
        return _error(400, 2001, "Invalid Input Provided", ["limit and offset must be whole numbers"])
    return json_answer(
        200,
        {
            name: values[offset : offset + limit],
            "limit": limit,
            "offset": offset,
            "total": len(values) if query.get("total", [""])[-1].lower() == "true" else None,
            "more": offset + limit < len(values),
        },
    )


def _incident(incident: Incident, url: str) -> dict[str, Any]:
    last = [entry for entry in incident.log if entry.action != "trigger"][-1:] or incident.log[:1]
    service = _service(incident)
    return {
        "id": incident.id,
        "type": "incident",
        "summary": f"[#{incident.number}] {incident.summary}",
        "self": f"{url}/incidents/{incident.id}",
        "html_url": _html_url(incident, url),
        "incident_number": incident.number,
        "incident_key": incident.dedup_key,
        "title": incident.summary,
        "description": incident.summary,
        "status": incident.status,
        "urgency": "high" if incident.severity in _HIGH_URGENCY else "low",
        "created_at": _time(incident.created),
        "updated_at": _time(incident.updated),
        "last_status_change_at": _time(last[0].time),
        "last_status_change_by": service,
        "resolved_at": _time(incident.updated) if incident.status == RESOLVED else None,
        "service": service,
        "assignments": [],
        "acknowledgements": [
            {"at": _time(entry.time), "acknowledger": service}
            for entry in incident.log
            if entry.action == "acknowledge" and incident.status == ACKNOWLEDGED
        ],
        "alert_counts": {
            "all": 1,
            "triggered": int(incident.status != RESOLVED),
            "resolved": int(incident.status == RESOLVED),
        },
        "first_trigger_log_entry": {
            "id": _entry_id(incident, 0),
            "type": "trigger_log_entry_reference",
            "summary": "Triggered through the API.",
            "self": f"{url}/log_entries/{_entry_id(incident, 0)}",
            "html_url": _html_url(incident, url),
        },
        "teams": [],
        "pending_actions": [],
        "is_mergeable": incident.status != RESOLVED,
    }


def _log_entry(incident: Incident, index: int, entry: LogEntry, url: str) -> dict[str, Any]:
    done = {"trigger": "Triggered", "acknowledge": "Acknowledged", "resolve": "Resolved"}[entry.action]
    entry_id = _entry_id(incident, index)
    return {
        "id": entry_id,
        "type": f"{entry.action}_log_entry",
        "summary": f"{done} through the API.",
        "self": f"{url}/log_entries/{entry_id}",
        "html_url": _html_url(incident, url),
        "created_at": _time(entry.time),
        "agent": _service(incident),
        "channel": {
            "type": "api",
            "summary": entry.summary,
            "description": entry.summary,
            "details": entry.details,
            "severity": entry.severity,
            "source": entry.source,
            "incident_key": incident.dedup_key,
        },
        "service": _service(incident),
        "incident": {
            "id": incident.id,
            "type": "incident_reference",
            "summary": f"[#{incident.number}] {incident.summary}",
            "self": f"{url}/incidents/{incident.id}",
            "html_url": _html_url(incident, url),
        },
        "teams": [],
        "contexts": [],
    }


def _service(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.service_id,
        "type": "service_reference",
        "summary": f"Service of key {mask(incident.key)}",
        "self": None,
        "html_url": None,
    }


def _html_url(incident: Incident, url: str) -> str:
    return f"{url}/#incident-{incident.number}"


def _entry_id(incident: Incident, index: int) -> str:
    return f"R{incident.number:08d}{index:08d}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, code: int, message: str, errors: list[str] | None = None) -> Answer:
    error: dict[str, Any] = {"message": message, "code": code}
    if errors:
        error["errors"] = errors
    return json_answer(status, {"error": error})
