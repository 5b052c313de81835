# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same name for each run of a job, and for no other job."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job import Job, job_of, looks_generated


def job(
    playbook: str, cwd: str = "/srv", project: str = "", ad_hoc: tuple[str, str] | None = None, written: Any = ()
) -> Job:
    return job_of(playbook, cwd, project, ad_hoc, lambda: written)


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/tmpk3j_9x2a.yml",
        "/tmp/tmpk3j_9x2a/site.yml",
        "/tmp/tmp.Q8sVbNc2Lk",
        "/tmp/tmp.Q8sVbNc2Lk/site.yml",
        "/var/tmp/play.xY3kQ9.yml",
        "/tmp/ansible-aB3dE9/site.yml",
        "/tmp/play.4711",
        "/tmp/play.37.yml",
        "/tmp/play.137/site.yml",
        "/tmp/play-20261127.yml",
        "/tmp/play1764223200.yml",
        "/tmp/awx_42_x8k2jq9s/project/site.yml",
        "/tmp/3f2a9c10-5d7e-4b1a-9c55-d1a0b7e6f823/site.yml",
        "/dev/shm/tmpk3j_9x2a.yml",
        "/run/user/1000/tmpk3j_9x2a.yml",
    ],
)
def test_names_that_programs_make_up(path: str) -> None:
    assert looks_generated(path)
    assert job(path) == Job(path, path, "", ("", "", os.path.dirname(path)), is_generated=True)


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/site.yml",
        "/tmp/try/site.yml",
        "/tmp/shop-2/deploy_web2.yml",
        "/tmp/pytest-of-ann/pytest-12/test_it_works0/project/playbook.yml",
        "/tmp/release-2026/site.yml",
        "/tmp/MyProject/site.yml",
        "/tmp/r1root/site.yml",
        "/tmp/web2shop/site.yml",
        "/srv/tmpk3j_9x2a.yml",
        "/home/ann/tmp.Q8sVbNc2Lk/site.yml",
    ],
)
def test_names_that_people_make_up(path: str) -> None:
    found = job(path)
    assert (found.name, found.is_lasting, found.is_generated) == (os.path.basename(path), True, False)


def test_what_mktemp_and_tempfile_make_is_recognized(tmp_path: Path) -> None:
    made = [
        subprocess.run([*command, "-p", str(tmp_path)], check=True, capture_output=True, text=True).stdout.strip()
        for command in (("mktemp",), ("mktemp", "-d"))
        for _turn in range(20)
    ]
    for _turn in range(20):
        descriptor, path = tempfile.mkstemp(suffix=".yml", dir=tmp_path)
        os.close(descriptor)
        made += [path, tempfile.mkdtemp(dir=tmp_path)]
    missed = [path for path in made if not looks_generated(f"/tmp/{os.path.basename(path)}")]
    assert missed == []


def test_a_checkout_has_a_name_wherever_it_lies() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/.git")
        Path(folder, ".git", "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
        found = job(f"{folder}/plays/site.yml")
        assert (found.name, found.is_generated) == ("plays/site.yml", False)
    assert job("/tmp/tmpk3j_9x2a/site.yml", project="/tmp/tmpk3j_9x2a").name == "site.yml"


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"])
def test_a_playbook_that_comes_through_a_pipe_is_named_by_what_it_says(path: str) -> None:
    one, same, other = (job(path, written=[{"hosts": hosts}]) for hosts in ("web", "web", "db"))
    assert one == same != other
    assert one.name.startswith("unnamed:")
    assert (one.is_lasting, one.shown) == (False, path)


def test_a_pipe_has_no_lasting_name_wherever_it_lies_and_is_not_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "site.yml"
    os.mkfifo(pipe)
    # Opening it would wait for somebody who writes to it.
    assert not job(str(pipe)).is_lasting


def test_what_comes_without_a_file_has_no_lasting_name() -> None:
    found = job("", written=[{"hosts": "web"}])
    assert not found.is_lasting
    assert found.name.startswith("unnamed:")


def test_ad_hoc_commands_are_told_apart_by_module_and_arguments() -> None:
    commands = [("ping", ""), ("command", "uptime"), ("command", "uptime -p"), ("shell", "uptime")]
    names = [job("__adhoc_playbook__", ad_hoc=command).name for command in commands]
    assert len(set(names)) == len(names)
    assert [name.rpartition(":")[0] for name in names] == [f"ad-hoc:{module}" for module, _arguments in commands]
    assert job("__adhoc_playbook__", ad_hoc=commands[1]).name == names[1]
