# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings events and open incidents back into the outbox from the substitute that stood in for it, and removes that.

Two files cannot be changed as one. So the outbox notes, together with each event, which one of the substitute it was;
only then the substitute forgets it. Broken off anywhere and begun again, nothing is lost and nothing is there twice.
Where a courier is at work in the substitute all stays as it is: the next run tries again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _private_files
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark

_RESOLVED = "resolved"
_TABLES = ("events", "opened", "places", "incidents", "drops", "untold")


def bring_back(path: str, outbox: Database) -> bool:
    """Bring all that a substitute holds into an outbox, and remove the substitute. Returns whether that is done.

    Raises:
        DatabaseError: if one of them cannot be used. Nothing is lost by that.
        OSError: if the substitute's lock cannot be used.
    """
    lock = SenderLock(path)
    if not lock.acquire():
        return False
    try:
        if not lock.is_certain:
            return False
        substitute = Database(path)
        try:
            _bring(substitute, outbox)
            return substitute.remove_if(_is_empty, lambda: _remove_all(path))
        finally:
            substitute.close()
    finally:
        lock.release()


def was_brought_back(substitute: Database) -> bool:
    """Whether something was brought back from a substitute that this process has open all the while.

    Raises:
        DatabaseError: if it cannot be read.
    """
    return bool(substitute.read("SELECT 1 FROM brought WHERE token = ''"))


def _bring(substitute: Database, outbox: Database) -> None:
    # Nobody adds anything to the substitute meanwhile.
    with substitute.transaction() as source:
        token = source.execute("SELECT token FROM identity").fetchone()[0]
        jobs = [job for (job,) in source.execute("SELECT DISTINCT job FROM incidents WHERE state <> ?", (_RESOLVED,))]
        marks = OpenJobs(outbox.path)
        for job in jobs:
            marks.mark(job)
        source.execute("INSERT OR IGNORE INTO brought (token, id) VALUES ('', 0)")
        with outbox.transaction() as target:
            UnsentMark(outbox.path).set()
            ahead = _Ahead.of(substitute, outbox)
            _bring_events(source, target, token, ahead)
            _bring_rows(source, target, "opened", "fingerprint, dedup_key")
            _bring_drops(source, target)
            _bring_untold(source, target)
            _bring_incidents(source, target, ahead)
            for job in jobs:
                OpenJobs(substitute.path).clear(job)
        for table in _TABLES:
            source.execute(f"DELETE FROM {table}")  # noqa: S608  # constants
    with outbox.transaction() as target:
        target.execute("DELETE FROM brought WHERE token = ?", (token,))


def _columns(source: Any, target: Any, table: str) -> list[str]:
    """Return the columns that both files have, but for row ids: they may be of two versions."""
    there = {row[1] for row in target.execute(f"PRAGMA table_info({table})")}
    return [row[1] for row in source.execute(f"PRAGMA table_info({table})") if row[1] in there and row[1] != "id"]


@dataclass(frozen=True)
class _Ahead:
    """By how many seconds a substitute's clocks are ahead of the outbox's: the one for times, and the one for ages."""

    now: float
    certain: float

    @classmethod
    def of(cls, substitute: Database, outbox: Database) -> _Ahead:
        return cls(substitute.now() - outbox.now(), substitute.certain_now() - outbox.certain_now())


def _bring_events(source: Any, target: Any, token: str, ahead: _Ahead) -> None:
    names = _columns(source, target, "events")
    here = {number for (number,) in target.execute("SELECT id FROM brought WHERE token = ?", (token,))}
    fields, marks = ", ".join(names), ", ".join("?" for _name in names)
    for number, *values in source.execute(f"SELECT id, {fields} FROM events ORDER BY id").fetchall():  # noqa: S608  # ours
        if number in here:
            continue
        row = dict(zip(names, values))
        # Each file has a clock of its own. And nobody is at work on it any more.
        row.update(owner=None, lease_until=None)
        for name in ("created", "next_attempt", "stay_until"):
            row[name] -= ahead.now
        if row["aged_from"] is not None:
            row["aged_from"] -= ahead.certain
        target.execute(f"INSERT INTO events ({fields}) VALUES ({marks})", [row[name] for name in names])  # noqa: S608  # ours
        target.execute("INSERT INTO brought (token, id) VALUES (?, ?)", (token, number))


def _bring_rows(source: Any, target: Any, table: str, fields: str) -> None:
    rows = source.execute(f"SELECT {fields} FROM {table}").fetchall()  # noqa: S608  # constants
    marks = ", ".join("?" for _field in fields.split(","))
    target.executemany(f"INSERT OR IGNORE INTO {table} ({fields}) VALUES ({marks})", rows)  # noqa: S608  # constants


def _bring_drops(source: Any, target: Any) -> None:
    # Set, not added: broken off and begun again it is the same.
    target.executemany(
        """INSERT INTO drops (reason, run, count) VALUES (?, ?, ?)
            ON CONFLICT (reason, run) DO UPDATE SET count = MAX(count, excluded.count)""",
        source.execute("SELECT reason, run, count FROM drops").fetchall(),
    )


def _bring_untold(source: Any, target: Any) -> None:
    target.executemany(
        """INSERT INTO untold (reason, audience, count, summaries) VALUES (?, ?, ?, ?)
            ON CONFLICT (reason, audience) DO UPDATE SET count = MAX(count, excluded.count)""",
        source.execute("SELECT reason, audience, count, summaries FROM untold").fetchall(),
    )


def _bring_incidents(source: Any, target: Any, ahead: _Ahead) -> None:
    """Bring the open incidents. One that is open in both files has the places of both, until all are over."""
    names = _columns(source, target, "incidents")
    places = [name for name in _columns(source, target, "places") if name != "incident"]
    fields, marks = ", ".join(names), ", ".join("?" for _name in names)
    found = source.execute(f"SELECT id, {fields} FROM incidents", ()).fetchall()  # noqa: S608  # our own columns
    for number, *values in found:
        row = dict(zip(names, values))
        if row["state"] == _RESOLVED:
            continue
        key = (row["fingerprint"], row["dedup_key"])
        where = "fingerprint = ? AND dedup_key = ?"
        target.execute(f"DELETE FROM incidents WHERE {where} AND state = ?", (*key, _RESOLVED))  # noqa: S608  # our own columns
        target.execute(f"INSERT OR IGNORE INTO incidents ({fields}) VALUES ({marks})", values)  # noqa: S608  # our own columns
        ((here,),) = target.execute(f"SELECT id FROM incidents WHERE {where}", key).fetchall()  # noqa: S608  # our own columns
        columns = ", ".join(places)
        rows = source.execute(f"SELECT {columns} FROM places WHERE incident = ?", (number,)).fetchall()  # noqa: S608
        times = [index for index, name in enumerate(places) if name in ("failed", "passed", "absent")]
        target.executemany(
            f"INSERT OR REPLACE INTO places (incident, {columns})"  # noqa: S608  # our own columns
            f" VALUES (?, {', '.join('?' for _name in places)})",
            [(here, *_earlier(place, times, ahead.now)) for place in rows],
        )


def _earlier(row: Sequence[Any], times: Collection[int], seconds: float) -> list[Any]:
    """Return a row with the times in it so much earlier."""
    return [value - seconds if at in times and value is not None else value for at, value in enumerate(row)]


def _is_empty(cursor: Any) -> bool:
    return not any(cursor.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in _TABLES)  # noqa: S608


def _remove_all(path: str) -> None:
    """Remove what is left of a substitute: marks, locks and log. What is foreign stays, and so does the folder."""
    for end in (*_private_files.BESIDE, ""):
        with contextlib.suppress(OSError):
            os.unlink(f"{path}{end}")
    with contextlib.suppress(OSError):
        os.rmdir(os.path.join(os.path.dirname(path), _private_files.OPEN_JOBS))
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(path))
