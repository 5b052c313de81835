# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line at a run's end: what PagerDuty has accepted is kept apart from what nobody has heard of."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._closing_line import ToldIncident, closing_line, scope
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Flushed

ONE = ToldIncident("ansible:deploy.yml", "triggered", True, "3 hosts")
UNHEARD = ToldIncident("ansible:deploy.yml", "triggered", False, "3 hosts")
TRIGGERED = "1 incident triggered (ansible:deploy.yml, 3 hosts)"


def many(number: int, accepted: bool) -> list[ToldIncident]:
    return [ToldIncident(f"h{index}", "triggered", accepted, "1 host") for index in range(number)]


@pytest.mark.parametrize(
    ("told", "flushed", "line"),
    [
        ([ONE], Flushed(accepted=2), f"{TRIGGERED}, 2 events accepted, 0 waiting"),
        (
            [ONE],
            Flushed(1, waiting=1, problem="HTTP 503"),
            f"{TRIGGERED}, 1 event accepted, 1 waiting (HTTP 503)",
        ),
        (
            [UNHEARD],
            Flushed(set_aside=2, problem="no key"),
            (
                "1 incident not triggered (ansible:deploy.yml, 3 hosts), 0 events accepted, 0 waiting,"
                " 2 refused (no key); ansible-playbook oncall.pagerduty.verify says whether PagerDuty takes the key"
            ),
        ),
        (
            [ONE],
            Flushed(2, dropped=1, problem="not shown"),
            f"{TRIGGERED}, 2 events accepted, 0 waiting, 1 dropped",
        ),
        (
            [ToldIncident("k", "resolved")],
            Flushed(accepted=1),
            "1 incident resolved (k), 1 event accepted, 0 waiting",
        ),
        (
            # In whatever order they were told of.
            [ToldIncident(key, "resolved") for key in "cd"]
            + [ToldIncident("b", "updated"), ToldIncident("a", "triggered", scope="1 host")],
            Flushed(accepted=4),
            (
                "1 incident triggered (a, 1 host), 1 incident updated (b), 2 incidents resolved (c; d),"
                " 4 events accepted, 0 waiting"
            ),
        ),
        (
            many(5, True),
            Flushed(accepted=5),
            "5 incidents triggered (h0, 1 host; h1, 1 host; h2, 1 host; and 2 more), 5 events accepted, 0 waiting",
        ),
        (
            [*many(120, True), *many(2880, False)],
            Flushed(120, waiting=2880),
            (
                "120 incidents triggered (h0, 1 host; h1, 1 host; h2, 1 host; and 117 more),"
                " 2880 incidents not triggered (h0, 1 host; h1, 1 host; h2, 1 host; and 2877 more),"
                " 120 events accepted, 2880 waiting"
            ),
        ),
        (
            [ToldIncident("a", "updated", True, "2 hosts"), ToldIncident("b", "resolved", False)],
            Flushed(1, waiting=1),
            "1 incident updated (a, 2 hosts), 1 incident not resolved (b), 1 event accepted, 1 waiting",
        ),
        (
            [ToldIncident("ansible:größe.yml", "triggered", True, scope(0))],
            Flushed(accepted=1),
            "1 incident triggered (ansible:größe.yml, the run as a whole), 1 event accepted, 0 waiting",
        ),
        (
            [ToldIncident("k" * 255, "resolved")],
            Flushed(accepted=1),
            f"1 incident resolved ({'k' * 119}…), 1 event accepted, 0 waiting",
        ),
        (
            [ToldIncident("two\nlines\x1b[2J", "resolved")],
            Flushed(accepted=1),
            "1 incident resolved (two lines [2J), 1 event accepted, 0 waiting",
        ),
        ([], Flushed(accepted=1), "1 event accepted, 0 waiting"),
    ],
)
def test_the_closing_line(told: list[ToldIncident], flushed: Flushed, line: str) -> None:
    assert closing_line(told, flushed) == f"PagerDuty: {line}"


def test_the_closing_line_names_what_was_lost() -> None:
    assert closing_line([], Flushed(), lost=1) == "PagerDuty: 0 events accepted, 0 waiting, 1 lost"


@pytest.mark.parametrize(("hosts", "said"), [(0, "the run as a whole"), (1, "1 host"), (10_000, "10000 hosts")])
def test_whom_an_incident_is_about(hosts: int, said: str) -> None:
    assert scope(hosts) == said
