# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs without a lasting name of their own page, and never resolve each other's incidents."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    cfg,
    events,
    fail,
    keys,
    ok,
    play,
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.environment import ansible_command

BROKEN = json.dumps([play("Deploy", "localhost", fail("Unpack"))])
MENDED = json.dumps([play("Deploy", "localhost", ok("Unpack"))])
PLAYBOOK = ansible_command("ansible-playbook")


class Shell:
    """Runs lines of a shell in the project, with the callback enabled."""

    def __init__(self, ansible: Ansible, settings: str) -> None:
        ansible.write("ansible.cfg", settings)
        ansible.write("hosts.ini", "localhost ansible_connection=local\n")
        self._ansible = ansible

    def __call__(self, line: str, expected: int) -> str:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self._ansible.project,
            env={**self._ansible.environment(), "ANSIBLE_INVENTORY": "hosts.ini"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == expected, done.stdout
        return " ".join(done.stdout.split())


@pytest.fixture
def shell(ansible: Ansible, simulator: Simulator) -> Shell:
    """A shell in a project that is no checkout."""
    return Shell(ansible, cfg(simulator))


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder whose name a program has made up."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("how", ["{} /dev/stdin <<< {}", pytest.param("{} <(echo {})", marks=pytest.mark.slow)])
def test_what_comes_through_a_pipe_pages_and_is_not_resolved_by_itself(
    shell: Shell, simulator: Simulator, how: str
) -> None:
    said = shell(how.format(PLAYBOOK, shlex.quote(BROKEN)), 2)
    assert said.count("has no lasting name; job_name gives it one") == 1
    (key,) = keys(simulator)
    assert key.startswith("ansible:unnamed:")

    shell(how.format(PLAYBOOK, shlex.quote(MENDED)), 0)
    assert keys(simulator) == [key]

    # Another playbook that fails wakes somebody, too.
    shell(how.format(PLAYBOOK, shlex.quote(BROKEN.replace("Unpack", "Start"))), 2)
    assert len(keys(simulator)) == 2


@pytest.mark.slow
def test_job_name_gives_a_pipe_a_lasting_name(ansible: Ansible, simulator: Simulator) -> None:
    shell = Shell(ansible, cfg(simulator, job_name="shop"))
    assert "no lasting name" not in shell(f"{PLAYBOOK} /dev/stdin <<< {shlex.quote(BROKEN)}", 2)
    assert keys(simulator) == ["ansible:shop"]
    shell(f"{PLAYBOOK} /dev/stdin <<< {shlex.quote(MENDED)}", 0)
    assert keys(simulator) == []


@pytest.mark.slow
def test_generated_files_are_told_apart_by_their_path(shell: Shell, simulator: Simulator, elsewhere: Path) -> None:
    one, other = elsewhere / "site.yml", elsewhere / "other" / "site.yml"
    other.parent.mkdir()
    one.write_text(BROKEN, "utf-8")
    other.write_text(MENDED, "utf-8")

    said = shell(f"{PLAYBOOK} {one}", 2)
    assert said.count("has no lasting name; job_name gives it one") == 1
    shell(f"{PLAYBOOK} {other}", 0)
    assert keys(simulator) == [f"ansible:{one}"]

    # The very same file can be known again.
    one.write_text(MENDED, "utf-8")
    shell(f"{PLAYBOOK} {one}", 0)
    assert keys(simulator) == []


@pytest.mark.slow
def test_ad_hoc_commands_do_not_resolve_each_other(shell: Shell, simulator: Simulator) -> None:
    command = f"ANSIBLE_LOAD_CALLBACK_PLUGINS=1 {ansible_command('ansible')} localhost"
    shell(f"{command} -m command -a 'test -e mended'", 2)
    (key,) = keys(simulator)
    assert key.startswith("ansible:ad-hoc:command:")

    shell(f"{command} -m ping", 0)
    shell(f"{command} -m command -a 'test -e .'", 0)
    assert keys(simulator) == [key]
    assert [event.action for event in events(simulator)] == ["trigger"]

    # The same command proves that its own failure is over.
    shell(f"touch mended; {command} -m command -a 'test -e mended'", 0)
    assert keys(simulator) == []


@pytest.mark.slow
def test_a_name_for_the_projects_jobs_does_not_let_ad_hoc_commands_resolve_them(
    ansible: Ansible, simulator: Simulator
) -> None:
    settings = cfg(simulator, job_name="shop")
    run = ansible(BROKEN, cfg=settings)
    assert (keys(simulator), warnings(run)) == (["ansible:shop"], [])
    Shell(ansible, settings)(f"ANSIBLE_LOAD_CALLBACK_PLUGINS=1 {ansible_command('ansible')} localhost -m ping", 0)
    assert keys(simulator) == ["ansible:shop"]


@pytest.mark.slow
def test_playbooks_of_one_name_in_two_folders_do_not_resolve_each_other(shell: Shell, simulator: Simulator) -> None:
    for folder, playbook in (("one", BROKEN), ("other", MENDED)):
        shell(f"mkdir {folder}; echo {shlex.quote(playbook)} > {folder}/site.yml", 0)
    shell(f"{PLAYBOOK} one/site.yml", 2)
    shell(f"{PLAYBOOK} other/site.yml", 0)
    assert keys(simulator) == ["ansible:site.yml"]

    shell(f"cp other/site.yml one; {PLAYBOOK} one/site.yml", 0)
    assert keys(simulator) == []
