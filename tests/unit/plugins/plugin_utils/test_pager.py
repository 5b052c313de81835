# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line at the end of a run."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Flushed
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pager import closing_line
from ansible_collections.oncall.pagerduty.tests.support.failures import outcome, steering


def incident(key: str, hosts: int) -> Incident:
    made = Incident(key, steering(), {}, outcome(), "error")
    made.hosts.update({f"h{number}": ("failed", None) for number in range(hosts)})
    return made


ONE = [incident("ansible:deploy.yml", 3)]
ALL_SENT = "4 events accepted, 0 waiting"
TRIGGERED = "1 incident triggered (ansible:deploy.yml, 3 hosts)"


@pytest.mark.parametrize(
    ("opened", "updated", "resolved", "flushed", "line"),
    [
        (ONE, [], [], Flushed(accepted=2), f"{TRIGGERED}, 2 events accepted, 0 waiting"),
        (
            ONE,
            [],
            [],
            Flushed(1, waiting=1, problem="HTTP 503"),
            f"{TRIGGERED}, 1 event accepted, 1 waiting (HTTP 503)",
        ),
        (
            ONE,
            [],
            [],
            Flushed(set_aside=2, problem="no key"),
            "1 incident not triggered (ansible:deploy.yml, 3 hosts), 0 events accepted, 0 waiting, 2 refused (no key)",
        ),
        (
            ONE,
            [],
            [],
            Flushed(2, dropped=1, problem="not shown"),
            f"{TRIGGERED}, 2 events accepted, 0 waiting, 1 dropped",
        ),
        ([], [], ["k"], Flushed(accepted=1), "1 incident resolved (k), 1 event accepted, 0 waiting"),
        (
            [incident("a", 1)],
            ["b"],
            ["c", "d"],
            Flushed(accepted=4),
            "1 incident triggered (a, 1 host), 1 incident updated (b), 2 incidents resolved (c; d), " + ALL_SENT,
        ),
        (
            [incident(f"h{number}", 1) for number in range(5)],
            [],
            [],
            Flushed(accepted=5),
            "5 incidents triggered (h0, 1 host; h1, 1 host; h2, 1 host; and 2 more), 5 events accepted, 0 waiting",
        ),
        ([], [], [], Flushed(accepted=1), "1 event accepted, 0 waiting"),
    ],
)
def test_the_closing_line(
    opened: list[Incident], updated: list[str], resolved: list[str], flushed: Flushed, line: str
) -> None:
    assert closing_line(opened, updated, resolved, flushed) == f"PagerDuty: {line}"


def test_the_closing_line_names_what_was_lost() -> None:
    assert closing_line([], [], [], Flushed(), lost=1) == "PagerDuty: 0 events accepted, 0 waiting, 1 lost"
