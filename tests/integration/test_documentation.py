# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example in the documentation runs as it stands, and ansible-doc shows every option."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.module_utils._task import CHANGE, INCIDENT, TaskKind
from ansible_collections.oncall.pagerduty.plugins.modules import change, incident
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import (
    PLAYS,
    SETTINGS,
    TASKS,
    Example,
    examples,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.collection import CHECKOUT

KEY = "d0c5" * 8
#: where the documentation keeps a key file
KEY_FILE = "/etc/ansible/pagerduty.key"
#: for an example that has only settings
OWN_TASK = "send with these settings"

DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
EXAMPLES = [
    Example("incident's examples", TASKS, incident.EXAMPLES),
    Example("change's examples", TASKS, change.EXAMPLES),
    *(
        example
        for document in DOCUMENTS
        for example in examples(document.read_text("utf-8"), str(document.relative_to(CHECKOUT)))
    ),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_the_example_runs(ansible: Ansible, simulator: Simulator, example: Example) -> None:
    run = run_example(ansible, simulator, example)

    assert run.rc == 0, run.output
    done = [result.task for result in run.results if result.result.get("accepted") or result.result.get("queued")]
    assert list(dict.fromkeys(done)) == (example.tasks or [OWN_TASK])
    # What was queued is sent by another process.
    simulator.wait_for(lambda pagerduty: len(pagerduty.accepted) >= len(done), timeout=20)
    assert {request.key for request in simulator.requests} == {KEY}
    assert len(simulator.requests) == len(done)


def run_example(ansible: Ansible, simulator: Simulator, example: Example) -> Run:
    """Run an example with what its reader has: a key, a key file, and the hosts that it names."""
    ansible.write("pagerduty.key", KEY + "\n").chmod(0o600)
    text = example.text.replace(KEY_FILE, str(ansible.project / "pagerduty.key"))
    secrets = dict.fromkeys(re.findall(r"\bvault_\w+", text), KEY)
    variables = ansible.write("secrets.json", secrets)
    plays: Any = [{"hosts": "db1", "gather_facts": False}]
    if example.kind == PLAYS:
        plays = text
    elif example.kind == TASKS:
        plays[0]["tasks"] = yaml.safe_load(text)
    else:
        plays[0]["tasks"] = [{"name": OWN_TASK, "oncall.pagerduty.incident": {"summary": "x"}}]
    hosts = {"db1", "bastion.example.com", *example.hosts} - {"all", "localhost"}
    return ansible(
        plays,
        "--extra-vars",
        f"@{variables}",
        inventory={"all": {"hosts": {host: {} for host in sorted(hosts)}, "vars": {"ansible_connection": "local"}}},
        env={"PAGERDUTY_API_URL": simulator.url},
        cfg=text if example.kind == SETTINGS else "",
    )


def test_the_documents_have_examples() -> None:
    places = [example.place.partition(":")[0] for example in EXAMPLES]

    assert {PLAYS, SETTINGS} <= {example.kind for example in EXAMPLES if example.place.startswith("README.md:")}
    for module in (incident, change):
        tasks = yaml.safe_load(module.EXAMPLES)
        assert len(tasks) == module.EXAMPLES.count("\n- name: ")
    for document in DOCUMENTS:
        fences = re.findall(r"^\s*(?:```|~~~) *(?:yaml|yml|ini)\b", document.read_text("utf-8"), re.MULTILINE | re.I)
        assert places.count(str(document.relative_to(CHECKOUT))) == len(fences)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```\nls\n```\n", "README.md:1: 'no language'"),
        ("```yml\n- hosts: all\n```\n", "README.md:1: 'yml'"),
        ("text\n```yaml\na: 1\n```\n", "README.md:2: neither plays, nor named tasks"),
        ("```yaml\n- hosts: all\n- name: x\n```\n", "neither plays"),
        ("```ini\n[web]\nweb1\n```\n", "neither plays"),
        ("```yaml\na: {\n```\n", "neither plays"),
        ("```ini\n[other]\nx = 1\n```\n", "neither plays"),
        ("```yaml\n- hosts: all\n", "is not closed"),
    ],
)
def test_what_cannot_be_run_is_not_passed_over(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        examples(text, "README.md")


# --- ansible-doc -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [INCIDENT, CHANGE], ids=lambda kind: kind.name)
def test_ansible_doc_shows_every_option(ansible: Ansible, kind: TaskKind) -> None:
    run = ansible.command("ansible-doc", f"oncall.pagerduty.{kind.name}")

    assert run.rc == 0, run.output
    shown = set(re.findall(r"^[=-] (\w+)", run.stdout.partition("OPTIONS")[2], re.MULTILINE))
    assert shown >= set(kind.spec)
    assert "WARNING" not in run.output


def test_ansible_doc_lists_the_modules(ansible: Ansible) -> None:
    run = ansible.command("ansible-doc", "-t", "module", "-l", "oncall.pagerduty")

    assert run.rc == 0, run.output
    modules = sorted(path.stem for path in (CHECKOUT / "plugins" / "modules").glob("[!_]*.py"))
    assert re.findall(r"^oncall\.pagerduty\.(\w+) ", run.stdout, re.MULTILINE) == modules
