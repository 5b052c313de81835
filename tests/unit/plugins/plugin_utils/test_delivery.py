# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing events over and waiting for them: a real courier process, a local PagerDuty, and what can break."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery, _schema, _steady, _substitute
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_process import CourierProcess
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery, Flushed
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import substitute_path
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._tally import lane_of
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, Clock, alert, change, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

ROOT = str(Path(_delivery.__file__).parents[5])
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "home" / "outbox.sqlite3")


@pytest.fixture
def make(path: str) -> Iterator[Callable[..., Delivery]]:
    """Makes deliveries, and ends their couriers with the test."""
    made: list[Delivery] = []

    def make_one(**settings: Any) -> Delivery:
        made.append(Delivery(DeliverySettings(**{"outbox_path": path, **settings})))
        return made[-1]

    yield make_one
    for delivery in made:
        for pid in couriers(delivery):
            end(pid)
        delivery.close()


def couriers(delivery: Delivery) -> list[int]:
    return [depot.courier.pid for depot in delivery._depots.values() if depot.courier.pid]


def end(pid: int, with_signal: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, with_signal)
        os.waitpid(pid, 0)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def open_files(pid: int) -> set[str]:
    return {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}


def wait_until(condition: Callable[[], object], limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


# --- the usual way --------------------------------------------------------------------------------------------------


def test_events_arrive_and_are_counted(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    delivery = make()
    for number in range(3):
        handed = delivery.hand_over(alert(f"k{number}"), route(pagerduty.url))
        assert (handed.kept, handed.warning) == (True, None)
    assert delivery.flush(60.0) == Flushed(accepted=3)
    assert len(pagerduty.incidents) == 3


def test_it_tells_of_which_incidents_nothing_was_accepted(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    delivery = make()
    delivery.hand_over(alert("heard"), route(pagerduty.url))
    delivery.hand_over(alert("unheard"), route(NOWHERE))
    pagerduty.wait_for(lambda seen: len(seen.accepted) == 1, 30.0)
    wait_until(lambda: delivery.outbox().counts().waiting == 1, 30.0)

    flushed = delivery.flush(0.0)
    assert (flushed.accepted, flushed.waiting) == (1, 1)
    assert flushed.unheard == {(fingerprint_of(KEY), "unheard")}
    # A later event of an incident that PagerDuty has takes nothing away from that.
    delivery.hand_over(alert("heard"), route(NOWHERE))
    assert delivery.flush(0.0).unheard == {(fingerprint_of(KEY), "unheard")}

    delivery.begin_anew()
    assert delivery.flush(0.0).unheard == frozenset()


def test_what_was_dropped_counts_as_unheard_of(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    delivery = make(max_events=1)
    delivery.hand_over(alert("heard"), route(pagerduty.url))
    pagerduty.wait_for(lambda seen: len(seen.accepted) == 1, 30.0)
    wait_until(lambda: delivery.outbox().is_empty(), 30.0)
    delivery.hand_over(alert("dropped"), route(NOWHERE))
    wait_until(lambda: delivery.outbox().entries()[0].state == "waiting", 30.0)
    delivery.hand_over(alert("waits"), route(NOWHERE))

    flushed = delivery.flush(0.0)
    assert (flushed.accepted, flushed.waiting, flushed.dropped) == (1, 1, 1)
    assert flushed.unheard == {(fingerprint_of(KEY), "dropped"), (fingerprint_of(KEY), "waits")}


def test_nothing_is_made_before_the_first_event(make: Callable[..., Delivery], path: str) -> None:
    delivery = make()
    assert delivery.flush(5.0) == Flushed()
    assert delivery.resume() is None
    delivery.close()
    assert not os.path.exists(os.path.dirname(path))


def test_the_main_process_loads_neither_sqlite_nor_the_http_library_before_the_first_event() -> None:
    code = f"""if True:
        import sys
        sys.path.insert(0, {ROOT!r})
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery, _delivery_settings
        delivery = _delivery.Delivery(_delivery_settings.DeliverySettings('/nowhere/o'))
        delivery.flush(1.0)
        delivery.resume()
        delivery.close()
        sys.exit(bool({{'sqlite3', 'requests', 'ssl', 'ansible.constants'}} & set(sys.modules)))"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_main_process_never_loads_the_http_library(pagerduty: Simulator, path: str) -> None:
    code = f"""if True:
        import sys
        sys.path.insert(0, {ROOT!r})
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery, _delivery_settings
        from ansible_collections.oncall.pagerduty.tests.support.events import alert, route
        import threading
        delivery = _delivery.Delivery(_delivery_settings.DeliverySettings({path!r}))
        delivery.hand_over(alert('k'), route({pagerduty.url!r}))
        assert delivery.flush(60.0).accepted == 1
        assert threading.active_count() == 1
        sys.exit(bool({{'requests', 'urllib3', 'ssl'}} & set(sys.modules)))"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_refused_events_are_counted_with_the_reason(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=400))
    delivery = make()
    delivery.hand_over(alert("bad"), route(pagerduty.url))
    delivery.hand_over(alert("good"), route(pagerduty.url))
    flushed = delivery.flush(60.0)
    assert (flushed.accepted, flushed.waiting, flushed.set_aside) == (1, 0, 1)
    assert "HTTP 400" in str(flushed.problem)


def test_says_whether_an_event_would_overtake_another(
    make: Callable[..., Delivery], path: str, pagerduty: Simulator
) -> None:
    assert not make().is_waiting(alert("k"))
    assert not os.path.exists(path)
    make().hand_over(alert("k"), route(NOWHERE))
    delivery = make()
    assert delivery.is_waiting(alert("k", "resolve"))
    assert not delivery.is_waiting(alert("other"))
    delivery.hand_over(alert("other"), route(pagerduty.url))
    assert delivery.flush(60.0).accepted == 1
    assert not delivery.is_waiting(alert("other"))


def without_courier(make: Callable[..., Delivery], **settings: Any) -> Delivery:
    """A delivery whose courier is gone, with an event that waits for it."""
    delivery = make(**settings)
    delivery.hand_over(alert("k", summary="db1 failed"), route(NOWHERE, 0.2))
    for pid in couriers(delivery):
        end(pid)
    delivery._depots[0].outbox.release_all()
    return delivery


def make_old(delivery: Delivery) -> None:
    with delivery._depots[0].database.transaction() as cursor:
        cursor.execute("UPDATE events SET aged_from = 0")


DROPPED_BY_AGE = (
    "1 event was dropped unsent, after a wait that was longer than outbox_max_age: PagerDuty has not accepted it"
    " (trigger: db1 failed)."
)


def test_the_next_run_tells_what_was_dropped_by_age(make: Callable[..., Delivery], path: str) -> None:
    make_old(without_courier(make, max_age=3600.0))
    assert make(max_age=3600.0).resume() == DROPPED_BY_AGE
    assert make(max_age=3600.0).resume() is None
    assert not os.path.exists(f"{path}.unsent")
    assert DROPPED_BY_AGE in Path(f"{path}.log").read_text()


def test_the_next_run_tells_what_a_courier_dropped_by_age(make: Callable[..., Delivery], path: str) -> None:
    earlier = without_courier(make, max_age=3600.0)
    make_old(earlier)
    earlier._depots[0].courier.ensure()
    wait_until(earlier._depots[0].outbox.is_empty, 60.0)
    assert make().resume() == DROPPED_BY_AGE
    assert DROPPED_BY_AGE in Path(f"{path}.log").read_text()


def test_an_event_that_is_handed_over_tells_what_is_dropped_by_age(make: Callable[..., Delivery]) -> None:
    delivery = without_courier(make, max_age=3600.0)
    make_old(delivery)
    warning = delivery.hand_over(alert("new"), route(NOWHERE, 0.2)).warning
    assert warning == "Events that have waited for longer than outbox_max_age are dropped unsent."


def test_says_why_a_backlog_waits_and_how_long(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    delivery = make(max_events_per_minute=5)
    for number in range(12):
        delivery.hand_over(alert(f"k{number}"), route(pagerduty.url))
    pagerduty.wait_for(lambda sim: len(sim.accepted) == 5, timeout=60)
    wait_until(lambda: delivery._depots[0].outbox.counts().waiting == 7, 60.0)
    reason = "PagerDuty's limit of 5 events a minute for each integration key; done in about 2 minutes"
    flushed = delivery.flush(0.0)
    assert flushed == Flushed(5, waiting=7, problem=reason, unheard=flushed.unheard, outlook=flushed.outlook)
    assert flushed.unheard == {lane_of(KEY, f"k{number}") for number in range(5, 12)}


def test_cancelled_pairs_are_counted_as_dropped(make: Callable[..., Delivery]) -> None:
    delivery = make(prune_superseded=True)
    delivery.hand_over(alert("k"), route(NOWHERE))
    for pid in couriers(delivery):
        end(pid)
    delivery._depots[0].outbox.release_all()
    with delivery._depots[0].database.transaction() as cursor:
        cursor.execute("UPDATE events SET maybe_taken = 0")
    delivery.hand_over(alert("k", "resolve"), route(NOWHERE))
    assert delivery.flush(0.0).dropped == 2


# --- the wait at the end --------------------------------------------------------------------------------------------


def test_the_wait_is_bounded_and_what_is_left_is_counted(make: Callable[..., Delivery]) -> None:
    delivery = make()
    delivery.hand_over(alert("k"), route(NOWHERE))
    clock = Clock()
    outbox = delivery._depots[0].outbox

    def until_it_was_tried(_seconds: float) -> None:
        time.sleep(0.02)
        clock.go_on(3.0 if outbox.last_problem(delivery._run) else 0.0)

    delivery._clock, delivery._sleep = clock, until_it_was_tried
    flushed = delivery.flush(3.0)
    assert clock() == Clock()() + 3.0
    assert (flushed.accepted, flushed.waiting) == (0, 1)
    assert "no connection" in str(flushed.problem)


def test_other_runs_events_are_not_waited_for(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    earlier = make()
    earlier.hand_over(alert("stuck"), route(NOWHERE))
    delivery = make()
    delivery.hand_over(alert("k"), route(pagerduty.url))
    assert delivery.flush(60.0) == Flushed(accepted=1)


def test_ctrl_c_ends_the_wait_only(make: Callable[..., Delivery]) -> None:
    delivery = make()
    delivery.hand_over(alert("k"), route(NOWHERE))

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    delivery._sleep = interrupted
    flushed = delivery.flush(60.0)
    assert (flushed.interrupted, flushed.waiting) == (True, 1)


# --- the courier's life ---------------------------------------------------------------------------------------------


def test_the_courier_is_in_a_session_of_its_own_and_holds_nothing_of_ours(
    make: Callable[..., Delivery], pagerduty: Simulator, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGERDUTY_ROUTING_KEY", KEY)
    with open(tmp_path / "ours", "w") as ours:
        os.set_inheritable(ours.fileno(), True)
        delivery = make()
        delivery.hand_over(alert("k"), route(pagerduty.url))
        delivery.flush(60.0)
    (pid,) = couriers(delivery)
    assert os.getsid(pid) == pid
    assert {file for file in open_files(pid) if not file.startswith("socket:")} <= {
        "/dev/null",
        *(path + suffix for suffix in ("", "-wal", "-shm", ".lock", ".courier", ".log")),
    }
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    for what in ("cmdline", "environ"):
        assert KEY.encode() not in Path(f"/proc/{pid}/{what}").read_bytes()


def test_a_killed_courier_is_replaced_and_nothing_is_lost(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("latency", seconds=1.0, count=2))
    delivery = make()
    delivery.hand_over(alert("k"), route(pagerduty.url))
    pagerduty.wait_for(lambda seen: seen.requests, 60.0)
    end(*couriers(delivery))
    assert delivery.flush(60.0) == Flushed(accepted=1)
    assert [len(incident.log) for incident in pagerduty.incidents] == [2]


def test_a_courier_that_keeps_dying_is_not_started_for_ever(
    make: Callable[..., Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    delivery = make()
    delivery.hand_over(alert("k"), route(NOWHERE))
    began = time.monotonic()
    flushed = delivery.flush(200.0)
    assert time.monotonic() - began < 100.0
    assert flushed.waiting == 1
    assert "keeps ending" in str(flushed.problem)


@pytest.mark.parametrize("executable", ["/no/python", None])  # None: Python does not know, as in some embeddings
def test_a_courier_that_cannot_be_started_is_told_once(
    make: Callable[..., Delivery], monkeypatch: pytest.MonkeyPatch, pagerduty: Simulator, executable: str | None
) -> None:
    delivery = make()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", executable)
        handed = [delivery.hand_over(alert("k"), route(pagerduty.url)) for _event in range(2)]
    assert [one.kept for one in handed] == [True, True]
    assert "cannot be started" in str(handed[0].warning)
    assert handed[1].warning is None
    assert delivery.flush(60.0).accepted == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_the_attempt_and_keeps_the_rest(
    make: Callable[..., Delivery], pagerduty: Simulator, number: int
) -> None:
    pagerduty.add_fault(Fault("latency", seconds=1.0, count=100))
    delivery = make()
    for event in range(12):
        delivery.hand_over(alert(f"k{event}"), route(pagerduty.url))
    pagerduty.wait_for(lambda seen: seen.requests, 60.0)
    (pid,) = couriers(delivery)
    os.kill(pid, number)
    wait_until(lambda: not is_alive(pid))
    entries = delivery._depots[0].outbox.entries()
    assert {entry.state for entry in entries} == {"waiting"}
    assert len(entries) + len(pagerduty.accepted) == 12
    assert 1 <= len(pagerduty.accepted) < 12


PARENT = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.tests.support.events import alert, route
delivery = Delivery(DeliverySettings(sys.argv[2], courier_linger=float(sys.argv[4]), retry_max_interval=0.5))
for number in range(int(sys.argv[5])):
    assert delivery.hand_over(alert(f"k{number}"), route(sys.argv[3])).kept
print(delivery._depots[0].courier.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_parent(path: str, url: str, linger: float, events: int) -> int:
    """A process that hands events over and is killed at once; returns the process id of its courier."""
    arguments = [ROOT, path, url, str(linger), str(events)]
    done = subprocess.run([sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    return int(done.stdout)


def test_the_courier_of_a_killed_process_sends_what_was_committed_and_ends(path: str, pagerduty: Simulator) -> None:
    pid = killed_parent(path, pagerduty.url, 30.0, 20)
    wait_until(lambda: not is_alive(pid))
    assert len(pagerduty.incidents) == 20


def test_the_courier_of_a_killed_process_ends_in_time_if_it_cannot_send(path: str) -> None:
    pid = killed_parent(path, NOWHERE, 1.0, 2)
    wait_until(lambda: not is_alive(pid))


def test_the_next_run_sends_what_is_left(
    make: Callable[..., Delivery], path: str, pagerduty: Simulator, tmp_path: Path
) -> None:
    port = pagerduty.url
    pagerduty.stop()
    courier = killed_parent(path, port, 0.0, 3)
    wait_until(lambda: not is_alive(courier))
    pagerduty.start()
    # A port of its own may be another one now, so the events' route decides what can be tested here.
    if pagerduty.url != port:
        pytest.skip("the port was taken")
    assert make().resume() is None
    pagerduty.wait_for(lambda seen: len(seen.incidents) == 3, 60.0)


def an_outbox_of_the_first_version(path: str, url: str) -> None:
    """Make one with something in each of its tables, as a run of this boot has left it."""
    os.mkdir(os.path.dirname(path), 0o700)
    up, now, fingerprint = _steady.uptime(), time.time(), fingerprint_of(KEY)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in _schema.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("INSERT INTO clock VALUES (?, ?)", (_steady.read_boot_id(), now - up))
        claimed, refused = ("host:1:dead", now + 3600.0, None), (None, None, "no such key")
        for event, (owner, lease_until, set_aside) in (
            (alert("new"), (None, None, None)),
            (alert("known", "resolve"), (None, None, None)),
            (alert("under way"), claimed),
            (alert("refused"), refused),
            (change(), (None, None, None)),
        ):
            said = (event.api.name, event.body, fingerprint, event.dedup_key)
            action = event.shown().get("event_action", "change")
            connection.execute(
                """INSERT INTO events (run, api, body, fingerprint, dedup_key, action, summary, base_url, route,
                    created, next_attempt, owner, lease_until, set_aside)
                    VALUES ('old', ?, ?, ?, ?, ?, 'disk full', ?, ?, ?, ?, ?, ?, ?)""",
                (*said, action, url, route(url).encoded(), now - 60.0, now - 60.0, owner, lease_until, set_aside),
            )
        connection.execute("INSERT INTO sends (fingerprint, at) VALUES (?, ?)", (fingerprint, now - 60.0))
        connection.execute("INSERT INTO drops VALUES ('purged', 'old', 5)")
        connection.execute("INSERT INTO opened VALUES (?, 'known')", (fingerprint,))
        connection.execute(
            "INSERT INTO incidents VALUES (1, ?, 'new', 'deploy.yml', '{}', 'triggered', 'failed', ?, ?)",
            (fingerprint, now - 60.0, now - 60.0),
        )
        connection.execute("INSERT INTO places VALUES (1, 'web1', 'there', ?, NULL)", (now - 60.0,))
        connection.execute("PRAGMA user_version = 1")
    Path(f"{path}.unsent").touch(0o600)


def test_an_outbox_of_the_first_version_goes_on(make: Callable[..., Delivery], path: str, pagerduty: Simulator) -> None:
    an_outbox_of_the_first_version(path, pagerduty.url)
    delivery = make()
    assert delivery.resume() is None
    assert delivery.hand_over(alert("new", "resolve"), route(pagerduty.url)).warning is None
    assert delivery.flush(60.0) == Flushed(accepted=1)
    outbox = delivery.outbox()
    wait_until(outbox.is_empty)
    assert (outbox.counts().set_aside, outbox.counts().dropped) == (1, {"purged": 5})
    assert [outbox.has_opened(fingerprint_of(KEY), key) for key in ("under way", "known", "new")] == [
        True,
        False,
        False,
    ]

    assert outbox.retry() == 1
    wait_until(outbox.is_empty)
    sent = [(one.dedup_key, one.action) for one in pagerduty.accepted]
    assert [one for one in sent if one[0] == "new"] == [("new", "trigger"), ("new", "resolve")]
    assert {("known", "resolve"), ("under way", "trigger"), ("refused", "trigger")} < set(sent)
    assert len(sent) == 6
    (incident,) = delivery.ledger().incidents_of("deploy.yml")
    assert [(place.host, place.still_failing) for place in incident.places] == [("web1", True)]


def test_one_courier_for_an_outbox(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    first, second = make(), make()
    first.hand_over(alert("a"), route(pagerduty.url))
    assert first.flush(60.0).accepted == 1
    second.hand_over(alert("b"), route(pagerduty.url))
    assert second.flush(10.0).accepted == 1
    (working,) = couriers(first)
    assert couriers(second) == [], "it relies on the other run's"
    end(working)
    second.hand_over(alert("c"), route(pagerduty.url))
    assert second.flush(10.0).accepted == 2
    (next_one,) = couriers(second)
    assert next_one != working


@pytest.mark.slow
def test_a_courier_that_gives_way_is_not_taken_for_one_that_keeps_dying(
    make: Callable[..., Delivery], pagerduty: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make(), make()
    first.hand_over(alert("a"), route(pagerduty.url))
    assert first.flush(10.0).accepted == 1
    # As if each look had come before the other courier began.
    monkeypatch.setattr(CourierProcess, "_is_there", lambda _self: False)
    pagerduty.add_fault(Fault("latency", seconds=3.0, count=1))
    second.hand_over(alert("b"), route(pagerduty.url))
    assert second.flush(30.0) == Flushed(accepted=1)
    process = second._depots[0].courier
    wait_until(lambda: not is_alive(process.pid or 0), 30.0)
    for _time in range(7):
        assert process.ensure() is None
        wait_until(lambda: not is_alive(process.pid or 0), 30.0)
    assert couriers(first) == [first._depots[0].courier.at_work()]


# --- one wait for a command -----------------------------------------------------------------------------------------


def test_all_waits_of_a_command_share_one_budget(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    clock = Clock()
    delivery = make()
    delivery._clock, delivery._sleep = clock, clock.go_on
    pagerduty.add_fault(Fault("black_hole", count=100))
    waited = []
    for playbook in range(4):
        delivery.begin_anew()
        delivery.hand_over(alert(f"k{playbook}"), route(pagerduty.url))
        began = clock()
        assert delivery.flush(4.0).waiting == 1
        waited.append(clock() - began)
    assert waited == [pytest.approx(4.0, abs=0.1), 0.0, 0.0, 0.0]


def test_a_short_wait_leaves_the_rest_to_the_next_playbook(make: Callable[..., Delivery]) -> None:
    clock = Clock()
    delivery = make()
    delivery._clock, delivery._sleep = clock, clock.go_on
    delivery.hand_over(alert("k"), route(NOWHERE))
    for timeout, expected in ((1.0, 1.0), (4.0, 3.0), (4.0, 0.0), (5.0, 1.0)):
        began = clock()
        delivery.flush(timeout)
        assert clock() - began == pytest.approx(expected, abs=0.1)


# --- forks ----------------------------------------------------------------------------------------------------------


def test_a_forked_worker_hands_over_by_itself(make: Callable[..., Delivery], pagerduty: Simulator) -> None:
    delivery = make(courier_linger=10.0)
    delivery.hand_over(alert("parent"), route(pagerduty.url))
    worker = os.fork()
    if not worker:
        status = 1
        try:
            handed = delivery.hand_over(alert("worker"), route(pagerduty.url))
            status = 0 if handed.kept and delivery.flush(60.0) == Flushed(accepted=1) else 2
        finally:
            os._exit(status)
    assert os.waitpid(worker, 0)[1] == 0
    delivery.hand_over(alert("parent", "resolve"), route(pagerduty.url))
    assert delivery.flush(60.0) == Flushed(accepted=2)
    assert sorted(incident.dedup_key for incident in pagerduty.incidents) == ["parent", "worker"]


# --- when the outbox cannot be used ---------------------------------------------------------------------------------


@pytest.fixture
def substitute(path: str) -> Iterator[str]:
    found = substitute_path(path)
    yield found
    folder = Path(found).parent
    for file in folder.glob("*") if folder.exists() else ():
        file.unlink()
    folder.rmdir()


def corrupt(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database, " * 1000)


def not_a_folder(path: Path) -> None:
    path.parent.touch()


@pytest.mark.parametrize("damage", [corrupt, not_a_folder])
def test_a_broken_outbox_is_one_warning_and_delivery_goes_on(
    make: Callable[..., Delivery], path: str, pagerduty: Simulator, substitute: str, damage: Callable[[Path], None]
) -> None:
    damage(Path(path))
    delivery = make()
    first = delivery.hand_over(alert("k"), route(pagerduty.url))
    second = delivery.hand_over(alert("k", "resolve"), route(pagerduty.url))
    assert (first.kept, second.kept) == (True, True)
    assert path in str(first.warning)
    assert "kept in memory" in str(first.warning)
    assert "\n" not in str(first.warning)
    assert second.warning is None
    assert delivery.flush(60.0) == Flushed(accepted=2)
    assert [incident.status for incident in pagerduty.incidents] == ["resolved"]
    assert os.path.exists(substitute)


def test_without_any_place_the_loss_is_told_and_nothing_is_raised(
    make: Callable[..., Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = make(outbox_path="/proc/nowhere/o")
    monkeypatch.setattr(_substitute, "_bases", lambda: ["/proc/nowhere"])
    monkeypatch.setattr(sys, "executable", "/proc/nowhere/python")
    handed = delivery.hand_over(alert("k"), route(NOWHERE))
    assert not handed.kept
    assert str(handed.warning).startswith("The event is lost: ")
    assert_no_secret(handed, KEY)
    assert delivery.flush(1.0) == Flushed()


def test_an_event_goes_behind_what_still_waits_elsewhere_about_the_same_incident(
    make: Callable[..., Delivery], path: str, pagerduty: Simulator, substitute: str
) -> None:
    Path(path).parent.write_text("")
    pagerduty.add_fault(Fault("status", code=503, count=1_000_000))
    broken, mended = make(retry_base_interval=0.05, retry_max_interval=0.1), make()
    broken.hand_over(alert("k"), route(pagerduty.url))
    Path(path).parent.unlink()
    assert mended.is_waiting(alert("k", "resolve"))
    assert mended.hand_over(alert("k", "resolve"), route(pagerduty.url)).warning is None
    mended.hand_over(alert("other"), route(pagerduty.url))
    pagerduty.clear_faults()
    assert mended.flush(30.0) == Flushed(accepted=2)
    assert [(one.dedup_key, one.action) for one in pagerduty.accepted if one.dedup_key == "k"] == [
        ("k", "trigger"),
        ("k", "resolve"),
    ]


def cut_off(path: Path) -> None:
    for file in (path, Path(f"{path}-wal")):
        os.truncate(file, 0)


def overwritten(path: Path) -> None:
    for file in (path, Path(f"{path}-wal")):
        file.write_bytes(os.urandom(len(file.read_bytes())))


def removed(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    path.rename(f"{path}.old")
    path.touch(0o600)


@pytest.mark.parametrize("harm", [cut_off, overwritten, removed, replaced])
def test_what_became_of_events_in_a_file_that_broke_is_not_made_up(
    make: Callable[..., Delivery], path: str, pagerduty: Simulator, substitute: str, harm: Callable[[Path], None]
) -> None:
    delivery = make()
    delivery.hand_over(alert("before"), route(pagerduty.url))
    pagerduty.wait_for(lambda seen: len(seen.incidents) == 1, 30.0)
    harm(Path(path))
    handed = delivery.hand_over(alert("after"), route(pagerduty.url))
    assert handed.kept
    assert "kept in memory instead" in str(handed.warning)
    flushed = delivery.flush(30.0)
    assert flushed.accepted + flushed.unknown == 2
    assert flushed.accepted >= 1
    assert (flushed.waiting, flushed.dropped) == (0, 0)
    assert bool(flushed.unknown) == bool(flushed.problem)
    assert len(pagerduty.incidents) == 2
    delivery.begin_anew()
    assert delivery.flush(5.0) == Flushed()


@pytest.mark.parametrize("harm", [cut_off, removed])
def test_what_still_waited_in_a_file_that_broke_is_not_said_to_wait(
    make: Callable[..., Delivery], path: str, harm: Callable[[Path], None]
) -> None:
    delivery = make()
    delivery.hand_over(alert("before"), route(NOWHERE))
    harm(Path(path))
    flushed = delivery.flush(0.0)
    assert (flushed.accepted, flushed.waiting, flushed.unknown) == (0, 0, 1)
    assert path in str(flushed.problem)


def test_a_full_outbox_is_told(make: Callable[..., Delivery]) -> None:
    delivery = make(max_events=2)
    warnings = [delivery.hand_over(alert(f"k{number}"), route(NOWHERE, 0.2)).warning for number in range(8)]
    told = [warning for warning in warnings if warning]
    assert len(told) == 1
    assert "oldest events are dropped" in told[0]


def test_the_log_says_what_happened_and_nothing_secret(
    make: Callable[..., Delivery], path: str, pagerduty: Simulator
) -> None:
    pagerduty.add_fault(Fault("status", code=503, body=f"key {KEY}"))
    delivery = make(retry_base_interval=0.1)
    delivery.hand_over(alert("k", summary=f"key {KEY}"), route(pagerduty.url))
    assert delivery.flush(60.0).accepted == 1
    log = Path(f"{path}.log").read_text()
    assert "HTTP 503" in log
    assert "accepted" in log
    assert_no_secret(log, KEY)


def test_what_was_handed_over_in_a_step_that_came_to_nothing_is_not_counted(make: Callable[..., Delivery]) -> None:
    delivery = make()

    def hand_over_in_vain() -> None:
        with delivery.ledger().one_step():
            assert delivery.hand_over(alert("k", "resolve"), route(NOWHERE)).kept
            raise RuntimeError("stands for a disk that is full when the transaction ends")

    with pytest.raises(RuntimeError):
        hand_over_in_vain()
    assert delivery.flush(0.0) == Flushed()
    delivery.hand_over(alert("k", "resolve"), route(NOWHERE))
    assert delivery.flush(0.0).waiting == 1
