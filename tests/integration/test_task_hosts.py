# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machines the tasks need, and which they do not: many hosts, dead hosts, hosts without Python or requests."""

from __future__ import annotations

import sys
import venv
from pathlib import Path
from typing import Any

from ansible_collections.oncall.pagerduty.tests.integration.support.events import (
    HOSTS,
    KEY,
    PATHS,
    change,
    incident,
    on_path,
    play,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import UNREACHABLE, Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

LAG = {"summary": "Lag on {{ inventory_hostname }}", "dedup_key": "lag/{{ inventory_hostname }}"}


def test_thirty_hosts_page_at_the_same_time(ansible: Ansible, simulator: Simulator) -> None:
    names = [f"db{number}" for number in range(30)]

    run = ansible.tasks(
        [incident("each", LAG), incident("one for all", {"summary": "The whole fleet"}, run_once=True)],
        "--forks",
        "10",
        play=play(simulator, hosts="all"),
        inventory={"all": {"hosts": {name: {"ansible_connection": "local"} for name in names}}},
    )

    assert run.rc == 0, run.output
    lag = {incident.dedup_key: incident.source for incident in simulator.incidents if incident.dedup_key[:3] == "lag"}
    assert lag == {f"lag/{name}": name for name in names}
    assert len(simulator.requests) == len(names) + 1
    assert [request.summary for request in simulator.requests].count("The whole fleet") == 1


def test_the_host_of_the_task_is_never_touched(ansible: Ansible, simulator: Simulator) -> None:
    hosts = {
        "unreachable": UNREACHABLE,
        "without-python": {"ansible_connection": "local", "ansible_python_interpreter": "/nowhere/python"},
    }
    tasks = [
        incident("page", LAG),
        incident("by a loop", {**LAG, "state": "acknowledged"}, loop=[1]),
        change("tell", {"summary": "Gave up on {{ inventory_hostname }}"}, delegate_to="localhost"),
        incident("over", {**LAG, "state": "resolved"}),
    ]

    run = ansible.tasks(tasks, play=play(simulator, hosts="all"), inventory={"all": {"hosts": hosts}})

    assert run.rc == 0, run.output
    assert {incident.source: incident.status for incident in simulator.incidents} == dict.fromkeys(hosts, "resolved")
    assert {change.source for change in simulator.changes} == set(hosts)
    assert not (ansible.home / ".ansible" / "tmp").exists() or not any((ansible.home / ".ansible/tmp").iterdir())


def test_a_machine_that_is_to_send_and_cannot_is_named(ansible: Ansible, simulator: Simulator) -> None:
    bare = ansible.home.parent / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    hosts = {
        "db1": {"ansible_connection": "local"},
        "gone": UNREACHABLE,
        "without-requests": {"ansible_connection": "local", "ansible_python_interpreter": str(bare / "bin" / "python")},
    }
    tasks = [
        incident("gone", LAG, delegate_to="gone", ignore_unreachable=True),
        incident("without requests", LAG, delegate_to="without-requests"),
        incident("without requests, checked", LAG, delegate_to="without-requests", check_mode=True),
    ]

    run = ansible.tasks(tasks, play=play(simulator), inventory={"all": {"hosts": hosts}})

    assert run.task("gone", "db1").status == "unreachable"
    for name in ("without requests", "without requests, checked"):
        message = run.task(name, "db1").result["msg"]
        assert "Failed to import the required Python library (requests)" in message
        assert str(bare / "bin" / "python") in message
        assert run.task(name, "db1").result["accepted"] is False
    assert simulator.requests == []


def test_a_controller_without_requests_says_so(ansible: Ansible, simulator: Simulator) -> None:
    # Takes the place of the installed library, as one that is broken or absent does.
    ansible.write("python/requests/__init__.py", "raise ImportError('No module named requests')\n")
    tasks = [incident("page", LAG), change("tell", {"summary": "x"}), incident("check", LAG, check_mode=True)]

    run = ansible.tasks(
        tasks, play=play(simulator), inventory=HOSTS, env={"PYTHONPATH": str(ansible.project / "python")}
    )

    for task in tasks:
        message = run.task(task["name"], "db1").result["msg"]
        assert run.task(task["name"], "db1").status == "failed"
        assert "Failed to import the required Python library (requests)" in message
        assert sys.executable in message or str(Path(sys.executable).resolve()) in message
    assert simulator.requests == []


def test_async_is_refused(ansible: Ansible, simulator: Simulator) -> None:
    tasks = [
        {**task, "name": path, "async": 30, "poll": 1} for path in PATHS for task in on_path(path, [incident("", LAG)])
    ]

    run = ansible.tasks(tasks, play=play(simulator), inventory=HOSTS)

    for path in PATHS:
        assert run.task(path, "db1").status == "failed"
        assert "async" in run.task(path, "db1").result["msg"]
    assert simulator.requests == []


def test_a_retried_task_keeps_its_environment(ansible: Ansible, simulator: Simulator) -> None:
    tasks = [
        incident(
            path,
            {"summary": "x", "api_url": simulator.url},
            environment={"PAGERDUTY_ROUTING_KEY": KEY},
            register="sent",
            until="sent.attempts > 1",
            retries=1,
            delay=0,
        )
        for path in PATHS
    ]

    run = ansible.tasks(
        [task for path, task in zip(PATHS, tasks) for task in on_path(path, [task])],
        play={"hosts": "db1", "ignore_errors": True},
        inventory=HOSTS,
    )

    assert run.rc == 0, run.output
    assert [request.key for request in simulator.requests] == [KEY] * 4


#: a proxy that nobody runs
DEAD = "http://127.0.0.1:9"


def test_a_proxy_for_managed_hosts_does_not_steer_what_the_controller_sends(
    ansible: Ansible, simulator: Simulator
) -> None:
    known: dict[str, Any] = {"routing_key": KEY, "api_url": simulator.url, "max_retries": 0}
    for_hosts = {"http_proxy": DEAD, "HTTP_PROXY": DEAD, "no_proxy": "", "REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"}
    tasks = [
        incident("play", {**known, "summary": "play"}),
        {"block": [incident("block", {**known, "summary": "block"})], "environment": {"HTTPS_PROXY": "http://[bad"}},
        incident("queued", {**known, "summary": "queued", "queue": "always"}),
        incident("own", {**known, "summary": "own"}, environment={"http_proxy": f"{DEAD}/"}),
        incident("key", {**known, "summary": "key", "routing_key": None}),
        incident("delegated", {**known, "summary": "delegated"}, **PATHS["delegated"]),
        {"name": "Drain", "oncall.pagerduty.outbox": {"state": "drained"}},
    ]

    run = ansible.tasks(
        tasks,
        play={"hosts": "db1", "ignore_errors": True, "environment": {**for_hosts, "PAGERDUTY_ROUTING_KEY": KEY}},
        inventory=HOSTS,
    )

    assert sorted(str(request.summary) for request in simulator.accepted) == ["block", "key", "play", "queued"], (
        run.output
    )
    # What the task itself says counts, and all of it does on another host.
    assert run.task("own", "db1").result["message"].startswith("the proxy did not connect to ")
    assert "REQUESTS_CA_BUNDLE: there is no file" in run.task("delegated", "db1").result["msg"]
