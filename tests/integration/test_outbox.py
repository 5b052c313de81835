# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox module, run by the real ansible-playbook on real outboxes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_task import OUTBOX_TASK_SPEC
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import UNREACHABLE, Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, alert, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret


@pytest.fixture
def path(ansible: Ansible) -> Path:
    """Where the outbox is by default."""
    return ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3"


@pytest.fixture
def outbox(path: Path) -> Outbox:
    return Outbox(Database(str(path)))


def task(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "oncall.pagerduty.outbox": options}


def checked(run: Run) -> Run:
    """Return a run that shows no key."""
    assert_no_secret([run.output, run.results], KEY)
    return run


def test_an_events_way_through_all_states(ansible: Ansible, simulator: Simulator, outbox: Outbox, path: Path) -> None:
    simulator.add_fault(Fault("status", code=400, body="json", count=2, action="resolve"))
    for key in "ab":
        outbox.put(alert(key, "resolve"), route(simulator.url))
    outbox.put(alert("c", summary=f"the key is {KEY}"), route(simulator.url))

    run = checked(
        ansible.tasks(
            [
                task("list", state="listed"),
                task("drain") | {"ignore_errors": True},
                task("drop one", state="purged", ids=[1]),
                task("put back", state="retried"),
                task("drain again"),
                task("drain what is empty"),
            ],
            "-vvv",
        )
    )

    assert run.rc == 0, run.output
    result = {one.task: one.result for one in run.results}
    assert [event["dedup_key"] for event in result["list"]["events"]] == ["a", "b", "c"]
    assert (result["list"]["changed"], result["list"]["waiting"]) == (False, 3)
    assert re.match(r"1 event sent; the outbox has 2 events that PagerDuty has refused \(.*400", result["drain"]["msg"])
    assert (result["drain"]["changed"], result["drain"]["waiting"], result["drain"]["set_aside"]) == (True, 0, 2)
    assert [one.task for one in run.results if one.status == "failed"] == ["drain"]
    assert (result["drop one"]["changed"], result["drop one"]["dropped"]) == (True, {"purged": 1})
    assert [event["id"] for event in result["put back"]["events"]] == [2]
    assert result["drain again"]["msg"] == "1 event sent; the outbox is empty."
    assert (result["drain what is empty"]["changed"], result["drain what is empty"]["msg"]) == (
        False,
        "The outbox is empty.",
    )
    assert [event.dedup_key for event in simulator.accepted] == ["c", "b"]


@pytest.mark.slow
def test_fails_if_something_is_left(ansible: Ansible, simulator: Simulator, outbox: Outbox) -> None:
    outbox.put(alert("a"), route("http://127.0.0.1:9"))
    run = checked(ansible.tasks([task("drain", limit=2)]))
    assert run.rc == 2
    failed = run.task("drain")
    assert (failed.status, failed.result["waiting"], failed.result["changed"]) == ("failed", 1, False)
    assert failed.result["msg"].startswith(
        "The outbox has 1 event waiting. That is after 2 s. The last attempt failed: "
    )
    assert "connection refused" in failed.result["msg"].lower()


def test_check_mode_does_nothing(ansible: Ansible, simulator: Simulator, outbox: Outbox) -> None:
    outbox.put(alert("a"), route(simulator.url))
    before = outbox.entries()
    states = ["drained", "retried", "purged"]
    run = checked(ansible.tasks([task(state, state=state, waiting=True) for state in states], "--check"))
    assert run.rc == 0, run.output
    assert [run.task(state).result["changed"] for state in states] == [True, False, True]
    assert run.task("drained").result["msg"] == "1 event would be sent; the outbox has 1 event waiting."
    assert outbox.entries() == before
    assert simulator.requests == []


def test_nothing_is_made_where_there_was_no_outbox(ansible: Ansible, path: Path) -> None:
    run = checked(ansible.tasks([task("list", state="listed"), task("drain")]))
    assert run.rc == 0, run.output
    assert run.task("drain").result["msg"] == "The outbox is empty."
    assert not path.parent.exists()


def test_the_host_does_not_matter(ansible: Ansible, simulator: Simulator, outbox: Outbox) -> None:
    outbox.put(alert("a"), route(simulator.url))
    inventory = {"all": {"hosts": {"db1": UNREACHABLE, "db2": UNREACHABLE}}}
    run = checked(ansible.tasks([{**task("drain"), "run_once": True}], play={"hosts": "all"}, inventory=inventory))
    assert run.rc == 0, run.output
    assert len(simulator.accepted) == 1


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("where", ["task", "variable", "environment", "task's environment", "ansible.cfg"])
def test_the_settings_come_from_the_places_that_all_share(ansible: Ansible, where: str) -> None:
    path = ansible.project / "elsewhere" / "outbox.sqlite3"
    Outbox(Database(str(path))).put(alert("a"), route())
    listing = task("list", state="listed")
    options: dict[str, Any] = {}
    if where == "task":
        listing["oncall.pagerduty.outbox"]["outbox_path"] = str(path)
    elif where == "variable":
        options["play"] = {"vars": {"pagerduty_outbox_path": "{{ playbook_dir }}/elsewhere/outbox.sqlite3"}}
    elif where == "environment":
        options["env"] = {"PAGERDUTY_OUTBOX_PATH": str(path)}
    elif where == "task's environment":
        listing["environment"] = {"PAGERDUTY_OUTBOX_PATH": str(path)}
    else:
        options["cfg"] = "[pagerduty]\noutbox_path = elsewhere/outbox.sqlite3\n"
    run = checked(ansible.tasks([listing], **options))
    assert run.rc == 0, run.output
    assert run.task("list").result["waiting"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"state": "emptied"}, "value of state must be one of: drained, listed, retried, purged, got: emptied"),
        ({"limit": -1}, "limit: -1.0 was given; expected seconds, from 0 to 86400"),
        ({"limit": "soon"}, "limit"),
        ({"ids": ["first"]}, "ids"),
        ({"waitin": True}, "there is no option waitin"),
        ({"courier_linger": -1}, "courier_linger: -1.0 was given; expected 0 to 86400"),
        ({"retry_base_interval": -1}, "retry_base_interval: -1.0 was given"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_used_is_named(ansible: Ansible, options: dict[str, Any], said: str) -> None:
    run = checked(ansible.tasks([task("look", **options)]))
    assert run.rc == 2
    assert said in run.task("look").result["msg"]
    assert "Traceback" not in run.output


def test_a_setting_from_elsewhere_is_named_with_its_place(ansible: Ansible) -> None:
    run = checked(ansible.tasks([task("look")], env={"PAGERDUTY_MAX_EVENTS_PER_MINUTE": "-1"}))
    assert run.rc == 2
    assert run.task("look").result["msg"] == (
        "max_events_per_minute: -1 was given; expected 0 or more"
        " (set by PAGERDUTY_MAX_EVENTS_PER_MINUTE in the environment)"
    )


# --- outboxes that cannot be used -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["drained", "listed", "retried", "purged"])
def test_a_file_that_is_no_outbox_is_left_alone(ansible: Ansible, path: Path, state: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("not a database\n" * 100)
    run = checked(ansible.tasks([task("look", state=state)]))
    assert run.rc == 2
    assert (
        run.task("look")
        .result["msg"]
        .startswith(
            f"{path} cannot be used: outbox.sqlite3 is a file that this collection has not made, and is left as it is"
        )
    )
    assert path.read_text() == "not a database\n" * 100


def test_a_damaged_outbox_is_said_to_be_one(ansible: Ansible, outbox: Outbox, path: Path) -> None:
    for number in range(50):
        outbox.put(alert(f"k{number}", summary="x" * 500), route())
    outbox._database.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 30000)
    run = checked(ansible.tasks([task("drain", limit=1)]))
    assert run.rc == 2
    assert run.task("drain").result["msg"] == f"{path} cannot be used: database disk image is malformed"


def test_a_newer_versions_outbox_is_left_alone(ansible: Ansible, outbox: Outbox, path: Path) -> None:
    outbox._database._connection.execute("PRAGMA user_version = 99")
    run = checked(ansible.tasks([task("look", state="listed")]))
    assert run.rc == 2
    assert run.task("look").result["msg"] == f"{path} was made by a newer version of this collection"


@pytest.fixture
def read_only(tmp_path: Path) -> Callable[[Path, list[str]], subprocess.CompletedProcess[str]]:
    """Runs a command that sees a folder read-only; skips the test where that is not allowed."""

    def run(folder: Path, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, str(folder)]
        if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
            pytest.skip("mounts need rights that are missing here")
        return subprocess.run([*unshare, *command], capture_output=True, text=True, check=False, **options)

    return run


@pytest.mark.slow
def test_a_folder_that_cannot_be_written(
    ansible: Ansible, outbox: Outbox, path: Path, read_only: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    outbox.put(alert("a"), route())
    # Made by a run outside, so that the folder of the module's own files is there.
    whole = checked(ansible.tasks([task("look", state="listed")]))
    done = read_only(path.parent, list(whole.command), cwd=ansible.project, env=ansible.environment(), timeout=250)
    assert done.returncode == 2
    assert f"{path} cannot be used: Read-only file system" in " ".join((done.stdout + done.stderr).split())
    assert_no_secret([done.stdout, done.stderr], KEY)


# --- ansible-doc ----------------------------------------------------------------------------------------------------


def test_ansible_doc_shows_every_option(ansible: Ansible) -> None:
    run = ansible.command("ansible-doc", "oncall.pagerduty.outbox")
    assert run.rc == 0, run.output
    shown = set(re.findall(r"^[=-] (\w+)", run.stdout.partition("OPTIONS")[2], re.MULTILINE))
    assert shown >= set(OUTBOX_TASK_SPEC)
    assert "WARNING" not in run.output
