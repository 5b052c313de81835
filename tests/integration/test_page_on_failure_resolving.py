# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents end by themselves once each failed host has got through the place where it failed, and not before."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    CALLBACK,
    KEY,
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
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

THREE = hosts("web1", "web2", "web3")
RESOLVED = ["PagerDuty: 1 incident resolved (ansible:playbook.yml), 1 event accepted, 0 waiting"]

RunIt = Callable[..., Run]


def tasks(install: str = "", start: str = "") -> list[dict[str, Any]]:
    """Two tasks that fail on the hosts named."""
    return [
        fail("Install", failed_when=f"inventory_hostname in '{install}'.split()", tags="install"),
        fail("Start", failed_when=f"inventory_hostname in '{start}'.split()", tags="start"),
    ]


@pytest.fixture
def deploy(ansible: Ansible, simulator: Simulator) -> RunIt:
    """Runs the playbook, in which the hosts named fail at one of two tasks."""

    def run(*args: str, install: str = "", start: str = "", inventory: Any = None, **options: Any) -> Run:
        settings = options.pop("cfg", None) or cfg(simulator, **options.pop("settings", {}))
        return ansible(
            [play("Deploy", "all", *tasks(install, start))],
            *args,
            inventory=inventory or THREE,
            cfg=settings,
            **options,
        )

    return run


def test_a_whole_green_run_resolves_and_the_next_one_does_nothing(
    ansible: Ansible, deploy: RunIt, simulator: Simulator
) -> None:
    loaded = ansible.home / "loaded"
    deploy(install="web1 web2")
    assert keys(simulator) == ["ansible:playbook.yml"]

    green = deploy(env={"LOGNAME": "ann"})

    assert green.rc == 0
    assert closing(green) == RESOLVED
    (resolve,) = events(simulator, "resolve")
    assert str(resolve.summary).startswith("playbook.yml got through on all hosts that had failed, in a run by ann on ")
    assert keys(simulator) == []

    settings = cfg(simulator, f"{CALLBACK}, loaded_modules")
    again = deploy(cfg=settings, env={"LOADED_MODULES_FILE": str(loaded)})
    assert closing(again) == []
    assert set(loaded.read_text().split()) & {"sqlite3", "requests"} == set()
    assert len(events(simulator)) == 3


@pytest.mark.slow
def test_an_incident_that_is_open_already_is_updated(deploy: RunIt, simulator: Simulator) -> None:
    told = "(ansible:playbook.yml, 1 host), 1 event accepted, 0 waiting"
    assert closing(deploy(install="web1")) == [f"PagerDuty: 1 incident triggered {told}"]
    assert closing(deploy(install="web1")) == [f"PagerDuty: 1 incident updated {told}"]
    deploy()
    assert closing(deploy(install="web1")) == [f"PagerDuty: 1 incident triggered {told}"]
    assert len(simulator.incidents) == 2


def test_hosts_get_through_one_after_the_other(deploy: RunIt, simulator: Simulator) -> None:
    deploy(install="web1 web2")

    first = deploy("--limit", "web1,web3")
    assert closing(first) == ["PagerDuty: 1 incident updated (ansible:playbook.yml), 1 event accepted, 0 waiting"]
    update = events(simulator)[-1]
    assert (update.action, update.dedup_key) == ("trigger", "ansible:playbook.yml")
    assert str(update.summary).endswith("Install (web1, web2) - 1 got through since, 1 still to come")
    assert details(update) == {"got_through": ["web1"], "still_failing": ["web2"]}
    assert keys(simulator) == ["ansible:playbook.yml"]

    assert closing(deploy("--limit", "web2")) == RESOLVED
    assert keys(simulator) == []


@pytest.mark.slow
def test_tags_and_a_later_start_prove_only_what_they_run(deploy: RunIt, simulator: Simulator) -> None:
    deploy(install="web1")
    for args in (["--tags", "start"], ["--start-at-task", "Start"]):
        assert closing(deploy(*args)) == []

    elsewhere = deploy(start="web1")
    assert closing(elsewhere)[0].startswith("PagerDuty: 1 incident updated (ansible:playbook.yml, 1 host), ")
    assert keys(simulator) == ["ansible:playbook.yml"]

    assert closing(deploy("--tags", "start")) == RESOLVED
    assert len(simulator.incidents) == 1


def test_a_task_that_is_gone_needs_a_whole_green_run(ansible: Ansible, deploy: RunIt, simulator: Simulator) -> None:
    deploy(install="web1")
    settings: dict[str, Any] = {"inventory": THREE, "cfg": cfg(simulator)}
    renamed = [play("Deploy", "all", ok("Install differently"))]

    assert closing(ansible(renamed, "--limit", "web1", **settings)) == []
    assert keys(simulator) == ["ansible:playbook.yml"]
    assert closing(ansible(renamed, **settings)) == RESOLVED


@pytest.mark.parametrize(
    "where", [*(pytest.param(name, marks=pytest.mark.slow) for name in ("itself", "block")), "include"]
)
def test_a_task_that_needs_a_tag_is_not_shown_by_a_run_without(
    ansible: Ansible, simulator: Simulator, where: str
) -> None:
    def migrate(broken: bool, *args: str) -> list[str]:
        task = fail("Migrate", when="inventory_hostname == 'web1'", failed_when=broken, tags="migrate")
        never = {"tags": ["never", "migrate"]}
        ansible.write("migrate.yml", [task])
        tagged = {
            "itself": {**task, **never},
            "block": {"block": [task], **never},
            "include": {"name": "Include", "ansible.builtin.include_tasks": "migrate.yml", **never},
        }
        plays = [play("Deploy", "all", ok("Install"), tagged[where])]
        return closing(ansible(plays, *args, inventory=THREE, cfg=cfg(simulator)))

    assert "1 incident triggered" in migrate(True, "--tags", "migrate")[0]
    assert migrate(False) == []
    assert keys(simulator) == ["ansible:playbook.yml"]
    assert migrate(False, "--tags", "migrate") == RESOLVED


@pytest.mark.parametrize(
    "end", ["end_play", *(pytest.param(name, marks=pytest.mark.slow) for name in ("end_host", "end_batch"))]
)
def test_a_green_run_that_may_end_early_shows_only_where_it_came(
    ansible: Ansible, simulator: Simulator, end: str
) -> None:
    def deploy(*, broken: bool, maintenance: bool) -> list[str]:
        ends = {"name": "End", "ansible.builtin.meta": end, "when": maintenance}
        install = fail("Install", failed_when=f"{broken} and inventory_hostname == 'web1'")
        return closing(ansible([play("Deploy", "all", ok("Look"), ends, install)], inventory=THREE, cfg=cfg(simulator)))

    assert "1 incident triggered" in deploy(broken=True, maintenance=False)[0]
    assert deploy(broken=True, maintenance=True) == []
    assert keys(simulator) == ["ansible:playbook.yml"]
    assert deploy(broken=False, maintenance=False) == RESOLVED


@pytest.mark.slow
def test_jobs_and_hosts_have_incidents_of_their_own(ansible: Ansible, simulator: Simulator) -> None:
    options: dict[str, Any] = {"inventory": THREE, "cfg": cfg(simulator, group_by="playbook, host")}
    broken, mended = [play("Deploy", "all", *tasks("web1 web2"))], [play("Deploy", "all", *tasks("web2"))]
    ansible(broken, name="a.yml", **options)
    ansible(broken, name="b.yml", **options)
    assert keys(simulator) == [f"ansible:{job}.yml:host={host}" for job in "ab" for host in ("web1", "web2")]

    run = ansible(mended, name="a.yml", **options)

    assert "1 incident resolved (ansible:a.yml:host=web1)" in closing(run)[0]
    assert keys(simulator) == ["ansible:a.yml:host=web2", "ansible:b.yml:host=web1", "ansible:b.yml:host=web2"]


@pytest.mark.slow
def test_always_needs_no_memory(ansible: Ansible, deploy: RunIt, simulator: Simulator) -> None:
    always: dict[str, Any] = {"settings": {"resolve_on_success": "always"}}
    deploy(install="web1", **always)
    deploy(**always)
    assert len(events(simulator, "resolve")) == 1  # although the memory knows of it too

    deploy(install="web1", **always)
    shutil.rmtree(ansible.home / ".ansible" / "oncall.pagerduty")
    deploy("--limit", "web1", **always)
    assert keys(simulator) == ["ansible:playbook.yml"]
    assert closing(deploy(**always)) == ["PagerDuty: 1 event accepted, 0 waiting"]
    assert keys(simulator) == []


def test_never_leaves_it_to_people(ansible: Ansible, deploy: RunIt, simulator: Simulator) -> None:
    never: dict[str, Any] = {"settings": {"resolve_on_success": "never"}}
    deploy(install="web1", **never)
    assert closing(deploy(**never)) == []
    assert keys(simulator) == ["ansible:playbook.yml"]
    assert not (ansible.home / ".ansible" / "oncall.pagerduty" / "open-jobs").exists()


@pytest.mark.parametrize("where", ["controller", pytest.param("delegated", marks=pytest.mark.slow)])
def test_tasks_take_over_what_the_callback_has_raised(
    ansible: Ansible, deploy: RunIt, simulator: Simulator, where: str
) -> None:
    keywords = {"delegate_to": "web3"} if where == "delegated" else {}
    deploy(install="web1")

    def take_over(*states: str) -> Run:
        calls = [
            {
                "name": state,
                "oncall.pagerduty.incident": {"state": state, "dedup_key": "ansible:playbook.yml"},
                **keywords,
            }
            for state in states
        ]
        return ansible([play("Take over", "web1", *calls)], inventory=THREE, cfg=cfg(simulator), name="other.yml")

    assert take_over("acknowledged").rc == 0
    (outbox,) = (ansible.home / ".ansible" / "oncall.pagerduty").glob("*.sqlite3")
    with sqlite3.connect(outbox) as database:
        assert database.execute("SELECT state FROM incidents").fetchall() == [("acknowledged",)]
    assert take_over("resolved").rc == 0

    run = deploy()
    assert (closing(run), warnings(run)) == ([], [])
    assert [event.action for event in events(simulator)] == ["trigger", "acknowledge", "resolve"]
    assert {event.key for event in events(simulator)} == {KEY}


@pytest.mark.slow
def test_only_a_module_that_ran_there_shows_that_a_host_can_be_reached(ansible: Ansible, simulator: Simulator) -> None:
    lost = hosts("web1", unreachable=("web2",))
    ping = {"name": "Ping", "ansible.builtin.raw": "true"}
    ansible([play("Deploy", "all", ping)], inventory=lost, cfg=cfg(simulator))
    assert keys(simulator) == ["ansible:playbook.yml"]

    run = ansible(
        [play("Deploy", "all", {**ping, "ignore_unreachable": True}, ok())], inventory=lost, cfg=cfg(simulator)
    )
    assert (run.rc, closing(run)) == (0, [])
    assert keys(simulator) == ["ansible:playbook.yml"]

    ansible([play("Deploy", "all", ping)], inventory=hosts("web1", "web2"), cfg=cfg(simulator))
    assert keys(simulator) == []


@pytest.mark.slow
def test_a_refused_incident_is_neither_updated_nor_resolved_but_raised_afresh(
    deploy: RunIt, simulator: Simulator
) -> None:
    simulator.add_fault(Fault("status", code=400, body="json", count=2))
    assert "2 refused" in closing(deploy(install="web1 web2"))[0]
    assert keys(simulator) == []

    assert closing(deploy("--limit", "web1")) == []
    assert closing(deploy()) == []
    assert [request.status for request in simulator.requests] == [400, 400]

    simulator.add_fault(Fault("status", code=400, body="json", count=1))
    deploy(install="web1")
    again = deploy(install="web2")
    assert closing(again)[0].startswith("PagerDuty: 1 incident triggered (ansible:playbook.yml, 1 host), 1 event acc")
    assert closing(deploy("--limit", "web2")) == RESOLVED


@pytest.mark.slow
def test_an_incident_that_is_retried_long_after_it_was_refused_resolves_too(
    ansible: Ansible, deploy: RunIt, simulator: Simulator
) -> None:
    simulator.add_fault(Fault("status", code=403, body="html", count=1))
    assert "1 refused" in closing(deploy(install="web1"))[0]
    assert closing(deploy("--limit", "web2")) == []

    settings = cfg(simulator)
    retry = {"name": "Retry", "oncall.pagerduty.outbox": {"state": "retried"}}
    drain = {"name": "Drain", "oncall.pagerduty.outbox": {"state": "drained"}}
    assert ansible.tasks([retry, drain], name="tend.yml", cfg=settings).rc == 0
    assert keys(simulator) == ["ansible:playbook.yml"]

    assert closing(deploy()) == RESOLVED
    assert keys(simulator) == []


#: Keeps a Python from storing anything and from starting the process that sends from memory, while a file is there.
NOTHING_WORKS = """
import os, subprocess, sys
class NoSqlite:
    def find_spec(self, name, path=None, target=None):
        if name == "sqlite3" and os.path.exists({flag!r}):
            raise ImportError("blocked")
class Popen(subprocess.Popen):
    def __init__(self, args, *more, **options):
        if os.path.exists({flag!r}) and any("_direct_start" in str(arg) for arg in args):
            raise OSError("blocked")
        super().__init__(args, *more, **options)
sys.meta_path.insert(0, NoSqlite())
subprocess.Popen = Popen
"""


def test_what_could_not_be_kept_is_told_again(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> None:
    flag = tmp_path / "blocked"
    flag.touch()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NOTHING_WORKS.format(flag=str(flag)))
    mend = {"name": "Mend", "ansible.builtin.file": {"path": str(flag), "state": "absent"}}

    def deploy(*tasks: dict[str, Any]) -> Run:
        return ansible(
            [play("Deploy", "all", fail("Break", on="web1"), *tasks)],
            inventory=hosts("web1", "web2"),
            cfg=cfg(simulator),
            env={"PYTHONPATH": str(tmp_path / "site")},
        )

    lost = deploy()
    assert lost.rc == 2
    assert closing(lost) == ["PagerDuty: 0 events accepted, 0 waiting, 1 lost"]
    assert any("The event is lost" in warning for warning in warnings(lost))

    told = deploy(mend)
    assert closing(told) == [
        "PagerDuty: 1 incident triggered (ansible:playbook.yml, 1 host), 1 event accepted, 0 waiting"
    ]
    assert keys(simulator) == ["ansible:playbook.yml"]


@pytest.mark.slow
def test_hosts_of_the_same_name_in_two_inventories_are_two_machines(ansible: Ansible, simulator: Simulator) -> None:
    plays = [play("Deploy", "all", fail("Break", when="broken | default(false)"))]
    machines = hosts("web1")
    machines["all"]["vars"]["broken"] = "{{ inventory_file is search('prod/') and lookup('env', 'BROKEN') == '1' }}"
    ansible.write("prod/hosts.json", machines)
    ansible.write("stage/hosts.json", machines)
    ansible.write("deploy.yml", plays)

    def run(stage: str, broken: str = "1", **settings: Any) -> Run:
        ansible.write("ansible.cfg", cfg(simulator, **settings))
        words = ["-i", f"{stage}/hosts.json", "deploy.yml"]
        return ansible.command("ansible-playbook", *words, env={"BROKEN": broken})

    assert run("prod").rc == 2
    assert closing(run("stage")) == []
    assert keys(simulator) == ["ansible:deploy.yml"]
    assert "1 incident resolved" in closing(run("prod", broken="0"))[0]

    run("prod", group_by="inventory")
    assert keys(simulator) == ["ansible:inventory=prod/hosts.json"]
