# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that queue their event: what is delivered at once, what is left in the outbox, and who sends it then."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _upkeep
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import substitute_path
from ansible_collections.oncall.pagerduty.tests.integration.support.events import (
    HOSTS,
    KEY,
    change,
    incident,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.couriers import processes_of, stop_all, wait_until
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

LAG = {"summary": "Lag", "dedup_key": "lag"}
OVER = {"state": "resolved", "dedup_key": "lag"}
QUICK = {"max_retries": 1, "retry_base_interval": 0.05}
#: nothing that a test starts lives longer than this
LINGER = {"PAGERDUTY_COURIER_LINGER": "20"}


@pytest.fixture
def path(ansible: Ansible) -> Path:
    """Where the outbox is by default."""
    return ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3"


@pytest.fixture(autouse=True)
def _no_courier_is_left(path: Path) -> Iterator[None]:
    """Told to stop, every courier ends."""
    yield
    stop_all(path)
    shutil.rmtree(Path(substitute_path(str(path))).parent, ignore_errors=True)


@pytest.fixture
def down() -> Iterator[str]:
    """The address of a PagerDuty that is down: nobody listens, and nobody else can take the port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def play(ansible: Ansible) -> Callable[..., Run]:
    """Run tasks against an address, and look for the key in all that is shown."""

    def run_play(url: str, tasks: list[dict[str, Any]], *args: str, **options: Any) -> Run:
        defaults = {"api_url": url, "routing_key": KEY, **QUICK}
        keywords = {"hosts": "db1", "module_defaults": {"group/oncall.pagerduty.pagerduty": defaults}}
        options = {"inventory": HOSTS, "env": LINGER, **options}
        run = ansible.tasks(tasks, *args, play={**keywords, **options.pop("play", {})}, **options)
        assert_no_secret([run.output, run.results], KEY)
        return run

    return run_play


def waiting(path: Path) -> list[tuple[str, str | None]]:
    """What is in the outbox: action and dedup key."""
    report = _upkeep.listed(DeliverySettings(str(path)))
    return [(event.action, event.dedup_key) for event in report.events if event.state != "set aside"]


# --- what becomes of the task ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", ["on_failure", "always"])
@pytest.mark.parametrize(("task", "options"), [(incident, LAG), (change, {"summary": "Deployed"})])
def test_in_an_outage_the_task_succeeds(
    play: Callable[..., Run], down: str, path: Path, task: Callable[..., Any], options: dict[str, Any], queue: str
) -> None:
    run = play(down, [task("send", {**options, "queue": queue})])
    assert run.rc == 0, run.output
    result = run.task("send", "db1").result
    assert (result["changed"], result["accepted"], result["queued"]) == (True, False, True)
    assert "It is queued on the controller, and sent as soon as PagerDuty takes it." in result["msg"]
    assert result["attempts"] == (2 if queue == "on_failure" else 0)
    # What is said of a task that succeeds is seen by nobody unless it is a warning.
    said = "could not be delivered" in " ".join(run.stderr.split())
    assert said is (queue == "on_failure")
    assert len(result["errors"]) == result["attempts"]
    assert len(waiting(path)) == 1


def test_without_queue_the_task_fails_and_leaves_nothing(play: Callable[..., Run], down: str, path: Path) -> None:
    run = play(down, [incident("send", LAG)])
    assert run.rc == 2
    assert run.task("send", "db1").result["queued"] is False
    assert not path.parent.exists()
    assert processes_of(path) == []


def test_on_failure_delivers_at_once_if_it_can(play: Callable[..., Run], simulator: Simulator, path: Path) -> None:
    run = play(simulator.url, [incident("send", {**LAG, "queue": "on_failure"})])
    result = run.task("send", "db1").result
    assert (run.rc, result["accepted"], result["queued"]) == (0, True, False)
    assert not path.exists()
    assert processes_of(path) == []


@pytest.mark.parametrize("queue", ["false", "on_failure"])
def test_what_pagerduty_refuses_still_fails(
    play: Callable[..., Run], simulator: Simulator, path: Path, queue: str
) -> None:
    simulator.add_fault(Fault("status", code=400, body="json"))
    run = play(simulator.url, [incident("send", {**LAG, "queue": queue})])
    result = run.task("send", "db1")
    assert (run.rc, result.status, result.result["queued"], result.result["http_status"]) == (2, "failed", False, 400)
    assert not path.exists()


def test_always_sends_in_the_background(play: Callable[..., Run], simulator: Simulator, path: Path) -> None:
    simulator.add_fault(Fault("latency", seconds=1.0, count=1))
    run = play(
        simulator.url,
        [incident("open", {**LAG, "queue": "always"}), incident("close", {**OVER, "queue": "always"})],
    )
    assert run.rc == 0, run.output
    assert [run.task(name, "db1").result["msg"] for name in ("open", "close")] == [
        "The trigger event is not waited for. It is queued on the controller, and sent as soon as PagerDuty takes it.",
        "The resolve event is not waited for. It is queued on the controller, and sent as soon as PagerDuty takes it.",
    ]
    assert run.task("open", "db1").result["elapsed"] == 0
    simulator.wait_for(lambda pagerduty: [one.action for one in pagerduty.accepted] == ["trigger", "resolve"], 60)


def test_an_event_does_not_overtake_one_that_waits(play: Callable[..., Run], down: str, path: Path) -> None:
    run = play(
        down,
        [
            incident("open", {**LAG, "queue": "on_failure"}),
            incident("close", {**OVER, "queue": "on_failure"}),
            incident("other", {**LAG, "dedup_key": "other", "queue": "on_failure"}),
        ],
    )
    assert run.rc == 0, run.output
    attempts = {name: run.task(name, "db1").result["attempts"] for name in ("open", "close", "other")}
    assert attempts == {"open": 2, "close": 0, "other": 2}
    assert run.task("close", "db1").result["msg"] == (
        "The resolve event comes after one about the same incident that still waits. It is queued on the controller,"
        " and sent as soon as PagerDuty takes it."
    )
    assert waiting(path) == [("trigger", "lag"), ("resolve", "lag"), ("trigger", "other")]


# --- who sends it ---------------------------------------------------------------------------------------------------


def test_what_was_queued_is_sent_when_the_play_and_its_workers_are_gone(
    play: Callable[..., Run], simulator: Simulator, path: Path
) -> None:
    url = simulator.url
    simulator.stop()
    assert play(url, [incident("send", {**LAG, "queue": "on_failure"})]).rc == 0
    assert len(processes_of(path)) == 1
    simulator.start()
    simulator.wait_for(lambda pagerduty: [one.dedup_key for one in pagerduty.accepted] == ["lag"], 60)
    wait_until(lambda: processes_of(path) == [])


@pytest.mark.parametrize(
    "how",
    [
        "the next run with the callback",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("drain_outbox", "the next task that queues")),
    ],
)
def test_what_is_left_when_the_courier_has_given_up_is_sent_later(
    ansible: Ansible, play: Callable[..., Run], simulator: Simulator, path: Path, how: str
) -> None:
    url = simulator.url
    simulator.stop()
    assert play(url, [incident("send", {**LAG, "queue": "always"})], env={"PAGERDUTY_COURIER_LINGER": "0.1"}).rc == 0
    wait_until(lambda: processes_of(path) == [])
    assert waiting(path) == [("trigger", "lag")]
    simulator.start()
    if how == "drain_outbox":
        run = ansible.command("ansible-playbook", "oncall.pagerduty.drain_outbox")
    elif how == "the next task that queues":
        run = play(url, [incident("send", {**LAG, "dedup_key": "other", "queue": "always"})])
    else:
        env = {"ANSIBLE_CALLBACKS_ENABLED": "oncall.pagerduty.page_on_failure", **LINGER}
        run = ansible.tasks([{"name": "fine", "ansible.builtin.debug": {}}], env=env)
    assert run.rc == 0, run.output
    simulator.wait_for(lambda pagerduty: "lag" in [one.dedup_key for one in pagerduty.accepted], 60)
    wait_until(lambda: waiting(path) == [])


@pytest.mark.slow
def test_many_workers_do_not_start_a_courier_each(play: Callable[..., Run], down: str, path: Path) -> None:
    names = [f"db{number}" for number in range(25)]
    run = play(
        down,
        [incident("send", {"summary": "Lag", "dedup_key": "{{ inventory_hostname }}", "queue": "always"})],
        "--forks",
        "5",
        play={"hosts": "all"},
        inventory={"all": {"hosts": {name: {"ansible_connection": "local"} for name in names}}},
    )
    assert run.rc == 0, run.output
    assert sorted(str(key) for _action, key in waiting(path)) == sorted(names)
    wait_until(lambda: len(processes_of(path)) <= 2)
    assert processes_of(path) != []


@pytest.mark.slow
def test_many_workers_events_all_arrive(play: Callable[..., Run], simulator: Simulator, path: Path) -> None:
    names = [f"db{number}" for number in range(25)]
    run = play(
        simulator.url,
        [
            incident("open", {"summary": "Lag", "dedup_key": "{{ inventory_hostname }}", "queue": "always"}),
            incident("close", {"state": "resolved", "dedup_key": "{{ inventory_hostname }}", "queue": "always"}),
        ],
        "--forks",
        "5",
        play={"hosts": "all"},
        inventory={"all": {"hosts": {name: {"ansible_connection": "local"} for name in names}}},
    )
    assert run.rc == 0, run.output
    simulator.wait_for(lambda pagerduty: len(pagerduty.accepted) == 2 * len(names), 60)
    assert {one.dedup_key: one.status for one in simulator.incidents} == dict.fromkeys(names, "resolved")
    assert len(simulator.incidents) == len(names)
    wait_until(lambda: processes_of(path) == [])


# --- what is not done -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", ["on_failure", "always"])
def test_check_mode_queues_nothing(play: Callable[..., Run], down: str, path: Path, queue: str) -> None:
    run = play(down, [incident("send", {**LAG, "queue": queue})], "--check")
    result = run.task("send", "db1").result
    assert (run.rc, result["changed"], result["queued"]) == (0, True, False)
    assert not path.exists()
    assert processes_of(path) == []


@pytest.mark.parametrize("queue", ["on_failure", "always"])
def test_a_delegated_task_refuses_to_queue(
    play: Callable[..., Run], simulator: Simulator, path: Path, queue: str
) -> None:
    run = play(simulator.url, [incident("send", {**LAG, "queue": queue}, delegate_to="bastion")])
    assert run.rc == 2
    assert run.task("send", "db1").result["msg"] == (
        f"queue: {queue} was given, but the outbox is on the controller; it needs no delegate_to"
    )
    assert simulator.requests == []
    assert not path.exists()


def test_delegated_to_the_controller_it_queues(play: Callable[..., Run], down: str, path: Path) -> None:
    run = play(down, [incident("send", {**LAG, "queue": "always"}, delegate_to="localhost")])
    assert run.rc == 0, run.output
    assert waiting(path) == [("trigger", "lag")]


@pytest.mark.parametrize("queue", ["false", "on_failure"])
def test_sqlite_is_loaded_only_for_the_queue(
    ansible: Ansible, play: Callable[..., Run], simulator: Simulator, queue: str
) -> None:
    """A filter runs in the worker process before, and after, each event of the loop; it tells what is loaded there."""
    plugin = (
        "import sys\n"
        "class FilterModule:\n"
        "    def filters(self):\n"
        "        return {'sqlite_and': lambda text: f\"{text} {'sqlite3' in sys.modules}\"}\n"
    )
    run = play(
        simulator.url,
        [incident("send", {"summary": "{{ item | sqlite_and }}", "dedup_key": "lag", "queue": queue}, loop=["a", "b"])],
        files={"filter_plugins/sqlite_and.py": plugin},
    )
    assert run.rc == 0, run.output
    assert [one.summary for one in simulator.accepted] == ["a False", "b False"]


# --- settings -------------------------------------------------------------------------------------------------------


def test_the_outboxs_settings_hold(ansible: Ansible, play: Callable[..., Run], down: str, path: Path) -> None:
    elsewhere = ansible.project / "elsewhere.sqlite3"
    # What a courier has in hand is not dropped; with the lock taken there is none, and the oldest have to go.
    lock = SenderLock(str(elsewhere))
    assert lock.acquire()
    run = play(
        down,
        [
            incident("open", {**LAG, "queue": "always"}),
            incident("close", {**OVER, "queue": "always"}),
            incident("open another", {**LAG, "dedup_key": "other", "queue": "always"}),
            incident("open a third", {**LAG, "dedup_key": "third", "queue": "always"}),
            incident("open a fourth", {**LAG, "dedup_key": "fourth", "queue": "always"}),
        ],
        env={},
        play={"vars": {"pagerduty_outbox_path": str(elsewhere), "pagerduty_courier_linger": 0.1}},
        cfg="[pagerduty]\nprune_superseded = true\noutbox_max_events = 2\nmax_events_per_minute = 1\n",
    )
    assert run.rc == 0, run.output
    assert not path.exists()
    assert "The outbox is full: its oldest events are dropped unsent, pages last." in " ".join(run.output.split())
    assert [key for _action, key in waiting(elsewhere)] == ["third", "fourth"]
    assert _upkeep.listed(DeliverySettings(str(elsewhere))).dropped == {"max_events": 1, "superseded": 2}
    lock.release()
    wait_until(lambda: processes_of(elsewhere) == [])


def test_a_setting_that_cannot_be_used_fails_the_task_that_queues_only(
    play: Callable[..., Run], simulator: Simulator
) -> None:
    env = {"PAGERDUTY_COURIER_LINGER": "-1"}
    tasks = [incident("send", LAG), incident("queue", {**LAG, "queue": "always"})]
    run = play(simulator.url, tasks, env=env)
    assert (run.rc, run.task("send", "db1").status) == (2, "ok")
    assert run.task("queue", "db1").result["msg"].startswith("courier_linger: -1.0 was given; expected 0 to 86400")


def test_an_outbox_that_cannot_be_used_is_replaced_by_memory(
    ansible: Ansible, play: Callable[..., Run], simulator: Simulator, path: Path
) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("not a database\n" * 100)
    run = play(simulator.url, [incident("send", {**LAG, "queue": "always"})])
    assert run.rc == 0, run.output
    assert "The events of this run are kept in memory instead." in " ".join(run.output.split())
    simulator.wait_for(lambda pagerduty: [one.dedup_key for one in pagerduty.accepted] == ["lag"], 60)
