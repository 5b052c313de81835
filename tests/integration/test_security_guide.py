# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "Security": its examples, the list of what leaves the controller, and what is on its disk."""

from __future__ import annotations

import inspect
import re
import stat

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _incident_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    KEY,
    OTHER_KEY,
    details,
    events,
    fail,
    hosts,
    play,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import KEY_FILE, Guide
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.events import KEY as SENT_KEY
from ansible_collections.oncall.pagerduty.tests.support.events import alert, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

pytestmark = pytest.mark.slow

GUIDE = Guide("security.rst")
FILE = GUIDE.block("ini", "[pagerduty]\nrouting_key_file")
SEVERAL = GUIDE.block("yaml", "vault_databases_pagerduty_key")
REDACT = GUIDE.block("ini", "redact_variables")

CUSTOMER = "Wagenknecht-Brot"


def test_an_encrypted_key_file_and_variables_that_are_redacted(ansible: Ansible, simulator: Simulator) -> None:
    key_file = ansible.write("pagerduty.key", KEY + "\n")
    ansible.write("vault-password", "s3same\n")
    (command,) = re.findall(r"\$ (ansible-vault encrypt) /", GUIDE.block("console", "ansible-vault encrypt /"))
    encrypted = ansible.command(*command.split(), "--vault-password-file", "vault-password", str(key_file))
    assert encrypted.rc == 0, encrypted.output
    assert key_file.read_text().startswith("$ANSIBLE_VAULT")
    inventory = hosts("web1", web1={"customer_name_of_web1": CUSTOMER, "my_password": "hunter-2-hunter"})
    plays = [play("Deploy", "all", fail("Unpack", message="{{ customer_name_of_web1 }} {{ my_password }} is unknown"))]
    vault = ["--vault-password-file", "vault-password"]
    env = {"PAGERDUTY_API_URL": simulator.url}

    assert set(FILE.splitlines()) <= set(REDACT.splitlines())
    run = ansible(plays, *vault, cfg=REDACT.replace(KEY_FILE, str(key_file)), inventory=inventory, env=env)

    assert run.rc == 2
    (event,) = events(simulator)
    assert (event.key, details(event)["message"]) == (KEY, "******** ******** is unknown")
    assert_no_secret(run.output, KEY)


def test_a_key_in_the_inventory(ansible: Ansible, simulator: Simulator) -> None:
    run = ansible(
        [play("Deploy", "all", fail("Unpack"))],
        "-e",
        f"vault_databases_pagerduty_key={OTHER_KEY}",
        cfg=REDACT.replace(KEY_FILE, "none"),
        inventory=hosts("db1"),
        files={"group_vars/all.yml": SEVERAL},
        env={"PAGERDUTY_API_URL": simulator.url},
    )
    assert [event.key for event in events(simulator)] == [OTHER_KEY], run.output


def test_every_field_that_leaves_the_controller_is_named() -> None:
    source = inspect.getsource(_incident_text.details) + inspect.getsource(_incident_text._failure)
    fields = set(re.findall(r'entries\["(\w+)"\]|^        "(\w+)":|\{"(\w+)": run', source, re.MULTILINE))
    names = {name for found in fields for name in found if name}
    assert {"job", "message", "rerun", "other_failures"} <= names
    part = GUIDE.text.partition("What leaves the controller\n---")[2].partition("\nWhat is masked in it\n")[0]
    assert {name for name in names if f"``{name}``" not in part} == set()
    assert {*re.findall(r"``(\w+)``", part)} - names == {"custom_details", "source"}


def test_what_is_on_the_controllers_disk(ansible: Ansible, simulator: Simulator) -> None:
    folder = ansible.home / ".ansible" / "oncall.pagerduty"
    database = Database(str(folder / "outbox.sqlite3"))
    Outbox(database).put(alert("a"), route(simulator.url))
    database.close()

    def holders() -> set[str]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        return {path.name for path in files if SENT_KEY.encode() in path.read_bytes()}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert holders() == {"outbox.sqlite3"}
    assert ansible.command("ansible-playbook", "oncall.pagerduty.drain_outbox").rc == 0
    assert [event.key for event in simulator.accepted] == [SENT_KEY]
    assert holders() == set()


def test_every_example_of_the_guide_is_used() -> None:
    assert GUIDE.left == []
