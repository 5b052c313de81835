# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast an outbox full of events is sent, beside eight threads that post the same bodies and keep nothing."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from . import Setting
from ._figures import Figures, Used, alternate, cpu, wall
from ._report import Goal, Report, Table
from ._sink import Sink

EVENTS = 10_000
QUICK_EVENTS = 1_000
# So many events about each incident: their order is to be kept.
LANE = 5
THREADS = 8


def measure(setting: Setting) -> Report:
    """Measure both against the same server."""
    events = QUICK_EVENTS if setting.quick else EVENTS
    out_of_order = 0
    with Sink() as sink:

        def drained() -> Used:
            nonlocal out_of_order
            used = _drain(setting, sink.url, events)
            taken = sink.taken()
            if len(taken) != events:
                raise RuntimeError(f"the server took {len(taken)} events, expected {events}")
            out_of_order += _out_of_order(taken)
            return used

        def posted() -> Used:
            used = _post(sink.url, events)
            sink.took(events)
            return used

        names = ("the outbox, drained", f"{THREADS} threads of requests.Session")
        used = alternate({names[0]: drained, names[1]: posted}, min(setting.rounds, 3))
    rates = {name: Figures.of([events / each.wall for each in used[name]]) for name in names}
    rows = [[name, str(rates[name]), str(wall(used[name])), str(cpu(used[name]))] for name in names]
    title = f"{events} waiting events, {LANE} about each incident, no pace, {len(used[names[0]])} rounds"
    table = Table(title, ["sender", "events a second", "wall s", "CPU s"], rows)
    goals = [
        Goal(
            "events a second, the outbox ÷ eight threads",
            rates[names[0]].over(rates[names[1]]).median,
            0.8,
            at_least=True,
        ),
        Goal("events sent before an earlier one about the same incident", out_of_order, 0),
    ]
    return Report("throughput", [table], goals, (), {"events": events, "used": used})


def _drain(setting: Setting, url: str, events: int) -> Used:
    """Fill an outbox, and measure how it is sent."""
    from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _upkeep
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route

    from ._events import event, open_outbox

    path = setting.folder / f"throughput-{time.monotonic_ns()}" / "outbox.sqlite3"
    database, outbox = open_outbox(path)
    route = Route(Connection(url))
    for number in range(events):
        outbox.put(event(f"disk/{number % (events // LANE)}", number), route)
    database.close()
    settings = DeliverySettings(str(path), max_events=0, max_events_per_minute=0)
    began, used = time.monotonic(), time.process_time()
    report = _upkeep.drained(settings, 600.0)
    spent = Used(time.process_time() - used, time.monotonic() - began)
    if report.waiting or report.set_aside:
        raise RuntimeError(f"{report.waiting} events are still waiting, {report.set_aside} were refused")
    return spent


def _post(url: str, events: int) -> Used:
    """Post as many bodies from eight threads."""
    import requests

    from ._events import event

    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for number in range(events):
        waiting.put(event(f"disk/{number}", number).body)

    def work() -> None:
        session = requests.Session()
        while True:
            try:
                body = waiting.get_nowait()
            except queue.Empty:
                return
            headers = {"Content-Type": "application/json"}
            session.post(f"{url}/v2/enqueue", data=body, headers=headers, timeout=10.0).raise_for_status()

    threads = [threading.Thread(target=work) for _number in range(THREADS)]
    began, used = time.monotonic(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Used(time.process_time() - used, time.monotonic() - began)


def _out_of_order(taken: list[dict[str, Any]]) -> int:
    """Count the bodies that came before an earlier one with the same dedup key."""
    newest: dict[str, int] = {}
    count = 0
    for body in taken:
        number = body["payload"]["custom_details"]["number"]
        count += number < newest.get(body["dedup_key"], -1)
        newest[body["dedup_key"]] = number
    return count
