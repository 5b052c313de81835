# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only a run that could have raised an incident resolves it: same variables, same inventory, and after the failure."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    cfg,
    events,
    fail,
    hosts,
    keys,
    ok,
    play,
    script,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

PATIENCE = 60.0

ONE = hosts("web1")


def said(run: Run) -> str:
    """All that was printed, in one line."""
    return " ".join(run.output.split())


def resolved(simulator: Simulator) -> list[str | None]:
    """The keys of all resolves that were received."""
    return [event.dedup_key for event in events(simulator, "resolve")]


# --- variables ---------------------------------------------------------------------------------------------------

Deploy = Callable[..., Run]


@pytest.fixture
def deploy(ansible: Ansible, simulator: Simulator) -> Deploy:
    """Runs a playbook for an application; BROKEN in the environment has it fail."""
    broken = "lookup('env', 'BROKEN') == '1'"

    def run(*args: str, broken_now: bool = False, tasks: Any = None, **settings: Any) -> Run:
        return ansible(
            [play("Deploy", "all", *(tasks or [fail("Deploy {{ app | default('none') }}", failed_when=broken)]))],
            *args,
            "-v",
            inventory=ONE,
            cfg=cfg(simulator, **settings),
            env={"BROKEN": "1" if broken_now else "0"},
            name="app.yml",
        )

    return run


def test_a_run_with_other_extra_variables_is_another_job(deploy: Deploy, simulator: Simulator) -> None:
    deploy("-e", "app=shop", "-e", "version=1", broken_now=True)
    assert keys(simulator) == ["ansible:app.yml"]

    for args in (["-e", "app=blog"], ["-e", "app=blog", "--limit", "web1"], []):
        other = deploy(*args)
        assert other.rc == 0
        assert (
            "ansible:app.yml stays open: this run was started with other extra variables (app); job_variables decides"
            " which count" in said(other)
        )
    assert resolved(simulator) == []

    assert "1 incident resolved" in deploy("-e", json.dumps({"app": "shop", "awx_job_id": 7}), "-e", "version=2").stdout
    assert resolved(simulator) == ["ansible:app.yml"]


@pytest.mark.slow
def test_both_of_two_jobs_that_failed_have_to_get_through(deploy: Deploy, simulator: Simulator) -> None:
    for app in ("shop", "blog"):
        deploy("-e", f"app={app}", broken_now=True)
    deploy("-e", "app=shop")
    assert resolved(simulator) == []
    deploy("-e", "app=blog")
    assert resolved(simulator) == ["ansible:app.yml"]


@pytest.mark.slow
def test_job_variables_says_which_count(deploy: Deploy, simulator: Simulator) -> None:
    some: dict[str, Any] = {"job_variables": "*, !colour"}
    deploy("-e", "app=shop", "-e", "colour=red", broken_now=True, **some)
    deploy("-e", "app=shop", "-e", "colour=blue", "-e", "version=2", **some)
    assert resolved(simulator) == []
    deploy("-e", "app=shop", "-e", "colour=blue", **some)
    assert resolved(simulator) == ["ansible:app.yml"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"group_by": "playbook, vars.target"}, "ansible:app.yml:vars.target=shop-prod"),
        pytest.param({"dedup_key": "{{ failure.job }}/{{ target }}"}, "app.yml/shop-prod", marks=pytest.mark.slow),
    ],
    ids=["group_by", "dedup_key"],
)
def test_a_key_that_is_made_of_variables_tells_jobs_apart(
    ansible: Ansible, deploy: Deploy, simulator: Simulator, settings: dict[str, Any], key: str
) -> None:
    ansible.write("group_vars/all.yml", {"target": "{{ app }}-prod"})
    deploy("-e", "app=shop", "-e", "colour=red", broken_now=True, **settings)
    assert keys(simulator) == [key]
    blog = deploy("-e", "app=blog", **settings)
    assert f"{key} stays open: a failure of web1 would have another key in this run" in said(blog)
    # Also where the task is gone, so that only the run as a whole could prove something.
    deploy("-e", "app=blog", tasks=[ok()], **settings)
    assert resolved(simulator) == []
    deploy("-e", "app=shop", "-e", "colour=blue", tasks=[ok()], **settings)
    assert resolved(simulator) == [key]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["-e", "pagerduty_routing_key=9ZkQ3vT7mB1xW5cR8nL2pF6hJ4sD0gYa"], "no integration key of this run belongs"),
        (["-e", "pagerduty_enabled=false"], "would not be paged in this run"),
        (["-e", "pagerduty_dedup_key=mine"], "would have another key in this run"),
    ],
    ids=["another service", "paging is off", "another key"],
)
def test_a_run_that_would_have_paged_otherwise_proves_nothing(
    deploy: Deploy, simulator: Simulator, args: list[str], reason: str
) -> None:
    deploy(broken_now=True)
    assert reason in said(deploy(*args))
    assert resolved(simulator) == []
    deploy()
    assert resolved(simulator) == ["ansible:app.yml"]


@pytest.mark.slow
def test_always_tells_jobs_apart_by_their_keys(ansible: Ansible, deploy: Deploy, simulator: Simulator) -> None:
    def run(*args: str, **options: Any) -> Run:
        with contextlib.suppress(FileNotFoundError):
            for file in (ansible.home / ".ansible" / "oncall.pagerduty").rglob("*"):
                if file.is_file():
                    file.unlink()
        return deploy(*args, resolve_on_success="always", courier_linger=0, **options)

    run("-e", "app=shop", "-e", "version=1", broken_now=True)
    (key,) = keys(simulator)
    assert key.startswith("ansible:app.yml:variables=")
    run("-e", "app=blog")
    run()
    assert keys(simulator) == [key]
    run("-e", "app=shop", "-e", "version=2")
    assert keys(simulator) == []

    own: dict[str, Any] = {"dedup_key": "mine"}
    run("-e", "app=shop", broken_now=True, **own)
    assert "mine stays open: dedup_key does not tell runs with other extra variables (app) apart" in said(
        run("-e", "app=blog", **own)
    )
    assert keys(simulator) == ["mine"]


@pytest.mark.slow
def test_a_task_that_was_skipped_or_failed_again_shows_nothing_by_itself(deploy: Deploy, simulator: Simulator) -> None:
    deploy(broken_now=True)
    name = "Deploy {{ app | default('none') }}"
    skipped = deploy("--limit", "web1", tasks=[fail(name, when=False), ok()])
    assert "the task was skipped on web1" in said(skipped)
    deploy("--limit", "web1", tasks=[fail(name, ignore_errors=True), ok()])
    assert resolved(simulator) == []
    deploy(tasks=[fail(name, when=False), ok()])
    assert resolved(simulator) == ["ansible:app.yml"]


@pytest.mark.slow
@pytest.mark.parametrize("group_by", ["playbook, host, role, task", "playbook, play, vars.rack"])
def test_hosts_that_failed_along_with_another_and_unreachable_ones_resolve_too(
    ansible: Ansible, simulator: Simulator, group_by: str
) -> None:
    def run(broken: str, *lost: str) -> Run:
        names = [name for name in ("web1", "web2", "web3") if name not in lost]
        reach = script("Reach", "true")
        install = fail("Install", failed_when=f"inventory_hostname == '{broken}'", any_errors_fatal=True)
        first = play("Deploy", "all", reach, install, vars={"rack": "r-{{ inventory_hostname }}"})
        return ansible(
            [first, play("Check", "all", ok(), vars={"rack": "another"})],
            inventory=hosts(*names, unreachable=lost),
            cfg=cfg(simulator, group_by=group_by),
        )

    run("web1", "web3")
    assert len(keys(simulator)) > 1
    run("")
    assert keys(simulator) == []


# --- inventory ---------------------------------------------------------------------------------------------------

SCRIPT = """#!/bin/sh
if [ "$SOURCE" = broken ]; then exit 3; fi
if [ "$SOURCE" = less ]; then hosts=; else hosts='"web1"'; fi
echo '{"web": {"hosts": ['"$hosts"'], "vars": {"ansible_connection": "local"}}, "_meta": {"hostvars": {}}}'
"""


@pytest.fixture
def site(ansible: Ansible, simulator: Simulator) -> Callable[..., Run]:
    """Runs a playbook on a folder of two sources, one of them a script."""
    ansible.write("inventory/dynamic", SCRIPT).chmod(0o755)
    ansible.write("inventory/static", "db1 ansible_connection=local\n")

    def run(source: str = "", broken: str = "", inventory: str = "inventory", **settings: Any) -> Run:
        ansible.write("ansible.cfg", cfg(simulator, **settings))
        ansible.write(
            "site.yml", [play("Site", "all", fail("Set up", failed_when=f"inventory_hostname == '{broken}'"))]
        )
        words = ["-i", inventory, "-v", "site.yml"]
        return ansible.command("ansible-playbook", *words, env={"SOURCE": source})

    return run


def age(ansible: Ansible, column: str, seconds: float) -> None:
    """Have something that is remembered of all places be so much older."""
    database = ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3"
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(f"UPDATE places SET {column} = {column} - ?", (seconds,))


@pytest.mark.slow
def test_a_source_that_could_not_be_read_proves_nothing(
    ansible: Ansible, site: Callable[..., Run], simulator: Simulator
) -> None:
    site(broken="web1")
    assert keys(simulator) == ["ansible:site.yml"]

    for _again in range(2):
        run = site("broken")
        assert run.rc == 0
        assert f"a source of the inventory could not be read ({ansible.project}/inventory/dynamic)" in said(run)
        age(ansible, "failed", 90_000)
    assert resolved(simulator) == []
    site()
    assert resolved(simulator) == ["ansible:site.yml"]


@pytest.mark.slow
def test_a_host_counts_as_gone_a_day_after_it_was_first_missed(
    ansible: Ansible, site: Callable[..., Run], simulator: Simulator
) -> None:
    site(broken="web1")
    assert "web1 not in the inventory any more; that counts as gone when" in said(site("less"))
    age(ansible, "absent", 80_000)
    site("less")
    assert resolved(simulator) == []
    age(ansible, "absent", 10_000)
    site("less")
    assert resolved(simulator) == ["ansible:site.yml"]


@pytest.mark.slow
def test_a_run_without_hosts_resolves_nothing_always(
    ansible: Ansible, site: Callable[..., Run], simulator: Simulator
) -> None:
    always: dict[str, Any] = {"resolve_on_success": "always", "inventory": "inventory/dynamic"}
    site(broken="web1", **always)
    assert "nothing is resolved, since a source of the inventory could not be read" in said(site("broken", **always))
    assert "nothing is resolved, since no host took part" in said(site("less", **always))
    # ansible-core counts the hosts of all playbooks of a command together.
    ansible.write("before.yml", [play("Before", "localhost", ok())])
    words = ["-i", "inventory/dynamic", "-v", "before.yml", "site.yml"]
    both = ansible.command("ansible-playbook", *words, env={"SOURCE": "less"})
    assert "nothing is resolved, since no host took part" in said(both)
    assert resolved(simulator) == ["ansible:before.yml"]
    site(**always)
    assert resolved(simulator) == ["ansible:before.yml", "ansible:site.yml"]


@pytest.mark.slow
def test_hosts_of_add_host_are_never_gone(ansible: Ansible, simulator: Simulator) -> None:
    def run(names: list[str], broken: str = "") -> Run:
        add = {"name": "Find", "ansible.builtin.add_host": {"name": "{{ item }}", "groups": "found"}, "loop": names}
        plays = [
            play("Look", "localhost", add),
            play("Use", "found", fail("Use", failed_when=f"inventory_hostname == '{broken}'"), connection="local"),
        ]
        return ansible(plays, "-v", cfg=cfg(simulator))

    run(["vm1", "vm2"], broken="vm2")
    for _again in range(2):
        assert "vm2 not there, and not from a source of the inventory" in said(run(["vm1"]))
        age(ansible, "failed", 90_000)
    assert resolved(simulator) == []
    run(["vm1", "vm2"])
    assert resolved(simulator) == ["ansible:playbook.yml"]


# --- overlapping runs --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def under_way(start: Callable[[], Run], waits: Path, go: Path) -> Iterator[list[Run]]:
    """Have a run wait in its middle while something else is done; what it came to is there afterwards."""
    runs: list[Run] = []
    thread = threading.Thread(target=lambda: runs.append(start()))
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not waits.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    try:
        yield runs
    finally:
        go.touch()
        thread.join(PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("resolve_on_success", ["ledger", pytest.param("always", marks=pytest.mark.slow)])
def test_an_older_green_run_does_not_resolve_a_newer_failure(
    ansible: Ansible, simulator: Simulator, tmp_path: Path, resolve_on_success: str
) -> None:
    waits, go = tmp_path / "waits", tmp_path / "go"
    wait = script("Wait", f"touch {waits}; while [ ! -e {go} ]; do sleep 0.05; done")
    ansible.write("hosts.json", ONE)
    ansible.write("ansible.cfg", cfg(simulator, resolve_on_success=resolve_on_success))
    broken = {"failed_when": "lookup('env', 'BROKEN') == '1'"}
    hold = {"when": "lookup('env', 'BROKEN') == '0'"}
    ansible.write("site.yml", [play("Site", "all", fail("Set up", **broken), {**wait, **hold})])

    def run(broken: str) -> Run:
        return ansible.command("ansible-playbook", "-i", "hosts.json", "-v", "site.yml", env={"BROKEN": broken})

    run("1")
    with under_way(lambda: run("0"), waits, go) as green:
        run("1")
    assert green[0].rc == 0
    assert [event.action for event in events(simulator)] == ["trigger", "trigger"]
    assert "stays open: " in said(green[0])

    run("")
    assert [event.action for event in events(simulator)] == ["trigger", "trigger", "resolve"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["roles", "include_role", "include_tasks"])
def test_a_part_of_the_playbook_that_invokes_the_same_task_with_other_variables_proves_nothing(
    ansible: Ansible, simulator: Simulator, how: str
) -> None:
    apps = ("shop", "blog")
    files = {"roles/deploy/tasks/main.yml": [script("Deploy", "test {{ app }} = blog || test {{ repaired }} = yes")]}
    if how == "roles":
        plays = [play("Deploy", "all", roles=[{"role": "deploy", "app": app, "tags": [app]} for app in apps])]
    else:
        what = {"name": "deploy"} if how == "include_role" else {"file": "roles/deploy/tasks/main.yml"}
        includes = [
            {
                "name": app,
                f"ansible.builtin.{how}": {**what, "apply": {"tags": [app]}},
                "vars": {"app": app},
                "tags": [app],
            }
            for app in apps
        ]
        plays = [play("Deploy", "all", *includes)]

    def deploy(*args: str, repaired: str = "no") -> None:
        inventory = hosts("web1", web1={"repaired": repaired})
        ansible(plays, *args, inventory=inventory, cfg=cfg(simulator), files=files)

    deploy()
    assert keys(simulator) == ["ansible:playbook.yml"]
    deploy("--tags", "blog")
    assert keys(simulator) == ["ansible:playbook.yml"]
    deploy(repaired="yes")
    assert keys(simulator) == []


@pytest.mark.slow
def test_a_key_made_of_the_task_ends_with_a_complete_run_on_the_controller_too(
    ansible: Ansible, simulator: Simulator
) -> None:
    settings = cfg(simulator, dedup_key="deploy/{{ failure.task }}")
    ansible([play("Deploy", "localhost", fail("Break"))], cfg=settings)
    assert keys(simulator) == ["deploy/Break"]
    ansible([play("Deploy", "localhost", ok())], cfg=settings)
    assert keys(simulator) == []
