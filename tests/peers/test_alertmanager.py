# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus Alertmanager fires and resolves against the simulator, told nothing but where PagerDuty is.

Not among the everyday tests: it needs the program `prometheus-alertmanager` (as Debian names it) or `alertmanager`.
Only with Events API v2: for v1 Alertmanager goes to PagerDuty's own address, whatever it is told.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

KEY = "0123456789abcdef0123456789abcdef"
CONFIGURATION = """\
route:
  receiver: pagerduty
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 200ms
  repeat_interval: 1h
receivers:
  - name: pagerduty
    pagerduty_configs:
      - routing_key: {key}
        url: {url}/v2/enqueue
        severity: warning
        component: database
        links: [{{href: "https://runbook.example.com", text: Runbook}}]
        images: [{{src: "https://chart.example.com/1.png", alt: Chart}}]
"""


@pytest.fixture(scope="session")
def program() -> str:
    found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if not found:
        pytest.fail("no alertmanager on PATH (on Debian: apt install prometheus-alertmanager)")
    return found


@contextmanager
def alertmanager(program: str, configuration: str, folder: Path) -> Iterator[str]:
    """A running Alertmanager, without its cluster; yields its address."""
    (folder / "alertmanager.yml").write_text(configuration)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = {
        "config.file": folder / "alertmanager.yml",
        "storage.path": folder / "data",
        "web.listen-address": address,
        "cluster.listen-address": "",
    }
    command = [program, *(f"--{name}={value}" for name, value in arguments.items())]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_for_port(address, process, folder / "log")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for_port(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = datetime.now() + timedelta(seconds=20)
    while process.poll() is None and datetime.now() < deadline:
        try:
            socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"Alertmanager does not listen:\n{log.read_text()}")


def tell(address: str, minutes_from_now: int) -> None:
    """An alert that ends so many minutes from now: in the past, it is resolved."""
    ends = datetime.now(timezone.utc) + timedelta(minutes=minutes_from_now)
    alert = {"labels": {"alertname": "ReplicaLag", "instance": "db1"}, "annotations": {"lag": "412 s"}}
    request = urllib.request.Request(
        f"http://{address}/api/v2/alerts",
        json.dumps([{**alert, "startsAt": "2026-01-02T03:04:05Z", "endsAt": ends.isoformat()}]).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("fault", [None, "kind=throttle", "kind=status,code=500", "kind=reset_after"])
def test_it_fires_and_resolves(program: str, tmp_path: Path, fault: str | None) -> None:
    with Simulator() as pd:
        if fault:
            pd.add_fault(Fault.parse(fault))
        with alertmanager(program, CONFIGURATION.format(key=KEY, url=pd.url), tmp_path) as address:
            tell(address, minutes_from_now=10)
            (incident,) = pd.wait_for(lambda pd: pd.incidents, timeout=30)
            assert incident.status == "triggered"
            tell(address, minutes_from_now=-1)
            pd.wait_for(lambda pd: pd.incidents[0].status == "resolved", timeout=30)
    (incident,) = pd.incidents
    assert "ReplicaLag" in incident.summary
    assert "lag = 412 s" in incident.details["firing"]
    assert (incident.client, incident.severity, incident.component) == ("Alertmanager", "warning", "database")
    assert [link["href"] for link in incident.links] == ["https://runbook.example.com"]
    assert [image["src"] for image in incident.images] == ["https://chart.example.com/1.png"]
    refused = [received.reason for received in pd.requests if not received.fault and not received.taken]
    assert refused == []
