# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events for the subjects that work on the outbox itself. Import it when the collection can be imported."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, Prepared, prepare
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox

from ._playbook import KEY

DETAILS = {"mount": "/var/lib/postgresql", "free": "0 B", "replicas": ["db2", "db3"]}


def event(lane: str, number: int) -> Prepared:
    """Return an event of an incident that says which of that incident's events it is."""
    details = {**DETAILS, "number": number}
    alert = Alert(Action.TRIGGER, dedup_key=lane, summary="Disk full", source="db1", custom_details=details)
    return prepare(alert, KEY, now=time.time(), new_key="unused")


def open_outbox(path: Path) -> tuple[Database, Outbox]:
    """Open an outbox, or make it."""
    database = Database(str(path))
    return database, Outbox(database)
