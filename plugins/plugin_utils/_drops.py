# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drops events unsent, counts them, and keeps in mind who has not been told yet.

Each function works within the caller's transaction. What goes for one of the outbox's caps is told twice, each time
once: by the next run, as a warning, and by the next drain, as a failure. What goes because somebody wanted that is
counted only.
"""

from __future__ import annotations

import collections
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Why an event was dropped without having been accepted.
BEYOND_MAX_EVENTS = "max_events"
BEYOND_MAX_AGE = "max_age"
SUPERSEDED = "superseded"
PURGED = "purged"

# Who is to be told.
RUN = "run"
DRAIN = "drain"

# Events named in a sentence; it is not for more.
_NAMED = 3

_BECAUSE = {
    BEYOND_MAX_EVENTS: "since the outbox was full (outbox_max_events)",
    BEYOND_MAX_AGE: "after a wait that was longer than outbox_max_age",
}


@dataclass(frozen=True)
class Untold:
    """Events that were dropped for one of the outbox's caps.

    Attributes:
        reason: which cap.
        count: how many.
        summaries: what some of them were about, pages first.
    """

    reason: str
    count: int
    summaries: tuple[str, ...] = ()

    def and_also(self, other: Untold) -> Untold:
        """Return the sum of both, for the same reason."""
        return Untold(self.reason, self.count + other.count, (*self.summaries, *other.summaries)[:_NAMED])

    def explained(self) -> str:
        """Say it in a sentence."""
        were, them = ("1 event was", "it") if self.count == 1 else (f"{self.count} events were", "them")
        more = self.count - len(self.summaries)
        names = "; ".join([*self.summaries, *([f"{more} more"] if more else [])])
        return f"{were} dropped unsent, {_BECAUSE[self.reason]}: PagerDuty has not accepted {them} ({names})."


@dataclass(frozen=True)
class Dropped:
    """What was dropped for a cap.

    Attributes:
        untold: what is to be said of it; None if nothing was dropped.
        lanes: fingerprint and dedup key of the incidents that have lost a trigger.
    """

    untold: Untold | None = None
    lanes: tuple[tuple[str, str], ...] = ()

    @property
    def count(self) -> int:
        """How many."""
        return self.untold.count if self.untold else 0


def drop(cursor: sqlite3.Cursor, reason: str, which: str, values: dict[str, object]) -> int:
    """Delete events and count them, for each run by itself.

    Args:
        cursor: of the transaction that is under way.
        reason: why.
        which: an SQL condition of this collection's own.
        values: its values.
    """
    # The plus keeps SQLite from going through all events in the order of their runs.
    per_run = f"SELECT run, COUNT(*) FROM events WHERE {which} GROUP BY +run"  # noqa: S608  # see above
    rows = cursor.execute(per_run, values).fetchall()
    if rows:
        cursor.execute(f"DELETE FROM events WHERE {which}", values)  # noqa: S608  # see above
    count_drops(cursor, reason, rows)
    return sum(count for _run, count in rows)


def drop_for_cap(cursor: sqlite3.Cursor, reason: str, which: str, values: dict[str, object]) -> Dropped:
    """Delete events that are beyond a cap, count them, and keep in mind that this has to be told. As `drop`."""
    rows = cursor.execute(
        f"""SELECT run, action, summary, fingerprint, dedup_key FROM events WHERE {which}
            ORDER BY action <> 'trigger', id""",  # noqa: S608  # a condition of this collection's own
        values,
    ).fetchall()
    if not rows:
        return Dropped()
    cursor.execute(f"DELETE FROM events WHERE {which}", values)  # noqa: S608  # see above
    count_drops(cursor, reason, collections.Counter(row[0] for row in rows).items())
    untold = Untold(reason, len(rows), tuple(f"{action}: {summary}" for _run, action, summary, *_lane in rows[:_NAMED]))
    for audience in (RUN, DRAIN):
        _keep_in_mind(cursor, audience, untold)
    return Dropped(untold, tuple(dict.fromkeys((row[3], row[4]) for row in rows if row[1] == "trigger")))


def count_drops(cursor: sqlite3.Cursor, reason: str, per_run: Iterable[tuple[str, int]]) -> None:
    """Count events that were dropped: pairs of run and number."""
    cursor.executemany(
        """INSERT INTO drops (reason, run, count) VALUES (?, ?, ?)
            ON CONFLICT (reason, run) DO UPDATE SET count = count + excluded.count""",
        [(reason, run, count) for run, count in per_run],
    )


def untold(rows: Sequence[tuple[str, int, str]]) -> list[Untold]:
    """Return rows of the table of this name, each a reason, a number and summaries, as values."""
    return [Untold(reason, count, tuple(json.loads(summaries))) for reason, count, summaries in rows]


def _keep_in_mind(cursor: sqlite3.Cursor, audience: str, found: Untold) -> None:
    query = "SELECT reason, count, summaries FROM untold WHERE audience = ? AND reason = ?"
    for earlier in untold(cursor.execute(query, (audience, found.reason)).fetchall()):
        found = earlier.and_also(found)
    cursor.execute(
        "INSERT OR REPLACE INTO untold (reason, audience, count, summaries) VALUES (?, ?, ?, ?)",
        (found.reason, audience, found.count, json.dumps(found.summaries)),
    )
