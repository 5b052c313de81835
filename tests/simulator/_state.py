# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PagerDuty knows: incidents by (integration key, dedup key), each with its log, and change events.

Fed with valid events only; knows nothing of HTTP, clocks and threads. Values handed out never change afterwards.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from ._events import ACKNOWLEDGE, RESOLVE, TRIGGER, Event

TRIGGERED = "triggered"
ACKNOWLEDGED = "acknowledged"
RESOLVED = "resolved"
STATUSES = (TRIGGERED, ACKNOWLEDGED, RESOLVED)


@dataclass(frozen=True)
class LogEntry:
    """One event in an incident's life; time in seconds since the epoch."""

    time: float
    action: str
    summary: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    severity: str | None = None
    source: str | None = None
    api: str = ""


@dataclass(frozen=True)
class Incident:
    """An incident as its first trigger made it, with its status now and all that happened to it."""

    number: int
    key: str = field(repr=False)
    dedup_key: str
    status: str
    summary: str
    source: str | None = None
    severity: str | None = None
    component: str | None = None
    group: str | None = None
    class_: str | None = None
    timestamp: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    client: str | None = None
    client_url: str | None = None
    links: tuple[dict[str, Any], ...] = ()
    images: tuple[dict[str, Any], ...] = ()
    log: tuple[LogEntry, ...] = ()

    @property
    def id(self) -> str:
        """The incident's id in the REST API."""
        return f"QSIM{self.number:010d}"

    @property
    def service_id(self) -> str:
        """The id of the service that the integration key belongs to."""
        return service_id(self.key)

    @property
    def is_open(self) -> bool:
        """Whether it is triggered or acknowledged."""
        return self.status != RESOLVED

    @property
    def created(self) -> float:
        """When it was opened."""
        return self.log[0].time

    @property
    def updated(self) -> float:
        """When something last happened to it."""
        return self.log[-1].time


@dataclass(frozen=True)
class Change:
    """A change event; time in seconds since the epoch."""

    number: int
    time: float
    key: str = field(repr=False)
    summary: str = ""
    source: str | None = None
    timestamp: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    links: tuple[dict[str, Any], ...] = ()
    images: tuple[dict[str, Any], ...] = ()


def service_id(key: str) -> str:
    """The id of an integration key's service: the same in every run, and no hint at the key."""
    return "P" + hashlib.sha256(key.encode()).hexdigest()[:13].upper()


class State:
    """The whole memory. Not thread-safe: its owner holds a lock."""

    def __init__(self, make_key: Callable[[], str]) -> None:
        """`make_key` names the incidents that come without a dedup key."""
        self._make_key = make_key
        self._incidents: list[Incident] = []
        self._open: dict[tuple[str, str], int] = {}  # -> index in _incidents
        self._changes: list[Change] = []

    @property
    def incidents(self) -> list[Incident]:
        """All incidents in the order they were opened."""
        return list(self._incidents)

    @property
    def changes(self) -> list[Change]:
        """All change events in the order they came."""
        return list(self._changes)

    def apply(self, event: Event, now: float) -> str:
        """Processes an alert event; returns its dedup key, made here if it came without."""
        dedup_key = event.dedup_key or self._make_key()
        entry = LogEntry(now, str(event.action), event.summary, event.details, event.severity, event.source, event.api)
        index = self._open.get((event.key, dedup_key))
        if index is not None:
            self._update(index, entry)
        elif event.action == TRIGGER:
            self._open_new(event, dedup_key, entry)
        return dedup_key

    def add_change(self, event: Event, now: float) -> None:
        """Remembers a change event."""
        self._changes.append(
            Change(
                number=len(self._changes) + 1,
                time=now,
                key=event.key,
                summary=event.summary or "",
                source=event.source,
                timestamp=event.timestamp,
                details=event.details,
                links=event.links,
                images=event.images,
            )
        )

    def _open_new(self, event: Event, dedup_key: str, entry: LogEntry) -> None:
        self._open[event.key, dedup_key] = len(self._incidents)
        self._incidents.append(
            Incident(
                number=len(self._incidents) + 1,
                key=event.key,
                dedup_key=dedup_key,
                status=TRIGGERED,
                summary=event.summary or "",
                source=event.source,
                severity=event.severity,
                component=event.component,
                group=event.group,
                class_=event.class_,
                timestamp=event.timestamp,
                details=event.details,
                client=event.client,
                client_url=event.client_url,
                links=event.links,
                images=event.images,
                log=(entry,),
            )
        )

    def _update(self, index: int, entry: LogEntry) -> None:
        incident = self._incidents[index]
        # A trigger leaves the status alone: what is acknowledged stays acknowledged.
        status = {ACKNOWLEDGE: ACKNOWLEDGED, RESOLVE: RESOLVED}.get(entry.action, incident.status)
        self._incidents[index] = replace(incident, status=status, log=(*incident.log, entry))
        if status == RESOLVED:
            del self._open[incident.key, incident.dedup_key]
