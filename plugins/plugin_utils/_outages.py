# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an outbox knows of outages: which events wait for PagerDuty to come back, and how long a courier waits for that.

It is on disk, so that each courier goes on where the last one has ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database

# Of the events in a query those that are the first of their incident.
HEAD = """NOT EXISTS (SELECT 1 FROM events earlier WHERE earlier.set_aside IS NULL
    AND earlier.fingerprint = events.fingerprint AND earlier.dedup_key = events.dedup_key AND earlier.id < events.id)"""
_FREE_FROM = "MAX(next_attempt, IFNULL(lease_until, 0))"


@dataclass(frozen=True)
class Waiting:
    """What waits in an outbox, as a courier between two attempts sees it. Times are the database's own.

    Attributes:
        newest: the number of the newest event that waits; 0 if none does.
        due: when the first can be tried; None if nothing waits.
        in_outage: whether any waits because PagerDuty did not answer, or was not well.
    """

    newest: int
    due: float | None
    in_outage: bool


class Outages:
    """The part of a database's events that is about outages. Methods raise `_database.DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self) -> Waiting:
        """Say what waits."""
        (newest, in_outage) = self._database.read(
            "SELECT IFNULL(MAX(id), 0), IFNULL(MAX(outage), 0) FROM events WHERE set_aside IS NULL"
        )[0]
        due = self._first(_FREE_FROM, "1", {})
        return Waiting(newest, due, bool(in_outage))

    def stay(self, seconds: float) -> None:
        """Have a courier stay so many seconds from now for all that waits, or longer if that was wanted before."""
        with self._database.transaction() as cursor:
            cursor.execute(
                "UPDATE events SET stay_until = MAX(stay_until, ?) WHERE set_aside IS NULL",
                (self._database.now() + seconds,),
            )

    def seconds_to_stay(self) -> float:
        """Return for how many seconds a courier is to stay; 0 or less if it need not."""
        (until,) = self._database.read("SELECT MAX(stay_until) FROM events WHERE set_aside IS NULL")[0]
        return float(until or 0.0) - self._database.now()

    def lanes(self, base_url: str) -> int:
        """Return how many incidents and changes wait for a PagerDuty to come back."""
        rows = self._database.read(
            """SELECT COUNT(DISTINCT fingerprint || IFNULL(dedup_key, id)) FROM events
                WHERE set_aside IS NULL AND outage AND base_url = ?""",
            (base_url,),
        )
        return int(rows[0][0])

    def ask(self, base_url: str) -> None:
        """Let one event be due that waits for a PagerDuty to come back, unless any is: its attempt asks whether it is.

        That is the one which would be due next, so that no event that PagerDuty stumbles over is always the one.
        """
        now = self._database.now()
        due = self._first(_FREE_FROM, "base_url = :base_url", {"base_url": base_url})
        if due is None or due <= now:
            return
        with self._database.transaction() as cursor:
            cursor.execute(
                f"""UPDATE events SET next_attempt = :now WHERE id = (SELECT id FROM events
                    WHERE set_aside IS NULL AND base_url = :base_url AND outage AND owner IS NULL
                    AND {HEAD} ORDER BY next_attempt LIMIT 1)""",  # noqa: S608  # constants
                {"now": now, "base_url": base_url},
            )

    def over(self, base_url: str) -> None:
        """A PagerDuty is back: let all that has waited for that be due at once."""
        with self._database.transaction() as cursor:
            cursor.execute(
                """UPDATE events SET outage = 0, next_attempt = MIN(next_attempt, ?)
                    WHERE set_aside IS NULL AND base_url = ? AND outage""",
                (self._database.now(), base_url),
            )

    def throttle_over(self, fingerprint: str, base_url: str) -> None:
        """An integration key's events are taken again: let those of it be due that wait for anything but an outage.

        Each waits by what it was told itself, which for "too many" is about the key.
        """
        which = (
            "set_aside IS NULL AND fingerprint = ? AND base_url = ? AND NOT outage AND attempts AND next_attempt > ?"
        )
        values = (fingerprint, base_url, now := self._database.now())
        if self._database.read(f"SELECT 1 FROM events WHERE {which} LIMIT 1", values):  # noqa: S608  # constants
            with self._database.transaction() as cursor:
                cursor.execute(f"UPDATE events SET next_attempt = ? WHERE {which}", (now, *values))  # noqa: S608

    def _first(self, what: str, where: str, values: dict[str, object]) -> float | None:
        """Return the least of something, over the events that are the first of their incident."""
        (first,) = self._database.read(
            f"SELECT MIN({what}) FROM events WHERE set_aside IS NULL AND {where} AND {HEAD}",  # noqa: S608  # constants
            values,
        )[0]
        return None if first is None else float(first)
