# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "AWX, Automation Platform, execution environments": jobs, run with its examples as the controller would."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import KEY, details, events, keys
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import KEY_FILE, Guide
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.collection import CHECKOUT
from ansible_collections.oncall.pagerduty.tests.support.events import alert, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

pytestmark = pytest.mark.slow

GUIDE = Guide("awx.rst")
REQUIREMENTS = GUIDE.block("yaml", "collections:\n  - name")
ENVIRONMENT = GUIDE.block("yaml", "version: 3")
CFG = GUIDE.block("ini", "flush_timeout = 30")
COMMA = GUIDE.block("ini", "= ,oncall")
INPUTS = GUIDE.block("yaml", "fields:")
IN_ENVIRONMENT = GUIDE.block("yaml", 'env:\n  PAGERDUTY_ROUTING_KEY: "')
IN_FILE = GUIDE.block("yaml", "tower.filename")
VERIFY = GUIDE.block("yaml", "oncall.pagerduty.verify")
ON_DISK = GUIDE.block("ini", "outbox_path")
DRAIN = GUIDE.block("yaml", "oncall.pagerduty.drain_outbox")
RUNNER = GUIDE.block("yaml", "ANSIBLE_CALLBACKS_ENABLED")

OWN_CALLBACK = "indirect_instance_count"
BROKEN = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Unpack\n      ansible.builtin.fail:\n"
MENDED = BROKEN.replace("builtin.fail", "builtin.debug")
#: what AWX adds to each job
EXTRA = ["-e", "awx_job_id=7 awx_job_template_name='Deploy the shop' awx_user_name=ann awx_execution_node=node1"]


class Controller:
    """Runs a job: the project's ansible.cfg, a credential's injector, and the variables that AWX sets itself."""

    def __init__(self, ansible: Ansible, simulator: Simulator) -> None:
        self._ansible = ansible
        self._simulator = simulator

    def __call__(
        self, playbook: str, cfg: str, injector: str = IN_ENVIRONMENT, joined_by: str = ",", **env: str
    ) -> Run:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(cfg)
        env = {
            "PAGERDUTY_API_URL": self._simulator.url,
            "ANSIBLE_CALLBACKS_ENABLED": OWN_CALLBACK + joined_by + parser["defaults"]["callbacks_enabled"],
            "AWX_HOST": "https://awx.example.com",
            **self._injected(injector),
            **env,
        }
        run = self._ansible(playbook, *EXTRA, cfg=cfg, env=env, name="deploy.yml")
        assert_no_secret([run.output, run.results], KEY)
        return run

    def _injected(self, injector: str) -> dict[str, str]:
        (field,) = yaml.safe_load(INPUTS)["fields"]
        known: dict[str, Any] = {field["id"]: KEY}
        rules = yaml.safe_load(injector)
        if "file" in rules:
            file = self._ansible.write("injected", jinja2.Template(rules["file"]["template"]).render(known))
            file.chmod(0o600)
            known["tower"] = {"filename": str(file)}
        return {name: jinja2.Template(value).render(known) for name, value in rules["env"].items()}


def test_a_job_without_a_lasting_disk(ansible: Ansible, simulator: Simulator) -> None:
    controller = Controller(ansible, simulator)

    assert controller(BROKEN, CFG).rc == 2
    (event,) = events(simulator)
    assert keys(simulator) == ["ansible:Deploy the shop"]
    assert str(event.summary).startswith("Deploy the shop failed on ")
    said = details(event)
    assert (said["build"], said["user"], said["controller"]) == ("AWX job 7", "ann", "node1")
    assert str(simulator.incidents[0].client_url).startswith("https://awx.example.com/")

    controller(MENDED, CFG, IN_FILE, PAGERDUTY_OUTBOX_PATH="gone/outbox.sqlite3")
    assert keys(simulator) == []


def test_a_controller_that_joins_with_a_colon(ansible: Ansible, simulator: Simulator) -> None:
    controller = Controller(ansible, simulator)

    without = " ".join(controller(BROKEN, CFG, joined_by=":").output.split())
    assert events(simulator) == []
    said = f"Skipping callback plugin '{OWN_CALLBACK}:oncall.pagerduty.page_on_failure', unable to load"
    assert said in without
    assert said in " ".join(GUIDE.text.split())

    controller(BROKEN, COMMA, joined_by=":")
    assert len(events(simulator)) == 1


def test_verify_and_drain_from_the_project_with_an_outbox_on_a_volume(
    ansible: Ansible, simulator: Simulator, tmp_path: Path
) -> None:
    controller = Controller(ansible, simulator)
    path = tmp_path / "volume" / "outbox.sqlite3"
    cfg = ON_DISK.replace("/var/lib/pagerduty/outbox.sqlite3", str(path))

    verified = controller(VERIFY, cfg)
    assert verified.rc == 0, verified.output
    assert f"Outbox: {path}, can be written" in verified.output
    assert [event.action for event in simulator.accepted] == ["resolve"]

    Outbox(Database(str(path))).put(alert("a"), route(simulator.url))
    drained = controller(DRAIN, cfg)
    assert drained.rc == 0, drained.output
    assert [event.action for event in simulator.accepted] == ["resolve", "trigger"]


def test_the_variables_for_ansible_runner(ansible: Ansible, simulator: Simulator) -> None:
    key_file = ansible.write("pagerduty.key", KEY + "\n")
    key_file.chmod(0o600)
    env = yaml.safe_load(RUNNER.replace(KEY_FILE, str(key_file)))

    assert ansible(BROKEN, env={**env, "PAGERDUTY_API_URL": simulator.url}).rc == 2
    assert keys(simulator) == ["ansible:playbook.yml"]


def test_the_lists_of_requirements_name_this_collection() -> None:
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text("utf-8"))
    name = f"{galaxy['namespace']}.{galaxy['name']}"
    assert yaml.safe_load(REQUIREMENTS) == {"collections": [{"name": name}]}
    environment = yaml.safe_load(ENVIRONMENT)
    assert environment["version"] == 3
    assert environment["dependencies"]["galaxy"] == {"collections": [{"name": name}]}
    # What ansible-builder installs for it.
    own = yaml.safe_load((CHECKOUT / "meta" / "execution-environment.yml").read_text("utf-8"))
    assert "\nrequests" in (CHECKOUT / own["dependencies"]["python"]).read_text("utf-8")


def test_every_example_of_the_guide_is_used() -> None:
    assert GUIDE.left == []
