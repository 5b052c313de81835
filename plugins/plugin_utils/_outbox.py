# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The durable queue: events on disk from before their first attempt until PagerDuty has accepted them.

What many processes can rely on:

- `put` returns after the event is on disk. From then on it is sent, set aside with a reason, or dropped and counted.
- A claim is a lease: while it lasts nobody else gets the event; a dead sender's claims come back when it ends.
- Events with the same integration key and dedup key form a lane. Within it nothing is claimed before everything
  earlier has been accepted, set aside or dropped. Lanes do not wait for each other, and change events have none.
- The newest event of a lane says which way all of it goes. So a wrong address is mended for those that wait, too.
- Of an integration key, lanes go first in which a trigger waits whose incident PagerDuty has not heard of, then the
  other incidents, then change events; of each the oldest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api, Prepared
from ansible_collections.oncall.pagerduty.plugins.module_utils._timestamp import from_epoch
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _route
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drops import (
    BEYOND_MAX_AGE,
    BEYOND_MAX_EVENTS,
    PURGED,
    RUN,
    SUPERSEDED,
    Dropped,
    Untold,
    count_drops,
    drop,
    drop_for_cap,
    untold,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outages import HEAD, Outages
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import (
    Caps,
    Claim,
    Counts,
    Entry,
    KeyCounts,
    Lanes,
    Put,
    action_in,
    fingerprint_of,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import WINDOW_SECONDS, Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark

# How much longer than its attempt may take a claim lasts: for writing down the outcome on a machine that is busy.
_LEASE_MARGIN_SECONDS = 30.0

# What goes first. A page is a trigger of an incident that PagerDuty has not heard of, or stands before one in its lane.
_PAGE, _FOLLOWING, _CHANGE = range(3)

# Why an event is set aside that another version of this collection has put in, in a form that this one does not know.
UNREADABLE = "this version of the collection cannot read the event"

_GREATEST_ID = 2**63 - 1

_LANE = "fingerprint = :fingerprint AND dedup_key = :dedup_key"
_SET_ASIDE_TRIGGER = "set_aside IS NOT NULL AND action = 'trigger'"
_FREE = "set_aside IS NULL AND (owner IS NULL OR lease_until <= :now)"
_OUTDATED = f"aged_from < :oldest AND {_FREE}"


class Outbox:
    """The queue in a database. Methods raise `_database.DatabaseError` and nothing else."""

    def __init__(self, database: Database, caps: Caps | None = None) -> None:
        self._database = database
        self.outages = Outages(database)
        self._caps = caps or Caps()
        # Only ever touched within a transaction, so that no two processes can undo each other's step.
        self._unsent = UnsentMark(database.path)
        self._news: list[str] = []

    # --- handing in ----------------------------------------------------------------------------------------------

    def put(
        self,
        event: Prepared,
        route: Route,
        run: str = "",
        prune_superseded: bool = False,
        maybe_taken: bool = False,
        linger: float = 0.0,
    ) -> Put:
        """Add an event; it is on disk when this returns.

        Args:
            event: what to send.
            route: the way to go.
            run: a name for those who will ask what became of their events.
            prune_superseded: if this is a resolve, and its incident's trigger has not been sent, drop both.
            maybe_taken: whether the event was sent before, without an answer, so that PagerDuty may have it.
            linger: for how many seconds a courier is to stay if the event cannot be sent.
        """
        fingerprint = fingerprint_of(event.routing_key)
        said = _Said(event)
        route_text = route.encoded()
        lane: dict[str, object] = {"fingerprint": fingerprint, "dedup_key": event.dedup_key}
        with self._database.transaction() as cursor:
            now = self._database.now()
            outdated = self._drop_outdated(cursor, now)
            dropped = self._make_room(cursor, now)
            prunable = prune_superseded and said.action == "resolve"
            if prunable and _prune(cursor, fingerprint, str(event.dedup_key), run):
                return Put(None, dropped, outdated)
            priority = _priority(cursor, lane, said.action)
            if priority == _PAGE:
                _bring_forward(cursor, lane, _GREATEST_ID)
            cursor.execute(
                """INSERT INTO events (run, api, body, fingerprint, dedup_key, action, summary, base_url, route,
                    created, next_attempt, maybe_taken, aged_from, priority, stay_until)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    run,
                    event.api.name,
                    event.body,
                    fingerprint,
                    event.dedup_key,
                    said.action,
                    said.summary,
                    route.connection.base_url,
                    route_text,
                    now,
                    now,
                    maybe_taken,
                    self._database.certain_now(),
                    priority,
                    now + linger,
                ),
            )
            added = cursor.lastrowid
            _send_along(cursor, lane, route.connection.base_url, route_text, now)
            self._unsent.set()
            return Put(added, dropped, outdated)

    def is_waiting(self, event: Prepared) -> bool:
        """Whether an earlier event of the same lane is waiting: then this one must not be sent past the outbox."""
        return bool(
            self._database.read(
                "SELECT 1 FROM events WHERE set_aside IS NULL AND fingerprint = ? AND dedup_key = ? LIMIT 1",
                (fingerprint_of(event.routing_key), event.dedup_key),
            )
        )

    def has_only_set_aside(self, fingerprint: str, dedup_key: str) -> bool:
        """Whether the trigger of an incident is set aside, so that PagerDuty does not know of it, but may yet."""
        return bool(
            self._database.read(
                f"""SELECT 1 WHERE EXISTS (SELECT 1 FROM events WHERE {_LANE} AND {_SET_ASIDE_TRIGGER})
                    AND NOT EXISTS (SELECT 1 FROM events WHERE {_LANE} AND set_aside IS NULL)
                    AND NOT EXISTS (SELECT 1 FROM opened WHERE {_LANE})""",  # noqa: S608  # constants
                {"fingerprint": fingerprint, "dedup_key": dedup_key},
            )
        )

    def has_opened(self, fingerprint: str, dedup_key: str) -> bool:
        """Whether PagerDuty has accepted a trigger of an incident from here, and no resolve since."""
        return bool(
            self._database.read(
                "SELECT 1 FROM opened WHERE fingerprint = ? AND dedup_key = ?", (fingerprint, dedup_key)
            )
        )

    def may_open(self, fingerprint: str, dedup_key: str) -> bool:
        """Whether PagerDuty knows, or is to be told, of an incident from here: it is open, or an event of it waits."""
        return bool(
            self._database.read(
                f"""SELECT 1 WHERE EXISTS (SELECT 1 FROM opened WHERE {_LANE})
                    OR EXISTS (SELECT 1 FROM events WHERE {_LANE} AND set_aside IS NULL)""",  # noqa: S608  # constants
                {"fingerprint": fingerprint, "dedup_key": dedup_key},
            )
        )

    def drop_outlived(self, fingerprint: str, dedup_key: str) -> bool:
        """Drop and count an incident's triggers that are set aside: their failures are over, so nobody may retry them.

        Returns whether there were only such ones, so that PagerDuty has not heard of the incident.
        """
        with self._database.transaction() as cursor:
            unheard_of = self.has_only_set_aside(fingerprint, dedup_key)
            values: dict[str, object] = {"fingerprint": fingerprint, "dedup_key": dedup_key}
            drop(cursor, SUPERSEDED, f"{_LANE} AND {_SET_ASIDE_TRIGGER}", values)
            return unheard_of

    # --- sending -------------------------------------------------------------------------------------------------

    def lanes(self) -> list[Lanes]:
        """Return the integration keys that events are waiting for."""
        rows = self._database.read("SELECT DISTINCT fingerprint, base_url FROM events WHERE set_aside IS NULL")
        return [Lanes(*row) for row in rows]

    def claim(self, owner: str, lanes: Lanes, most: int, pace: Pace) -> list[Claim]:
        """Take the events that are due, at the head of their lane, free, and allowed by the pace; pages first.

        Args:
            owner: who takes them; never gets an event twice before having said what became of it.
            lanes: which integration key, where.
            most: how many.
            pace: how many may be sent in a minute, whoever sends them.
        """
        with self._database.transaction() as cursor:
            now = self._database.now()
            self._drop_outdated(cursor, now)
            free = pace.free(_sends(cursor, lanes.fingerprint, now, pace.limit), now)
            claims: list[Claim] = []
            for priority, *row in self._due(owner, lanes, min(most, free)):
                if priority != _PAGE and len(claims) >= free - pace.reserved:
                    break
                claim = _claim(lanes, *row)
                if claim is None:
                    cursor.execute("UPDATE events SET set_aside = ? WHERE id = ?", (UNREADABLE, row[0]))
                else:
                    claims.append(_lease(cursor, claim, owner, now))
            return claims

    def due(self, owner: str, lanes: Lanes, most: int) -> list[Claim]:
        """Return what could be claimed, without claiming it, so without having to write."""
        claims = (_claim(lanes, *row) for _priority, *row in self._due(owner, lanes, most))
        return [claim for claim in claims if claim is not None]

    def _due(self, owner: str, lanes: Lanes, most: int) -> list[tuple[Any, ...]]:
        if most <= 0:
            return []
        return self._database.read(
            f"""SELECT priority, id, api, body, dedup_key, route, attempts, maybe_taken FROM events
                WHERE fingerprint = :fingerprint AND base_url = :base_url AND next_attempt <= :now AND {_FREE}
                AND IFNULL(owner, '') <> :owner AND {HEAD}
                ORDER BY priority, id LIMIT :most""",  # noqa: S608  # the parts are constants
            {"now": self._database.now(), "owner": owner, "most": most, **dataclasses.asdict(lanes)},
        )

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write down what came of several attempts as one, which takes the disk hardly longer than each of them."""
        with self._database.shared_transaction():
            yield

    def accepted(self, claim: Claim) -> None:
        """PagerDuty has accepted the event: forget it. True whoever has claimed it meanwhile."""
        with self._database.transaction() as cursor:
            cursor.execute("DELETE FROM events WHERE id = ?", (claim.id,))
            lane = (claim.lanes.fingerprint, claim.event.dedup_key)
            action = action_in(json.loads(claim.event.body))
            if action == "trigger":
                cursor.execute("INSERT OR IGNORE INTO opened (fingerprint, dedup_key) VALUES (?, ?)", lane)
            elif action == "resolve":
                cursor.execute("DELETE FROM opened WHERE fingerprint = ? AND dedup_key = ?", lane)
            self._ended(cursor, claim)

    def refused(self, claim: Claim, owner: str, reason: str) -> None:
        """PagerDuty has refused the event for good: set it aside."""
        with self._database.transaction() as cursor:
            cursor.execute(
                "UPDATE events SET set_aside = ?, owner = NULL, lease_until = NULL WHERE id = ? AND owner IS ?",
                (reason, claim.id, owner if claim.send else None),
            )
            _bring_next_trigger_forward(cursor, claim.lanes.fingerprint, claim.event.dedup_key)
            self._ended(cursor, claim)

    def postponed(
        self, claim: Claim, owner: str, delay: float, error: str, maybe_taken: bool, outage: bool = False
    ) -> None:
        """The attempt failed, by PagerDuty's outage or not: let the event be claimed again after a delay in seconds."""
        with self._database.transaction() as cursor:
            cursor.execute(
                """UPDATE events SET next_attempt = ? + CASE WHEN route = ? THEN ? ELSE 0 END, last_error = ?,
                    maybe_taken = ?, outage = ?, owner = NULL, lease_until = NULL WHERE id = ? AND owner IS ?""",
                (
                    self._database.now(),
                    claim.route.encoded(),  # another way by now has no part in the failure
                    delay,
                    error,
                    claim.maybe_taken or maybe_taken,
                    outage,
                    claim.id,
                    owner if claim.send else None,
                ),
            )
            self._ended(cursor, claim)

    def release_all(self) -> None:
        """Take back every claim. Only for who knows that nobody is sending: whoever holds the courier's lock."""
        if self._database.read("SELECT 1 FROM events WHERE owner IS NOT NULL LIMIT 1"):
            with self._database.transaction() as cursor:
                cursor.execute("UPDATE events SET owner = NULL, lease_until = NULL WHERE owner IS NOT NULL")

    def hurry(self) -> None:
        """Let what waits for a further attempt be due at once."""
        with self._database.transaction() as cursor:
            now = self._database.now()
            cursor.execute(
                "UPDATE events SET next_attempt = ? WHERE set_aside IS NULL AND next_attempt > ?", (now, now)
            )

    def version(self) -> int:
        """Return a number that changes when another connection has changed something. Costs microseconds."""
        return self._database.version()

    # --- looking and tending -------------------------------------------------------------------------------------

    def is_empty(self) -> bool:
        """Whether no event is waiting or under way."""
        return not self._database.read("SELECT 1 FROM events WHERE set_aside IS NULL LIMIT 1")

    def unmark_if_empty(self) -> None:
        """Spare the next run a look in here if nothing is left to send, and nothing to be told."""
        if self._unsent.is_set() and self._is_settled():
            with self._database.transaction():
                if self._is_settled():
                    self._unsent.clear()

    def _is_settled(self) -> bool:
        return self.is_empty() and not self._database.read("SELECT 1 FROM untold WHERE audience = ? LIMIT 1", (RUN,))

    def drop_outdated(self) -> None:
        """Drop now what has become too old, so that it can be told."""
        if self._caps.max_age and self._database.read(
            f"SELECT 1 FROM events WHERE {_OUTDATED} LIMIT 1",  # noqa: S608  # constants
            self._age_limit(self._database.now()),
        ):
            with self._database.transaction() as cursor:
                self._drop_outdated(cursor, self._database.now())

    def take_untold(self, audience: str) -> list[Untold]:
        """Return what was dropped for a cap and this audience has not been told yet; from here on it has."""
        query, values = "SELECT reason, count, summaries FROM untold WHERE audience = ? ORDER BY reason", (audience,)
        if not self._database.read(query, values):
            return []
        with self._database.transaction() as cursor:
            found = untold(self._database.read(query, values))
            cursor.execute("DELETE FROM untold WHERE audience = ?", values)
            return found

    def take_news(self) -> list[str]:
        """Return lines for a log about what this object has dropped for a cap since it was last asked."""
        news, self._news = self._news, []
        return news

    def counts(self, run: str | None = None) -> Counts:
        """Count all events, or those of a run."""
        where, values = ("", ()) if run is None else ("WHERE run = ?", (run,))
        which = "" if run is None else "run = ? AND"
        waiting, set_aside = (
            # Two questions, since each has an index of its own.
            self._database.read(f"SELECT COUNT(*) FROM events WHERE {which} set_aside {state}", values)[0][0]  # noqa: S608
            for state in ("IS NULL", "IS NOT NULL")
        )
        drops = self._database.read(
            f"SELECT reason, SUM(count) FROM drops {where} GROUP BY reason ORDER BY reason",  # noqa: S608  # constants
            values,
        )
        return Counts(waiting, set_aside, dict(drops))

    def counts_by_key(self) -> list[KeyCounts]:
        """Count all events, for each integration key by itself."""
        rows = self._database.read(
            """SELECT substr(fingerprint, 1, 8), base_url, COUNT(*) - COUNT(set_aside), COUNT(set_aside) FROM events
                GROUP BY fingerprint, base_url ORDER BY fingerprint, base_url"""
        )
        return [KeyCounts(*row) for row in rows]

    def expected_seconds(self, run: str, pace: Pace) -> float:
        """Return in how many seconds the last of a run's events is sent, if PagerDuty takes all that wait."""
        rows = self._database.read(
            """SELECT (SELECT COUNT(*) FROM events ahead WHERE ahead.set_aside IS NULL
                    AND ahead.fingerprint = mine.fingerprint AND ahead.base_url = mine.base_url
                    AND ahead.priority <= mine.lowest),
                (SELECT COUNT(*) FROM sends WHERE sends.fingerprint = mine.fingerprint AND sends.at > ?),
                mine.lowest = ?
                FROM (SELECT fingerprint, base_url, MAX(priority) AS lowest FROM events
                    WHERE run = ? AND set_aside IS NULL GROUP BY fingerprint, base_url) mine""",
            (self._database.now() - WINDOW_SECONDS, _PAGE, run),
        )
        return max((pace.expected(*row) for row in rows), default=0.0)

    def left_of(self, run: str) -> dict[tuple[str, str], int]:
        """Count a run's alert events that are not accepted, for each integration key's fingerprint and dedup key."""
        rows = self._database.read(
            """SELECT fingerprint, dedup_key, COUNT(*) FROM events WHERE run = ? AND dedup_key IS NOT NULL
                GROUP BY fingerprint, dedup_key""",
            (run,),
        )
        return {(fingerprint, dedup_key): number for fingerprint, dedup_key, number in rows}

    def last_problem(self, run: str) -> str | None:
        """Return why the newest of a run's troubled events is still here, or else what one waits behind."""
        rows = self._database.read(
            """SELECT IFNULL(set_aside, last_error) FROM events
                WHERE run = ? AND IFNULL(set_aside, last_error) IS NOT NULL ORDER BY id DESC LIMIT 1""",
            (run,),
        )
        if rows:
            return str(rows[0][0])
        rows = self._database.read(
            """SELECT earlier.last_error FROM events earlier JOIN events mine ON mine.fingerprint = earlier.fingerprint
                AND mine.dedup_key = earlier.dedup_key AND mine.id > earlier.id
                WHERE mine.run = ? AND mine.set_aside IS NULL
                AND earlier.set_aside IS NULL AND earlier.last_error IS NOT NULL ORDER BY earlier.id LIMIT 1""",
            (run,),
        )
        return f"behind an earlier event of the same incident: {rows[0][0]}" if rows else None

    def first_problems(self) -> tuple[str | None, str | None]:
        """Return the oldest reason why an event waits still, and why one was set aside."""
        found = [
            self._database.read(f"SELECT {reason} FROM events WHERE {reason} IS NOT NULL {which} ORDER BY id LIMIT 1")  # noqa: S608
            for reason, which in (("last_error", "AND set_aside IS NULL"), ("set_aside", ""))
        ]
        waiting, set_aside = (str(rows[0][0]) if rows else None for rows in found)
        return waiting, set_aside

    def entries(self, most: int = -1, offset: int = 0) -> list[Entry]:
        """List events, in order: at most so many, without so many at the beginning; all of them without a number."""
        rows = self._database.read(
            f"""SELECT id, set_aside IS NOT NULL, {_FREE}, action, summary, dedup_key, fingerprint, base_url, created,
                attempts, next_attempt, IFNULL(set_aside, last_error) FROM events
                ORDER BY id LIMIT :most OFFSET :offset""",  # noqa: S608  # constants
            {"now": self._database.now(), "most": most, "offset": offset},
        )
        return [_entry(*row) for row in rows]

    def retry(self, ids: Sequence[int] | None = None) -> int:
        """Let events that were set aside, these or all, wait for another attempt. Returns how many."""
        with self._database.transaction() as cursor:
            self._unsent.set()
            return cursor.execute(
                f"""UPDATE events SET next_attempt = ?, last_error = set_aside, set_aside = NULL,
                    priority = CASE action WHEN 'trigger' THEN {_PAGE} ELSE priority END
                    WHERE set_aside IS NOT NULL AND {_among(ids)}""",  # noqa: S608  # numbers
                (self._database.now(),),
            ).rowcount

    def count_retry(self, ids: Sequence[int] | None = None) -> int:
        """Return how many events `retry` would let wait again."""
        return self._count(f"set_aside IS NOT NULL AND {_among(ids)}")

    def count_purge(self, ids: Sequence[int] | None = None, waiting: bool = False) -> int:
        """Return how many events `purge` would drop."""
        return self._count(_purgeable(ids, waiting))

    def _count(self, which: str) -> int:
        values = {"now": self._database.now()}
        return int(self._database.read(f"SELECT COUNT(*) FROM events WHERE {which}", values)[0][0])  # noqa: S608

    def purge(self, ids: Sequence[int] | None = None, waiting: bool = False) -> int:
        """Drop events, these or all, and count them. Returns how many.

        Args:
            ids: which; None for all.
            waiting: also those that wait to be sent. What is under way stays.
        """
        with self._database.transaction() as cursor:
            return drop(cursor, PURGED, _purgeable(ids, waiting), {"now": self._database.now()})

    # --- inside --------------------------------------------------------------------------------------------------

    def _make_room(self, cursor: sqlite3.Cursor, now: float) -> int:
        """Drop what is beyond the number of events when one more comes, pages last. What is under way stays."""
        if not self._caps.max_events:
            return 0
        (count,) = cursor.execute("SELECT COUNT(*) FROM events").fetchone()
        if count < self._caps.max_events:
            return 0
        first = f"""id IN (SELECT id FROM events WHERE set_aside IS NOT NULL OR {_FREE}
            ORDER BY set_aside IS NULL, priority DESC, id LIMIT :excess)"""  # noqa: S608  # the part is a constant
        excess = count - self._caps.max_events + 1
        return self._after(cursor, drop_for_cap(cursor, BEYOND_MAX_EVENTS, first, {"now": now, "excess": excess}))

    def _drop_outdated(self, cursor: sqlite3.Cursor, now: float) -> int:
        if not self._caps.max_age:
            return 0
        return self._after(cursor, drop_for_cap(cursor, BEYOND_MAX_AGE, _OUTDATED, self._age_limit(now)))

    def _age_limit(self, now: float) -> dict[str, object]:
        return {"now": now, "oldest": self._database.certain_now() - self._caps.max_age}

    def _after(self, cursor: sqlite3.Cursor, dropped: Dropped) -> int:
        if dropped.untold:
            self._news.append(dropped.untold.explained())
        for fingerprint, dedup_key in dropped.lanes:
            _bring_next_trigger_forward(cursor, fingerprint, dedup_key)
        return dropped.count

    def _ended(self, cursor: sqlite3.Cursor, claim: Claim) -> None:
        cursor.execute("UPDATE sends SET at = ? WHERE id = ?", (self._database.now(), claim.send))


def _entry(
    number: int,
    set_aside: int,
    free: int,
    action: str,
    summary: str,
    dedup_key: str | None,
    fingerprint: str,
    base_url: str,
    created: float,
    attempts: int,
    next_attempt: float,
    reason: str | None,
) -> Entry:
    return Entry(
        id=number,
        state="set aside" if set_aside else "waiting" if free else "claimed",
        action=action,
        summary=summary,
        dedup_key=dedup_key,
        key=fingerprint[:8],
        base_url=base_url,
        created=from_epoch(created),
        attempts=attempts,
        next_attempt=from_epoch(next_attempt),
        reason=reason,
    )


class _Said:
    """What a body says, for listing it and for knowing what it does."""

    def __init__(self, event: Prepared) -> None:
        body = event.shown()
        payload = body.get("payload") or {}
        self.action = action_in(body)
        self.summary = str(payload.get("summary") or body.get("description") or "")


def _claim(
    lanes: Lanes,
    number: int,
    api_name: str,
    body: bytes,
    dedup_key: str | None,
    route: str,
    attempts: int,
    maybe_taken: int,
) -> Claim | None:
    """Return a row as a claim; None if it cannot be read, so that one bad row holds up no other."""
    try:
        api = Api[api_name]
        routing_key = json.loads(body)["service_key" if api is Api.V1 else "routing_key"]
        event = Prepared(api, routing_key, body, dedup_key)
        return Claim(number, None, event, lanes, _route.decode(route), attempts + 1, bool(maybe_taken))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _lease(cursor: sqlite3.Cursor, claim: Claim, owner: str, now: float) -> Claim:
    cursor.execute(
        # Until the outcome is known, and for ever if its sender dies, the event may have been taken.
        "UPDATE events SET owner = ?, lease_until = ?, attempts = attempts + 1, maybe_taken = 1 WHERE id = ?",
        (owner, now + claim.route.timeout + _LEASE_MARGIN_SECONDS, claim.id),
    )
    cursor.execute("INSERT INTO sends (fingerprint, at) VALUES (?, ?)", (claim.lanes.fingerprint, now))
    return dataclasses.replace(claim, send=cursor.lastrowid)


def _sends(cursor: sqlite3.Cursor, fingerprint: str, now: float, most: int) -> list[float]:
    """Return when the key's newest events went out, ascending, and forget the old ones of all keys."""
    cursor.execute(
        # Up to the first recent one: reads what it deletes, and not the whole table.
        """DELETE FROM sends WHERE id < IFNULL((SELECT id FROM sends WHERE at > ? ORDER BY id LIMIT 1), ?)""",
        (now - WINDOW_SECONDS, _GREATEST_ID),
    )
    rows = cursor.execute("SELECT at FROM sends WHERE fingerprint = ? ORDER BY at DESC LIMIT ?", (fingerprint, most))
    return [at for (at,) in rows][::-1]


def _send_along(cursor: sqlite3.Cursor, lane: dict[str, object], base_url: str, route: str, now: float) -> None:
    """Let all of a lane go the way of its newest event, which has just been added. What is under way does so next time.

    All before it go one way, so the last but one tells: a lane can be long.
    """
    rows = cursor.execute(
        f"SELECT route FROM events WHERE {_LANE} AND set_aside IS NULL ORDER BY id DESC LIMIT 2",  # noqa: S608  # constants
        lane,
    ).fetchall()
    if len(rows) == 2 and rows[1][0] != route:
        cursor.execute(
            f"""UPDATE events SET base_url = :base_url, route = :route, next_attempt = :now
                WHERE {_LANE} AND set_aside IS NULL AND route <> :route""",  # noqa: S608  # constants
            {**lane, "base_url": base_url, "route": route, "now": now},
        )


def _prune(cursor: sqlite3.Cursor, fingerprint: str, dedup_key: str, run: str) -> bool:
    """Drop a lane whose trigger PagerDuty cannot have seen, and say whether that made its resolve pointless."""
    values: dict[str, object] = {"fingerprint": fingerprint, "dedup_key": dedup_key}
    if _is_opened(cursor, values):
        return False
    triggers, seen = cursor.execute(
        f"""SELECT SUM(action = 'trigger'), SUM(maybe_taken OR owner IS NOT NULL)
            FROM events WHERE {_LANE} AND set_aside IS NULL""",  # noqa: S608  # constants
        values,
    ).fetchone()
    if not triggers or seen:
        return False
    drop(cursor, SUPERSEDED, f"{_LANE} AND set_aside IS NULL", values)
    count_drops(cursor, SUPERSEDED, [(run, 1)])
    return True


def _priority(cursor: sqlite3.Cursor, lane: dict[str, object], action: str) -> int:
    """Return what an event is to its lane, which is about to get it."""
    if action != "trigger":
        return _CHANGE if action == "change" else _FOLLOWING
    before = cursor.execute(
        f"""SELECT action FROM events WHERE {_LANE} AND set_aside IS NULL AND action IN ('trigger', 'resolve')
            ORDER BY id DESC LIMIT 1""",  # noqa: S608  # constants
        lane,
    ).fetchone()
    if before:
        return _FOLLOWING if before[0] == "trigger" else _PAGE
    return _FOLLOWING if _is_opened(cursor, lane) else _PAGE


def _is_opened(cursor: sqlite3.Cursor, lane: dict[str, object]) -> bool:
    return cursor.execute(f"SELECT 1 FROM opened WHERE {_LANE}", lane).fetchone() is not None  # noqa: S608  # constants


def _bring_forward(cursor: sqlite3.Cursor, lane: dict[str, object], last: int) -> None:
    """Let what stands before a page in its lane, up to an id, go as early as the page is to."""
    cursor.execute(
        f"""UPDATE events SET priority = {_PAGE} WHERE {_LANE} AND set_aside IS NULL AND id <= :last
            AND priority <> {_PAGE}""",  # noqa: S608  # constants
        {**lane, "last": last},
    )


def _bring_next_trigger_forward(cursor: sqlite3.Cursor, fingerprint: str, dedup_key: str | None) -> None:
    """Make a page of the next trigger of a lane that has lost one, unless PagerDuty has heard of the incident."""
    lane: dict[str, object] = {"fingerprint": fingerprint, "dedup_key": dedup_key}
    following = cursor.execute(
        f"""SELECT id FROM events WHERE {_LANE} AND set_aside IS NULL AND action = 'trigger'
            ORDER BY id LIMIT 1""",  # noqa: S608  # constants
        lane,
    ).fetchone()
    if following and not _is_opened(cursor, lane):
        _bring_forward(cursor, lane, following[0])


def _purgeable(ids: Sequence[int] | None, waiting: bool) -> str:
    return f"(set_aside IS NOT NULL OR ({waiting:d} AND {_FREE})) AND {_among(ids)}"


def _among(ids: Sequence[int] | None) -> str:
    return "1" if ids is None else f"id IN ({', '.join(str(int(number)) for number in ids)})"
