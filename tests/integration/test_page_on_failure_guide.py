# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "Page on failed runs", read from top to bottom and done as it says."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    KEY,
    OTHER_KEY,
    details,
    events,
    hosts,
    keys,
    payload,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.collection import CHECKOUT

pytestmark = pytest.mark.slow

GUIDE = (CHECKOUT / "docs" / "docsite" / "rst" / "page_on_failure.rst").read_text("utf-8")
DIRECTIVE = re.compile(r"^\.\. code-block:: (\w+)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
BLOCKS = [(match[1], textwrap.dedent(match[2]).strip() + "\n") for match in DIRECTIVE.finditer(GUIDE)]
KEY_FILE = "/etc/ansible/pagerduty.key"


def block(language: str, part: str) -> str:
    """The one block in a language that has this in it."""
    (found,) = [text for name, text in BLOCKS if name == language and part in text]
    return found


QUICK_START = block("ini", "routing_key_file")
DEPLOY = block("yaml", "Fail on two of three hosts")
LINE = block("text", "PagerDuty: ").strip()
RERUN = block("text", "--limit").strip()
GROUPED = block("ini", "group_by")
TEAMS = block("yaml", "Each team gets its own page")
GROUP_VARS = block("yaml", "vault_databases_pagerduty_key")
TEMPLATES = block("ini", "custom_details")
TAKE_OVER = block("yaml", "Take over")
JOBS = block("ini", "job_variables")
STAYS = block("text", "stays open")
ENVIRONMENT = block("console", "export")
CHANGES = block("ini", "change_events")


class Reader:
    """Somebody who does what the guide says, in a project of their own."""

    def __init__(self, ansible: Ansible, simulator: Simulator) -> None:
        self._ansible = ansible
        self._simulator = simulator
        ansible.write("pagerduty.key", KEY + "\n").chmod(0o600)

    def __call__(
        self,
        playbook: str,
        *args: str,
        settings: str = "",
        name: str = "deploy.yml",
        cfg: str = QUICK_START,
        **options: Any,
    ) -> Run:
        """Run a playbook with the settings of the quick start and more, which may follow in the same section."""
        cfg = cfg.replace(KEY_FILE, str(self._ansible.project / "pagerduty.key"))
        more = "".join(line for line in settings.splitlines(keepends=True) if line != "[pagerduty]\n")
        env = {"PAGERDUTY_API_URL": self._simulator.url, "ANSIBLE_FORKS": "1", **options.pop("env", {})}
        options.setdefault("inventory", hosts("web1", "web2", "web3"))
        return self._ansible(playbook, *args, cfg=cfg + more, env=env, name=name, **options)


@pytest.fixture
def reader(ansible: Ansible, simulator: Simulator) -> Reader:
    return Reader(ansible, simulator)


def test_quick_start_taking_over_and_resolving(reader: Reader, simulator: Simulator) -> None:
    run = reader(DEPLOY)

    assert run.rc == 2
    assert LINE in run.stdout.splitlines()
    # Of one play: the first failure at once, the rest at its end.
    assert [event.summary for event in events(simulator)] == [
        f"deploy.yml failed on {hosts} hosts: Install nginx ({names})"
        for hosts, names in (("1 of 3", "web2"), ("2 of 3", "web2, web3"))
    ]

    assert reader(TAKE_OVER, "-e", f"vault_pagerduty_key={KEY}", name="take_over.yml").rc == 0
    assert [incident.status for incident in simulator.incidents] == ["acknowledged"]

    mended = DEPLOY.replace("ansible.builtin.fail", "ansible.builtin.debug")
    assert "PagerDuty: 1 incident resolved (ansible:deploy.yml), 1 event accepted, 0 waiting" in reader(mended).stdout
    assert keys(simulator) == []


def test_the_command_to_run_again_for_many_hosts() -> None:
    run = RunContext(command=("ansible-playbook", "deploy.yml"))
    assert run.rerun_command(f"web{number:03}" for number in range(1, 251)) == RERUN


def test_the_ready_playbook_that_checks_the_set_up(reader: Reader, ansible: Ansible, simulator: Simulator) -> None:
    reader("- hosts: localhost\n  gather_facts: false\n  tasks: []\n")  # leaves the quick start's ansible.cfg
    (command,) = re.findall(r"``(ansible-playbook oncall\.pagerduty\.verify)``", GUIDE)
    env = {"PAGERDUTY_API_URL": simulator.url}

    for more, actions in (([], ["resolve"]), (["-e", "page=true"], ["resolve", "trigger", "resolve"])):
        before = len(simulator.requests)
        run = ansible.command(*shlex.split(command), *more, env=env)
        assert run.rc == 0, run.output
        assert [event.action for event in simulator.requests[before:]] == actions
    assert keys(simulator) == []


def test_grouping(reader: Reader, simulator: Simulator) -> None:
    role = {"roles/nginx/tasks/main.yml": yaml.safe_dump(yaml.safe_load(DEPLOY)[0]["tasks"])}
    play = [{"hosts": "all", "gather_facts": False, "roles": ["nginx"]}]

    reader(yaml.safe_dump(play), settings=GROUPED, files=role)

    assert keys(simulator) == [f"ansible:deploy.yml:host={host}:role=nginx" for host in ("web2", "web3")]
    assert all(f"``{name}``" in GUIDE for name in ("ansible:deploy.yml", "ansible:deploy.yml:host=web2:role=nginx"))


def test_routing(reader: Reader, simulator: Simulator) -> None:
    inventory = hosts("web1", "db1")
    inventory["all"]["children"] = {"databases": {"hosts": {"db1": {}}}}
    secret = ["-e", f"vault_databases_pagerduty_key={OTHER_KEY}"]

    assert reader(TEAMS, inventory=inventory).rc == 2
    (mine,) = events(simulator)
    assert (mine.key, payload(mine)["severity"], details(mine)["failed_hosts"]) == (KEY, "critical", ["db1"])
    assert details(mine)["runbook"] == "https://wiki.example.com/db1/migrations"

    simulator.reset()
    reader(TEAMS, *secret, inventory=inventory, files={"group_vars/databases.yml": GROUP_VARS})
    assert [event.key for event in events(simulator)] == [OTHER_KEY]


def test_templates(reader: Reader, simulator: Simulator) -> None:
    run = reader(DEPLOY, "-e", "team=web", settings=TEMPLATES)
    (incident,) = simulator.incidents
    assert incident.summary == "[production] deploy.yml failed on 1 of 3 hosts: Install nginx (web2)"
    assert (incident.details["team"], incident.details["first_host"]) == ("web", "web2")
    assert "WARNING" not in run.output


def test_the_environment_alone_and_resolving_without_a_memory(reader: Reader, simulator: Simulator) -> None:
    env = dict(word.split("=", 1) for word in shlex.split(ENVIRONMENT) if "=" in word)
    assert env["PAGERDUTY_ROUTING_KEY"] == "…"
    env["PAGERDUTY_ROUTING_KEY"] = KEY

    assert reader(DEPLOY, cfg="", env=env).rc == 2
    assert keys(simulator) == ["ansible:deploy.yml"]
    mended = DEPLOY.replace("ansible.builtin.fail", "ansible.builtin.debug")
    reader(mended, cfg="", env={**env, "PAGERDUTY_OUTBOX_PATH": "elsewhere/outbox.sqlite3"})
    assert keys(simulator) == []


def test_two_jobs_of_one_playbook(reader: Reader, simulator: Simulator) -> None:
    app: dict[str, Any] = {"settings": JOBS, "name": "app.yml"}
    reader(DEPLOY, "-e", "app=shop", "-e", "deploy_id=1", **app)
    mended = DEPLOY.replace("ansible.builtin.fail", "ansible.builtin.debug")
    other = reader(mended, "-e", "app=blog", "-e", "deploy_id=2", "-v", **app)
    assert STAYS.strip() in " ".join(other.output.split())
    assert keys(simulator) == ["ansible:app.yml"]
    reader(mended, "-e", "app=shop", "-e", "deploy_id=3", **app)
    assert keys(simulator) == []


def test_change_events(reader: Reader, simulator: Simulator) -> None:
    reader(DEPLOY, settings=CHANGES)
    assert [change.summary for change in simulator.changes] == ["deploy.yml failed: 0 changed on 0 of 3 hosts"]


def test_every_example_of_the_guide_is_used() -> None:
    used = {QUICK_START, DEPLOY, LINE, RERUN, GROUPED, TEAMS, GROUP_VARS, TEMPLATES, TAKE_OVER, ENVIRONMENT, CHANGES}
    used |= {JOBS, STAYS}
    left = [text for _language, text in BLOCKS if text not in used and text.strip() not in used]
    assert [text.split()[1] for text in left] == ["ansible-galaxy"]  # how to install
    assert len(BLOCKS) == GUIDE.count(".. code-block::") == len(used) + 1


def test_every_option_that_the_guide_names_is_one() -> None:
    documented = yaml.safe_load(page_on_failure.DOCUMENTATION)["options"]
    assert {name for name in documented if f"``{name}" not in GUIDE and f"_{name}" not in GUIDE} == SELF_EXPLANATORY
    assert {name for name in _named_options() if name not in documented} == SHARED


#: told by ansible-doc only
SELF_EXPLANATORY = {"component", "class", "client", "client_url"}
#: documented in fragments
SHARED = {"routing_key", "routing_key_file"}


def _named_options() -> Iterator[str]:
    for _language, text in BLOCKS:
        yield from re.findall(r"^(\w+) = ", text.partition("[pagerduty]")[2], re.MULTILINE)
    for name in re.findall(r"\b(?:pagerduty|PAGERDUTY)_([A-Za-z_]+)\b", GUIDE):
        yield name.lower()
