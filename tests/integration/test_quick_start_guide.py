# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "Quick start", done as it says."""

from __future__ import annotations

import re

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import KEY, closing
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import Guide, commands
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

pytestmark = pytest.mark.slow

GUIDE = Guide("quick_start.rst")
SETTINGS = GUIDE.block("ini", "callbacks_enabled")
(LOCAL,) = re.findall(r"api_url = http://\S+:\d+", GUIDE.text)
FAILING = GUIDE.block("yaml", "Fail\n")
TRIGGERED = GUIDE.block("text", "triggered").strip()
MENDED = GUIDE.block("yaml", "Fail no more")
RESOLVED = GUIDE.block("text", "resolved").strip()
ON_PURPOSE = GUIDE.block("yaml", "Replica lag")


def test_from_nothing_to_a_page_that_resolves_itself(ansible: Ansible, simulator: Simulator) -> None:
    settings = SETTINGS + LOCAL.replace("http://127.0.0.1:8181", simulator.url) + "\n"
    file = ansible.home / "pagerduty.key"
    file.parent.mkdir()
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    ansible.write("ansible.cfg", settings)

    ((name, *arguments),) = commands(GUIDE.block("console", "verify"), "quick_start.rst")
    run = ansible.command(name, *arguments)
    assert run.rc == 0, run.output
    assert simulator.incidents == []

    failing = ansible(FAILING, name="site.yml", cfg=settings)
    assert (failing.rc, closing(failing)) == (2, [TRIGGERED]), failing.output
    mended = ansible(MENDED, name="site.yml", cfg=settings)
    assert (mended.rc, closing(mended)) == (0, [RESOLVED]), mended.output
    assert [incident.status for incident in simulator.incidents] == ["resolved"]

    run = ansible(ON_PURPOSE, name="replicas.yml", cfg=settings)
    assert run.rc == 0, run.output
    assert [incident.dedup_key for incident in simulator.incidents[1:]] == ["replica-lag/localhost"]
    assert [change.summary for change in simulator.changes] == ["Deployed shop 4.2 to localhost"]
    assert_no_secret([failing.output, mended.output, run.output, run.results], KEY)


def test_every_example_of_the_guide_is_used() -> None:
    assert GUIDE.left == []
