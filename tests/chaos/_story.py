# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long history of one outbox, in which writers and couriers are killed again and again; and what must be true."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark
from ansible_collections.oncall.pagerduty.tests.chaos._nursery import End, Nursery
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

DAY = 24 * 3600.0
# An incident's life: what is said about it, in order.
LIFE = ("trigger", "trigger", "acknowledge", "resolve")
FAULTS = (
    Fault("reset_after", probability=0.06),
    Fault("reset_before", probability=0.06),
    Fault("close_after", probability=0.04),
    Fault("status", code=503, probability=0.06),
    Fault("throttle", probability=0.04),
    Fault("latency", seconds=0.02, probability=0.3),
)


@dataclass
class Story:
    """What was put, in order, for each incident.

    puts: summaries by dedup key, in the order they were put, whether or not the put returned
    certain: summaries of the events whose put returned
    unmarked: points after which events were waiting without a mark, so that no later run would look for them
    """

    puts: dict[str, list[str]] = field(default_factory=dict)
    certain: set[str] = field(default_factory=set)
    unmarked: list[int] = field(default_factory=list)


def tell(folder: Path, root: str, pagerduty: Simulator, points: int, seed: int) -> tuple[Story, DeliverySettings]:
    """Let things happen: as many processes as there are points, each killed somewhere, in turn writing and sending."""
    dice = random.Random(seed)
    settings = DeliverySettings(
        str(folder / "outbox.sqlite3"),
        max_age=7 * DAY,
        max_events_per_minute=0,
        retry_base_interval=0.01,
        retry_max_interval=0.1,
    )
    story = Story()
    script = _script(dice, points)
    for fault in FAULTS:
        pagerduty.add_fault(fault)
    nursery = Nursery(root)
    try:
        for point in range(points):
            # Further and further ahead, so that each jump would outdate what is waiting.
            clock = dice.choice((0.0, -DAY, -1000 * DAY, 30 * DAY * point))
            if point % 2:
                nursery.send(settings.encoded(), _end(dice, lines=2500, seconds=0.5), clock)
            else:
                events = [next(script) for _event in range(dice.randint(1, 5))]
                for key, _action, summary in events:
                    story.puts.setdefault(key, []).append(summary)
                end = _end(dice, lines=1500, seconds=0.1)
                story.certain.update(nursery.put(settings.outbox_path, events, pagerduty.url, end, clock))
            if point % 5 == 0 and is_unmarked(settings.outbox_path):
                story.unmarked.append(point)
    finally:
        nursery.close()
        pagerduty.clear_faults()
    return story, settings


def is_unmarked(path: str) -> bool:
    """Tell whether events wait in an outbox of which the next run would think that it is empty."""
    if not os.path.exists(path):
        return False
    database = Database(path)
    try:
        return not Outbox(database).is_empty() and not UnsentMark(path).is_set()
    finally:
        database.close()


def lost(story: Story, pagerduty: Simulator) -> set[str]:
    """Events that were handed over for certain, and never accepted."""
    return story.certain - {str(received.summary) for received in pagerduty.accepted}


def out_of_order(story: Story, pagerduty: Simulator) -> list[str]:
    """Incidents whose events were not accepted in the order they were put; repeats of the same event are allowed."""
    accepted: dict[str, list[str]] = {}
    for received in pagerduty.accepted:
        said = accepted.setdefault(str(received.dedup_key), [])
        if not said or said[-1] != received.summary:
            said.append(str(received.summary))
    return [key for key, said in accepted.items() if said != [text for text in story.puts[key] if text in said]]


def opened_twice(pagerduty: Simulator) -> set[str]:
    """Incidents that were opened a second time."""
    keys = [incident.dedup_key for incident in pagerduty.incidents]
    return {key for key in keys if keys.count(key) > 1}


def _script(dice: random.Random, points: int):  # type: ignore[no-untyped-def]  # an endless generator
    """Events of several incidents, interleaved; each incident's own in order."""
    number = 0
    lives: list[tuple[str, list[str]]] = []
    while True:
        if len(lives) < 4 + points // 50:
            number += 1
            lives.append((f"incident-{number:05}", list(LIFE)))
        key, left = dice.choice(lives)
        step = len(LIFE) - len(left)
        yield key, left.pop(0), f"{key} step {step}"
        lives = [life for life in lives if life[1]]


def _end(dice: random.Random, lines: int, seconds: float) -> End:
    """A point to be killed at: a line of our code, or a moment, which may be in the middle of SQLite or of a socket."""
    if dice.random() < 0.3:
        return End(after_seconds=dice.uniform(0.0, seconds))
    return End(after_seconds=10 * seconds, after_lines=dice.randint(1, lines))
