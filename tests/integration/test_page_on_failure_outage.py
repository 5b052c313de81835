# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PagerDuty is out when a run fails, and nobody runs anything afterwards; what the courier leaves behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import cfg, closing, fail, warnings
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support import collection, couriers
from ansible_collections.oncall.pagerduty.tests.support.couriers import wait_until
from ansible_collections.oncall.pagerduty.tests.support.events import KEY
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret


@pytest.mark.slow
def test_the_page_goes_out_after_the_outage_without_a_further_run(ansible: Ansible, simulator: Simulator) -> None:
    settings = cfg(simulator, flush_timeout=1)
    outbox = str(ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3")
    simulator.stop()

    runs = [ansible.tasks([fail("Break")], cfg=settings) for _run in range(2)]

    for run in runs:
        assert (run.rc, warnings(run)) == (2, [])
        (line,) = closing(run)
        found = re.search(r"; process (\d+) goes on trying until \d\d:\d\d", line)
        assert found, line
        assert couriers.processes_of(outbox) == [int(found[1])]
        assert_no_secret([run.output, line], KEY)
    simulator.start()
    simulator.wait_for(lambda seen: len(seen.accepted) == 2, 60.0)
    assert [incident.status for incident in simulator.incidents] == ["triggered"]
    wait_until(lambda: couriers.processes_of(outbox) == [])


@pytest.mark.slow
def test_the_installed_collection_stays_as_it_was_installed(tmp_path: Path, simulator: Simulator) -> None:
    collections = collection.install(collection.build(tmp_path), tmp_path)
    installed = collections / "ansible_collections" / "oncall" / "pagerduty"
    before = sorted(str(path) for path in installed.rglob("*"))
    ansible = Ansible(tmp_path, collections)
    key = {"routing_key": KEY}
    tasks = [
        {"name": "Directly", "oncall.pagerduty.incident": {**key, "summary": "x"}},
        {"name": "Queued", "oncall.pagerduty.change": {**key, "summary": "y", "queue": "always"}},
        {"name": "Look", "oncall.pagerduty.outbox": {"state": "listed"}},
        {"name": "Settings", "oncall.pagerduty.settings_info": {}},
        fail("Break"),
    ]

    outbox = str(ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3")

    # The courier's Python takes no notice of this variable, since it is isolated.
    run = ansible.tasks(tasks, cfg=cfg(simulator), env={"PYTHONDONTWRITEBYTECODE": "1"})

    assert run.rc == 2
    simulator.wait_for(lambda seen: len(seen.accepted) == 3, 60.0)
    wait_until(lambda: couriers.processes_of(outbox) == [])
    assert sorted(str(path) for path in installed.rglob("*")) == before
    checked = ansible.command("ansible-galaxy", "collection", "verify", "--offline", "oncall.pagerduty")
    assert checked.rc == 0, checked.output

    # Without it ansible-core writes byte code of each plugin file that it loads, of any collection. Nothing else does.
    ansible.tasks(tasks, cfg=cfg(simulator))
    wait_until(lambda: couriers.processes_of(outbox) == [])
    written = {path.parent.name for path in installed.rglob("__pycache__")}
    assert written <= {"action", "callback", "doc_fragments", "modules"}
