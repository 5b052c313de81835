# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback from end to end: a real ansible-playbook fails, and the simulator sees who is paged with what."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
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
    payload,
    play,
    script,
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

HEAVY = {"requests", "urllib3", "sqlite3"}

SHOP = """
- name: Deploy the shop
  hosts: all
  gather_facts: false
  roles:
    - web
"""

ROLE = """
- name: Say hello
  ansible.builtin.debug:
    msg: hello

- name: Install packages
  ansible.builtin.shell: "echo looking >&2; echo no {{ item }} >&2; test {{ item }} = curl"
  loop: [curl, nginx, redis]
  changed_when: false
  when: inventory_hostname != 'web1' or lookup('env', 'BROKEN') == ''
"""


def test_an_incident_says_what_failed_where_and_how_to_run_it_again(ansible: Ansible, simulator: Simulator) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
    where: dict[str, Any] = {"cwd": ansible.project, "env": {**ansible.environment(), "GIT_CONFIG_NOSYSTEM": "1"}}
    subprocess.run([*git, "init", "-q", "."], **where, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], **where, check=True)
    revision = subprocess.check_output([*git, "rev-parse", "HEAD"], **where, text=True).strip()
    options: dict[str, Any] = {"inventory": hosts("web1", "web2", "web3"), "cfg": cfg(simulator)}
    env = {"BROKEN": "1", "LOGNAME": "ann"}

    run = ansible(SHOP, env=env, files={"shop/roles/web/tasks/main.yml": ROLE}, name="shop/deploy.yml", **options)

    assert run.rc == 2
    assert closing(run) == [
        "PagerDuty: 1 incident triggered (ansible:shop/deploy.yml, 2 hosts), 2 events accepted, 0 waiting"
    ]
    first, second = events(simulator)
    assert (first.key, first.dedup_key) == (KEY, "ansible:shop/deploy.yml")
    assert first.summary == "shop/deploy.yml failed on 1 of 3 hosts: Install packages (web2)"
    assert second.summary == "shop/deploy.yml failed on 2 of 3 hosts: Install packages (web2, web3)"
    assert (payload(first)["source"], payload(first)["severity"]) == ("web2", "error")
    told = details(second)
    rerun = told.pop("rerun")
    (other,) = told.pop("other_failures")
    assert all("non-zero return code" in item.pop("message") for item in told["failed_items"])
    assert other["host"] == "web3"
    assert told.pop("ansible_core") in run_version(ansible)
    assert told.pop("controller")
    assert told == {
        "job": "shop/deploy.yml",
        "playbook": "shop/deploy.yml",
        "play": "Deploy the shop",
        "role": "web",
        "task": "Install packages",
        "path": f"{ansible.project}/shop/roles/web/tasks/main.yml:6",
        "message": told["message"],
        "failed_items": [{"item": item, "stderr": f"looking\nno {item}"} for item in ("nginx", "redis")],
        "failed_hosts": ["web2", "web3"],
        "user": "ann",
        "git_revision": revision[:10],
        "inventory": "hosts.json",
    }
    assert "items" in told["message"]

    # The command is the one to run, and with everything mended it resolves the incident.
    program, *arguments = shlex.split(rerun)
    assert rerun.endswith("shop/deploy.yml --inventory hosts.json --limit web2,web3")
    ansible.write("shop/roles/web/tasks/main.yml", ROLE.replace("= curl", "!= ''"))
    again = ansible.command(program, *arguments)
    assert again.rc == 0, again.output
    assert "web1" not in again.stdout
    assert keys(simulator) == []


def run_version(ansible: Ansible) -> str:
    return ansible.command("ansible-playbook", "--version").stdout


SERVICES: dict[str, tuple[dict[str, str], str, str]] = {
    "AWX": (
        {"AWX_HOST": "https://awx.example.com", "JOB_ID": "7"},
        "https://awx.example.com/#/jobs/playbook/7",
        "AWX job 7",
    ),
    "GitHub": (
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "shop/site",
            "GITHUB_RUN_ID": "99",
            "GITHUB_WORKFLOW": "Deploy",
            "GITHUB_RUN_NUMBER": "4",
            "GITHUB_ACTOR": "mary",
        },
        "https://github.com/shop/site/actions/runs/99",
        "GitHub Actions Deploy #4",
    ),
    "GitLab": (
        {
            "GITLAB_CI": "true",
            "CI_JOB_URL": "https://gitlab.example.com/j/5",
            "CI_JOB_NAME": "deploy",
            "CI_JOB_ID": "5",
        },
        "https://gitlab.example.com/j/5",
        "GitLab deploy #5",
    ),
}


@pytest.mark.parametrize("service", ["AWX", "GitHub"])
def test_the_incident_links_to_the_job(ansible: Ansible, simulator: Simulator, service: str) -> None:
    env, url, name = SERVICES[service]
    ansible.tasks([fail("Break")], cfg=cfg(simulator), env=env)
    (incident,) = simulator.incidents
    assert incident.client_url == url
    assert [dict(link) for link in incident.links] == [{"href": url, "text": name}]
    assert incident.details["build"] == name


# --- never in the way --------------------------------------------------------------------------------------------


def test_a_green_run_writes_loads_and_starts_nothing(ansible: Ansible, simulator: Simulator) -> None:
    tasks = [fail("Ignored", ignore_errors=True), {"block": [fail("Rescued")], "rescue": [ok("Rescue")]}]
    loaded, deeds = ansible.home / "loaded", ansible.home / "deeds"
    key = ansible.write("pagerduty.key", KEY)
    key.chmod(0o600)
    callbacks = f"own_deeds, loaded_modules, {CALLBACK}"
    options: dict[str, Any] = {
        "cfg": cfg(simulator, callbacks, routing_key=None, routing_key_file=key),
        "env": {"LOADED_MODULES_FILE": str(loaded), "OWN_DEEDS_FILE": str(deeds)},
    }

    ansible.tasks([ok()], **options)
    assert deeds.read_text() == f"read {key}"

    run = ansible.tasks(tasks, **options)

    # For a failure that is taken back, the name of the Git repository and the key have been looked for.
    assert {deed.partition(" ")[0] for deed in deeds.read_text().splitlines()} == {"read"}
    modules = set(loaded.read_text().split())
    assert run.rc == 0, run.output
    assert "ansible_collections.oncall.pagerduty.plugins.plugin_utils._session" in modules
    assert modules & HEAVY == set()
    assert simulator.requests == []
    assert not (ansible.home / ".ansible" / "oncall.pagerduty").exists()
    assert "PagerDuty" not in run.output

    ansible.tasks([fail("Break")], **options)
    done = {deed.partition(" ")[0] for deed in deeds.read_text().splitlines()}
    assert {"read", "write", "sqlite3.connect", "subprocess.Popen"} <= done


def test_the_main_process_loads_no_http_library_when_it_pages(ansible: Ansible, simulator: Simulator) -> None:
    loaded = ansible.home / "loaded"

    ansible.tasks(
        [fail("Break")], cfg=cfg(simulator, f"{CALLBACK}, loaded_modules"), env={"LOADED_MODULES_FILE": str(loaded)}
    )

    assert set(loaded.read_text().split()) & HEAVY <= {"sqlite3"}
    assert len(events(simulator)) == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"routing_key": None}, "routing_key"),
        ({"group_by": "hosts"}, "group_by"),
        ({"page_on": "everything"}, "page_on"),
        ({"flush_timeout": "soon"}, "flush_timeout"),
        ({"flush_timeout": "inf"}, "flush_timeout"),
        ({"courier_linger": "nan"}, "courier_linger"),
        ({"outbox_max_age": "-1"}, "outbox_max_age"),
    ],
    ids=lambda value: "=".join(map(str, list(value.items())[-1])) if isinstance(value, dict) else "",
)
def test_a_callback_that_cannot_be_configured_says_so_once_and_steps_aside(
    ansible: Ansible, simulator: Simulator, options: dict[str, Any], named: str
) -> None:
    tasks = [fail("Break", on="web1"), fail("Break again", on="web2"), ok()]

    run = ansible(
        [play("Deploy", "all", *tasks)], inventory=hosts("web1", "web2", "web3"), cfg=cfg(simulator, **options)
    )

    assert run.rc == 2
    assert "agerDuty" not in run.stdout
    said = " ".join(run.stderr.split())
    assert said.count("[WARNING]") == 1, said
    assert re.search(rf"\b{named}\b", said)
    assert simulator.requests == []
    assert not (ansible.home / ".ansible" / "oncall.pagerduty").exists()


@pytest.mark.parametrize(
    "content", [None, pytest.param("too short", marks=pytest.mark.slow)], ids=["missing", "malformed"]
)
def test_a_key_file_that_cannot_be_used_is_said_at_the_start(
    ansible: Ansible, simulator: Simulator, content: str | None
) -> None:
    settings = cfg(simulator, routing_key=None, routing_key_file="pagerduty.key")
    files = {} if content is None else {"pagerduty.key": content}

    green = ansible.tasks([ok()], cfg=settings, files=files)
    failed = ansible.tasks([fail("Break")], cfg=settings, files=files)

    assert (green.rc, failed.rc) == (0, 2)
    (said,) = warnings(green)
    assert said.startswith("nobody is paged by this key file, only where variables give another key: routing_key_file")
    assert [warning.partition(":")[0] for warning in warnings(failed)] == [
        said.partition(":")[0],
        "nobody is paged for this failure",
    ]


def test_a_key_that_comes_through_a_pipe_pages_for_each_host(
    ansible: Ansible, simulator: Simulator, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    # Waits for a reader, and writes once.
    threading.Thread(target=pipe.write_text, args=(KEY,), daemon=True).start()

    run = ansible(
        [play("Deploy", "all", fail("Break"))],
        inventory=hosts("web1", "web2", web2={"pagerduty_timeout": 5}),
        cfg=cfg(simulator, routing_key=None, routing_key_file=pipe, group_by="host"),
    )

    assert run.rc == 2
    assert [event.key for event in events(simulator)] == [KEY, KEY]
    assert warnings(run) == []


def test_without_a_key_the_output_is_that_of_a_run_without_the_callback(ansible: Ansible, simulator: Simulator) -> None:
    plays = [play("Deploy", "all", fail("Break", on="web1"), fail("Break again", on="web2"), ok())]
    options: dict[str, Any] = {"inventory": hosts("web1", "web2", "web3")}
    plain = ansible(plays, "--forks", "1", **options)

    run = ansible(plays, "--forks", "1", cfg=cfg(simulator, routing_key=None), **options)

    assert (run.rc, run.stdout) == (plain.rc, plain.stdout)


def test_check_mode_sends_nothing_and_shows_it_to_those_who_ask(ansible: Ansible, simulator: Simulator) -> None:
    options: dict[str, Any] = {"inventory": hosts("web1", "web2"), "cfg": cfg(simulator, change_events="start")}
    plays = [play("Deploy", "all", fail("Break"))]

    quiet = ansible(plays, "--check", **options)
    verbose = ansible(plays, "--check", "-v", **options)

    assert quiet.rc == verbose.rc == 2
    assert "agerDuty" not in quiet.output
    assert "page_on_failure" not in quiet.output
    would = re.findall(r"page_on_failure: check mode: (.*)", verbose.stdout)
    assert would == [
        "would trigger ansible:playbook.yml: playbook.yml failed on 1 of 2 hosts: Break (web1)",
        "would update ansible:playbook.yml: playbook.yml failed on 2 of 2 hosts: Break (web1, web2)",
    ]
    assert simulator.requests == []
    assert not (ansible.home / ".ansible" / "oncall.pagerduty").exists()


def test_a_final_refusal_is_said_with_its_reason(ansible: Ansible, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", code=400, body="json"))

    run = ansible.tasks([fail("Break")], cfg=cfg(simulator))

    (line,) = closing(run)
    assert line.startswith(
        "PagerDuty: 1 incident not triggered (ansible:playbook.yml, 1 host), 0 events accepted, 0 waiting, 1 refused ("
    )
    assert "400" in line
    assert line.endswith("; ansible-playbook oncall.pagerduty.verify says whether PagerDuty takes the key")
    assert_no_secret(run.output, KEY)


# --- what counts, one sane case of each kind ---------------------------------------------------------------------


def test_each_kind_of_failure_pages_once(ansible: Ansible, simulator: Simulator) -> None:
    plays = [
        play(
            "Handlers",
            "handler:fine",
            ok("Notify", changed_when=True, notify="Restart"),
            handlers=[fail("Restart", on="handler")],
        ),
        play(
            "Asynchronous",
            "slow:fine",
            script("Build", "exit 3", **{"async": 20, "poll": 1}, when="inventory_hostname == 'slow'"),
        ),
        play(
            "Undefined",
            "undefined:fine",
            {
                "name": "Print",
                "ansible.builtin.debug": {"msg": "{{ nowhere }}"},
                "when": "inventory_hostname == 'undefined'",
            },
        ),
        play("Unreachable", "away:fine", script("Log in", "true")),
        play(
            "Retried",
            "retried:fine",
            script("Try", "test -e made || ! touch made", retries=2, delay=0, register="x", until="x is success"),
        ),
        play("Rolling", "rolling", fail("Break", on="rolling1 rolling3 rolling5"), serial=2),
    ]
    rolling = [f"rolling{number}" for number in range(1, 7)]
    inventory = hosts("handler", "slow", "undefined", "retried", "fine", *rolling, unreachable=("away",))
    inventory["all"]["children"] = {"rolling": {"hosts": {name: {} for name in rolling}}}

    run = ansible(plays, inventory=inventory, cfg=cfg(simulator, group_by="play"))

    assert {host for host, counts in (run.stats or {}).items() if counts["failures"] or counts["unreachable"]} == {
        "handler",
        "slow",
        "undefined",
        "away",
        "rolling1",
        "rolling3",
        "rolling5",
    }
    titles = {incident.dedup_key: events_of(simulator, incident.dedup_key) for incident in simulator.incidents}
    assert titles == {
        "ansible:play=Handlers": ["playbook.yml failed on 1 of 2 hosts: Restart (handler)"],
        "ansible:play=Asynchronous": ["playbook.yml failed on 1 of 2 hosts: Build (slow)"],
        "ansible:play=Undefined": ["playbook.yml failed on 1 of 2 hosts: Print (undefined)"],
        "ansible:play=Unreachable": ["playbook.yml could not reach 1 of 2 hosts (away)"],
        "ansible:play=Rolling": [
            "playbook.yml failed on 1 of 6 hosts: Break (rolling1)",
            "playbook.yml failed on 3 of 6 hosts: Break (rolling1, rolling3, rolling5)",
        ],
    }


def events_of(simulator: Simulator, key: str) -> list[str | None]:
    return [event.summary for event in events(simulator) if event.dedup_key == key]


# --- change events -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change_events", "count"), [("true", 1), ("start", 2)])
def test_change_events_tell_of_runs(ansible: Ansible, simulator: Simulator, change_events: str, count: int) -> None:
    tasks = [
        ok("Change", changed_when="inventory_hostname != 'web3'"),
        ok("Change more", changed_when="inventory_hostname == 'web1'"),
    ]
    env = SERVICES["GitLab"][0]

    run = ansible(
        [play("Deploy", "all", *tasks)],
        inventory=hosts("web1", "web2", "web3"),
        cfg=cfg(simulator, change_events=change_events),
        env=env,
    )

    assert run.rc == 0
    # Change events have no order among each other but their times.
    told = sorted(simulator.changes, key=lambda change: change.summary)
    finished = told[0]
    assert [change.summary for change in told] == [
        "playbook.yml finished: 3 changed on 2 of 3 hosts",
        "playbook.yml started",
    ][:count]
    assert finished.details["changed_tasks_by_host"] == {"web1": 2, "web2": 1}
    assert finished.details["build"] == "GitLab deploy #5"
    assert [link["href"] for link in finished.links] == ["https://gitlab.example.com/j/5"]
    assert closing(run) == [f"PagerDuty: {count} event{'s' * (count > 1)} accepted, 0 waiting"]
    assert simulator.incidents == []


def test_the_change_event_of_a_failed_run_says_so(ansible: Ansible, simulator: Simulator) -> None:
    ansible.tasks([fail("Break")], cfg=cfg(simulator, change_events="true"))
    assert [change.summary for change in simulator.changes] == ["playbook.yml failed: 0 changed on 0 of 1 hosts"]
    assert len(simulator.incidents) == 1


def test_the_key_file_of_ansible_cfg_is_enough(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "pagerduty.key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    run = ansible.tasks([fail("Break")], cfg=cfg(simulator, routing_key=None, routing_key_file=file))
    assert [event.key for event in events(simulator)] == [KEY]
    assert warnings(run) == []
