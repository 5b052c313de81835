# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The integration tests' own tools tell what ansible-playbook really did, and keep the user's set-up out of it."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import UNREACHABLE, Ansible
from ansible_collections.oncall.pagerduty.tests.support import collection


def test_results_of_every_kind_are_recorded(ansible: Ansible) -> None:
    run = ansible(
        """
        - hosts: web1,web2
          gather_facts: false
          tasks:
            - {name: fine, ansible.builtin.command: "echo {{ greeting }}", changed_when: true}
            - {name: skipped, ansible.builtin.debug: {msg: no}, when: false}
            - {name: ignored, ansible.builtin.fail: {msg: broken}, ignore_errors: true}
            - {name: looped, ansible.builtin.debug: {msg: "{{ item }}"}, loop: [a, b]}
            - {name: fails on one, ansible.builtin.fail: {msg: really}, when: inventory_hostname == "web2"}
        """,
        inventory="web1\nweb2\n[all:vars]\nansible_connection=local\ngreeting=hello\n",
    )

    assert run.rc == 2
    assert run.task("fine", "web1").result["stdout"] == "hello"
    assert run.task("skipped", "web1").status == "skipped"
    assert (run.task("ignored", "web2").status, run.task("ignored", "web2").ignored) == ("failed", True)
    assert [item.result["msg"] for item in run.items("looped", "web1")] == ["a", "b"]
    assert run.task("fails on one", "web2").result["msg"] == "really"
    assert run.stats is not None
    assert (run.stats["web1"]["failures"], run.stats["web2"]["failures"]) == (0, 1)
    with pytest.raises(LookupError, match="0 results of task 'absent'"):
        run.task("absent", "web1")


def test_an_unreachable_host_is_recorded(ansible: Ansible) -> None:
    run = ansible.tasks(
        [{"name": "reach", "ansible.builtin.ping": {}}],
        play={"hosts": "gone"},
        inventory={"all": {"hosts": {"gone": UNREACHABLE}}},
    )

    assert run.rc == 4
    assert run.task("reach", "gone").status == "unreachable"


def test_modules_run_with_the_interpreter_of_the_tests(ansible: Ansible) -> None:
    run = ansible.tasks([{"name": "facts", "ansible.builtin.setup": {"gather_subset": ["!all", "python"]}}])

    assert run.task("facts").result["ansible_facts"]["ansible_python"]["executable"] == sys.executable


def test_the_users_settings_are_kept_out(ansible: Ansible, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 77\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "ansible.cfg"))
    monkeypatch.setenv("ANSIBLE_TIMEOUT", "77")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    changed = ansible.command("ansible-config", "dump", "--only-changed", "-t", "base").stdout
    proxies = ansible.tasks([{"name": "proxies", "ansible.builtin.command": "env", "changed_when": False}])

    assert "NOCOLOR" in changed
    assert not {"DEFAULT_FORKS", "DEFAULT_TIMEOUT"} & set(re.findall(r"^\w+", changed, re.MULTILINE))
    assert "proxy" not in proxies.task("proxies").result["stdout"].lower()


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_ended(ansible: Ansible) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ansible.tasks([{"name": "wait", "ansible.builtin.command": "sleep 61"}], timeout=3)


def test_what_is_installed_is_what_users_need(tmp_path: Path) -> None:
    with tarfile.open(collection.build(tmp_path)) as tarball:
        names = {name.split("/")[0] for name in tarball.getnames()}

    wanted = {"LICENSE", "LICENSES", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "changelogs", "requirements.txt"}
    wanted |= {"FILES.json", "MANIFEST.json", "docs", "extensions", "meta", "playbooks", "plugins", "roles"}
    assert names - wanted == set(), "remove them, or name them in galaxy.yml under build_ignore"
