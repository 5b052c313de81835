# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sender costs for one event, everything included, beside HTTP clients that do less and one that does as much.

All in one process and one thread, over connections that are kept; the time is that process's, its threads included.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..integration.support.tls import self_signed
from . import Setting
from ._figures import Used, alternate, cpu, wall
from ._playbook import KEY
from ._report import Goal, Report, Table
from ._sink import Sink

# Many short rounds: what else the machine does then meets all senders alike.
EVENTS = 200
ROUNDS_MORE = 5
PATH = "/v2/enqueue"
DETAILS = {"mount": "/var/lib/postgresql", "free": "0 B", "lag_seconds": 412, "replicas": ["db2", "db3"]}

Send = Callable[[int], None]


def measure(setting: Setting) -> Report:
    """Measure with and without TLS."""
    events, rounds = EVENTS, setting.rounds * (1 if setting.quick else ROUNDS_MORE)
    certificate = self_signed(setting.folder)
    notes: list[str] = []
    with Sink() as sink, Sink(certificate=certificate) as tls:
        senders = {
            "this collection": (sink, _ours(sink.url)),
            "requests.Session.post": (sink, _session(sink.url)),
            "urllib3": (sink, _urllib3(sink.url)),
            "http.client": (sink, _http_client(sink.url)),
            "this collection, TLS": (tls, _ours(tls.url, certificate)),
            "requests.Session.post, TLS": (tls, _session(tls.url, certificate)),
        }
        official = _official(tls.url, certificate)
        if official is None:
            notes.append("The official client is not here to be compared with; make bench installs it")
        else:
            senders["official pagerduty client, TLS"] = (tls, official)

        def run(server: Sink, send: Send) -> Callable[[], Used]:
            def once() -> Used:
                began, used = time.monotonic(), time.process_time()
                for number in range(events):
                    send(number)
                used, wall_seconds = time.process_time() - used, time.monotonic() - began
                server.took(events)
                return Used(used, wall_seconds)

            return once

        for server, send in senders.values():  # connects
            send(0)
            server.took(1)
        used = alternate({name: run(*parts) for name, parts in senders.items()}, rounds)
    costs = {name: cpu(each) for name, each in used.items()}
    plain = costs["requests.Session.post"]
    rows = [
        [name, str(cost.times(1000 / events)), str(wall(used[name]).times(1000 / events)), str(cost.over(plain))]
        for name, cost in costs.items()
    ]
    title = f"One event, {events} in a row, {rounds} rounds"
    table = Table(title, ["sender", "CPU ms", "wall ms", "CPU ÷ Session.post"], rows)
    ours = costs["this collection"].over(plain)
    goals = [Goal("the sender, CPU ÷ a plain requests.Session.post's", ours.median, 0.75)]
    if official is not None:
        over_tls = costs["this collection, TLS"].over(costs["official pagerduty client, TLS"])
        goals.append(Goal("the sender, CPU ÷ the official client's, both over TLS", over_tls.median, 1.0))
    return Report("sender", [table], goals, notes, {"events": events, "used": used})


def _body(number: int) -> dict[str, Any]:
    return {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": f"disk/{number}",
        "payload": {"summary": "Disk full", "source": "db1", "severity": "error", "custom_details": DETAILS},
    }


def _ours(url: str, certificate: Path | None = None) -> Send:
    """Everything a task does between its validated options and its result."""
    from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
    from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, prepare
    from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import RetryPolicy
    from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Sender
    from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RequestsTransport

    connection = Connection(url, ca_path=str(certificate) if certificate else None)
    sender = Sender(RequestsTransport(connection), RetryPolicy(), 10.0)

    def send(number: int) -> None:
        alert = Alert(
            Action.TRIGGER, dedup_key=f"disk/{number}", summary="Disk full", source="db1", custom_details=DETAILS
        )
        event = prepare(alert, KEY, now=time.time(), new_key="unused")
        delivery = sender.send(event)
        if not delivery.accepted or event.shown()["dedup_key"] != delivery.dedup_key:
            raise RuntimeError(delivery.message)

    return send


def _session(url: str, certificate: Path | None = None) -> Send:
    import requests

    session = requests.Session()
    session.verify = str(certificate) if certificate else True

    def send(number: int) -> None:
        session.post(url + PATH, json=_body(number), timeout=10.0).raise_for_status()

    return send


def _urllib3(url: str) -> Send:
    import urllib3

    pool = urllib3.PoolManager()

    def send(number: int) -> None:
        body = json.dumps(_body(number))
        pool.request("POST", url + PATH, body=body, headers={"Content-Type": "application/json"}, timeout=10.0)

    return send


def _http_client(url: str) -> Send:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10.0)

    def send(number: int) -> None:
        connection.request("POST", PATH, json.dumps(_body(number)), {"Content-Type": "application/json"})
        connection.getresponse().read()

    return send


def _official(url: str, certificate: Path) -> Send | None:
    try:
        import pagerduty
    except ImportError:
        return None
    trusting = ssl.create_default_context(cafile=str(certificate))
    client = pagerduty.EventsApiV2Client(KEY, base_url=url, verify=trusting, trust_env=False)

    def send(number: int) -> None:
        client.trigger("Disk full", "db1", dedup_key=f"disk/{number}", severity="error", custom_details=DETAILS)

    return send
