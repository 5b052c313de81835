# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembers the incidents that runs have opened, and where each host failed, until the hosts got through there.

Storage only: which failure belongs to which incident, and when one is over, is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database

TRIGGERED = "triggered"
ACKNOWLEDGED = "acknowledged"
RESOLVED = "resolved"

NOT_NOTED = "?"
"""Stands for the parameters of a run that an earlier version has recorded."""


@dataclass(frozen=True)
class Place:
    """Where a host failed, and in what kind of run.

    Attributes:
        host: the host's name.
        place: what tells the place from others: any text.
        passed: Unix time at which the host got through it; None while it has not.
        parameters: stands for the variables that the run was started with (`_job_variables.Parameters.digest`).
        names: the names of those variables.
        origin: the host whose failure it was, where one host's failure has ended others.
        playbook: the playbook's own name, where several are one job by their `job_name`.
        lasting: whether the host came from an inventory source that is read anew in each run.
        failed: Unix time of the latest failure there.
        absent: Unix time at which a complete green run first found that the host is not in the inventory any more.
        known_as: what an earlier version calls the place, if that is something else. Only for `add_places`.
    """

    host: str
    place: str
    passed: float | None = None
    parameters: str = ""
    names: tuple[str, ...] = ()
    origin: str = ""
    playbook: str = ""
    lasting: bool = False
    failed: float = 0.0
    absent: float | None = None
    known_as: str = ""

    @property
    def still_failing(self) -> bool:
        """Whether the host has not got through since."""
        return self.passed is None


@dataclass(frozen=True)
class RecordedIncident:
    """An incident as far as it is known here.

    Attributes:
        fingerprint: SHA-256 of its integration key (`_outbox_values.fingerprint_of`).
        dedup_key: its dedup key.
        job: which job's failures it gathers.
        labels: its group's labels.
        state: C(triggered), C(acknowledged) or C(resolved).
        summary: its title.
        opened: Unix time.
        updated: Unix time of the last change here.
        places: where its hosts failed.
    """

    fingerprint: str
    dedup_key: str
    job: str
    labels: Mapping[str, str]
    state: str
    summary: str
    opened: float
    updated: float
    places: tuple[Place, ...] = ()

    @property
    def still_failing(self) -> bool:
        """Whether any host has not got through where it failed."""
        return any(place.still_failing for place in self.places)


class Ledger:
    """The record in a database. Methods raise `_database.DatabaseError` and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> float:
        """Return the present as the record counts it."""
        return self._database.now()

    @contextlib.contextmanager
    def one_step(self) -> Iterator[None]:
        """Do several things, here and in the outbox of the same database, so that nobody else writes in between.

        Only for what is no page: a signal's handler that came in between could not keep one.
        """
        with self._database.shared_transaction():
            yield

    def open_incident(
        self,
        fingerprint: str,
        dedup_key: str,
        job: str,
        labels: Mapping[str, str],
        summary: str,
        places: Iterable[Place] = (),
        within: Callable[[], None] = lambda: None,
    ) -> None:
        """Record that an incident is open, and where its hosts failed, as `add_places` does.

        One that is open already keeps its beginning, its state and its places. What `within` does is done while no
        other process can look or write.
        """
        now = self._database.now()
        with self._database.transaction() as cursor:
            found = _find(cursor, fingerprint, dedup_key)
            if found is not None and found[1] == RESOLVED:
                cursor.execute("DELETE FROM incidents WHERE id = ?", (found[0],))
            cursor.execute(
                """INSERT INTO incidents (fingerprint, dedup_key, job, labels, state, summary, opened, updated)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (fingerprint, dedup_key) DO UPDATE SET
                    job = excluded.job, labels = excluded.labels, summary = excluded.summary,
                    updated = excluded.updated""",
                (
                    fingerprint,
                    dedup_key,
                    job,
                    json.dumps(dict(labels), sort_keys=True),
                    TRIGGERED,
                    summary,
                    now,
                    now,
                ),
            )
            self._add_places(cursor, fingerprint, dedup_key, places)
            within()

    def acknowledge_incident(self, fingerprint: str, dedup_key: str) -> bool:
        """Record that somebody looks after an open incident. Returns whether there is one."""
        return self._change_state(fingerprint, dedup_key, ACKNOWLEDGED)

    def close_incident(self, fingerprint: str, dedup_key: str) -> bool:
        """Record that an incident is over, and forget its places. Returns whether it was open."""
        return self._change_state(fingerprint, dedup_key, RESOLVED)

    def add_places(self, fingerprint: str, dedup_key: str, places: Iterable[Place]) -> None:
        """Record that hosts failed just now in places of an open incident.

        One that had been passed is failing again. Nothing happens if the incident is not open.
        """
        with self._database.transaction() as cursor:
            self._add_places(cursor, fingerprint, dedup_key, places)

    def _add_places(self, cursor: sqlite3.Cursor, fingerprint: str, dedup_key: str, places: Iterable[Place]) -> None:
        found = _find(cursor, fingerprint, dedup_key)
        if found is None or found[1] == RESOLVED:
            return
        now = self._database.now()
        rows = list(places)
        cursor.executemany(
            """INSERT INTO places (incident, host, place, parameters, names, origin, playbook, lasting, failed)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (incident, host, place, parameters) DO UPDATE SET
                failed = excluded.failed, passed = NULL, absent = NULL, names = excluded.names,
                origin = excluded.origin, playbook = excluded.playbook, lasting = excluded.lasting""",
            [
                (
                    found[0],
                    row.host,
                    row.place,
                    row.parameters,
                    json.dumps(row.names),
                    row.origin,
                    row.playbook,
                    row.lasting,
                    now,
                )
                for row in rows
            ],
        )
        # What an earlier version has recorded of the same failure is known better now.
        cursor.executemany(
            "DELETE FROM places WHERE incident = ? AND host = ? AND place = ? AND parameters = ?",
            [(found[0], row.host, row.known_as or row.place, NOT_NOTED) for row in rows if row.parameters != NOT_NOTED],
        )
        cursor.execute("UPDATE incidents SET updated = ? WHERE id = ?", (now, found[0]))

    def mark_passed(self, fingerprint: str, dedup_key: str, passed: Iterable[Place]) -> None:
        """Record that hosts got through places of an open incident, unless they have failed there since."""
        self._set(fingerprint, dedup_key, "passed", passed, self._database.now())

    def mark_absent(self, fingerprint: str, dedup_key: str, places: Iterable[Place]) -> None:
        """Record that hosts are seen, from now on, to be absent from the inventory."""
        self._set(fingerprint, dedup_key, "absent", (place for place in places if place.absent is None), self.now())

    def mark_present(self, fingerprint: str, dedup_key: str, places: Iterable[Place]) -> None:
        """Record that hosts are in the inventory again."""
        self._set(fingerprint, dedup_key, "absent", places, None)

    def _set(self, fingerprint: str, dedup_key: str, column: str, places: Iterable[Place], value: float | None) -> None:
        rows = [
            (value, place.host, place.place, place.parameters, place.failed, fingerprint, dedup_key, RESOLVED)
            for place in places
        ]
        if not rows:
            return
        with self._database.transaction() as cursor:
            cursor.executemany(
                f"""UPDATE places SET {column} = ? WHERE passed IS NULL AND host = ? AND place = ? AND parameters = ?
                    AND failed <= ? AND incident IN
                    (SELECT id FROM incidents WHERE fingerprint = ? AND dedup_key = ? AND state <> ?)""",  # noqa: S608
                rows,
            )

    def unless_open(self, job: str, then: Callable[[], None]) -> None:
        """Do something if a job has no open incident, before another process can open one."""
        if self.incidents_of(job):
            return
        with self._database.transaction():
            if not self.incidents_of(job):
                then()

    def incidents_of(self, job: str) -> list[RecordedIncident]:
        """Return a job's open incidents with their places, the oldest first."""
        rows = self._database.read(
            """SELECT id, fingerprint, dedup_key, job, labels, state, summary, opened, updated FROM incidents
                WHERE job = ? AND state <> ? ORDER BY opened, id""",
            (job, RESOLVED),
        )
        return [
            RecordedIncident(
                key, dedup_key, job, json.loads(labels), state, summary, opened, updated, self._places(number)
            )
            for number, key, dedup_key, job, labels, state, summary, opened, updated in rows
        ]

    def _places(self, incident: int) -> tuple[Place, ...]:
        rows = self._database.read(
            """SELECT host, place, parameters, names, origin, playbook, lasting, failed, passed, absent FROM places
                WHERE incident = ? ORDER BY failed, host, place, parameters""",
            (incident,),
        )
        return tuple(
            Place(
                host,
                place,
                passed,
                parameters=parameters,
                names=tuple(json.loads(names)),
                origin=origin,
                playbook=playbook,
                lasting=bool(lasting),
                failed=failed,
                absent=absent,
            )
            for host, place, parameters, names, origin, playbook, lasting, failed, passed, absent in rows
        )

    def _change_state(self, fingerprint: str, dedup_key: str, state: str) -> bool:
        with self._database.transaction() as cursor:
            found = _find(cursor, fingerprint, dedup_key)
            if found is None or found[1] == RESOLVED:
                return False
            cursor.execute(
                "UPDATE incidents SET state = ?, updated = ? WHERE id = ?", (state, self._database.now(), found[0])
            )
            if state == RESOLVED:
                cursor.execute("DELETE FROM places WHERE incident = ?", (found[0],))
            return True


def _find(cursor: sqlite3.Cursor, fingerprint: str, dedup_key: str) -> tuple[int, str] | None:
    """Return an incident's row id and state."""
    row: tuple[int, str] | None = cursor.execute(
        "SELECT id, state FROM incidents WHERE fingerprint = ? AND dedup_key = ?", (fingerprint, dedup_key)
    ).fetchone()
    return row
