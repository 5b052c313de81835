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

# What is brought back from the substitute when the outbox can be used again: events that are here already, by the token
# of the file they come from, so that none is brought twice if that is broken off.
_BROUGHT_BACK = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "CREATE TABLE identity (token TEXT NOT NULL)",
    "INSERT INTO identity (token) VALUES (lower(hex(randomblob(16))))",
    "CREATE TABLE brought (token TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (token, id)) WITHOUT ROWID",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _BROUGHT_BACK)
