# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the callback share: its settings in ansible.cfg, hosts, tasks that fail, and what was received."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import UNREACHABLE, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.simulator._received import Received

KEY = "4f1c8d2ab67e4e0f93c5d1708be6a2f9"
OTHER_KEY = "9ZkQ3vT7mB1xW5cR8nL2pF6hJ4sD0gYa"
CALLBACK = "oncall.pagerduty.page_on_failure"
CONTROLLER = socket.gethostname()

Play = dict[str, Any]
Task = dict[str, Any]


def cfg(simulator: Simulator, callbacks: str = CALLBACK, **options: Any) -> str:
    """The text of an ansible.cfg that has the callback page the simulator; None leaves an option out.

    The wait at the end is long, since it ends as soon as all is sent, which on a busy machine may take some seconds.
    """
    own = {"routing_key": KEY, "api_url": simulator.url, "retry_base_interval": 0.05, "flush_timeout": 60}
    options = {**own, **options}
    lines = [
        f"{name} = {json.dumps(value) if isinstance(value, dict) else value}"
        for name, value in options.items()
        if value is not None
    ]
    # One host after the other, so that which one fails first is certain.
    head = ["[defaults]", f"callbacks_enabled = {callbacks}", "forks = 1", "[pagerduty]"]
    return "\n".join([*head, *lines, ""])


def hosts(*names: str, unreachable: tuple[str, ...] = (), **variables: Mapping[str, Any]) -> dict[str, Any]:
    """An inventory of hosts on this machine, of ones that cannot be reached, and of their variables by name."""
    entries = {name: dict(variables.get(name, {})) for name in names}
    entries.update({name: {**UNREACHABLE, **variables.get(name, {})} for name in unreachable})
    return {"all": {"hosts": entries, "vars": {"ansible_connection": "local"}}}


def play(name: str, where: str, *tasks: Task, **keywords: Any) -> Play:
    """A play without facts."""
    return {"name": name, "hosts": where, "gather_facts": False, **keywords, "tasks": list(tasks)}


def fail(name: str, on: str = "", message: str = "it broke", **keywords: Any) -> Task:
    """A task that fails, on all hosts or on those named."""
    when = {"when": f"inventory_hostname in '{on}'.split()"} if on else {}
    return {"name": name, "ansible.builtin.fail": {"msg": message}, **when, **keywords}


def ok(name: str = "Say hello", **keywords: Any) -> Task:
    """A task that succeeds."""
    return {"name": name, "ansible.builtin.debug": {"msg": "hello"}, **keywords}


def script(name: str, text: str, **keywords: Any) -> Task:
    """A task that runs a command."""
    return {"name": name, "ansible.builtin.shell": text, **keywords}


def closing(run: Run) -> list[str]:
    """The lines that begin with the callback's name in the output."""
    return [line for line in run.stdout.splitlines() if line.startswith("PagerDuty: ")]


def warnings(run: Run) -> list[str]:
    """The callback's warnings, each in one line, however the terminal has wrapped it."""
    text = " ".join(run.output.replace("\n", " ").split())
    return [part.partition("[WARNING]")[0].strip() for part in text.split("page_on_failure: ")[1:]]


def events(simulator: Simulator, action: str | None = None) -> list[Received]:
    """The alert events that were taken, in order."""
    return [received for received in simulator.accepted if received.api == "v2" and action in (None, received.action)]


def keys(simulator: Simulator) -> list[str]:
    """The dedup keys of the incidents that are open."""
    return sorted(incident.dedup_key for incident in simulator.incidents if incident.is_open)


def payload(received: Received) -> dict[str, Any]:
    """An event's payload."""
    assert isinstance(received.json, dict)
    found: dict[str, Any] = received.json["payload"]
    return found


def details(received: Received) -> dict[str, Any]:
    """An event's custom details."""
    found: dict[str, Any] = payload(received)["custom_details"]
    return found
