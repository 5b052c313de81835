# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events, and a clock to set by hand, for the tests of outbox and delivery."""

from __future__ import annotations

import time

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import (
    Action,
    Alert,
    Api,
    Change,
    Prepared,
    prepare,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route

KEY = "A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6"
OTHER_KEY = "Z9y8X7w6V5u4T3s2R1q0P9n8M7k6J5h4"


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def go_on(self, seconds: float) -> None:
        self.seconds += seconds


def database_by(clock: Clock, path: str) -> Database:
    """The outbox's file as opened on a machine that has this clock and no other."""
    return Database(path, wall=lambda: 1_000_000.0, uptime=clock)


def alert(
    dedup_key: str, action: str = "trigger", key: str = KEY, summary: str = "disk full", api: Api = Api.V2
) -> Prepared:
    """An event about an incident, with its body fixed."""
    return prepare(Alert(Action(action), dedup_key=dedup_key, summary=summary), key, time.time(), "new", api=api)


def change(summary: str = "deployed", key: str = KEY) -> Prepared:
    """A change event, with its body fixed."""
    return prepare(Change(summary=summary), key, time.time(), "new")


def route(url: str = "http://127.0.0.1:9", timeout: float = 10.0) -> Route:
    """The way to a PagerDuty without TLS."""
    return Route(Connection(url), timeout)
