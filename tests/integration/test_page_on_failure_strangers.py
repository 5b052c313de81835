# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside other people's plugins: those that write data to stdout, and those that end a run in ways of their own."""

from __future__ import annotations

import json

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    cfg,
    closing,
    details,
    events,
    fail,
    hosts,
    keys,
    ok,
    play,
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

TWO = hosts("web1", "web2")

WRITES_DATA = """
import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = "{{name: {name}, type: stdout, short_description: One JSON document, description: For tests}}"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "{name}"

    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps({{"failures": stats.failures}}))
"""


@pytest.mark.parametrize("name", ["json", pytest.param("jsonl", marks=pytest.mark.slow)])
def test_data_on_stdout_stays_data(ansible: Ansible, simulator: Simulator, name: str) -> None:
    ansible.write(f"callback_plugins/{name}.py", WRITES_DATA.format(name=name))
    env = {"ANSIBLE_STDOUT_CALLBACK": name}

    run = ansible([play("Deploy", "all", fail("Break", on="web1"))], inventory=TWO, cfg=cfg(simulator), env=env)

    assert json.loads(run.stdout) == {"failures": {"web1": 1}}
    line = "PagerDuty: 1 incident triggered (ansible:playbook.yml, 1 host), 1 event accepted, 0 waiting"
    assert line in run.stderr.splitlines()


RETURNS_255 = """
from ansible.plugins.strategy.linear import StrategyModule as Linear


class StrategyModule(Linear):
    def run(self, iterator, play_context):
        super().run(iterator, play_context)
        return 255
"""

RAISES = """
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = "{name: raises, type: notification, short_description: Ends the run, description: For tests}"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "raises"

    def v2_runner_on_failed(self, result, ignore_errors=False):
        raise SystemExit(5)
"""


def test_an_exit_code_that_no_failure_explains_is_an_error(ansible: Ansible, simulator: Simulator) -> None:
    ansible.write("strategy_plugins/returns_255.py", RETURNS_255)
    rescued = {"block": [fail("Rescued", on="web1", message="it was rescued")], "rescue": [ok()]}
    plays = [play("Deploy", "all", rescued, ok("Say goodbye"), strategy="returns_255")]

    run = ansible(plays, inventory=TWO, cfg=cfg(simulator))

    assert run.rc == 2
    (event,) = events(simulator)
    assert event.summary == "playbook.yml was ended by an error: exit code 2, which no failure explains"
    told = details(event)
    assert 'The last task was "Say goodbye"' in told["error"]
    assert "rescue" not in json.dumps(told).lower()
    assert closing(run) == [
        "PagerDuty: 1 incident triggered (ansible:playbook.yml, the run as a whole), 1 event accepted, 0 waiting"
    ]


@pytest.mark.slow
def test_a_failure_that_another_callback_kept_from_us_is_told(ansible: Ansible, simulator: Simulator) -> None:
    ansible.write("callback_plugins/raises.py", RAISES)

    run = ansible([play("Deploy", "all", fail("Break", on="web1"))], inventory=TWO, cfg=cfg(simulator))

    assert run.rc == 5
    event = events(simulator)[-1]
    assert event.summary == "playbook.yml failed on 1 of 2 hosts: Break (web1); the run was cut short"
    assert "SystemExit with exit code 5 was raised in " in details(event)["run"]
    assert "raises.py:13" in details(event)["run"]
    assert keys(simulator) == ["ansible:playbook.yml"]


RETURNS = """
from ansible.plugins.action import ActionBase

RETURNED = {
    "number": {"msg": "it broke", "stderr": 5},
    "mapping": {"msg": {"error": "it broke", "code": 7}, "results": "none", "rc": "seven"},
    "items": {"msg": "it broke", "results": [{"failed": "yes", "item": {"a": [1]}, "msg": ["x", 2], "stderr": 9}]},
}


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        return {"failed": True, **RETURNED[self._task.args["what"]]}
"""


def test_results_of_unexpected_types_are_told(ansible: Ansible, simulator: Simulator) -> None:
    ansible.write("action_plugins/returns.py", RETURNS)
    names = ("number", "mapping", "items")
    returns = {"name": "Return", "returns": {"what": "{{ inventory_hostname }}"}, "when": "inventory_hostname != 'ok'"}
    settings = cfg(simulator, group_by="host")

    run = ansible([play("Deploy", "all", returns)], inventory=hosts(*names, "ok"), cfg=settings)

    assert warnings(run) == []
    told = {incident.dedup_key.rpartition("=")[2]: incident.details for incident in simulator.incidents}
    assert (told["number"]["message"], told["number"]["stderr"]) == ("it broke", "5")
    assert told["mapping"]["message"] == '{"error": "it broke", "code": 7}'
    assert told["items"]["failed_items"] == [{"item": '{"a": [1]}', "message": "x\n2", "stderr": "9"}]
