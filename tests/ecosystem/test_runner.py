# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback in ansible-runner, which AWX runs jobs with: beside its own callback, no secret in what it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

from .conftest import Tool

KEY = "4f1c8d2ab67e4e0f93c5d1708be6a2f9"
CALLBACK = "oncall.pagerduty.page_on_failure"
PLAYBOOK = """\
- name: Deploy
  hosts: all
  gather_facts: false
  tasks:
    - name: Unpack
      ansible.builtin.fail:
        msg: the disk is full
"""
AWX = {"AWX_HOST": "https://awx.example.org", "JOB_ID": "42"}
LINK = "https://awx.example.org/#/jobs/playbook/42"


@pytest.fixture
def data(tmp_path: Path, collections: Path, simulator: Simulator) -> Path:
    """A private data directory with a playbook that fails, and the callback enabled in env/envvars."""
    folder = tmp_path / "data"
    key = tmp_path / "pagerduty.key"
    key.write_text(KEY)
    key.chmod(0o600)
    variables = {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CALLBACKS_ENABLED": CALLBACK,
        "PAGERDUTY_API_URL": simulator.url,
        "PAGERDUTY_ROUTING_KEY_FILE": str(key),
        "PAGERDUTY_OUTBOX_PATH": str(tmp_path / "outbox" / "outbox.sqlite3"),
    }
    for name, text in (
        ("project/deploy.yml", PLAYBOOK),
        ("inventory/hosts", "web1 ansible_connection=local\nweb2 ansible_connection=local\n"),
        ("env/envvars", json.dumps(variables)),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def add_variables(data: Path, **variables: str) -> None:
    file = data / "env" / "envvars"
    file.write_text(json.dumps({**json.loads(file.read_text()), **variables}))


def assert_runner_is_intact(artifacts: Path) -> None:
    """Everything that runner itself promises, and the callback's closing line in what it recorded."""
    assert (artifacts / "rc").read_text() == "2"
    assert (artifacts / "status").read_text() == "failed"
    events = [json.loads(file.read_text()) for file in (artifacts / "job_events").glob("*-*.json")]
    events.sort(key=lambda event: event["counter"])
    assert [event["counter"] for event in events] == list(range(1, len(events) + 1))
    names = [event["event"] for event in events]
    assert names.count("runner_on_failed") == 2
    assert names.count("playbook_on_stats") == 1
    stdout = (artifacts / "stdout").read_text()
    assert stdout.count("PagerDuty: 1 incident triggered") == 1
    assert "PagerDuty: 1 incident triggered" in "".join(event["stdout"] for event in events)


def assert_one_incident(simulator: Simulator) -> None:
    """Told of once for each host, none of it twice."""
    (incident,) = simulator.incidents
    assert (incident.dedup_key, incident.status) == ("ansible:deploy.yml", "triggered")
    assert {event.action for event in simulator.accepted} == {"trigger"}
    assert len({event.body for event in simulator.accepted}) == len(simulator.accepted) <= 2


def texts(folder: Path, *without: str) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text(errors="replace")
        for file in folder.rglob("*")
        if file.is_file() and file.name not in without
    }


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (("--ident", "42"), "data/artifacts/42"),
        (("--ident", "nightly", "--artifact-dir", "elsewhere"), "elsewhere/nightly"),
        ((), "data/artifacts/*"),
    ],
    ids=["ident", "artifact dir", "defaults"],
)
def test_a_failing_run_pages_once_and_runner_is_intact(
    tool: Tool, data: Path, simulator: Simulator, options: tuple[str, ...], place: str, tmp_path: Path
) -> None:
    run = tool("ansible-runner", "run", str(data), "-p", "deploy.yml", *options)
    assert run.returncode == 2, run.stdout + run.stderr
    assert "PagerDuty: 1 incident triggered" in run.stdout
    (artifacts,) = tmp_path.glob(place)
    assert_runner_is_intact(artifacts)

    assert_one_incident(simulator)
    # The key stands in a file of its own, so nothing at all of runner's may hold it.
    assert_no_secret([texts(data), texts(artifacts), run.stdout, run.stderr], KEY)


def test_a_job_of_awx_is_linked(tool: Tool, data: Path, simulator: Simulator) -> None:
    add_variables(data, **AWX)
    tool("ansible-runner", "run", str(data), "-p", "deploy.yml", "--ident", "42")
    (incident,) = simulator.incidents
    assert incident.client_url == LINK
    assert_runner_is_intact(data / "artifacts" / "42")


def test_a_key_in_envvars_stays_in_what_runner_keeps_of_the_environment(
    tool: Tool, data: Path, simulator: Simulator
) -> None:
    """Runner itself writes the environment into its file command; nothing that the run did may hold the key."""
    add_variables(data, PAGERDUTY_ROUTING_KEY=KEY, PAGERDUTY_ROUTING_KEY_FILE="")
    run = tool("ansible-runner", "run", str(data), "-p", "deploy.yml", "--ident", "42")
    assert_one_incident(simulator)
    assert_runner_is_intact(data / "artifacts" / "42")
    assert_no_secret([texts(data, "envvars", "command"), run.stdout, run.stderr], KEY)
