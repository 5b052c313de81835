# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that are run by name: what they do, and what a person reads who runs them."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.modules import settings_info
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.environment import ansible_command
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY, alert, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

VERIFY = "oncall.pagerduty.verify"
DRAIN = "oncall.pagerduty.drain_outbox"
#: what holds unless a test says otherwise: nothing may leave this machine
NOWHERE = {"PAGERDUTY_API_URL": "http://127.0.0.1:9", "PAGERDUTY_RETRY_BASE_INTERVAL": "0.05"}
CALLBACK = {"ANSIBLE_CALLBACKS_ENABLED": "oncall.pagerduty.page_on_failure"}


@pytest.fixture
def path(ansible: Ansible) -> Path:
    """Where the outbox is by default."""
    return ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3"


def ready(ansible: Ansible, name: str, *args: str, cfg: str = "", **env: str) -> Run:
    """Run a playbook by its name, as a person would, and look for the key in all that is shown."""
    ansible.write("ansible.cfg", cfg)
    run = ansible.command("ansible-playbook", name, *args, env={**NOWHERE, **env})
    assert_no_secret(run.output, KEY, OTHER_KEY)
    return run


def plain(run: Run) -> str:
    """What was printed, without the line breaks that depend on the terminal."""
    return " ".join(run.output.replace("\n[", " [").split())


# --- verify ---------------------------------------------------------------------------------------------------------


def test_all_is_well(ansible: Ansible, simulator: Simulator, path: Path) -> None:
    run = ready(ansible, VERIFY, PAGERDUTY_API_URL=simulator.url, PAGERDUTY_ROUTING_KEY=KEY)
    assert run.rc == 0, run.output
    for line in (
        f"PagerDuty: {simulator.url}, by PAGERDUTY_API_URL in the environment",
        "Integration key: PAGERDUTY_ROUTING_KEY in the environment",
        "Callback page_on_failure: not enabled; to page by itself, callbacks_enabled in ansible.cfg needs ",
        f"Outbox: {path}, can be written",
        "PagerDuty answered 202 (Event processed) within ",
        "Nobody was paged. With -e page=true somebody is.",
    ):
        assert line in run.stdout
    assert re.search(r"Library requests: \d+\.\d+", run.stdout)
    assert [(event.action, event.dedup_key) for event in simulator.accepted] == [
        ("resolve", f"ansible:verify:{os.uname().nodename}")
    ]
    assert simulator.incidents == []
    assert not path.exists()


def test_somebody_is_paged_if_that_is_wanted(ansible: Ansible, simulator: Simulator) -> None:
    run = ready(ansible, VERIFY, "-e", "page=true", PAGERDUTY_API_URL=simulator.url, PAGERDUTY_ROUTING_KEY=KEY)
    assert run.rc == 0, run.output
    assert "Somebody was paged, and the incident is resolved." in run.stdout
    (incident,) = simulator.incidents
    assert (incident.status, [entry.action for entry in incident.log]) == ("resolved", ["trigger", "resolve"])


def test_the_key_and_the_callback_in_ansible_cfg(ansible: Ansible, simulator: Simulator) -> None:
    ansible.write("pagerduty.key", KEY).chmod(0o600)
    cfg = (
        "[defaults]\ncallbacks_enabled = oncall.pagerduty.page_on_failure\n"
        "[pagerduty]\nrouting_key_file = pagerduty.key\n"
    )
    run = ready(ansible, VERIFY, cfg=cfg, PAGERDUTY_API_URL=simulator.url)
    assert run.rc == 0, run.output
    assert f"Integration key: routing_key_file under [pagerduty] in {ansible.project / 'ansible.cfg'}" in run.stdout
    assert "Callback page_on_failure: enabled" in run.stdout


@pytest.mark.parametrize(
    "enabled", [pytest.param({}, marks=pytest.mark.slow), CALLBACK], ids=["tasks only", "with the callback"]
)
def test_misspelt_settings_are_said_and_those_of_the_callback_are_none(
    ansible: Ansible, simulator: Simulator, enabled: dict[str, str]
) -> None:
    cfg = "[pagerduty]\nseverty = critical\nresolve_on_success = never\njob_name = x\n"
    settings = {"PAGERDUTY_API_URL": simulator.url, "PAGERDUTY_ROUTING_KEY": KEY, "PAGERDUTY_FLUSH_TIMEOUT": "5"}
    misspelt = {"PAGERDUTY_OUTBOX_PTH": "/x"}
    run = ready(
        ansible, VERIFY, "-e", "pagerduty_sumary=x pagerduty_group=y", cfg=cfg, **settings, **misspelt, **enabled
    )
    assert run.rc == 0, run.output
    said = re.findall(r"there is no setting (\w+)", plain(run))
    assert sorted(said) == ["PAGERDUTY_OUTBOX_PTH", "pagerduty_sumary", "severty"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("group_by = playbook, hosts", "group_by: "),
        ("flush_timeout = inf", "flush_timeout: "),
        ("routing_key_file = no-such.key", "routing_key_file: "),
    ],
)
def test_a_callback_that_would_page_nobody_is_a_problem(
    ansible: Ansible, simulator: Simulator, setting: str, problem: str
) -> None:
    settings = {"PAGERDUTY_API_URL": simulator.url, **CALLBACK}
    if not setting.startswith("routing_key"):
        settings["PAGERDUTY_ROUTING_KEY"] = KEY
    run = ready(ansible, VERIFY, cfg=f"[pagerduty]\n{setting}\n", **settings)
    assert run.rc == 2
    assert f"Callback page_on_failure: enabled, but nobody would be paged: {problem}" in plain(run)


@pytest.mark.parametrize(
    ("setting", "env", "said"),
    [
        pytest.param("enabled = no", {}, "switched off by enabled under [pagerduty] in /", marks=pytest.mark.slow),
        ("", {"ENABLED": "0"}, "but nobody would be paged: switched off by PAGERDUTY_ENABLED in the environment"),
        ("enabled = yes # always", {}, "enabled; enabled: 'yes # always' was given; expected true or false"),
        ("severity = urgent", {}, "enabled; severity: failed=urgent was given; expected"),
        # Each of several is said.
        ("page_on = faild", {"TIMEOUT": "10s"}, "(set by PAGERDUTY_TIMEOUT in the environment)"),
    ],
)
def test_a_callback_that_is_switched_off_or_mistyped_is_a_problem(
    ansible: Ansible, simulator: Simulator, setting: str, env: dict[str, str], said: str
) -> None:
    settings = {"PAGERDUTY_API_URL": simulator.url, "PAGERDUTY_ROUTING_KEY": KEY, **CALLBACK}
    given = {f"PAGERDUTY_{name}": value for name, value in env.items()}
    run = ready(ansible, VERIFY, cfg=f"[pagerduty]\n{setting}\n", **settings, **given)
    assert run.rc == 2
    assert "Callback page_on_failure: enabled" in plain(run)
    assert said in plain(run)
    assert ("page_on: 'faild' was given; expected one of failed, " in plain(run)) is ("faild" in setting)
    assert simulator.requests == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "files", "is_silent"),
    [
        pytest.param(["-e", "pagerduty_enabled=no"], {}, True, marks=pytest.mark.slow),
        (["-i", "hosts"], {"hosts": "web1\nweb2\n", "group_vars/all.yml": "pagerduty_enabled: false\n"}, True),
        (["-i", "hosts"], {"hosts": "web1 pagerduty_enabled=no\nweb2 pagerduty_enabled=\n"}, False),
    ],
    ids=["extra variable", "every host", "one of two"],
)
def test_variables_that_silence_every_host_are_a_problem(
    ansible: Ansible, simulator: Simulator, args: list[str], files: dict[str, str], is_silent: bool
) -> None:
    for name, text in files.items():
        ansible.write(name, text)
    run = ready(ansible, VERIFY, *args, PAGERDUTY_API_URL=simulator.url, PAGERDUTY_ROUTING_KEY=KEY, **CALLBACK)
    assert run.rc == (2 if is_silent else 0), run.output
    fault = "nobody would be paged: the variable pagerduty_enabled is false for every host of the inventory"
    assert (fault in plain(run)) is is_silent


def test_a_callback_whose_name_is_misspelt_is_a_problem(ansible: Ansible, simulator: Simulator) -> None:
    settings = {"PAGERDUTY_API_URL": simulator.url, "PAGERDUTY_ROUTING_KEY": KEY}
    run = ready(ansible, VERIFY, **settings, ANSIBLE_CALLBACKS_ENABLED="oncall.pagerduty.page_on_failures")
    assert run.rc == 2
    assert "not enabled; callbacks_enabled has oncall.pagerduty.page_on_failures, is oncall." in plain(run)


def test_what_is_empty_and_what_is_misspelt_is_said_and_no_problem(ansible: Ansible, simulator: Simulator) -> None:
    cfg = "[pager_duty]\nseverity = info\n[pagerduty]\nsevrity = info\nvalidate_certs =\n"
    empty = {"PAGERDUTY_ENABLED": "", "PAGERDUTY_REDACT_VARIABLES": " ", "PAGERDUTY_QUEUE": ""}
    settings = {
        "PAGERDUTY_API_URL": simulator.url,
        "PAGERDUTY_ROUTING_KEY": KEY,
        "PAGERDUTY_GROUPBY": "host",
        **CALLBACK,
    }
    run = ready(ansible, VERIFY, "-e", "pagerduty_rooting_key=x", cfg=cfg, **settings, **empty)
    assert run.rc == 0, run.output
    for name in empty:
        assert plain(run).count(f"Ignored: {name} in the environment is empty, which counts as not given") == 1
    assert plain(run).count("Ignored: validate_certs under [pagerduty] in ") == 1
    assert "there is no section [pager_duty], which stands in " in plain(run)
    said = re.findall(r"there is no setting (\w+)", plain(run))
    assert sorted(said) == ["PAGERDUTY_GROUPBY", "pagerduty_rooting_key", "sevrity"]


def test_a_word_that_is_neither_yes_nor_no_pages_nobody_and_is_refused(ansible: Ansible, simulator: Simulator) -> None:
    settings = {"PAGERDUTY_API_URL": simulator.url, "PAGERDUTY_ROUTING_KEY": KEY}
    run = ready(ansible, VERIFY, "-e", "page=ture", **settings)
    assert run.rc == 2
    assert "page: 'ture' was given; expected true or false." in plain(run)
    assert simulator.requests == []


def test_no_key(ansible: Ansible, simulator: Simulator) -> None:
    run = ready(ansible, VERIFY, PAGERDUTY_API_URL=simulator.url)
    assert run.rc == 2
    assert "Integration key: none was found; see routing_key in ansible-doc oncall.pagerduty.incident" in plain(run)
    assert simulator.requests == []


def test_a_key_that_is_none(ansible: Ansible, simulator: Simulator) -> None:
    run = ready(ansible, VERIFY, PAGERDUTY_API_URL=simulator.url, PAGERDUTY_ROUTING_KEY="R-short")
    assert run.rc == 2
    assert "the value given has 7 characters; expected a PagerDuty integration key: 32 letters and digits" in plain(run)
    assert simulator.requests == []


def test_a_key_that_pagerduty_does_not_know(ansible: Ansible) -> None:
    with Simulator(keys=[OTHER_KEY]) as pagerduty:
        run = ready(ansible, VERIFY, PAGERDUTY_API_URL=pagerduty.url, PAGERDUTY_ROUTING_KEY=KEY)
    assert run.rc == 2
    assert "Integration key: PAGERDUTY_ROUTING_KEY in the environment" in plain(run)
    assert "Invalid routing key" in plain(run)
    assert len(pagerduty.requests) == 1


def test_no_network(ansible: Ansible, path: Path) -> None:
    run = ready(ansible, VERIFY, PAGERDUTY_ROUTING_KEY=KEY, **CALLBACK)
    assert run.rc == 2
    assert "no connection to 127.0.0.1:9: Connection refused" in plain(run)
    assert "What to do: check the network, the proxy and the firewall between here and 127.0.0.1:9" in plain(run)
    # Nobody is paged about a check that a person has just seen fail.
    assert not path.exists()


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PAGERDUTY_REGION": "mars"}, "PagerDuty: settings: value of region must be one of: us, eu, got: mars"),
        ({"PAGERDUTY_API_URL": "http://example.com"}, "would send the integration key unencrypted"),
        ({"PAGERDUTY_OUTBOX_PATH": "FOLDER/pipe/x/o"}, "cannot be made: FOLDER/pipe is no folder that can be written"),
        ({"PAGERDUTY_OUTBOX_PATH": "FOLDER/pipe"}, "Outbox: FOLDER/pipe, cannot be used: "),
        ({"PAGERDUTY_QUEUE": "sometimes"}, "Tasks: settings: value of queue must be one of: false, on_failure, always"),
        ({"PAGERDUTY_VALIDATE_CERTS": "ture"}, "PagerDuty: validate_certs: 'ture' was given; expected true or false"),
        ({"PAGERDUTY_COURIER_LINGER": "-1"}, "(set by PAGERDUTY_COURIER_LINGER in the environment)"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_used(ansible: Ansible, env: dict[str, str], said: str) -> None:
    pipe = ansible.project / "pipe"
    os.mkfifo(pipe)
    before = pipe.stat()
    given = {name: value.replace("FOLDER", str(ansible.project)) for name, value in env.items()}
    run = ready(ansible, VERIFY, PAGERDUTY_ROUTING_KEY=KEY, **given)
    assert run.rc == 2
    assert said.replace("FOLDER", str(ansible.project)) in plain(run)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert pipe.stat().st_ino == before.st_ino


def test_a_broken_outbox(ansible: Ansible, simulator: Simulator, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("not a database\n" * 100)
    run = ready(ansible, VERIFY, PAGERDUTY_API_URL=simulator.url, PAGERDUTY_ROUTING_KEY=KEY)
    assert run.rc == 2
    assert f"Outbox: {path}, cannot be used: outbox.sqlite3 is a file that this collection has not made" in plain(run)


def test_events_that_wait_are_told(ansible: Ansible, simulator: Simulator, path: Path) -> None:
    Outbox(Database(str(path))).put(alert("a"), route("http://127.0.0.1:9"))
    run = ready(ansible, VERIFY, PAGERDUTY_API_URL=simulator.url, PAGERDUTY_ROUTING_KEY=KEY)
    assert run.rc == 0, run.output
    assert "The outbox has 1 event waiting." in run.stdout


@pytest.mark.parametrize("proxy", ["http://ann:s3cret-word@127.0.0.1:9"])
def test_a_proxys_password_is_not_shown(ansible: Ansible, proxy: str) -> None:
    run = ready(ansible, VERIFY, "-vvv", PAGERDUTY_PROXY=proxy, PAGERDUTY_ROUTING_KEY=KEY)
    assert run.rc == 2
    assert "through the proxy http://********@127.0.0.1:9" in plain(run)
    assert_no_secret(run.output, "s3cret-word")


def test_without_the_http_library(ansible: Ansible, tmp_path: Path) -> None:
    """An interpreter that has ansible-core but not requests: what a fresh pip install of ansible-core gives."""
    site = Path(sys.modules["ansible"].__file__ or "").parents[1]
    venv.create(tmp_path / "bare", symlinks=True)
    (packages,) = (tmp_path / "bare" / "lib").glob("python*/site-packages")
    for entry in site.iterdir():
        if not entry.name.startswith("requests"):
            (packages / entry.name).symlink_to(entry)
    env = {**ansible.environment(), **NOWHERE, "PAGERDUTY_ROUTING_KEY": KEY}
    command = [str(tmp_path / "bare" / "bin" / "python"), ansible_command("ansible-playbook"), VERIFY]
    done = subprocess.run(
        command, cwd=ansible.project, env=env, capture_output=True, text=True, check=False, timeout=250
    )
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, output
    assert "Library requests: not installed for ansible-playbook's Python" in output
    assert f"ansible-playbook {DRAIN}" in output
    assert_no_secret(output, KEY)


# --- drain_outbox ---------------------------------------------------------------------------------------------------


def test_what_waits_is_sent(ansible: Ansible, simulator: Simulator, path: Path) -> None:
    outbox = Outbox(Database(str(path)))
    outbox.put(alert("a"), route(simulator.url))
    outbox.put(alert("a", "resolve"), route(simulator.url))
    run = ready(ansible, DRAIN)
    assert run.rc == 0, run.output
    assert "2 events sent; the outbox is empty." in run.stdout
    assert [event.action for event in simulator.accepted] == ["trigger", "resolve"]


def test_nothing_to_send(ansible: Ansible, path: Path) -> None:
    run = ready(ansible, DRAIN)
    assert run.rc == 0, run.output
    assert "The outbox is empty." in run.stdout
    assert not path.exists()


@pytest.mark.slow
def test_what_cannot_be_sent_fails_it_and_pages_nobody(ansible: Ansible, path: Path) -> None:
    outbox = Outbox(Database(str(path)))
    outbox.put(alert("a"), route("http://127.0.0.1:9"))
    env = {"PAGERDUTY_ROUTING_KEY": KEY, "PAGERDUTY_COURIER_LINGER": "0.1"}
    run = ready(ansible, DRAIN, "-e", "limit=8", **env, **CALLBACK)
    assert run.rc == 2
    assert "The outbox has 1 event waiting. That is after 8 s. The last attempt failed: " in plain(run)
    assert len(outbox.entries()) == 1


def test_what_is_refused_is_told_with_the_reason(ansible: Ansible, simulator: Simulator, path: Path) -> None:
    simulator.add_fault(Fault("status", code=400, body="json"))
    Outbox(Database(str(path))).put(alert("a"), route(simulator.url))
    run = ready(ansible, DRAIN)
    assert run.rc == 2
    assert re.search(r"The outbox has 1 event that PagerDuty has refused \(.*400", plain(run))
    again = ready(ansible, DRAIN)
    assert again.rc == 0, again.output


# --- settings_info --------------------------------------------------------------------------------------------------


def test_settings_info_says_what_its_documentation_promises(ansible: Ansible) -> None:
    tasks: list[dict[str, Any]] = [{"name": "look", "oncall.pagerduty.settings_info": {}}]
    documented = yaml.safe_load(settings_info.RETURN)
    for args in ((), ("--check",)):
        run = ansible.tasks(tasks, *args, play={"vars": {"pagerduty_routing_key": KEY, "pagerduty_region": "eu"}})
        assert run.rc == 0, run.output
        result = run.task("look").result
        assert documented.keys() <= result.keys()
        assert result["origins"] == {
            "region": "pagerduty_region of the host",
            "routing_key": "pagerduty_routing_key of the host",
        }
        assert (result["changed"], result["problems"], result["key_from"]) == (
            False,
            [],
            "pagerduty_routing_key of the host",
        )
        assert result["base_url"] == "https://events.eu.pagerduty.com"
        assert_no_secret([run.output, run.results], KEY)
    refused = ansible.tasks([{"name": "look", "oncall.pagerduty.settings_info": {"state": "all"}}])
    assert refused.task("look").result["msg"] == "settings_info: there is no option state"
