# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the memory of open incidents learn what a task has told PagerDuty about one of them."""

from __future__ import annotations

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs

STATES = ("acknowledged", "resolved")
"""What is of interest. A task that triggers says nothing about the failures of a run."""


def learn(outbox_path: str, routing_key: str, dedup_key: str, state: str) -> str | None:
    """Note that an incident has been acknowledged or resolved, if it is one that a failed run has opened.

    Costs one look at the disk as long as no run has left any incident open.

    Args:
        outbox_path: where the outbox is, and with it the ledger.
        routing_key: the integration key that was used.
        dedup_key: the incident's key.
        state: one of STATES.

    Returns:
        A warning if the ledger could not be told.
    """
    if not OpenJobs(outbox_path).any():
        return None
    try:
        # SQLite is loaded only where there is something to be told.
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of

        database = Database(outbox_path)
        try:
            ledger = Ledger(database)
            note = ledger.close_incident if state == "resolved" else ledger.acknowledge_incident
            note(fingerprint_of(routing_key), dedup_key)
        finally:
            database.close()
    except (PagerDutyError, ImportError) as error:
        return f"PagerDuty was told, but the memory of open incidents was not: {error}"
    return None
