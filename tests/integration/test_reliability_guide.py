# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "Reliability and the outbox": its examples, its table of settings, and the tests that it names."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.doc_fragments import outbox as outbox_fragment
from ansible_collections.oncall.pagerduty.plugins.doc_fragments import retries as retries_fragment
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import KEY_FILE, Guide
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.collection import CHECKOUT
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, alert, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

pytestmark = pytest.mark.slow

GUIDE = Guide("reliability.rst")
QUEUED = GUIDE.block("yaml", "queue: on_failure")
SETTINGS = GUIDE.block("ini", "outbox_max_age")
CRON = GUIDE.block("text", "*/10 * * * *")
TIMER = GUIDE.block("text", "[Timer]")
LOOK_AFTER = GUIDE.block("yaml", "Look after the outbox")
PORTIONS = GUIDE.block("yaml", "Look at a great outbox")


@pytest.fixture
def outbox(ansible: Ansible) -> Outbox:
    return Outbox(Database(str(ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3")))


def test_queued_tasks_with_the_settings(ansible: Ansible, simulator: Simulator) -> None:
    key_file = ansible.write("pagerduty.key", KEY + "\n")
    key_file.chmod(0o600)
    cfg = SETTINGS.replace(KEY_FILE, str(key_file))

    run = ansible.tasks(
        yaml.safe_load(QUEUED), "-e", f"vault_pagerduty_key={KEY}", cfg=cfg, env={"PAGERDUTY_API_URL": simulator.url}
    )

    assert run.rc == 0, run.output
    assert [one.result["queued"] for one in run.results] == [False, True]
    simulator.wait_for(lambda pagerduty: len(pagerduty.accepted) == 2, timeout=60)
    settings = ansible.tasks([{"name": "look", "oncall.pagerduty.settings_info": {}}], cfg=cfg).task("look").result
    assert settings["problems"] == []
    assert {"outbox_max_age", "courier_linger"} <= settings["origins"].keys()
    assert_no_secret([run.output, run.results], KEY)


def test_looking_after_the_outbox(ansible: Ansible, simulator: Simulator, outbox: Outbox) -> None:
    simulator.add_fault(Fault("status", code=400, body="json"))
    outbox.put(alert("a"), route(simulator.url))
    name, drain = "drain_outbox.yml", [{"import_playbook": "oncall.pagerduty.drain_outbox"}]

    refusing = ansible(drain, name=name)
    assert refusing.rc == 2
    assert "refused just now" in refusing.output

    run = ansible(LOOK_AFTER)
    assert run.rc == 0, run.output
    waiting = {one.task: one.result["waiting"] for one in run.results}
    assert waiting == {
        "See what waits and what was refused": 0,
        "Give what was refused another chance": 1,
        "Send it": 0,
        "Drop what PagerDuty will never take": 0,
    }
    assert [event.dedup_key for event in simulator.accepted] == ["a"]
    assert_no_secret([refusing.output, run.output, run.results], KEY)


def test_a_great_outbox_is_looked_at_in_portions(ansible: Ansible, outbox: Outbox) -> None:
    with outbox.together():
        for number in range(130):
            outbox.put(alert(str(number)), route())
    run = ansible(PORTIONS)
    assert run.rc == 0, run.output
    numbers, last = (one.result for one in run.results)
    assert (numbers["waiting"], numbers["events"], numbers["by_key"][0]["waiting"]) == (130, [], 130)
    assert [event["id"] for event in last["events"]] == list(range(121, 131))
    assert last["msg"] == "The outbox has 130 events waiting. Listed are 121 to 130 of 130."
    assert_no_secret([run.output, run.results], KEY)


def test_cron_hears_of_a_drain_that_fails_and_of_no_other(
    ansible: Ansible, simulator: Simulator, outbox: Outbox
) -> None:
    times, _space, command = CRON.strip().partition("  ")
    assert len(times.split()) == 5
    simulator.add_fault(Fault("status", code=400, body="json"))
    outbox.put(alert("a"), route(simulator.url))

    def cron() -> str:
        env = ansible.environment()
        return subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, check=False).stdout

    assert "refused just now" in cron()
    assert cron() == ""


def test_the_timers_command_is_the_one_above_it() -> None:
    (command,) = re.findall(r"^ExecStart=/usr/bin/env (.+)$", TIMER, re.MULTILINE)
    assert f"$ {command}\n" in GUIDE.block("console", "-e limit=300")


def test_systemd_understands_the_timer(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    parts = re.split(r"^# .*/(drain-outbox\.\w+)$", TIMER, flags=re.MULTILINE)[1:]
    files = [tmp_path / name for name in parts[::2]]
    for file, text in zip(files, parts[1::2]):
        file.write_text(text)
    assert [file.name for file in files] == ["drain-outbox.service", "drain-outbox.timer"]
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "drain-outbox" not in done.stderr


def test_the_table_of_settings_is_right() -> None:
    known = {}
    for documentation in (
        page_on_failure.DOCUMENTATION,
        outbox_fragment.ModuleDocFragment.DOCUMENTATION,
        retries_fragment.ModuleDocFragment.DOCUMENTATION,
    ):
        known.update(yaml.safe_load(documentation)["options"])
    part = GUIDE.text.partition("Setting                    Default")[2].partition("Give them once")[0]
    rows = re.findall(r"^``(\w+)`` +(\S+)( s| days|)", part, re.MULTILINE)
    assert len(rows) == 10
    for name, default, unit in rows:
        if name != "outbox_path":
            factor = 86400 if unit == " days" else 1
            shown = default if default == str(known[name]["default"]).lower() else float(default) * factor
            assert shown in (known[name]["default"], str(known[name]["default"]).lower())


def test_the_tests_that_prove_it_are_there() -> None:
    named = set(re.findall(r"``((?:chaos/)?test_\w+\.py)``", GUIDE.text))
    assert len(named) >= 4
    files = {path.relative_to(CHECKOUT / "tests") for path in (CHECKOUT / "tests").rglob("test_*.py")}
    for name in named:
        assert [file for file in files if file.match(name) or file == Path(name)]


def test_every_example_of_the_guide_is_used() -> None:
    assert GUIDE.left == []
