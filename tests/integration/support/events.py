# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the incident and change tasks share: keys, hosts, short ways to write a task, and both paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

KEY = "4f1c8d2ab67e4e0f93c5d1708be6a2f9"
OTHER_KEY = "9ZkQ3vT7mB1xW5cR8nL2pF6hJ4sD0gYa"

#: the host that tasks are about, and one that they can be delegated to
HOSTS: dict[str, Any] = {
    "all": {
        "hosts": {"db1": {}, "bastion": {"ansible_pipelining": True}},
        "vars": {"ansible_connection": "local"},
    }
}

#: where an event is sent from, and the task's keywords that say so
PATHS: dict[str, dict[str, Any]] = {"controller": {}, "delegated": {"delegate_to": "{{ 'bastion' }}"}}

#: for tests that run on each; a delegated task costs forty times as much as one on the controller
BOTH_PATHS = [pytest.param(path, marks=[pytest.mark.slow] if keywords else []) for path, keywords in PATHS.items()]

#: no wait between attempts, so that tests of failures are quick
AT_ONCE = {"retry_base_interval": 0}

Task = dict[str, Any]


def incident(name: str, options: Mapping[str, Any], **keywords: Any) -> Task:
    """A task that sends an alert event."""
    return {"name": name, "oncall.pagerduty.incident": dict(options), **keywords}


def change(name: str, options: Mapping[str, Any], **keywords: Any) -> Task:
    """A task that sends a change event."""
    return {"name": name, "oncall.pagerduty.change": dict(options), **keywords}


def play(simulator: Simulator, hosts: str = "db1", **defaults: Any) -> dict[str, Any]:
    """A play's keywords that let all of its tasks page the simulator and go on after a failure."""
    defaults = {"api_url": simulator.url, "routing_key": KEY, **defaults}
    return {
        "hosts": hosts,
        "ignore_errors": True,
        "module_defaults": {"group/oncall.pagerduty.pagerduty": defaults},
    }


def on_path(path: str, tasks: Iterable[Task]) -> list[Task]:
    """The same tasks, sent from the controller or delegated."""
    return [{**task, **PATHS[path]} for task in tasks]


def without_chance(result: Any, simulator: Simulator) -> Any:
    """A result without what differs from run to run: durations, moments, keys made up, the simulator's port."""
    if isinstance(result, Mapping):
        return {
            name: "(time)" if name in ("elapsed", "timestamp") else without_chance(value, simulator)
            for name, value in result.items()
        }
    if isinstance(result, list):
        return [without_chance(value, simulator) for value in result]
    if isinstance(result, str):
        text = result.replace(simulator.url.partition("//")[2], "(simulator)")
        text = re.sub(r"ansible-[0-9a-f-]{36}", "(new key)", text)
        text = re.sub(r'("timestamp": )"[^"]*"', r"\1(time)", text)
        return re.sub(r"\d+\.\d s\b", "(time)", text)
    return result
