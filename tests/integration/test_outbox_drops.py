# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that is dropped unsent, from the run that made it to the people who hear of that."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    KEY,
    cfg,
    events,
    fail,
    hosts,
    ok,
    play,
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.couriers import processes_of
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

DRAIN = "oncall.pagerduty.drain_outbox"
DROPPED = "1 event was dropped unsent, after a wait that was longer than outbox_max_age: PagerDuty has not accepted it"


def wait_for_the_couriers_end(path: Path) -> None:
    deadline = time.monotonic() + 60
    while processes_of(path):
        assert time.monotonic() < deadline, "the courier goes on"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_page_that_is_dropped_for_its_age_is_told_by_the_next_run_and_by_one_drain(
    ansible: Ansible, simulator: Simulator
) -> None:
    path = ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3"
    simulator.add_fault(Fault("status", code=503, probability=1.0))
    settings = cfg(simulator, flush_timeout=0, courier_linger=0.1)

    failing = ansible([play("site", "all", fail("Break"))], name="site.yml", cfg=settings, inventory=hosts("db1"))
    assert failing.rc == 2
    wait_for_the_couriers_end(path)
    assert Outbox(Database(str(path))).counts().waiting == 1
    simulator.clear_faults()

    # Whatever waits is older than this.
    old = {"PAGERDUTY_OUTBOX_MAX_AGE": "0.001"}
    green = ansible([play("other", "all", ok())], name="other.yml", cfg=settings, inventory=hosts("db1"), env=old)
    assert green.rc == 0, green.output
    (warning,) = warnings(green)
    assert warning.startswith(f"{DROPPED} (trigger: ")
    assert "Break" in warning
    assert DROPPED in Path(f"{path}.log").read_text()

    drains = [ansible.command("ansible-playbook", DRAIN) for _time in range(2)]
    assert [drain.rc for drain in drains] == [2, 0], drains[1].output
    assert DROPPED in " ".join(drains[0].output.split())
    again = ansible([play("other", "all", ok())], name="other.yml", cfg=settings, inventory=hosts("db1"))
    assert warnings(again) == []
    assert events(simulator) == []
    assert_no_secret([failing.output, green.output, *(drain.output for drain in drains)], KEY)
