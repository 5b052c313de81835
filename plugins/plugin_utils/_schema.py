# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the outbox and the ledger, and how older files become newer ones.

A migration that has been released never changes; the next version is a further entry in MIGRATIONS.
"""

from __future__ import annotations

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._recognise import APPLICATION_ID

# Times are Unix time by the database's own clock. A fingerprint is the SHA-256 of an integration key.
_FIRST = (
    "CREATE TABLE clock (boot_id TEXT NOT NULL, booted REAL NOT NULL)",
    # AUTOINCREMENT: an id is never used again, so ids tell the order for ever.
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        api TEXT NOT NULL,
        body BLOB NOT NULL,
        fingerprint TEXT NOT NULL,
        dedup_key TEXT,
        action TEXT NOT NULL,
        summary TEXT NOT NULL,
        base_url TEXT NOT NULL,
        route TEXT NOT NULL,
        created REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt REAL NOT NULL,
        last_error TEXT,
        maybe_taken INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        lease_until REAL,
        set_aside TEXT
    )""",
    "CREATE INDEX events_by_lane ON events (fingerprint, dedup_key, id) WHERE set_aside IS NULL",
    "CREATE INDEX events_by_key ON events (fingerprint, base_url, id) WHERE set_aside IS NULL",
    "CREATE INDEX events_by_age ON events (created) WHERE set_aside IS NULL",
    "CREATE INDEX events_by_run ON events (run)",
    "CREATE TABLE sends (id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX sends_by_key ON sends (fingerprint, at)",
    "CREATE TABLE drops (reason TEXT NOT NULL, run TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (reason, run))",
    # Incidents that an accepted trigger of this outbox may have opened, and no accepted resolve has closed.
    "CREATE TABLE opened (fingerprint TEXT NOT NULL, dedup_key TEXT NOT NULL, PRIMARY KEY (fingerprint, dedup_key))",
    """CREATE TABLE incidents (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        dedup_key TEXT NOT NULL,
        job TEXT NOT NULL,
        labels TEXT NOT NULL,
        state TEXT NOT NULL,
        summary TEXT NOT NULL,
        opened REAL NOT NULL,
        updated REAL NOT NULL,
        UNIQUE (fingerprint, dedup_key)
    )""",
    "CREATE INDEX incidents_by_job ON incidents (job, state)",
    """CREATE TABLE places (
        incident INTEGER NOT NULL REFERENCES incidents (id),
        host TEXT NOT NULL,
        place TEXT NOT NULL,
        failed REAL NOT NULL,
        passed REAL,
        PRIMARY KEY (incident, host, place)
    ) WITHOUT ROWID""",
)

# A page goes before other events, ages count only time that has surely passed, and what is dropped is told.
_PAGES_FIRST = (
    "ALTER TABLE clock ADD COLUMN uncertain REAL NOT NULL DEFAULT 0",
    # By the clock for ages; without it an event does not grow old.
    "ALTER TABLE events ADD COLUMN aged_from REAL",
    "UPDATE events SET aged_from = created",
    "ALTER TABLE events ADD COLUMN priority INTEGER NOT NULL DEFAULT 1",
    """UPDATE events SET priority = CASE action WHEN 'change' THEN 2 WHEN 'trigger' THEN
        EXISTS (SELECT 1 FROM opened
            WHERE opened.fingerprint = events.fingerprint AND opened.dedup_key = events.dedup_key)
        ELSE 1 END""",
    "DROP INDEX events_by_key",
    # With next_attempt, so that a look at many that all wait for their next attempt stays within the index.
    """CREATE INDEX events_by_priority ON events (fingerprint, base_url, priority, id, next_attempt)
        WHERE set_aside IS NULL""",
    "DROP INDEX events_by_age",
    "CREATE INDEX events_by_age ON events (aged_from) WHERE set_aside IS NULL",
    "DROP INDEX events_by_run",
    "CREATE INDEX events_by_run ON events (run, set_aside)",
    "CREATE INDEX events_set_aside ON events (id) WHERE set_aside IS NOT NULL",
    # Events that were dropped for a cap, and who has not been told yet: a run, or whoever drains.
    """CREATE TABLE untold (
        reason TEXT NOT NULL,
        audience TEXT NOT NULL,
        count INTEGER NOT NULL,
        summaries TEXT NOT NULL,
        PRIMARY KEY (reason, audience)
    )""",
)

# A place also says which run failed there, so that no other one is taken for proof. Of older entries ("?") that is
# unknown.
_PROOF = (
    """CREATE TABLE proven_places (
        incident INTEGER NOT NULL REFERENCES incidents (id),
        host TEXT NOT NULL,
        place TEXT NOT NULL,
        parameters TEXT NOT NULL,
        names TEXT NOT NULL,
        origin TEXT NOT NULL,
        playbook TEXT NOT NULL,
        lasting INTEGER NOT NULL,
        failed REAL NOT NULL,
        passed REAL,
        absent REAL,
        PRIMARY KEY (incident, host, place, parameters)
    ) WITHOUT ROWID""",
    """INSERT INTO proven_places
        SELECT incident, host, place, '?', '[]', host, '', 0, failed, passed, NULL FROM places""",
    "DROP TABLE places",
    "ALTER TABLE proven_places RENAME TO places",
)

_OUTAGES = (
    # Whether an event waits because PagerDuty did not answer, or was not well; how long a courier is to stay for it.
    "ALTER TABLE events ADD COLUMN outage INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE events ADD COLUMN stay_until REAL NOT NULL DEFAULT 0",
)

# What is brought back from the substitute when the outbox can be used again: events that are here already, by the token
# of the file they come from, so that none is brought twice if that is broken off.
_BROUGHT_BACK = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "CREATE TABLE identity (token TEXT NOT NULL)",
    "INSERT INTO identity (token) VALUES (lower(hex(randomblob(16))))",
    "CREATE TABLE brought (token TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (token, id)) WITHOUT ROWID",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _PAGES_FIRST, _PROOF, _OUTAGES, _BROUGHT_BACK)
