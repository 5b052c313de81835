# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes the real callback: what a local PagerDuty was sent in each run, each under an integration key of its own."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from pathlib import Path
from typing import Any, Protocol

from .observer import HERE, Observation

_SETTLE_SECONDS = 20.0


class PagerDuty(Protocol):
    """What is needed of the simulator."""

    @property
    def url(self) -> str:
        """Where it listens."""

    @property
    def incidents(self) -> list[Any]:
        """What it has been told of."""


class PagerDutyObserver:
    """Enables ``oncall.pagerduty.page_on_failure`` and reads what arrived at the simulator.

    How early a page goes out cannot be told from there; the engine's observer sees that.
    """

    def __init__(self, pagerduty: PagerDuty) -> None:
        self._pagerduty = pagerduty

    def settings(self) -> dict[str, str]:
        return {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "note_start,oncall.pagerduty.page_on_failure",
        }

    def environment(self, folder: Path) -> dict[str, str]:
        return {
            "START_FILE": str(folder / "started"),
            "PAGERDUTY_API_URL": self._pagerduty.url,
            "PAGERDUTY_ROUTING_KEY": _key(folder),
            "PAGERDUTY_OUTBOX_PATH": str(folder / "pagerduty" / "outbox.sqlite3"),
            "PAGERDUTY_PAGE_ON": "failed,unreachable,error,interrupted",
            "PAGERDUTY_COURIER_LINGER": str(_SETTLE_SECONDS),
        }

    def observe(self, folder: Path) -> Observation:
        self._settle(folder / "pagerduty" / "outbox.sqlite3")
        triggers: list[dict[str, Any]] = []
        resolves: list[dict[str, Any]] = []
        for incident in self._pagerduty.incidents:
            if incident.key == _key(folder):
                for entry in incident.log:
                    (resolves if entry.action == "resolve" else triggers).append(entry.details or {})
        last = triggers[-1] if triggers else {}
        hosts = frozenset([*(last.get("failed_hosts") or ()), *(last.get("unreachable_hosts") or ())])
        return Observation(
            started=(folder / "started").exists(),
            paged=bool(triggers),
            hosts=hosts,
            withdrawn=hosts if resolves else frozenset(),
            early=True,
            cut_by=_cut_by(last),
            bugs=tuple(_bugs(folder / "output.txt")),
        )

    def _settle(self, outbox: Path) -> None:
        """Wait until the courier has sent everything: a run that was killed does not wait for its events."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while outbox.exists() and _has_events(outbox) and time.monotonic() < deadline:
            time.sleep(0.02)


def _has_events(outbox: Path) -> bool:
    with contextlib.closing(sqlite3.connect(outbox, timeout=_SETTLE_SECONDS)) as connection:
        return bool(connection.execute("SELECT 1 FROM events LIMIT 1").fetchone())


def _key(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:32]


def _cut_by(details: dict[str, Any]) -> str:
    ending = details.get("run") or ""
    return "signal" if ending.startswith("interrupted") else "error" if ending else ""


def _bugs(output: Path) -> list[str]:
    text = output.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if "page_on_failure: something went wrong" in line]
