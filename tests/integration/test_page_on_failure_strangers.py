# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside other people's plugins: those that write data to stdout, and those that end a run in ways of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    CALLBACK,
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
