# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "ansible-pull, and machines called localhost": real ansible-pull, with a repository on this machine."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    KEY,
    Play,
    cfg,
    events,
    fail,
    keys,
    ok,
    payload,
    play,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import KEY_FILE, Guide
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.environment import ansible_command

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="ansible-pull needs git"),
]

GUIDE = Guide("ansible_pull.rst")
CFG = GUIDE.block("ini", "callbacks_enabled")
CRON = GUIDE.block("text", "root ansible-pull")
CHECKOUT = GUIDE.block("yaml", "ansible.builtin.git")
CHECKOUT_CRON = GUIDE.block("text", "checkout.yml && ")
MANY = GUIDE.block("ini", "group_by = playbook, controller")
NODE = platform.node()
FINE = play("Fleet", "localhost", ok("Fetch"))
MACHINE = ("unshare", "--map-root-user", "--uts", "--")


class Fleet:
    """A repository with a playbook, and machines that pull it with the guide's command."""

    def __init__(self, ansible: Ansible, simulator: Simulator, folder: Path) -> None:
        self._ansible = ansible
        self.repository = folder / "fleet.git"
        self._checkout = folder / "checkout"
        self.repository.mkdir()
        self._git("init", "--quiet", "--initial-branch", "main")
        key_file = ansible.write("pagerduty.key", KEY + "\n")
        key_file.chmod(0o600)
        ansible.write("ansible.cfg", CFG.replace(KEY_FILE, str(key_file)) + f"api_url = {simulator.url}\n")

    def commit(self, *plays: Play) -> None:
        (self.repository / "local.yml").write_text(json.dumps(plays), "utf-8")
        self._git("add", ".")
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        self._git(*identity, "commit", "--quiet", "--allow-empty", "--message", "next")

    def pull(self, cron: str = CRON) -> subprocess.CompletedProcess[str]:
        """Run a line of the guide's crontab on this machine."""
        line = cron.split(" root ")[1]
        playbook = CHECKOUT
        for place, own in (
            ("https://git.example.com/fleet.git", f"file://{self.repository}"),
            ("/var/lib/fleet", str(self._checkout)),
            ("/etc/ansible/checkout.yml", str(self._ansible.project / "checkout.yml")),
        ):
            line, playbook = line.replace(place, own), playbook.replace(place, own)
        self._ansible.write("checkout.yml", playbook)
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self._ansible.project,
            env=self._ansible.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def _git(self, *words: str) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.repository), "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *words], cwd=self.repository, env=environment, check=True)


@pytest.fixture
def fleet(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> Fleet:
    return Fleet(ansible, simulator, tmp_path)


def test_each_machine_has_an_incident_of_its_own_that_its_own_limit_does_not_keep_open(
    fleet: Fleet, simulator: Simulator
) -> None:
    # Only a whole green run proves that an error which had ended a run is gone.
    fleet.commit(FINE, play("Nowhere", "{{ nowhere }}", ok()))
    broken = fleet.pull()
    assert broken.returncode != 0
    assert keys(simulator) == [f"ansible:local.yml:controller={NODE}"], broken.stdout + broken.stderr

    fleet.commit(FINE)
    fleet.pull()
    assert keys(simulator) == []


def test_a_checkout_that_fails_pages_and_the_next_one_resolves_that(fleet: Fleet, simulator: Simulator) -> None:
    fleet.commit(FINE)
    moved = fleet.repository.with_name("moved.git")
    os.rename(fleet.repository, moved)
    assert fleet.pull().returncode != 0
    assert keys(simulator) == []  # as the guide says

    fleet.pull(CHECKOUT_CRON)
    assert keys(simulator) == [f"ansible:checkout.yml:controller={NODE}"]

    os.rename(moved, fleet.repository)
    done = fleet.pull(CHECKOUT_CRON)
    assert done.returncode == 0, done.stdout + done.stderr
    assert keys(simulator) == []


def _can_be_another_machine() -> bool:
    return subprocess.run([*MACHINE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _can_be_another_machine(), reason="this machine cannot make namespaces with another name")
def test_many_machines_that_run_a_playbook_on_localhost(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> None:
    ansible.write("ansible.cfg", cfg(simulator, group_by=MANY.partition("group_by = ")[2].strip()))

    def run(machine: str, task: dict[str, object]) -> int:
        ansible.write("local.yml", [play("Fleet", "localhost", task)])
        line = f"hostname {machine} && exec {shlex.quote(ansible_command('ansible-playbook'))} local.yml"
        home = tmp_path / machine
        home.mkdir(mode=0o700, exist_ok=True)
        environment = {**ansible.environment(), "HOME": str(home), "ANSIBLE_HOME": str(home)}
        return subprocess.run(
            [*MACHINE, "sh", "-c", line], cwd=ansible.project, env=environment, capture_output=True, check=False
        ).returncode

    assert [run("web1", fail("Install")), run("web2", fail("Install")), run("web1", ok("Install"))] == [2, 2, 0]

    assert keys(simulator) == ["ansible:local.yml:controller=web2"]
    first = payload(events(simulator, "trigger")[0])
    assert first["source"] == "web1"
    assert first["summary"] == "local.yml failed on localhost (web1): Install"


def test_every_example_of_the_guide_is_used() -> None:
    assert GUIDE.left == []
