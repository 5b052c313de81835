# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How options, and variables of hosts, groups, plays and tasks, say who is paged for what, and how."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    CONTROLLER,
    KEY,
    OTHER_KEY,
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
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

PASSWORD = "correct horse"


def vaulted(text: str) -> str:
    """A value as ansible-vault encrypt_string writes it into a file of variables."""
    encrypted = VaultLib([("default", VaultSecret(PASSWORD.encode()))]).encrypt(text).decode()
    return "!vault |\n" + "".join(f"  {line}\n" for line in encrypted.splitlines())


def test_group_by(ansible: Ansible, simulator: Simulator) -> None:
    def grouped(group_by: str, number: int) -> dict[str, Any]:
        where = [f"{name}{number}" for name in ("web", "db")]
        unnamed = {"ansible.builtin.fail": {"msg": "x"}, "when": f"inventory_hostname == 'db{number}'"}
        variables = {"version": "1.2", "pagerduty_group_by": group_by}
        tasks = (fail("Break {{ version }}", on=f"web{number}"), unnamed)
        return play(f"Play {number} of {{{{ version }}}}", ":".join([*where, "fine"]), *tasks, vars=variables)

    plays = [
        grouped(group_by, number)
        for number, group_by in enumerate(
            ["playbook, host, role", "playbook, vars.datacenter", "play, inventory", "task", "playbook"]
        )
    ]
    every = [f"{name}{number}" for name in ("web", "db") for number in range(len(plays))]
    inventory = hosts(*every, "fine", web1={"datacenter": "fra"}, db1={"datacenter": "{{ 'b' ~ 'er' }}"})

    run = ansible(plays, inventory=inventory, cfg=cfg(simulator, job_name="Deploy the shop"))

    assert run.rc == 2
    assert keys(simulator) == [
        "ansible:Deploy the shop",
        "ansible:Deploy the shop:host=db0:role=",
        "ansible:Deploy the shop:host=web0:role=",
        "ansible:Deploy the shop:vars.datacenter=ber",
        "ansible:Deploy the shop:vars.datacenter=fra",
        "ansible:play=Play 2 of {{ version }}:inventory=hosts.json",
        "ansible:task=Break {{ version }}",
        "ansible:task=ansible.builtin.fail",
    ]
    titles = {incident.dedup_key: incident.summary for incident in simulator.incidents}
    assert titles["ansible:task=Break {{ version }}"] == "Deploy the shop failed on 1 of 3 hosts: Break 1.2 (web3)"


TEAMS = {
    # A group's vaulted key, a host's, a play's, a task's settings; each host fails in its own way.
    "group_vars/databases.yml": "pagerduty_routing_key: " + vaulted(OTHER_KEY) + "pagerduty_severity: critical\n",
    "group_vars/web.yml": "pagerduty_severity:\n  failed: warning\n  unreachable: info\n",
    "host_vars/quiet.yml": "pagerduty_enabled: false\n",
    "vault.password": PASSWORD,
}


def test_variables_route_and_rank_and_silence(ansible: Ansible, simulator: Simulator) -> None:
    named = {
        "pagerduty_component": "nginx",
        "pagerduty_group": "shop",
        "pagerduty_class": "deploy",
        "pagerduty_client": "CI",
        "pagerduty_client_url": "https://ci.example.com/{{ inventory_hostname }}",
    }
    inventory = hosts("web1", "web2", "db1", "quiet", "fine", unreachable=("web3",))
    inventory["all"]["children"] = {
        "databases": {"hosts": {"db1": {}}},
        "web": {"hosts": {name: {} for name in ("web1", "web2", "web3")}},
    }
    plays = [
        play("First", "web3:fine", {"name": "Log in", "ansible.builtin.command": "true"}),
        play(
            "Deploy",
            "all:!web3",
            fail("Break", on="db1 quiet"),
            fail("Nobody needs to know", on="web2", vars={"pagerduty_enabled": False}),
            fail(
                "Break with everything",
                on="web1",
                vars={
                    **named,
                    "pagerduty_custom_details": {
                        "runbook": "https://wiki/{{ inventory_hostname }}",
                        "who": "{{ failure.host }}",
                    },
                },
            ),
            ok(),
        ),
    ]

    run = ansible(
        plays, "--vault-password-file", "vault.password", inventory=inventory, files=TEAMS, cfg=cfg(simulator)
    )

    assert run.rc == 4 or run.rc == 2, run.output
    assert warnings(run) == []
    mine, theirs = ([event for event in events(simulator) if event.key == key] for key in (KEY, OTHER_KEY))
    assert [(payload(event)["severity"], details(event)["failed_hosts"]) for event in theirs] == [("critical", ["db1"])]
    assert [payload(event)["severity"] for event in mine] == ["info", "warning"]
    assert details(mine[-1])["unreachable_hosts"] == ["web3"]
    assert details(mine[-1])["failed_hosts"] == ["web1"]
    which = "ansible:playbook.yml, 2 hosts; ansible:playbook.yml, 1 host"
    assert closing(run) == [f"PagerDuty: 2 incidents triggered ({which}), 3 events accepted, 0 waiting"]
    assert_no_secret([run.output, *map(payload, events(simulator))], KEY, OTHER_KEY)


def test_tasks_take_a_vaulted_key_from_the_same_variable(ansible: Ansible, simulator: Simulator) -> None:
    files = {"group_vars/all.yml": "pagerduty_routing_key: " + vaulted(OTHER_KEY), "vault.password": PASSWORD}
    page = {"name": "Page", "oncall.pagerduty.incident": {"summary": "x"}}
    run = ansible.tasks([page], "--vault-password-file", "vault.password", files=files, cfg=cfg(simulator))
    assert run.rc == 0, run.output
    assert [event.key for event in events(simulator)] == [OTHER_KEY]


def test_the_task_that_fails_first_names_the_incident(ansible: Ansible, simulator: Simulator) -> None:
    named = {
        "pagerduty_component": "nginx",
        "pagerduty_group": "shop",
        "pagerduty_class": "deploy",
        "pagerduty_client": "CI",
        "pagerduty_client_url": "https://ci.example.com/{{ inventory_hostname }}",
        "pagerduty_custom_details": {"runbook": "https://wiki/{{ inventory_hostname }}"},
    }

    run = ansible.tasks([fail("Break", vars=named)], cfg=cfg(simulator))

    (incident,) = simulator.incidents
    assert (incident.component, incident.group, incident.class_) == ("nginx", "shop", "deploy")
    assert (incident.client, incident.client_url) == ("CI", "https://ci.example.com/localhost")
    assert incident.details["runbook"] == "https://wiki/localhost"
    assert warnings(run) == []


TEMPLATES = {
    "summary": (
        "[{{ deployment | default('production') }}] {{ failure.summary }} / {{ failure.failed }} of {{ failure.total }}"
    ),
    "dedup_key": "shop/{{ site }}/{{ failure.play }}",
    "custom_details": json.dumps(
        {
            "team": "{{ team | default('shop') }}",
            "first": "{{ failure.host }}",
            "said": "{{ failure.message }}",
            "role": "<{{ failure.role }}>",
            "n": 3,
        }
    ),
}


@pytest.mark.parametrize("source", ["ini", "env", "vars"])
def test_templates(ansible: Ansible, simulator: Simulator, source: str) -> None:
    ini: dict[str, Any] = TEMPLATES if source == "ini" else {}
    env = {f"PAGERDUTY_{name.upper()}": text for name, text in TEMPLATES.items()} if source == "env" else {}
    texts = {**TEMPLATES, "custom_details": json.loads(TEMPLATES["custom_details"])}
    variables = {f"pagerduty_{name}": text for name, text in texts.items()} if source == "vars" else {}

    run = ansible(
        [play("Deploy", "all", fail("Break", on="web1 web2"), vars={**variables, "site": "fra"})],
        inventory=hosts("web1", "web2", "fine"),
        cfg=cfg(simulator, **ini),
        env=env,
    )

    first, second = events(simulator)
    assert first.dedup_key == second.dedup_key == "shop/fra/Deploy"
    assert first.summary == "[production] playbook.yml failed on 1 of 3 hosts: Break (web1) / 1 of 3"
    assert second.summary == "[production] playbook.yml failed on 2 of 3 hosts: Break (web1, web2) / 2 of 3"
    own = {name: details(second)[name] for name in ("team", "first", "said", "role", "n")}
    assert own == {"team": "shop", "first": "web1", "said": "it broke", "role": "<>", "n": 3}
    assert warnings(run) == []


def test_what_a_host_says_is_never_executed(ansible: Ansible, simulator: Simulator) -> None:
    made = ansible.home / "executed"
    hostile = "{{ lookup('pipe', 'touch " + str(made) + "') }}"
    module = f"""#!/usr/bin/python
import json
print(json.dumps({{"changed": False, "stdout": {hostile!r}, "ansible_facts": {{
    "pagerduty_summary": {hostile!r}, "pagerduty_client": {hostile!r}, "pagerduty_api_url": "https://evil.example.com",
    "said": {hostile!r}}}}}))
"""
    tasks = [
        {"name": "Ask", "facts_of_ours": {}, "register": "answer"},
        {"name": "Keep", "ansible.builtin.set_fact": {"pagerduty_component": "{{ answer.stdout }}"}},
        fail("Break {{ answer.stdout }}", message="{{ answer.stdout }}"),
    ]
    options: dict[str, Any] = {
        "summary": "{{ failure.summary }} {{ failure.message }} {{ said }} {{ answer.stdout }}",
        "dedup_key": "k/{{ said }}/{{ failure.task }}",
        "custom_details": {"message": "{{ failure.message }}", "nested": ["{{ answer.stdout }}"]},
        "group_by": "task",
    }

    run = ansible.tasks(tasks, cfg=cfg(simulator, **options), files={"library/facts_of_ours.py": module})

    assert not made.exists()
    assert len(events(simulator)) == 1, run.output
    (event,) = events(simulator)
    assert (
        event.summary
        == f"playbook.yml failed on localhost ({CONTROLLER}): Break {hostile} {hostile} {hostile} {hostile}"
    )
    assert event.dedup_key == f"k/{hostile}/Break {{{{ answer.stdout }}}}"
    assert details(event)["nested"] == [hostile]
    assert payload(event)["component"] == hostile
    assert sorted(text.split()[2] for text in warnings(run) if "a fact that a host reports" in text) == [
        "pagerduty_api_url",
        "pagerduty_client",
        "pagerduty_summary",
    ]


def test_no_task_sends_the_key_where_a_host_wants_it(ansible: Ansible, simulator: Simulator) -> None:
    module = """#!/usr/bin/python
print('{"changed": false, "ansible_facts": {"pagerduty_api_url": "http://127.0.0.1:9/evil"}}')
"""
    tasks = [
        {"name": "Gather", "facts_of_ours": {}},
        {"name": "Page", "oncall.pagerduty.incident": {"summary": "x", "max_retries": 0}},
    ]
    run = ansible.tasks(tasks, cfg=cfg(simulator), files={"library/facts_of_ours.py": module})
    assert run.rc == 0, run.output
    assert len(simulator.incidents) == 1


@pytest.mark.parametrize(
    ("page_on", "expected"),
    [("unreachable", ["could not reach"]), ("error, interrupted", [])],
)
def test_page_on(ansible: Ansible, simulator: Simulator, page_on: str, expected: list[str]) -> None:
    plays = [
        play("Failing", "web1:fine", fail("Break", on="web1")),
        play("Away", "away:fine", {"name": "Log in", "ansible.builtin.command": "true"}),
    ]

    ansible(plays, inventory=hosts("web1", "fine", unreachable=("away",)), cfg=cfg(simulator, page_on=page_on))

    titles = [incident.summary for incident in simulator.incidents]
    assert len(titles) == len(expected)
    assert all(word in title for word, title in zip(expected, titles))


def test_a_variable_that_cannot_be_used_loses_no_page(ansible: Ansible, simulator: Simulator) -> None:
    bad = {
        "pagerduty_severity": "bad",
        "pagerduty_routing_key": "short",
        "pagerduty_summary": "{{ nowhere }}",
        "pagerduty_custom_details": "{{ [1] }}",
    }

    run = ansible.tasks([fail("Break", vars=bad)], cfg=cfg(simulator))

    (incident,) = simulator.incidents
    assert (incident.severity, incident.summary) == ("error", f"playbook.yml failed on localhost ({CONTROLLER}): Break")
    said = warnings(run)
    assert [
        next(word for word in ("severity", "routing_key", "summary", "custom_details") if word in text)
        for text in sorted(said)
    ] == [
        "custom_details",
        "summary",
        "severity",
        "routing_key",
    ]


def test_disabled_means_that_nobody_is_told(ansible: Ansible, simulator: Simulator) -> None:
    run = ansible.tasks([fail("Break")], cfg=cfg(simulator, enabled="false", change_events="true"))
    assert run.rc == 2
    assert simulator.requests == []
    assert closing(run) == warnings(run) == []


def test_a_key_file_can_be_vaulted_and_the_environment_goes_before_ansible_cfg(
    ansible: Ansible, simulator: Simulator
) -> None:
    encrypted = VaultLib([("default", VaultSecret(PASSWORD.encode()))]).encrypt(OTHER_KEY).decode()
    ansible.write("pagerduty.key", encrypted).chmod(0o600)
    settings = cfg(simulator, routing_key=None, routing_key_file="pagerduty.key")
    ansible.write("vault.password", PASSWORD)
    failing = [play("Fail", "localhost", fail("Break"))]

    run = ansible(failing, "--vault-password-file", "vault.password", cfg=settings)
    assert warnings(run) == []
    run = ansible(failing, cfg=settings, env={"PAGERDUTY_ROUTING_KEY": KEY})
    assert warnings(run) == []

    assert [received.key for received in events(simulator)] == [OTHER_KEY, KEY]
    assert_no_secret(run.output, KEY, OTHER_KEY)


def test_a_groups_key_and_a_hosts_key_file_page_with_the_key_in_tasks_and_callback(
    ansible: Ansible, simulator: Simulator
) -> None:
    files = {
        "group_vars/all.yml": f"pagerduty_routing_key: {OTHER_KEY}\n",
        "host_vars/web1.yml": "pagerduty_routing_key_file: /nowhere.key\n",
    }
    task = {"name": "Page", "oncall.pagerduty.incident": {"summary": "x", "dedup_key": "task"}}

    run = ansible(
        [play("Deploy", "all", task, fail("Break"))], inventory=hosts("web1"), cfg=cfg(simulator), files=files
    )

    assert [(event.key, event.dedup_key) for event in events(simulator)] == [
        (OTHER_KEY, "task"),
        (OTHER_KEY, "ansible:playbook.yml"),
    ]
    both = (
        "pagerduty_routing_key and pagerduty_routing_key_file of the host both give an integration key; the first"
        " counts, the file is not read"
    )
    assert warnings(run) == [both]
    assert " ".join(run.output.split()).count(both) == 2  # the task's own, and the callback's
    assert_no_secret(run.output, KEY, OTHER_KEY)


def test_misspelt_settings_are_said_once_and_only_when_somebody_is_paged(
    ansible: Ansible, simulator: Simulator
) -> None:
    options: dict[str, Any] = {
        "inventory": hosts("web1", "web2"),
        "cfg": cfg(simulator, severty="critical"),
        "env": {"PAGERDUTY_ROUTNG_KEY": KEY, "PAGERDUTY_API_TOKEN": "x"},
        "files": {"group_vars/all.yml": "pagerduty_severty: critical\npagerduty_page_on: failed\n"},
    }

    green = ansible([play("Deploy", "all", ok())], **options)
    failed = ansible([play("Deploy", "all", fail("Break"))], **options)

    assert warnings(green) == []
    said = [warning.partition(" in /")[0] for warning in warnings(failed)]  # long paths are wrapped at their hyphens
    assert sorted(said) == [
        "the variable pagerduty_page_on does nothing: page_on is for whole runs, see PAGERDUTY_PAGE_ON",
        "there is no setting PAGERDUTY_ROUTNG_KEY, which stands in the environment; is PAGERDUTY_ROUTING_KEY meant?",
        "there is no setting pagerduty_severty, which is a variable of the host; is pagerduty_severity meant?",
        "there is no setting severty, which stands under [pagerduty]",
    ]
    assert keys(simulator) == ["ansible:playbook.yml"]
