# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "Migrating": what it says is the same is the same to PagerDuty, and its tables name options that exist."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import CHANGE, INCIDENT
from ansible_collections.oncall.pagerduty.plugins.modules import incident
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import KEY
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import Guide
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

pytestmark = pytest.mark.slow

GUIDE = Guide("migrating.rst")
V2 = GUIDE.block("yaml", "api_version: v2"), GUIDE.block("yaml", "severity: critical\n    class: replication")
V1 = GUIDE.block("yaml", "service_id: "), GUIDE.block("yaml", "api_version: v1\n    routing_key")
CHANGED = GUIDE.block("yaml", "pagerduty_change"), GUIDE.block("yaml", "oncall.pagerduty.change")
NOTIFICATION = GUIDE.block("ini", "resolve_on_success")
GOPHERDUTY = GUIDE.block("yaml", "client.Trigger")

#: a row of one of the tables: an option's old name, its new one, what is different
ROW = re.compile(r"^``(\w+)`` +(``\w+``|none)(?: +(.*))?$", re.MULTILINE)
#: what the modules of community.general 11.4.2 know
OLD = {
    "pagerduty_alert": "api_key api_version client client_url component custom_details desc incident_class incident_key"
    " integration_key link_text link_url name service_id service_key severity source state",
    "pagerduty_change": "environment integration_key link_text link_url repo revision source summary url user"
    " validate_certs",
}
KINDS = {"pagerduty_alert": INCIDENT, "pagerduty_change": CHANGE}


def test_before_and_after_are_the_same_to_pagerduty(ansible: Ansible, simulator: Simulator) -> None:
    tasks: list[dict[str, Any]] = []
    for before, after in (V2, CHANGED):
        tasks += [renamed(one) for one in yaml.safe_load(before)] + yaml.safe_load(after)
    tasks += yaml.safe_load(V1[1]) + yaml.safe_load(GOPHERDUTY)

    run = ansible.tasks(tasks, "-e", f"vault_pagerduty_key={KEY}", env={"PAGERDUTY_API_URL": simulator.url})

    assert run.rc == 0, run.output
    bodies = [without_time(received.json) for received in simulator.accepted]
    assert len(bodies) == len(tasks) == 6
    assert bodies[0] == bodies[1]
    assert bodies[2] == bodies[3]
    assert [(received.api, received.action) for received in simulator.accepted[4:]] == [
        ("v1", "resolve"),
        ("v1", "trigger"),
    ]


def test_what_the_old_module_needs_for_api_v1_is_named_by_the_task_that_no_longer_knows_it(ansible: Ansible) -> None:
    keys = ["-e", "vault_pagerduty_key=x vault_pagerduty_rest_key=y"]
    run = ansible.tasks([renamed(one) for one in yaml.safe_load(V1[0])], *keys)
    (result,) = run.results
    assert result.result["msg"].endswith("there is no option api_key, name, service_id")


@pytest.mark.parametrize("module", OLD)
def test_the_table_has_every_old_option_and_no_wrong_one(module: str) -> None:
    kind = KINDS[module]
    rows = table(module)
    assert sorted(old for old, _new, _note in rows) == sorted(OLD[module].split())
    for old, new, note in rows:
        known_as = {alias: name for name, spec in kind.spec.items() for alias in (name, *spec.get("aliases", ()))}
        if new == "none":
            assert old not in known_as
        else:
            assert new.strip("`") in kind.spec
            # The short forms of a link are options of their own.
            assert known_as[old] in (new.strip("`"), "link_url", "link_text")
            assert (old != new.strip("`")) == ("under the old name" in note)


@pytest.mark.parametrize(
    ("module", "option", "default"),
    [
        ("pagerduty_alert", "state", "triggered"),
        ("pagerduty_alert", "api_version", "v2"),
        ("pagerduty_alert", "severity", "error"),
        ("pagerduty_alert", "client", "Ansible"),
    ],
)
def test_the_defaults_that_the_table_names(module: str, option: str, default: str) -> None:
    (note,) = [note for old, _new, note in table(module) if old == option]
    assert KINDS[module].spec[option]["default"] == default
    assert f"``{default}``" in note


def test_the_other_tables_name_what_there_is() -> None:
    returned = yaml.safe_load(incident.RETURN)
    part = GUIDE.text.partition("gopherduty               incident")[2].partition("gopherduty tries")[0]
    rows = re.findall(r"^``([\w()]+)`` +``([\w:]+)[^`]*``", part, re.MULTILINE)
    assert len(rows) == 10
    for _old, new in rows:
        assert new.partition(":")[0] in {*returned, *INCIDENT.spec}
    options = yaml.safe_load(page_on_failure.DOCUMENTATION)["options"]
    named = re.findall(r"^(?:Client|Start|Custom).*", GUIDE.text, re.MULTILINE)
    assert {name for line in named for name in re.findall(r"``(\w+)``", line)} <= options.keys()


def test_the_callback_in_the_place_of_a_notification(ansible: Ansible, simulator: Simulator) -> None:
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "break", "ansible.builtin.fail": {}}]}]
    run = ansible(play, cfg=NOTIFICATION, env={"PAGERDUTY_API_URL": simulator.url, "PAGERDUTY_ROUTING_KEY": KEY})
    assert run.rc == 2
    assert [received.action for received in simulator.accepted] == ["trigger"]


def test_every_example_of_the_guide_is_used() -> None:
    assert GUIDE.left == []


def renamed(task: dict[str, Any]) -> dict[str, Any]:
    """A task of community.general with nothing but its module's name changed."""
    names = {"community.general.pagerduty_alert": INCIDENT, "community.general.pagerduty_change": CHANGE}
    return {f"oncall.pagerduty.{names[key].name}" if key in names else key: value for key, value in task.items()}


def table(module: str) -> list[tuple[str, str, str]]:
    """The rows of the table about a module."""
    part = re.split(rf"^{module} +\w+ +What is different\n", GUIDE.text, flags=re.MULTILINE)[1]
    body = re.split(r"^=.*\n", part, flags=re.MULTILINE)[1]
    return [(match[1], match[2], match[3] or "") for match in ROW.finditer(body)]


def without_time(body: Any) -> Any:
    """An event's body without the moment at which it was made."""
    return {**body, "payload": {**body["payload"], "timestamp": None}} if "payload" in body else body
